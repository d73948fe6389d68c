"""Guards at a broker whose orders last for a day: placed again at each session, and no refusal."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from execution.domain.trades import Distance, StopLoss
from execution.domain.words import By, ExecType, OrdType
from execution.lanes.covers import MOST_RENEWALS
from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from tests.unit.lane_kit import Desk, held, said
from tests.unit.planning_kit import NOON, VENUE

pytestmark = pytest.mark.rule("H.stop")

OPEN, DAY = timedelta(hours=6), timedelta(hours=24)
STOP = StopLoss(OrdType.STOP, Distance(By.PERCENT, Decimal(5)))


def opens(_calendar: str, at: datetime) -> datetime:
    """Open from noon to six, each day."""
    since = (at - NOON) % DAY
    return at if since < OPEN else at + DAY - since


def guarded(*times: str, brackets: bool = False) -> Desk:
    """Five are held with a stop, at a broker of exchange hours that knows these times."""
    desk = Desk(opens)
    rules = replace(VENUE, times_in_force=frozenset(times), has_brackets=brackets)
    desk.account.rules = replace(rules, keeps_hours=True)
    desk.enter(1, "buy", "5", stop_loss=STOP)
    desk.steps.run()
    desk.fill_at_once()
    desk.steps.run()
    assert held(desk) == 5
    return desk


def end_of_day(desk: Desk) -> list[str]:
    """The session closes, and what lasted for it is over; how long each order was to last."""
    desk.steps.wait((OPEN - (desk.steps.at - NOON) % DAY).total_seconds() + 1)
    orders, desk.broker.orders = desk.broker.orders, {}
    for order in orders.values():
        if order.time_in_force == "day":
            over = said(order, ExecType.EXPIRED)
            desk.engine.hear(replace(over, time=desk.steps.at), heard=True)
            desk.steps.run()
        else:
            desk.broker.orders[order.cl_ord_id] = order
    return [order.time_in_force for order in orders.values()]


def told(desk: Desk) -> list[tuple[str, str, str]]:
    facts = [pb.Fact.FromString(row.fact) for entry in desk.journal.entries for row in entry.facts]
    return [
        (
            pb.ProtectionState.Name(fact.trade_protection.state).removeprefix("PROTECTION_STATE_"),
            pb.Reason.Name(fact.trade_protection.reason).removeprefix("REASON_").lower(),
            pb.AlarmKind.Name(fact.alarm.kind).removeprefix("ALARM_KIND_").lower(),
        )
        for fact in facts
        if fact.HasField("trade_protection")
    ]


def test_where_the_broker_holds_orders_for_longer_they_are_to_last() -> None:
    desk = guarded("day", "gtc")
    assert end_of_day(desk) == ["gtc"]
    assert len(desk.broker.orders) == 1


def test_a_stop_of_a_day_is_placed_again_at_each_open_and_never_counts_as_refused() -> None:
    desk = guarded("day")
    for _ in range(5):
        assert end_of_day(desk) == ["day"]
        assert desk.broker.orders == {}
        assert told(desk)[-1] == ("UNPROTECTED", "market_closed", "unspecified")
        desk.steps.wait((DAY - OPEN).total_seconds())
        [stop] = desk.broker.orders.values()
        assert (stop.ord_type, stop.order_qty) == (OrdType.STOP, Decimal(5))
        assert told(desk)[-1][0] == "PROTECTED"
    assert held(desk) == 5


def test_what_keeps_it_bare_tells_until_when() -> None:
    desk = guarded("day")
    end_of_day(desk)
    facts = [pb.Fact.FromString(row.fact) for entry in desk.journal.entries for row in entry.facts]
    numbers = facts[-1].trade_protection.numbers
    assert (numbers["instrument"], numbers["opens"]) == ("AAPL", "2026-01-06 12:00 UTC")
    assert wire.to_text(held(desk)) == "5"


def test_a_broker_that_ends_them_at_once_is_not_asked_without_end() -> None:
    desk = guarded("day")
    ended = 0
    for _ in range(10):
        stops = [o for o in desk.broker.orders.values() if o.ord_type is OrdType.STOP]
        desk.steps.wait(1)
        for order in stops:
            del desk.broker.orders[order.cl_ord_id]
            over = replace(said(order, ExecType.EXPIRED), time=desk.steps.at)
            desk.engine.hear(over, heard=True)
            ended += 1
        desk.steps.run()
    assert ended == MOST_RENEWALS
    assert ("UNPROTECTED", "stop_refused", "stop_refused") in told(desk)
    desk.fill_all()
    assert held(desk) == 0
