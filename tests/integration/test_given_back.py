"""Full exits that execution gives back as too late: told, let go by a person, never twice."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from protos import ids, wire
from protos.execution.v1 import execution_pb2 as pb
from tests import factories
from tests.conftest import Database
from tests.integration import execution_kit
from tests.integration.execution_kit import Kit
from tests.integration.road_kit import Road
from tests.integration.waiting_kit import Desk
from web.execution_client import ExecutionClient
from web.projector import Projector
from web.queue import Bell
from web.trades import approval

pytestmark = pytest.mark.rule("D6.late", "D6.click")

AGO = timedelta(minutes=16)


@pytest.fixture
async def kit(database: Database) -> AsyncIterator[Kit]:
    async with execution_kit.running(database) as kit:
        yield kit


def let_go(trade: pb.Trade) -> pb.Trade:
    """As web hands it over once a person approved."""
    again = pb.Trade()
    again.CopyFrom(trade)
    again.released_time.CopyFrom(wire.to_timestamp(datetime.now(UTC)))
    again.revives = True
    return again


async def test_it_is_stored_anew_once_and_goes_with_a_fresh_age(kit: Kit) -> None:
    assert (await kit.run(kit.trade("buy", "5")))[0] == "FILLED"
    then = wire.to_timestamp(datetime.now(UTC) - AGO)
    late = kit.trade("exit", "", accepted_time=then, released_time=then)
    assert await kit.run(late) == ("WAITING_APPROVAL", "late_exit")
    assert await kit.submit(late) == ["ALREADY_STORED"]
    await kit.restart()
    again = let_go(late)
    assert await kit.submit(again) == ["STORED"]
    assert await kit.submit(again) == ["ALREADY_STORED"]
    assert await kit.submit(late) == ["CONFLICT"]
    await kit.until(lambda: kit.outcomes(late)[-1][0] == "FILLED")
    assert await kit.venue_positions() == {}
    seqs = [fact.seq for fact in await kit.read_facts()]
    assert seqs == list(range(1, len(seqs) + 1))


async def test_what_had_an_order_is_not_begun_anew(kit: Kit) -> None:
    done = kit.trade("buy", "5")
    assert (await kit.run(done))[0] == "FILLED"
    assert await kit.submit(let_go(done)) == ["CONFLICT"]
    assert await kit.venue_positions() == {"AAPL": "5"}


def given_back(trade: pb.Trade, seq: int, at: datetime) -> pb.Fact:
    outcome = pb.TradeOutcome(
        state=pb.TRADE_STATE_WAITING_APPROVAL,
        reason=pb.REASON_LATE_EXIT,
        numbers={"age": "960.0", "limit": "900", "stage": "planning", "given_back": "yes"},
    )
    numbers = {"age": "960.0", "stage": "planning"}
    alarm = pb.Alarm(kind=pb.ALARM_KIND_LATE_EXIT, instrument="AAPL", numbers=numbers)
    return pb.Fact(
        seq=seq,
        account=trade.account,
        canonical_id=f"f{seq}",
        time=wire.to_timestamp(at),
        trade_id=trade.trade_id,
        tenant_id=trade.tenant_id,
        connection_id=trade.connection_id,
        subscription_id=trade.subscription_id,
        trade_outcome=outcome,
        alarm=alarm,
    )


def failed(trade: pb.Trade, seq: int, at: datetime) -> pb.Fact:
    fact = given_back(trade, seq, at)
    fact.trade_outcome.reason = pb.REASON_INTERNAL_ERROR
    fact.trade_outcome.numbers.clear()
    fact.trade_outcome.numbers.update({"instrument": "AAPL", "given_back": "yes"})
    fact.alarm.CopyFrom(pb.Alarm(kind=pb.ALARM_KIND_EXIT_FAILED, instrument="AAPL"))
    return fact


def handed(road: Road) -> tuple[factories.Strategy, pb.Trade, Projector]:
    """An exit that execution has."""
    strategy = factories.strategy(road.owner)
    subscription = factories.subscription(road.owner, strategy)
    signal_id = road.signal(strategy, action="exit")
    road.drain.drain_due()
    trade = road.store.trades[ids.trade_id(signal_id, subscription.id).hex]
    bell = Bell("redis://127.0.0.1:1/0")
    projector = Projector(road.pool, ExecutionClient("127.0.0.1:1"), bell, still_mine=lambda: True)
    return strategy, trade, projector


def alarms(road: Road) -> list[tuple[Any, ...]]:
    return road.owner.execute(
        "SELECT kind, message LIKE '%%960.0 s%%', ended_at IS NULL FROM web.alarms"
    ).fetchall()


def test_what_is_given_back_waits_a_day_with_an_alarm_and_goes_again_by_one_click(
    road: Road, desk: Desk
) -> None:
    _, trade, projector = handed(road)
    at = datetime.now(UTC)
    projector.apply("", "c1", [given_back(trade, 1, at)])
    trade_id = UUID(trade.trade_id)
    assert desk.state(trade_id) == ("WAITING_APPROVAL", "late_exit")
    [(until,)] = road.trades("approval_expires_at")
    assert abs(until - at - timedelta(days=1)) < timedelta(seconds=1)
    assert alarms(road) == [("late_exit", True, True)]
    road.store.trades.clear()
    assert desk.do(approval.approve, trade_id) == "won"
    assert alarms(road) == [("late_exit", True, False)]
    road.drain.drain_due()
    again = road.store.trades[trade.trade_id]
    assert (again.revives, trade.revives) == (True, False)
    assert again.released_time.ToDatetime() > trade.released_time.ToDatetime()
    # The same fact read again takes nothing back.
    projector.apply("c1", "c2", [given_back(trade, 1, at)])
    assert desk.state(trade_id) == ("PENDING", None)


def test_a_newer_exit_ends_what_was_given_back_and_so_does_a_day(road: Road, desk: Desk) -> None:
    strategy, trade, projector = handed(road)
    trade_id = UUID(trade.trade_id)
    projector.apply("", "c1", [given_back(trade, 1, datetime.now(UTC))])
    road.signal(strategy, action="exit", quantity=Decimal(2))
    road.drain.drain_due()
    assert desk.state(trade_id)[0] == "WAITING_APPROVAL"
    road.signal(strategy, action="exit")
    road.drain.drain_due()
    assert desk.state(trade_id) == ("SKIPPED", "superseded")

    _, other, projector = handed(road)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    projector.apply("c1", "c2", [given_back(other, 1, yesterday)])
    desk.turn()
    assert desk.state(UUID(other.trade_id)) == ("EXPIRED", "approval_expired")
    told = [(kind, is_open) for kind, _, is_open in alarms(road)]
    assert sorted(told) == [("exit_unanswered", True), ("late_exit", False), ("late_exit", False)]


def test_an_exit_that_execution_failed_to_plan_is_tried_again_by_one_click(
    road: Road, desk: Desk
) -> None:
    _, trade, projector = handed(road)
    projector.apply("", "c1", [failed(trade, 1, datetime.now(UTC))])
    trade_id = UUID(trade.trade_id)
    assert desk.state(trade_id) == ("WAITING_APPROVAL", "internal_error")
    assert [(kind, is_open) for kind, _, is_open in alarms(road)] == [("exit_failed", True)]
    road.store.trades.clear()
    assert desk.do(approval.approve, trade_id) == "won"
    road.drain.drain_due()
    assert road.store.trades[trade.trade_id].revives
    assert [(kind, is_open) for kind, _, is_open in alarms(road)] == [("exit_failed", False)]
