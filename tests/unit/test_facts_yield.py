"""Reading facts leaves the machine to what is to be sent."""

import asyncio
from itertools import pairwise
from typing import cast

import pytest

from execution.holding.holding import Holding
from execution.journal import facts
from execution.journal.facts import Bell
from execution.journal.store import Page, Store
from execution.service.service import Service
from protos.execution.v1 import execution_pb2 as pb


class Endless:
    """A store in which there is always another page; it knows when each was read."""

    def __init__(self) -> None:
        self.read_at: list[float] = []

    async def facts_after(self, cursor: str, most: int) -> Page:
        self.read_at.append(asyncio.get_running_loop().time())
        return Page([pb.Fact().SerializeToString()] * most, cursor)


@pytest.mark.parametrize("is_pressed", [False, True], ids=["calm", "pressed"])
async def test_pages_come_slowly_while_many_orders_wait_to_be_written_down(
    monkeypatch: pytest.MonkeyPatch, *, is_pressed: bool
) -> None:
    monkeypatch.setattr(facts, "YIELD_SECONDS", 0.03)
    store, bell = Endless(), Bell()
    bell.is_pressed = lambda: is_pressed
    service = Service(cast("Store", store), cast("Holding", None), bell)
    pages = service.stream_facts(pb.StreamFactsRequest(max_facts=1))
    for _ in range(3):
        await anext(pages)
    rests = [later - before for before, later in pairwise(store.read_at)]
    assert all((rest >= 0.03) is is_pressed for rest in rests)
