"""Keep the certificates of one `fillwire up` good for as long as it runs."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from protos.services import Service

LOOK_SECONDS = 3600.0


@dataclass
class Shown:
    """A folder of certificates; those that are ours are made and renewed."""

    folder: Path
    say: Callable[[str], None]
    is_ours: bool
    _end: threading.Event = field(default_factory=threading.Event)

    def of(self, service: Service) -> Path:
        """What one service shows."""
        return self.folder / service.value

    def keep(self) -> None:
        """Make what is missing now, and look again every hour."""
        if self.is_ours:
            self.renew()
            threading.Thread(target=self._stay, name="certificates", daemon=True).start()

    def leave(self) -> None:
        """Look no more."""
        self._end.set()

    def renew(self) -> None:
        """Renew what is nearly over."""
        # Whoever has no certificates does without the memory.
        from web.ops import authority

        if done := authority.renew(self.folder, authority.now()):
            self.say(f"Made certificates for {', '.join(done)}")

    def _stay(self) -> None:
        while not self._end.wait(LOOK_SECONDS):
            try:
                self.renew()
            except Exception as error:
                self.say(f"Certificates could not be renewed, and is tried again: {error}")
