"""Whether what this instance holds is surely its own."""

from datetime import datetime, timedelta


class Standing:
    """No other takes an instance's accounts for a while after its heartbeat. Whoever stood still
    for longer sends nothing before it knows what others took."""

    def __init__(self) -> None:
        # Database time; None where nobody else could.
        self._until: datetime | None = None

    def hold(self, until: datetime) -> None:
        """A heartbeat was stored, and nothing was taken before it."""
        self._until = until

    def step(self, by: timedelta) -> None:
        """Our clock was set. Where it is late, time passed that it did not see."""
        if self._until is not None:
            self._until += min(by, timedelta(0))

    def is_sure(self, now: datetime) -> bool:
        """True while nobody can have taken anything."""
        return self._until is None or now < self._until
