"""Orders that can neither be found nor proven absent, and what a person says of them."""

import asyncio
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import SECONDS, Kit, start_server

DROP = paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_DROP)
TAKEN, NOT_IN_DOUBT = pb.DOUBT_STATUS_TAKEN, pb.DOUBT_STATUS_NOT_IN_DOUBT
CHECK, ABSENT, PRESENT = pb.DOUBT_WORD_CHECK, pb.DOUBT_WORD_ABSENT, pb.DOUBT_WORD_PRESENT


pytestmark = pytest.mark.usefixtures("impatient")


async def say(kit: Kit, trade: pb.Trade, word: pb.DoubtWord, *shown: str) -> pb.DoubtStatus:
    request = pb.ResolveDoubtRequest(trade_id=trade.trade_id, word=word, doubts=shown)
    answer: pb.ResolveDoubtResponse = await kit.stub.ResolveDoubt(request, timeout=SECONDS)
    return answer.status


async def doubtful(kit: Kit, *faults: paper_pb2.Fault) -> pb.Trade:
    """An entry that needs attention, at a venue where nothing is proven."""
    await kit.faults(*faults or (DROP,), refuses_repeats=False)
    trade = kit.trade("buy", "5")
    assert await kit.run(trade) == ("NEEDS_ATTENTION", "not_provable")
    return trade


async def ended(kit: Kit, trade: pb.Trade) -> tuple[str, str]:
    await kit.until(lambda: kit.outcomes(trade)[-1][0] != "NEEDS_ATTENTION")
    return kit.outcomes(trade)[-1]


async def arrivals(kit: Kit) -> list[str]:
    async with await psycopg.AsyncConnection.connect(kit.database.owner) as connection:
        rows = await connection.execute("SELECT result FROM paper.arrivals ORDER BY id")
        return [row[0] for row in await rows.fetchall()]


@pytest.mark.rule("G1.declare", "B2.doubt")
async def test_g1_declared_absent_ends_it_without_sending_it_and_frees_the_lane(kit: Kit) -> None:
    trade = await doubtful(kit)
    blocked = kit.trade("buy", "2", allow_add=True)
    await kit.submit(blocked)
    await kit.until(lambda: ("BLOCKED", "in_doubt") in kit.outcomes(blocked))

    assert await say(kit, trade, ABSENT) == TAKEN
    assert await ended(kit, trade) == ("SKIPPED", "declared_absent")
    await kit.until(lambda: kit.outcomes(blocked)[-1][0] == "FILLED")
    assert await kit.venue_positions() == {"AAPL": "2"}
    assert await arrivals(kit) == ["accepted"]


async def test_saying_it_again_changes_nothing_and_the_first_word_holds(kit: Kit) -> None:
    trade = await doubtful(kit)
    assert [await say(kit, trade, ABSENT) for _ in range(3)] == [TAKEN] * 3
    await ended(kit, trade)
    assert await say(kit, trade, ABSENT) == TAKEN
    assert await say(kit, trade, PRESENT) == NOT_IN_DOUBT
    await kit.read_facts()
    assert [o for o in kit.outcomes(trade) if o[1].startswith("declared")] == [
        ("SKIPPED", "declared_absent")
    ]


async def test_a_word_survives_a_restart_before_it_was_acted_on(kit: Kit) -> None:
    trade = await doubtful(kit)
    async with await psycopg.AsyncConnection.connect(kit.database.owner) as connection:
        await connection.execute(
            "UPDATE execution.instructions i SET declared = "
            "jsonb_build_object(o.cl_ord_id, 'declared_absent') "
            "FROM execution.orders o WHERE o.trade_id = i.trade_id"
        )
    await kit.restart()
    await kit.until(lambda: kit.outcomes(trade)[-1] == ("SKIPPED", "declared_absent"))
    assert await arrivals(kit) == []


async def test_what_appears_after_it_was_declared_absent_is_canceled_and_counted(kit: Kit) -> None:
    late = paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_LATE_ACCEPT, delay_ms=2500)
    trade = await doubtful(kit, late)
    await say(kit, trade, ABSENT)
    assert await ended(kit, trade) == ("SKIPPED", "declared_absent")
    # A market order fills before any cancel: what the broker says outweighs what a person said.
    await kit.until(lambda: kit.outcomes(trade)[-1][0] == "FILLED")
    assert await kit.positions() == await kit.venue_positions() == {"AAPL": "5"}


@pytest.mark.parametrize(("word", "ends_as"), [(ABSENT, []), (PRESENT, ["resting"])])
async def test_a_resting_order_that_appears_stays_where_a_person_looks_after_it(
    kit: Kit, word: pb.DoubtWord, ends_as: list[str]
) -> None:
    late = paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_LATE_ACCEPT, delay_ms=2500)
    await kit.faults(late, refuses_repeats=False)
    style = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="100", time_in_force="gtc")
    trade = kit.trade("buy", "5", entry=style)
    assert await kit.run(trade) == ("NEEDS_ATTENTION", "not_provable")
    await say(kit, trade, word)
    await ended(kit, trade)

    def heard(kind: pb.ExecType) -> bool:
        return any(f.execution_report.exec_type == kind for f in kit.facts)

    await kit.until(lambda: heard(pb.EXEC_TYPE_NEW))
    if word == ABSENT:
        await kit.until(lambda: heard(pb.EXEC_TYPE_CANCELED))
    # A later order of the lane has its turn meanwhile.
    await kit.run(kit.trade("buy", "1", instrument="MSFT"))
    account = await kit.venue_stub.GetAccount(
        paper_pb2.GetAccountRequest(account=kit.account), timeout=SECONDS
    )
    assert len(account.open_orders) == len(ends_as)


@pytest.mark.rule("G1.check")
async def test_checking_again_asks_at_once_and_adopts_what_is_found(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its report is not heard: only a question finds it.
    lost = paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_LATE_ACCEPT, delay_ms=2500)
    trade = await doubtful(kit, lost)
    asked: list[int] = []
    adapter = next(iter(kit.server._adapters.values()))
    find = adapter.find_orders

    async def counted(account: str, names: Any) -> Any:
        asked.append(len(names))
        return await find(account, names)

    monkeypatch.setattr(adapter, "find_orders", counted)
    assert await say(kit, trade, CHECK) == TAKEN
    async with asyncio.timeout(2):
        while not asked:
            await asyncio.sleep(0.01)
    assert asked == [1]


async def test_another_instance_passes_the_word_to_the_holder(kit: Kit, database: Any) -> None:
    trade = await doubtful(kit)
    other = await start_server(database, kit.venue, "execution-2")
    holder, kit.server = kit.server, other
    await kit.close_channels()
    try:
        assert await say(kit, trade, CHECK) == TAKEN
        assert await say(kit, trade, ABSENT) == TAKEN
        assert await ended(kit, trade) == ("SKIPPED", "declared_absent")
    finally:
        await kit.close_channels()
        await other.stop()
        kit.server = holder


async def test_words_on_trades_without_a_doubt_are_refused(kit: Kit) -> None:
    trade = kit.trade("buy", "5")
    assert await kit.run(trade) == ("FILLED", "unspecified")
    assert await say(kit, trade, ABSENT) == NOT_IN_DOUBT
    unknown = pb.Trade(trade_id=uuid4().hex)
    assert await say(kit, unknown, CHECK) == pb.DOUBT_STATUS_NOT_FOUND
