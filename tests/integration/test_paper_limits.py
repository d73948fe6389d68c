"""A paper account with a limit counts requests as a broker would, and says so."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from execution.brokers.base import RateLimited, Usage
from execution.domain.ratelimit import Scope
from protos.paper.v1 import paper_pb2 as pb
from tests.conftest import Database
from tests.paper_venue import Listener, PaperVenue, an_order, listening


class Clock:
    """The venue's; it moves when it is told."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 20, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
async def timed(database: Database) -> AsyncIterator[tuple[PaperVenue, Clock]]:
    clock = Clock()
    venue = PaperVenue(database.url("paper"), clock=clock)
    await venue.start()
    await limit(venue, 2)
    yield venue, clock
    await venue.stop()


async def limit(venue: PaperVenue, requests_per_minute: int) -> None:
    options = pb.Options(
        visibility_horizon_seconds=1,
        refuses_repeats=True,
        requests_per_minute=requests_per_minute,
    )
    async with venue.stub() as stub:
        await stub.ConfigureAccount(pb.ConfigureAccountRequest(account="acme", options=options))


def usages(client: Listener) -> list[Usage]:
    """What replies tell of the limit, from now on."""
    heard: list[Usage] = []
    client.adapter.on_usage = heard.append
    return heard


async def test_one_request_too_many_is_refused_and_leaves_nothing_behind(
    timed: tuple[PaperVenue, Clock],
) -> None:
    venue, clock = timed
    async with listening(venue, ["acme"]) as client:
        await client.adapter.submit(an_order("one"))
        clock.at += timedelta(seconds=20)
        await client.adapter.cancel("acme", "one")
        with pytest.raises(RateLimited) as refused:
            await client.adapter.submit(an_order("two"))
        assert refused.value.scope is Scope.ACCOUNT
        assert refused.value.retry_after_seconds == pytest.approx(40, abs=0.01)

        with pytest.raises(RateLimited):
            await client.adapter.cancel("acme", "one")
        clock.at += timedelta(seconds=40, milliseconds=1)
        await client.adapter.submit(an_order("two"))

    assert await venue.arrivals() == [("one", "accepted"), ("two", "accepted")]


async def test_replies_say_what_is_left(timed: tuple[PaperVenue, Clock]) -> None:
    venue, clock = timed
    async with listening(venue, ["acme"]) as client:
        heard = usages(client)
        for name in ("one", "two"):
            await client.adapter.submit(an_order(name))
        with pytest.raises(RateLimited):
            await client.adapter.submit(an_order("three"))

    assert [usage.remaining for usage in heard] == [1, 0, 0]
    assert {usage.most for usage in heard} == {2}
    assert heard[0].resets_at == clock.at + timedelta(minutes=1)


async def test_an_accounts_capabilities_have_its_limit(timed: tuple[PaperVenue, Clock]) -> None:
    venue, _ = timed
    await venue.restart()

    async with listening(venue, []) as client:
        limited, free = await client.adapter.capabilities(["acme", "other"])
    assert [limit.most for limit in limited.limits] == [2]
    assert free.limits == ()
