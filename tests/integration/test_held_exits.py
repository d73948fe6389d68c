"""Exits that a window of one's own holds: told, let go by the window or by a person, or over."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from tests import factories
from tests.integration.road_kit import Road
from tests.integration.test_waiting import hold as hold_position
from tests.integration.waiting_kit import Desk
from web.trades import approval, waiting

pytestmark = pytest.mark.rule("D6.window", "D6.alarm", "K.words.window")

HELD = ("BLOCKED", "outside_window")


def own(**chosen: Any) -> dict[str, Any]:
    return {name: {"source": "own", "value": value} for name, value in chosen.items()}


def hold(
    road: Road,
    held: str = "0",
    *,
    auto_submit: bool = True,
    approve_exits: bool = False,
    **fields: Any,
) -> tuple[factories.Strategy, factories.Subscription, UUID]:
    """An exit of a subscription that trades in two hours' time, for an hour."""
    opens = datetime.now(UTC) + timedelta(hours=2)
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    window = {"days": days, "from": f"{opens:%H:%M}", "time_zone": "UTC"}
    window["to"] = f"{opens + timedelta(hours=1):%H:%M}"
    strategy = factories.strategy(road.owner)
    settings = own(windows=[window], allow_exits_outside=False, approve_exits=approve_exits)
    subscription = factories.subscription(
        road.owner, strategy, settings=settings, auto_submit=auto_submit
    )
    hold_position(road, subscription, "AAPL", held)
    signal_id = road.signal(strategy, **({"action": "exit"} | fields))
    road.drain.drain_due()
    return strategy, subscription, ids.trade_id(signal_id, subscription.id)


def alarms(road: Road) -> list[tuple[str, bool]]:
    rows = road.owner.execute("SELECT kind, ended_at IS NULL FROM web.alarms ORDER BY raised_at")
    return rows.fetchall()


def test_a_held_exit_is_blocked_with_its_reason_and_an_alarm(road: Road, desk: Desk) -> None:
    _, _, trade_id = hold(road)
    assert desk.state(trade_id) == HELD
    assert alarms(road) == [("exit_outside_window", True)]
    [(message,)] = road.owner.execute("SELECT message FROM web.alarms").fetchall()
    assert message.startswith("An exit of AAPL is held: it was ") and "UTC" in message
    # Draining it again raises nothing more.
    road.lose()
    road.drain.drain_due()
    assert alarms(road) == [("exit_outside_window", True)] and road.store.trades == {}


def test_a_held_exit_goes_when_a_window_opens(road: Road, desk: Desk) -> None:
    _, _, trade_id = hold(road)
    desk.pass_time(trade_id, 2 * 3600)
    assert desk.turn() == ["ring"]
    assert alarms(road) == [("exit_outside_window", False)]
    road.drain.drain_due()
    sent = road.store.trades[trade_id.hex]
    assert sent.HasField("released_time") and not sent.HasField("entry_refusal")


@pytest.mark.parametrize("verb", [approval.approve, approval.reject, approval.cancel])
def test_one_click_lets_a_held_exit_go_or_ends_it(road: Road, desk: Desk, verb: Any) -> None:
    _, _, trade_id = hold(road)
    assert desk.do(verb, trade_id) == "won"
    road.drain.drain_due()
    is_let_go = verb is approval.approve
    assert desk.state(trade_id)[0] == ("PENDING" if is_let_go else "SKIPPED")
    assert list(road.store.trades) == [trade_id.hex] * is_let_go
    assert alarms(road) == [("exit_outside_window", False)]
    assert desk.turn() == []


def test_a_newer_full_exit_displaces_a_held_one(road: Road, desk: Desk) -> None:
    strategy, _, trade_id = hold(road)
    road.signal(strategy, action="exit")
    road.drain.drain_due()
    assert desk.state(trade_id) == ("SKIPPED", "superseded")
    assert alarms(road) == [("exit_outside_window", False), ("exit_outside_window", True)]


def test_a_held_exit_that_nothing_lets_go_ends_after_a_day(road: Road, desk: Desk) -> None:
    _, _, trade_id = hold(road)
    road.owner.execute("UPDATE web.trades SET release_at = NULL")
    desk.pass_time(trade_id, 24 * 3600 + 1)
    assert desk.turn() == []
    assert desk.state(trade_id) == ("EXPIRED", "approval_expired")
    assert alarms(road) == [("exit_outside_window", False), ("exit_unanswered", True)]


@pytest.mark.rule("F.approval", "D6.click")
def test_an_exit_to_be_approved_is_asked_about_when_it_may_go_and_then_for_a_day(
    road: Road, desk: Desk
) -> None:
    _, _, trade_id = hold(road, auto_submit=False, approve_exits=True)
    assert desk.state(trade_id) == HELD
    # It opens a moment ago, so much before its day is over.
    desk.pass_time(trade_id, 2 * 3600)
    desk.turn()
    assert desk.state(trade_id) == ("WAITING_APPROVAL", None)
    [(minutes,)] = road.trades("round(extract(epoch from approval_expires_at - now()) / 60)")
    assert minutes == 10
    desk.pass_time(trade_id, 601)
    desk.turn()
    assert desk.state(trade_id) == ("WAITING_APPROVAL", "late_exit")
    [(hours,)] = road.trades("round(extract(epoch from approval_expires_at - now()) / 3600)")
    assert hours == 24
    assert alarms(road) == [("exit_outside_window", False), ("late_exit", True)]
    desk.pass_time(trade_id, 24 * 3600 + 1)
    desk.turn()
    assert desk.state(trade_id) == ("EXPIRED", "approval_expired")
    assert alarms(road)[1:] == [("late_exit", False), ("exit_unanswered", True)]


@pytest.mark.rule("F.approval", "D6.alarm")
@pytest.mark.parametrize(("held", "told"), [("3", [("exit_unanswered", True)]), ("0", [])])
def test_what_would_have_closed_is_not_lost_in_silence(
    road: Road, desk: Desk, held: str, told: list[tuple[str, bool]]
) -> None:
    strategy = factories.strategy(road.owner)
    subscription = factories.subscription(
        road.owner, strategy, auto_submit=False, settings=own(approve_exits=True)
    )
    hold_position(road, subscription, "AAPL", held)
    trade_id = ids.trade_id(road.signal(strategy, action="sell"), subscription.id)
    road.drain.drain_due()
    desk.pass_time(trade_id, 601)
    desk.turn()
    assert desk.state(trade_id) == ("EXPIRED", "approval_expired")
    assert alarms(road) == told


@pytest.mark.parametrize(
    "newer", [{"action": "cancel"}, {"action": "exit", "quantity": 1}, {"action": "buy"}], ids=str
)
def test_nothing_but_a_full_exit_displaces_a_sell_that_is_held_and_only_closes(
    road: Road, desk: Desk, newer: dict[str, Any]
) -> None:
    strategy, _, trade_id = hold(road, held="3", action="sell")
    assert desk.state(trade_id) == HELD
    road.signal(strategy, **newer)
    road.drain.drain_due()
    assert desk.state(trade_id) == HELD
    road.signal(strategy, action="exit")
    road.drain.drain_due()
    assert desk.state(trade_id) == ("SKIPPED", "superseded")


def test_a_switch_leaves_a_sell_that_is_held_and_only_closes(road: Road, desk: Desk) -> None:
    strategy, _, trade_id = hold(road, held="3", action="sell")
    waiting.halt(road.owner, [("strategy", strategy.id)])
    assert desk.state(trade_id) == HELD
    assert alarms(road) == [("exit_outside_window", True)]


@pytest.mark.rule("B3.switch", "D6.late")
@pytest.mark.parametrize(
    ("action", "held", "state"),
    [
        ("sell", "3", "DELAYED"),
        ("buy", "-3", "DELAYED"),
        ("reverse", "3", "DELAYED"),
        ("sell", "0", "SKIPPED"),
        ("sell", "-3", "SKIPPED"),
        ("buy", "3", "SKIPPED"),
        ("reverse", "0", "SKIPPED"),
    ],
)
def test_a_switch_ends_what_is_delayed_unless_it_would_close_and_then_it_only_closes(
    road: Road, desk: Desk, action: str, held: str, state: str
) -> None:
    strategy = factories.strategy(road.owner)
    subscription = factories.subscription(road.owner, strategy)
    hold_position(road, subscription, "AAPL", held)
    signal_id = road.signal(strategy, action=action, delay_seconds=30)
    road.drain.drain_due()
    trade_id = ids.trade_id(signal_id, subscription.id)
    waiting.halt(road.owner, [("strategy", strategy.id)])
    assert desk.state(trade_id)[0] == state
    desk.pass_time(trade_id, 31)
    desk.turn()
    road.drain.drain_due()
    refusals = [trade.entry_refusal.reason for trade in road.store.trades.values()]
    assert refusals == [pb.REASON_HALTED] * (state == "DELAYED")


def test_an_exit_that_is_too_old_for_its_sender_displaces_no_held_one(
    road: Road, desk: Desk
) -> None:
    strategy, subscription, trade_id = hold(road)
    at = datetime.now(UTC) - timedelta(minutes=5)
    signal_id = road.signal(strategy, action="exit", rejectAfter=60, time=at.isoformat())
    road.drain.drain_due()
    assert desk.state(ids.trade_id(signal_id, subscription.id)) == ("EXPIRED", "signal_stale")
    assert desk.state(trade_id) == HELD


@pytest.mark.rule("D6.late")
def test_a_full_exit_that_is_late_when_its_delay_is_over_is_told_and_waits(
    road: Road, desk: Desk
) -> None:
    strategy = factories.strategy(road.owner)
    subscription = factories.subscription(road.owner, strategy)
    trade_id = ids.trade_id(road.signal(strategy, action="exit", delay_seconds=30), subscription.id)
    road.drain.drain_due()
    desk.pass_time(trade_id, 30 + 16 * 60)
    desk.turn()
    assert desk.state(trade_id) == ("WAITING_APPROVAL", "late_exit")
    assert alarms(road) == [("late_exit", True)]
    assert desk.do(approval.approve, trade_id) == "won"
    assert alarms(road) == [("late_exit", False)]
