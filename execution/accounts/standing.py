"""Whether what this instance holds is surely its own."""

from datetime import datetime


class Standing:
    """No other takes an instance's accounts for a while after its heartbeat. Whoever stood still
    for longer sends nothing before it knows what others took."""

    def __init__(self) -> None:
        # Database time; None where nobody else could.
        self._until: datetime | None = None

    def hold(self, until: datetime) -> None:
        """A heartbeat was stored, and nothing was taken before it."""
        self._until = until

    def is_sure(self, now: datetime) -> bool:
        """True while nobody can have taken anything."""
        return self._until is None or now < self._until
