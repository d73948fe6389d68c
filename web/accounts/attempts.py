"""How often sign-in may fail, by address and by address and e-mail.

Counted in this process's memory: with N web processes a guesser has N times as many
tries, which argon2 and twelve characters allow.
"""

import threading
import time
from collections.abc import Callable

WINDOW_SECONDS = 15 * 60
PER_LOGIN = 10
PER_ADDRESS = 50
_KEPT = 20_000


class Attempts:
    """Failed sign-ins of the last quarter of an hour."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def wait_seconds(self, email: str, address: str) -> int:
        """0 when another try is allowed, else how long to wait."""
        now = self._clock()
        with self._lock:
            waits = [
                recent[0] + WINDOW_SECONDS - now
                for key, limit in self._keys(email, address)
                if len(recent := self._recent(key, now)) >= limit
            ]
        return max(1, round(max(waits))) if waits else 0

    def failed(self, email: str, address: str) -> None:
        """Count one failure."""
        now = self._clock()
        with self._lock:
            if len(self._failed) > _KEPT:
                self._failed.clear()
            for key, _ in self._keys(email, address):
                self._failed[key] = [*self._recent(key, now), now]

    def succeeded(self, email: str, address: str) -> None:
        """Forget the failures of this login."""
        with self._lock:
            self._failed.pop(f"{address} {email}", None)

    def _keys(self, email: str, address: str) -> tuple[tuple[str, int], ...]:
        return (f"{address} {email}", PER_LOGIN), (address, PER_ADDRESS)

    def _recent(self, key: str, now: float) -> list[float]:
        return [at for at in self._failed.get(key, ()) if at > now - WINDOW_SECONDS]
