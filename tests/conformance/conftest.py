"""The brokers that the suite runs against. A new adapter adds its stand to STANDS."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Protocol

import pytest

from execution import reference
from execution.brokers.base import Adapter
from execution.brokers.paper import PaperAdapter
from protos.paper.v1 import paper_pb2 as pb
from tests.conftest import Database
from tests.paper_venue import PaperVenue

ACCOUNT = "conformance"
TODAY = datetime.now(UTC).date()


class Stand(Protocol):
    """A broker to try an adapter against: its twin, and how to hurt it."""

    adapter: Adapter
    account: str

    async def open(self) -> None:
        """Start the twin."""

    async def close(self) -> None:
        """Stop the twin."""

    async def break_stream(self) -> None:
        """End the adapter's stream; the broker is back at once."""

    async def silence(self) -> None:
        """Take the next order in without a word."""

    async def swallow(self) -> None:
        """Let the next order vanish on its way."""

    async def refuse(self) -> None:
        """Refuse the next order."""


class PaperStand:
    """The paper venue, in this process."""

    def __init__(self, database: Database) -> None:
        self.account = ACCOUNT
        self.venue = PaperVenue(database.url("paper"))

    async def open(self) -> None:
        # The first look at the calendar loads a library, which a busy machine takes long for.
        reference.day("us", TODAY)
        await self.venue.start()
        self.adapter: Adapter = PaperAdapter(self.venue.target, timeout_seconds=0.7)

    async def close(self) -> None:
        await self.venue.stop()

    async def break_stream(self) -> None:
        await self.venue.restart()

    async def silence(self) -> None:
        await self._plan(pb.FAULT_KIND_LOST_REPLY)

    async def swallow(self) -> None:
        await self._plan(pb.FAULT_KIND_DROP)

    async def refuse(self) -> None:
        await self._plan(pb.FAULT_KIND_REJECT)

    async def _plan(self, kind: pb.FaultKind) -> None:
        await self.venue.plan(self.account, pb.Fault(nth=1, kind=kind))


STANDS = {"paper": PaperStand}


@pytest.fixture(params=sorted(STANDS))
async def stand(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Stand]:
    """One broker after the other."""
    standing: Stand = STANDS[request.param](database)
    await standing.open()
    yield standing
    await standing.close()
