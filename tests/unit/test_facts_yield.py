"""Reading facts leaves the machine to what is to be sent."""

import asyncio
from collections.abc import Iterator
from itertools import chain, pairwise, repeat
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
        # How many facts are on each, where they are not full.
        self.pages: Iterator[int] = iter(())

    async def facts_after(self, cursor: str, most: int) -> Page:
        self.read_at.append(asyncio.get_running_loop().time())
        return Page([pb.Fact().SerializeToString()] * next(self.pages, most), cursor)


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


@pytest.mark.parametrize(
    ("last", "waits_long"),
    [(4, False), (20, True), (1000, False)],
    ids=["one order", "several", "hundreds"],
)
async def test_facts_of_several_orders_are_gathered_longer(
    monkeypatch: pytest.MonkeyPatch, last: int, *, waits_long: bool
) -> None:
    monkeypatch.setattr(facts, "GATHER_SECONDS", 0.0)
    monkeypatch.setattr(facts, "BUSY_GATHER_SECONDS", 0.05)
    store, bell = Endless(), Bell()
    service = Service(cast("Store", store), cast("Holding", None), bell)
    store.pages = iter([last, 1])
    pages = service.stream_facts(pb.StreamFactsRequest(max_facts=2000))
    await anext(pages)
    following = asyncio.ensure_future(anext(pages))
    await asyncio.sleep(0.01)
    bell.ring()
    await following
    first, second = store.read_at
    assert (second - first >= 0.05) is waits_long


async def test_a_stream_that_has_nothing_to_tell_says_so_and_forgets_that_it_was_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(facts, "QUIET_SECONDS", 0.02)
    monkeypatch.setattr(facts, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(facts, "GATHER_SECONDS", 0.0)
    monkeypatch.setattr(facts, "BUSY_GATHER_SECONDS", 60.0)
    store, bell = Endless(), Bell()
    service = Service(cast("Store", store), cast("Holding", None), bell)
    store.pages = chain([20], repeat(0))
    pages = service.stream_facts(pb.StreamFactsRequest(cursor="7-7", max_facts=2000))
    await anext(pages)
    told = pb.StreamFactsResponse.FromString(await asyncio.wait_for(anext(pages), 5))
    assert told == pb.StreamFactsResponse(cursor="7-7")
    store.pages = chain([0], repeat(1))
    following = asyncio.ensure_future(anext(pages))
    await asyncio.sleep(0.005)
    bell.ring()
    assert len(pb.StreamFactsResponse.FromString(await asyncio.wait_for(following, 5)).facts) == 1
