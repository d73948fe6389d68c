"""The one job that a worker does, whatever else somebody has written into Redis."""

from collections.abc import Callable, Mapping
from typing import Any

from rq.job import Job
from rq.utils import import_attribute

FUNCTION = "web.jobs.drain"


class NotOurs(Exception):
    """Somebody else has put this job on the queue; it is not done."""


class BellJob(Job):
    """A look at one shard.

    A job names what is to be called, before, after and over HTTP, and a reader of JSON does not
    mind which names those are: whoever may write to Redis could run anything. So only one is.
    """

    @property
    def func(self) -> Callable[..., Any]:
        """What to call. Raises NotOurs."""
        if self.func_name != FUNCTION:
            raise NotOurs(f"job {self.id} would call {self.func_name!r}")
        return import_attribute(FUNCTION)

    @property
    def success_callback(self) -> None:
        """Nobody is told."""

    @property
    def failure_callback(self) -> None:
        """Nobody is told."""

    @property
    def stopped_callback(self) -> None:
        """Nobody is told."""

    def restore(self, raw_data: Mapping[Any, Any]) -> Any:
        """Read what Redis holds, without what would go on after it."""
        found = super().restore(raw_data)
        self.webhooks = []
        self.retries_left = self.repeats_left = None
        return found
