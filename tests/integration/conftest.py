"""What several integration tests stand on."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import Database
from tests.paper_venue import PaperVenue


@pytest.fixture
async def venue(database: Database) -> AsyncIterator[PaperVenue]:
    """A running venue."""
    running = PaperVenue(database.url("paper"))
    await running.start()
    yield running
    await running.stop()
