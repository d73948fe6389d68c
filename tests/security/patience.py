"""The demo counts no tries: what is slowed is not tried. The limits have tests of their own."""

import threading
from types import TracebackType

from tests.e2e.stack import Stack

EVERY_SECONDS = 0.3


class Patience:
    """Forgets tries while it is entered."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._forget, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _forget(self) -> None:
        with self._stack.database() as owner:
            while not self._over.wait(EVERY_SECONDS):
                owner.execute("DELETE FROM web.tries")
