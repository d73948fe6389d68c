"""Whether many orders wait to be written down: what can wait leaves the machine to them.

Reports are heard slower then, and read models are fed less often. Both only for a while, as
what is heard of orders matters as well: whoever is pressed for long goes on as if nobody were.
"""

from collections.abc import Callable

# With so many orders to be written down.
MANY_SENDS = 100
# Between two batches of one wide signal there may be few for a moment.
LINGERS_SECONDS = 0.1
# What was heard takes one part of the time, and leaves so many.
REST_PARTS = 4
MOST_REST_SECONDS = 0.25
# Nobody is held up for longer than a fan-out to ten thousand takes, and then not for a while.
PATIENCE_SECONDS = 3.0
RELIEF_SECONDS = 1.0


class Pressure:
    """Told how many orders wait, whenever one more does. Times are monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = self._last = float("-inf")

    def see(self, sends: int) -> None:
        """So many orders wait to be written down."""
        if sends >= MANY_SENDS:
            now = self._clock()
            if now - self._last > RELIEF_SECONDS:
                self._began = now
            self._last = now

    def is_high(self) -> bool:
        """True while many wait, and not for long."""
        now = self._clock()
        return now - self._last < LINGERS_SECONDS and now - self._began < PATIENCE_SECONDS

    def rest_after(self, seconds: float) -> float:
        """For how long to hear nothing, after hearing for so long."""
        return min(REST_PARTS * seconds, MOST_REST_SECONDS) if self.is_high() else 0.0
