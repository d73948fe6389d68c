"""Trades that wait: approved, rejected, expired, released; let go once, in order."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from protos import ids, wire
from protos.execution.v1 import execution_pb2 as pb
from tests import factories
from tests.integration.road_kit import Road
from tests.integration.waiting_kit import ANN, BOB, Desk, wait
from web.trades import approval


@pytest.mark.rule("F.leg", "F.replanned")
def test_an_approved_trade_is_handed_over_with_a_fresh_age(road: Road, desk: Desk) -> None:
    waiting = wait(road, quantity=Decimal(3))
    assert road.store.trades == {}
    assert desk.do(approval.approve, waiting.trade_id) == "won"
    road.drain.drain_due()
    sent = road.store.trades[waiting.trade_id.hex]
    assert sent.quantity == "3"
    told = road.owner.execute(
        "SELECT kind FROM web.changes WHERE object_id = %s ORDER BY number, kind",
        (waiting.trade_id,),
    )
    # Live pages hear that it waits, and that a trade and an approval are not as they were.
    assert [kind for (kind,) in told] == ["approval", "approval", "trade"]
    [(released, due)] = road.trades("released_at", "handover_due")
    assert wire.to_datetime(sent.released_time) == released
    assert released > (wire.to_datetime(sent.accepted_time) or released)
    assert not due
    assert road.drain.drain_due() == (False, set()) and road.store.calls == 1


def test_the_sweep_finds_an_approved_trade_whose_bell_was_lost(road: Road, desk: Desk) -> None:
    waiting = wait(road)
    desk.do(approval.approve, waiting.trade_id)
    road.drain.drain_due(older_than_seconds=60)
    assert road.store.trades == {}
    road.owner.execute("UPDATE web.trades SET released_at = released_at - interval '2 s'")
    road.drain.drain_due(older_than_seconds=1)
    assert list(road.store.trades) == [waiting.trade_id.hex]


def test_a_crash_between_approval_and_hand_over_sends_the_same_bytes(
    road: Road, desk: Desk
) -> None:
    waiting = wait(road)
    desk.do(approval.approve, waiting.trade_id)
    road.lose()
    assert road.trades("state", "handover_due") == [("PENDING", True)]
    road.drain.drain_due()
    first = road.store.trades[waiting.trade_id.hex]
    # It died before it noted down that execution has the trade, which has filled since.
    road.owner.execute("UPDATE web.trades SET handover_due = true, state = 'FILLED'")
    road.drain.drain_due()
    assert road.store.trades == {waiting.trade_id.hex: first}
    assert road.trades("state", "handover_due") == [("FILLED", False)]


def test_repeating_an_approval_changes_nothing_and_another_member_is_told(
    road: Road, desk: Desk
) -> None:
    waiting = wait(road)
    assert desk.do(approval.approve, waiting.trade_id) == "won"
    [before] = road.trades("released_at", "updated_at")
    assert desk.do(approval.approve, waiting.trade_id) == "won"
    assert desk.do(approval.approve, waiting.trade_id, BOB) == "lost"
    assert desk.do(approval.reject, waiting.trade_id) == "lost"
    assert road.trades("released_at", "updated_at") == [before]
    events = road.owner.execute("SELECT actor, action FROM web.audit_events").fetchall()
    assert events == [(ANN, "trade:approve")]


def test_a_rejected_trade_ends_with_the_reason(road: Road, desk: Desk) -> None:
    waiting = wait(road)
    assert desk.do(approval.reject, waiting.trade_id) == "won"
    assert desk.do(approval.reject, waiting.trade_id) == "won"
    assert desk.state(waiting.trade_id) == ("SKIPPED", "rejected_by_member")
    assert desk.do(approval.approve, waiting.trade_id) == "lost"
    road.drain.drain_due()
    assert road.store.trades == {}


@pytest.mark.rule("F.approval")
def test_nobody_approves_what_has_expired_even_before_the_timer_ran(road: Road, desk: Desk) -> None:
    waiting = wait(road)
    desk.pass_time(waiting.trade_id, 601)
    assert desk.do(approval.approve, waiting.trade_id) == "lost"
    assert desk.turn() == []
    assert desk.state(waiting.trade_id) == ("EXPIRED", "approval_expired")
    assert road.trades("message") == [("Nobody approved within 10 min.",)]


@pytest.mark.parametrize("table", ["strategies", "subscriptions"])
def test_what_was_paused_meanwhile_is_not_approved_but_still_waits(
    road: Road, desk: Desk, table: str
) -> None:
    waiting = wait(road)
    road.owner.execute(f"UPDATE web.{table} SET enabled = false".encode())
    assert desk.do(approval.approve, waiting.trade_id) == "paused"
    assert desk.state(waiting.trade_id) == ("WAITING_APPROVAL", None)
    road.owner.execute(f"UPDATE web.{table} SET enabled = true".encode())
    assert desk.do(approval.approve, waiting.trade_id) == "won"


@pytest.mark.rule("B3.approval", "B3.exit", "B3.skipped")
def test_an_exit_ends_what_was_approved_after_it_but_not_yet_handed_over(
    road: Road, desk: Desk
) -> None:
    waiting = wait(road)
    exit_id = road.signal(waiting.strategy, action="exit")
    assert desk.do(approval.approve, waiting.trade_id) == "won"
    road.drain.drain_due()
    assert desk.state(waiting.trade_id) == ("SKIPPED", "superseded")
    assert road.store.order == [ids.trade_id(exit_id, waiting.subscription.id).hex]


def test_cancel_by_name_ends_only_what_waits_under_that_name(road: Road, desk: Desk) -> None:
    waiting = wait(road, also={"client_tag": "a"})
    other = road.signal(waiting.strategy, also={"client_tag": "b"})
    road.signal(waiting.strategy, action="cancel", also={"client_tag": "a"})
    road.drain.drain_due()
    assert desk.state(waiting.trade_id) == ("SKIPPED", "superseded")
    still = desk.state(ids.trade_id(other, waiting.subscription.id))
    assert still == ("WAITING_APPROVAL", None)


@pytest.mark.rule("K.words.cancel")
def test_a_cancel_is_handed_over_with_how_many_waiting_trades_it_ended(
    road: Road, desk: Desk
) -> None:
    waiting = wait(road)
    road.signal(waiting.strategy)
    exit_id = road.signal(waiting.strategy, action="exit")
    road.drain.drain_due()
    assert desk.state(waiting.trade_id) == ("SKIPPED", "superseded")
    road.signal(waiting.strategy)
    cancel_id = road.signal(waiting.strategy, action="cancel")
    road.drain.drain_due()
    told = {
        signal_id: road.store.trades[ids.trade_id(signal_id, waiting.subscription.id).hex]
        for signal_id in (exit_id, cancel_id)
    }
    # What an exit ended is none of its outcome; of a cancel it may be all there is.
    assert told[exit_id].superseded_waiting == 0
    assert told[cancel_id].superseded_waiting == 1
    recorded = road.owner.execute(
        "SELECT numbers, decision->'web'->'released' FROM web.trades WHERE signal_id = %s",
        (cancel_id,),
    ).fetchone()
    assert recorded is not None
    assert recorded[0]["superseded_waiting"] == "1"
    assert recorded[0] == recorded[1]


def test_a_wanted_position_ends_entries_that_wait_on_its_own_side_too(
    road: Road, desk: Desk
) -> None:
    waiting = wait(road)
    target = {"mode": "whole", "side": "long", "prev_side": "flat"}
    newer = road.signal(waiting.strategy, sentiment="bullish", also={"target": target})
    road.drain.drain_due()
    assert desk.state(waiting.trade_id) == ("SKIPPED", "superseded")
    still = desk.state(ids.trade_id(newer, waiting.subscription.id))
    assert still == ("WAITING_APPROVAL", None)


def test_what_was_approved_before_an_exit_goes_before_it(road: Road, desk: Desk) -> None:
    waiting = wait(road)
    desk.do(approval.approve, waiting.trade_id)
    road.lose()
    exit_id = road.signal(waiting.strategy, action="exit")
    road.drain.drain_due()
    assert road.store.order == [
        waiting.trade_id.hex,
        ids.trade_id(exit_id, waiting.subscription.id).hex,
    ]


@pytest.mark.rule("B1.release")
def test_an_approved_trade_stays_behind_signals_accepted_before_its_release(
    road: Road, desk: Desk
) -> None:
    waiting = wait(road)
    # More than one drain takes at once, the exit last.
    for _ in range(24):
        road.signal(waiting.strategy, ticker="MSFT")
    road.signal(waiting.strategy, action="exit")
    desk.do(approval.approve, waiting.trade_id)
    road.drain.drain_due(slice_seconds=10)
    assert desk.state(waiting.trade_id) == ("SKIPPED", "superseded")
    assert waiting.trade_id.hex not in road.store.trades


@pytest.mark.rule("B1.release")
def test_released_trades_go_in_the_order_of_release(road: Road, desk: Desk) -> None:
    first = wait(road)
    second_id = road.signal(first.strategy, ticker="MSFT")
    road.drain.drain_due()
    second = ids.trade_id(second_id, first.subscription.id)
    desk.do(approval.approve, second)
    desk.do(approval.approve, first.trade_id)
    road.drain.drain_due()
    assert road.store.order == [second.hex, first.trade_id.hex]


@pytest.mark.rule("F.leg")
def test_a_delayed_trade_goes_when_its_time_has_come(road: Road, desk: Desk) -> None:
    strategy = factories.strategy(road.owner)
    factories.subscription(road.owner, strategy)
    road.signal(strategy, delay_seconds=30)
    road.drain.drain_due()
    [(trade_id, state, wait_)] = road.trades("id", "state", "release_at - accepted_at")
    assert (state, wait_) == ("DELAYED", timedelta(seconds=30))
    assert desk.turn() == [] and road.store.trades == {}
    desk.pass_time(trade_id, 30)
    assert desk.turn() == ["ring"]
    road.drain.drain_due()
    [(state, released, accepted)] = road.trades("state", "released_at", "accepted_at")
    # The age starts at the time that was asked for, not when the relay got round to it.
    assert state == "PENDING" and released == accepted
    assert wire.to_datetime(road.store.trades[trade_id.hex].released_time) == released


def test_a_delayed_entry_asks_for_approval_after_its_delay(road: Road, desk: Desk) -> None:
    waiting = wait(road, delay_seconds=30)
    assert desk.state(waiting.trade_id)[0] == "DELAYED"
    assert desk.do(approval.approve, waiting.trade_id) == "lost"
    desk.pass_time(waiting.trade_id, 31)
    assert desk.turn() == []
    assert desk.state(waiting.trade_id)[0] == "WAITING_APPROVAL"
    assert desk.do(approval.approve, waiting.trade_id) == "won"


def test_a_delayed_trade_of_a_paused_subscription_is_skipped(road: Road, desk: Desk) -> None:
    waiting = wait(road, action="exit", delay_seconds=30)
    road.owner.execute("UPDATE web.subscriptions SET enabled = false")
    desk.pass_time(waiting.trade_id, 31)
    desk.turn()
    assert desk.state(waiting.trade_id) == ("SKIPPED", "subscription_paused")


def test_a_queued_trade_is_released_like_a_delayed_one(road: Road, desk: Desk) -> None:
    waiting = wait(road, action="exit", delay_seconds=30)
    road.owner.execute("UPDATE web.trades SET state = 'QUEUED'")
    desk.pass_time(waiting.trade_id, 31)
    assert desk.turn() == ["ring"]
    assert desk.state(waiting.trade_id)[0] == "PENDING"


@pytest.mark.rule("B3.delayed", "B3.others")
def test_an_exit_supersedes_a_delayed_entry_but_no_delayed_exit(road: Road, desk: Desk) -> None:
    waiting = wait(road, delay_seconds=30)
    road.signal(waiting.strategy, action="sell", sentiment="flat", delay_seconds=60)
    road.signal(waiting.strategy, action="buy", ticker="MSFT", delay_seconds=60)
    road.signal(waiting.strategy, action="exit", quantity=Decimal(1))
    road.drain.drain_due()
    states = [("SKIPPED",), ("DELAYED",), ("DELAYED",), ("PENDING",)]
    assert road.trades("state") == states


def test_a_delayed_exit_supersedes_only_once_it_goes(road: Road, desk: Desk) -> None:
    waiting = wait(road)
    exit_id = road.signal(waiting.strategy, action="exit", delay_seconds=30)
    road.drain.drain_due()
    assert desk.state(waiting.trade_id)[0] == "WAITING_APPROVAL"
    desk.pass_time(ids.trade_id(exit_id, waiting.subscription.id), 31)
    assert desk.turn() == ["ring"]
    assert desk.state(waiting.trade_id) == ("SKIPPED", "superseded")


def test_a_test_signal_supersedes_nothing(road: Road, desk: Desk) -> None:
    waiting = wait(road)
    road.signal(waiting.strategy, action="exit", test=True)
    road.drain.drain_due()
    assert desk.state(waiting.trade_id)[0] == "WAITING_APPROVAL"


@pytest.mark.rule("D6.click")
def test_a_late_full_exit_waits_a_day_for_one_click(road: Road, desk: Desk) -> None:
    waiting = wait(road, action="exit", seconds_ago=1000)
    assert desk.state(waiting.trade_id) == ("WAITING_APPROVAL", "late_exit")
    [(hours,)] = road.trades("round(extract(epoch from approval_expires_at - dequeued_at)) / 3600")
    assert hours == 24
    assert desk.do(approval.approve, waiting.trade_id) == "won"
    assert desk.state(waiting.trade_id) == ("PENDING", None)
    road.drain.drain_due()
    assert list(road.store.trades) == [waiting.trade_id.hex]


def test_a_newer_full_exit_displaces_a_late_one(road: Road, desk: Desk) -> None:
    waiting = wait(road, action="exit", seconds_ago=1000)
    road.signal(waiting.strategy, action="exit")
    road.drain.drain_due()
    assert desk.state(waiting.trade_id) == ("SKIPPED", "superseded")


@pytest.mark.parametrize("fields", [{}, {"delay_seconds": 30}])
def test_a_waiting_trade_can_be_canceled(road: Road, desk: Desk, fields: dict[str, Any]) -> None:
    waiting = wait(road, **fields)
    assert desk.do(approval.cancel, waiting.trade_id) == "won"
    assert desk.state(waiting.trade_id) == ("SKIPPED", "canceled_by_member")
    desk.turn()
    road.drain.drain_due()
    assert road.store.trades == {}


def test_what_execution_has_cannot_be_canceled_here(road: Road, desk: Desk) -> None:
    waiting = wait(road, action="exit")
    assert desk.do(approval.cancel, waiting.trade_id) == "lost"
    assert desk.state(waiting.trade_id) == ("PENDING", None)


def test_a_stored_signal_that_cannot_be_read_stops_no_other_timer(road: Road, desk: Desk) -> None:
    broken, sound = wait(road, delay_seconds=30), wait(road, action="exit", delay_seconds=30)
    road.owner.execute(
        "UPDATE web.trades SET signal = '{\"action\": 5}' WHERE id = %s", (broken.trade_id,)
    )
    for each in (broken, sound):
        desk.pass_time(each.trade_id, 31)
    assert desk.turn() == ["ring"]
    assert desk.state(broken.trade_id) == ("NEEDS_ATTENTION", "internal_error")
    assert desk.state(sound.trade_id)[0] == "PENDING"


def test_one_turn_of_the_timers_ends_more_than_one_batch(road: Road, desk: Desk) -> None:
    strategy = factories.strategy(road.owner)
    first = factories.subscription(road.owner, strategy)
    for _ in range(3):
        factories.subscription(road.owner, strategy, auto_submit=False)
    road.signal(strategy, delay_seconds=30)
    road.drain.drain_due()
    road.owner.execute(
        "INSERT INTO web.trades SELECT (r).* FROM (SELECT jsonb_populate_record(t, "
        "jsonb_build_object('id', gen_random_uuid(), 'signal_id', gen_random_uuid())) AS r "
        "FROM web.trades t, generate_series(1, 700) WHERE t.subscription_id = %s) x",
        (first.id,),
    )
    road.owner.execute("UPDATE web.trades SET release_at = release_at - interval '40 s'")
    assert desk.turn() == ["ring", "ring"]
    states = "SELECT state, count(*) FROM web.trades GROUP BY 1 ORDER BY 1"
    assert road.owner.execute(states).fetchall() == [("PENDING", 701), ("WAITING_APPROVAL", 3)]
    road.drain.drain_due(slice_seconds=20)
    assert len(road.store.trades) == 701


def hold(road: Road, waiting_for: factories.Subscription, instrument: str, own: str) -> None:
    """The subscription holds so much, as was projected."""
    road.owner.execute(
        "INSERT INTO web.positions (connection_id, instrument, tenant_id, quantity, own, fact_seq, "
        "updated_at) VALUES (%s, %s, %s, %s, jsonb_build_object(%s::text, %s::text), 1, now())",
        (
            waiting_for.connection_id, instrument, waiting_for.tenant_id, own,
            f"sub_{waiting_for.id.hex}", own,
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asset_class", "held", "ticker"),
    [("stocks", "AAPL", "AAPL"), ("futures", "MNQZ2026", "MNQ1!"), ("crypto", "BTCUSD", "BTC-USD")],
)
def test_a_sell_of_a_long_goes_without_approval_and_may_open_nothing(
    road: Road, asset_class: str, held: str, ticker: str
) -> None:
    strategy = factories.strategy(road.owner, asset_class=asset_class)
    asks = factories.subscription(road.owner, strategy, auto_submit=False)
    flat = factories.subscription(road.owner, strategy, auto_submit=False)
    hold(road, asks, held, "5")
    signal_id = road.signal(strategy, ticker=ticker, action="sell")
    road.drain.drain_due()
    trade_id = ids.trade_id(signal_id, asks.id)
    assert list(road.store.trades) == [trade_id.hex]
    sent = road.store.trades[trade_id.hex]
    assert sent.entry_refusal.reason == pb.REASON_APPROVAL_NEEDED
    assert sent.origin == pb.ORIGIN_UNSPECIFIED
    states = {row[0]: row[1] for row in road.trades("subscription_id", "state")}
    assert states == {asks.id: "PENDING", flat.id: "WAITING_APPROVAL"}


def test_a_delayed_sell_of_what_is_held_by_then_asks_nobody(road: Road, desk: Desk) -> None:
    strategy = factories.strategy(road.owner)
    asks = factories.subscription(road.owner, strategy, auto_submit=False)
    signal_id = road.signal(strategy, action="sell", delay_seconds=30)
    road.drain.drain_due()
    trade_id = ids.trade_id(signal_id, asks.id)
    assert desk.state(trade_id) == ("DELAYED", None)
    hold(road, asks, "AAPL", "5")
    desk.pass_time(trade_id, 31)
    assert desk.turn() == ["ring"]
    road.drain.drain_due()
    assert road.store.trades[trade_id.hex].entry_refusal.reason == pb.REASON_APPROVAL_NEEDED
