"""What a trade starts as, before execution hears of it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from protos import alarms
from web.signals.rules import Signal, Target
from web.subscriptions import settings
from web.trades import rules
from web.trades.rules import Context, Decision

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def decide(
    action: str = "buy",
    *,
    age: float = 0,
    asset_class: str = "stocks",
    strategy_enabled: bool = True,
    chosen: dict[str, Any] | None = None,
    strategy: dict[str, Any] | None = None,
    mode: str = "live",
    now: datetime = NOW,
    instrument: str = "AAPL",
    stands: str = "",
    **fields: Any,
) -> Decision:
    signal = Signal(
        dialect="traderspost", ticker="AAPL", instrument=instrument, action=action, **fields
    )
    stored = settings.validate({"auto_submit": True, **(chosen or {})})
    return rules.decide(
        signal,
        settings.resolve(signal, strategy or {}, stored, settings.caps_of(strategy or {})),
        Context(strategy_enabled, True, asset_class, mode, stands=stands),
        accepted_at=now - timedelta(seconds=age),
        now=now,
    )


@pytest.mark.rule("C3.one")
def test_nothing_configured_anywhere_means_one() -> None:
    assert decide().quantity == 1


@pytest.mark.rule("C3.crypto")
def test_never_one_for_crypto() -> None:
    assert decide(asset_class="crypto").quantity is None
    assert decide("add", asset_class="crypto").reason == "quantity_missing"


def test_a_crypto_exit_needs_no_quantity() -> None:
    assert decide("exit", asset_class="crypto").state == "PENDING"


@pytest.mark.rule("K.words.test", "E6.live")
def test_a_test_signal_is_recorded_and_never_sent() -> None:
    assert decide(test=True) == Decision("SKIPPED", "test")


def test_a_paused_strategy_trades_nothing() -> None:
    assert decide("exit", strategy_enabled=False).reason == "subscription_paused"


@pytest.mark.rule("F.entry", "F.exit")
@pytest.mark.parametrize(
    ("action", "age", "state"),
    [
        ("add", 120, "PENDING"),
        ("add", 121, "EXPIRED"),
        ("buy", 900, "PENDING"),
        ("buy", 901, "EXPIRED"),
        ("exit", 900, "PENDING"),
        ("exit", 901, "WAITING_APPROVAL"),
        ("cancel", 9000, "PENDING"),
    ],
)
def test_each_action_has_its_age(action: str, age: float, state: str) -> None:
    assert decide(action, age=age).state == state


def test_what_a_broker_can_do_is_for_execution_to_know() -> None:
    assert decide(order_type="trailing_stop").state == "PENDING"


def test_a_breakeven_stop_needs_no_approval() -> None:
    assert decide("breakeven", chosen={"auto_submit": False}).state == "PENDING"


@pytest.mark.rule("F.exits")
def test_entries_wait_for_approval_and_exits_approve_themselves() -> None:
    assert decide(chosen={"auto_submit": False}).state == "WAITING_APPROVAL"
    assert decide("exit", chosen={"auto_submit": False}).state == "PENDING"


ASKS: dict[str, Any] = {"auto_submit": False}


@pytest.mark.parametrize(
    ("action", "stands", "goes"),
    [
        ("buy", "", False), ("buy", "long", False), ("buy", "short", True),
        ("sell", "", False), ("sell", "long", True), ("sell", "short", False),
        ("reverse", "", False), ("reverse", "long", True), ("reverse", "short", True),
        ("buy", "either", True), ("sell", "either", True), ("add", "long", False),
    ],
)  # fmt: skip
def test_a_buy_or_sell_against_a_position_closes_without_asking_and_opens_nothing(
    action: str, stands: str, goes: bool
) -> None:
    decision = decide(action, chosen=ASKS, stands=stands)
    assert decision.state == ("PENDING" if goes else "WAITING_APPROVAL")
    assert refused(decision) == ("approval_needed" if goes else None)


@pytest.mark.parametrize(
    ("side", "before", "stands", "goes"),
    [
        ("long", "5", "long", True), ("short", "5", "short", True), ("long", "2", "long", False),
        ("long", "1", "long", False), ("long", "5", "", False), ("long", "5", "short", True),
    ],
)  # fmt: skip
def test_a_sender_that_leaves_part_of_its_position_is_followed_without_asking(
    side: str, before: str, stands: str, goes: bool
) -> None:
    target = Target(
        mode="fixed_base", side=side, size=Decimal(2), prev_side=side, prev_size=Decimal(before)
    )
    action = "buy" if side == "long" else "sell"
    decision = decide(action, chosen=ASKS, stands=stands, target=target)
    assert decision.state == ("PENDING" if goes else "WAITING_APPROVAL")
    assert refused(decision) == ("approval_needed" if goes else None)


def test_where_puts_are_added_to_nobody_knows_what_closes_so_a_person_is_asked() -> None:
    adding = {**ASKS, "allow_add": True}
    assert decide("sell", chosen=adding, stands="either").state == "WAITING_APPROVAL"
    assert decide("sell", chosen=adding, stands="long").state == "PENDING"


@pytest.mark.rule("F.exits")
@pytest.mark.parametrize("action", ["exit", "buy", "sell", "reverse", "add"])
@pytest.mark.parametrize("stands", ["", "long", "short"])
def test_exits_ask_too_where_the_member_wants_that(action: str, stands: str) -> None:
    chosen = {**ASKS, "approve_exits": True}
    decision = decide(action, chosen=chosen, stands=stands)
    assert decision.state == "WAITING_APPROVAL" and refused(decision) is None


def test_nobody_is_asked_before_a_cancel_or_a_stop() -> None:
    chosen = {**ASKS, "approve_exits": True}
    for action in ("cancel", "breakeven"):
        assert decide(action, chosen=chosen).state == "PENDING"
    submits = {"auto_submit": True, "approve_exits": True}
    assert decide("exit", chosen=submits).state == "PENDING"


def refused(decision: Decision) -> str | None:
    return decision.entry_refused.reason if decision.entry_refused else None


@pytest.mark.rule("E6.paper")
def test_a_test_signal_trades_on_paper_where_it_may() -> None:
    chosen = {"test_on_paper": True}
    assert decide(test=True, chosen=chosen, mode="paper").state == "PENDING"
    assert decide(test=True, chosen=chosen, mode="live").reason == "test"


HOURS = {"windows": "mon-fri 09:30-16:00 America/New_York"}
CLOSED = datetime(2026, 11, 20, 21, 1, tzinfo=UTC)


@pytest.mark.rule("K.words.outside")
def test_outside_the_windows_nothing_is_opened_and_exits_go() -> None:
    assert refused(decide(chosen=HOURS)) is None
    assert refused(decide(chosen=HOURS, now=CLOSED)) == "outside_window"
    assert decide("add", chosen=HOURS, now=CLOSED).reason == "outside_window"
    assert decide("exit", chosen=HOURS, now=CLOSED) == Decision("PENDING", quantity=Decimal(1))
    assert decide("cancel", chosen=HOURS, now=CLOSED).state == "PENDING"


def test_a_refusal_by_the_windows_tells_the_time_there() -> None:
    decision = decide("add", chosen=HOURS, now=CLOSED)
    assert decision.numbers["time"] == "fri 16:01 America/New_York"


def test_a_signal_may_ignore_the_windows() -> None:
    assert refused(decide(chosen=HOURS, now=CLOSED, ignore_trading_windows=True)) is None


@pytest.mark.rule("D6.window", "K.words.window")
def test_exits_that_must_stay_inside_wait_for_the_window_or_a_person_for_a_day() -> None:
    chosen = {**HOURS, "allow_exits_outside": False}
    # On a Friday evening the next window is more than a day away.
    held = decide("exit", chosen=chosen, now=CLOSED)
    assert (held.state, held.reason, held.release_at) == ("BLOCKED", "outside_window", None)
    assert held.approval_expires_at == CLOSED + timedelta(days=1)
    thursday = CLOSED - timedelta(days=1)
    held = decide("exit", chosen=chosen, now=thursday)
    assert held.release_at == datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    assert alarms.of_state(held.state, held.reason, held.numbers) == "exit_outside_window"
    assert decide("buy", chosen=chosen, now=CLOSED).state == "SKIPPED"
    assert decide("cancel", chosen=chosen, now=CLOSED).state == "PENDING"
    assert decide("exit", chosen=chosen).state == "PENDING"


@pytest.mark.rule("K.futures.alarm")
@pytest.mark.parametrize(
    ("action", "kind"), [("exit", "exit_refused_by_age"), ("buy", None), ("add", None)]
)
def test_an_exit_that_its_own_limit_of_age_stops_is_told(action: str, kind: str | None) -> None:
    chosen = {"exit_reject_after_seconds": "10", "entry_reject_after_seconds": "10"}
    late = decide(action, chosen=chosen, age=11)
    assert (late.state, late.reason) == ("EXPIRED", "signal_stale")
    assert alarms.of_state(late.state, late.reason, late.numbers) == kind


@pytest.mark.rule("D6.window")
@pytest.mark.parametrize(
    ("stands", "state"), [("long", "BLOCKED"), ("short", "SKIPPED"), ("", "SKIPPED")]
)
def test_a_sell_is_held_outside_the_windows_where_it_closes(stands: str, state: str) -> None:
    chosen = {**HOURS, "allow_exits_outside": False}
    held = decide("sell", chosen=chosen, now=CLOSED, stands=stands)
    assert (held.state, held.reason) == (state, "outside_window")
    # Whenever it goes, it opens nothing.
    assert refused(held) == ("outside_window" if state == "BLOCKED" else None)


@pytest.mark.parametrize(
    ("asset_class", "allowed", "instrument", "opens"),
    [
        ("stocks", "AAPL, MSFT", "AAPL", True),
        ("stocks", "AAPL, MSFT", "TSLA", False),
        ("futures", "MNQ", "MNQZ2026", True),
        ("futures", "MNQ", "MNQ1!", True),
        ("futures", "MNQ", "NQZ2026", False),
        ("futures", "NQ", "MNQ", False),
        ("options", "SPY", "SPY 250520C582.5", True),
        ("options", "SPY", "SPX250520C00582500", False),
        ("crypto", "BTC-USD", "BTCUSD", True),
        ("crypto", "BTC/USD", "ETHUSD", False),
    ],
)
def test_only_allowed_tickers_are_opened(
    asset_class: str, allowed: str, instrument: str, opens: bool
) -> None:
    chosen = {"allowed_tickers": allowed, "quantity": "1"}
    decision = decide(asset_class=asset_class, chosen=chosen, instrument=instrument)
    assert refused(decision) == (None if opens else "ticker_not_allowed")
    exits = decide("exit", asset_class=asset_class, chosen=chosen, instrument=instrument)
    assert exits.state == "PENDING"


def test_a_limit_of_ones_own_on_age_binds_entries_by_the_senders_clock() -> None:
    chosen = {"entry_reject_after_seconds": "60"}
    assert refused(decide(age=60, chosen=chosen)) is None
    assert refused(decide(age=61, chosen=chosen)) == "signal_stale"
    sent = NOW - timedelta(seconds=90)
    assert refused(decide(chosen=chosen, sent_at=sent)) == "signal_stale"
    assert decide("add", age=61, chosen=chosen).state == "EXPIRED"
    assert decide("exit", age=61, chosen=chosen).state == "PENDING"


@pytest.mark.rule("K.futures.exits", "K.futures.equal")
def test_a_limit_on_age_that_the_sender_asks_for_binds_exits_too() -> None:
    limit = Decimal(30)
    assert decide("exit", age=30, reject_after_seconds=limit).state == "PENDING"
    assert decide("exit", age=31, reject_after_seconds=limit).state == "EXPIRED"
    assert decide("buy", age=31, reject_after_seconds=limit).state == "EXPIRED"


def test_a_time_of_the_sender_in_the_future_counts_from_acceptance() -> None:
    sent = NOW + timedelta(hours=1)
    chosen = {"entry_reject_after_seconds": "60"}
    assert refused(decide(age=61, chosen=chosen, sent_at=sent)) == "signal_stale"


@pytest.mark.rule("C7.refuses", "C7.entry")
def test_a_cap_that_cannot_lower_refuses_the_entry_and_lets_exits_go() -> None:
    strategy = {"locked": ["quantity"], "quantity": "4"}
    chosen = {"quantity": "1", "quantity_type": "dollar_amount"}
    assert refused(decide(chosen=chosen, strategy=strategy)) == "above_cap"
    assert decide("exit", chosen=chosen, strategy=strategy).state == "PENDING"


UNOBEYED = [setting for setting in settings.SETTINGS if not setting.obeyed]


@pytest.mark.skipif(not UNOBEYED, reason="everything is obeyed")
def test_what_nothing_obeys_yet_opens_nothing_and_closes() -> None:
    row = next(setting for setting in UNOBEYED if setting.default is False)
    decision = decide(chosen={row.name: True})
    assert decision.entry_refused is not None
    assert decision.entry_refused.reason == "setting_unsupported"
    assert decision.entry_refused.numbers["setting"] == row.label
    assert decide("exit", chosen={row.name: True}).state == "PENDING"


def test_what_does_not_matter_refuses_nothing() -> None:
    for chosen in ({"retry": True}, {"stop_loss_unit": "amount"}, {"invert_puts": True}):
        assert refused(decide(chosen=chosen)) is None


@pytest.mark.parametrize("action", ["buy", "sell"])
def test_whoever_says_flat_ends_the_waiting_entries_of_both_sides(action: str) -> None:
    signal = Signal(
        dialect="traderspost", ticker="AAPL", instrument="AAPL", action=action, sentiment="flat"
    )
    assert {"buy ", "sell ", "add ", "reverse "} <= set(rules.superseded_by(signal))


@pytest.mark.rule("F.sender", "F.clock")
@pytest.mark.parametrize("action", ["buy", "exit", "add"])
def test_an_old_time_of_the_sender_alone_makes_nothing_too_old(action: str) -> None:
    assert decide(action, sent_at=NOW - timedelta(days=3)).state == "PENDING"
    refusing = decide(action, sent_at=NOW - timedelta(days=3), reject_after_seconds=Decimal(60))
    assert refusing.reason == "signal_stale" or refused(refusing) == "signal_stale"


@pytest.mark.rule("F.display")
def test_a_signal_that_says_it_has_expired_is_decided_like_any_other() -> None:
    for chosen in ({}, {"auto_submit": False}):
        gone = decide(chosen=chosen, expires_at="2020-01-01 00:00:00")
        assert gone == decide(chosen=chosen)


@pytest.mark.rule("K.futures.delay", "K.futures.equal")
@pytest.mark.parametrize(("age", "state"), [(30, "DELAYED"), (31, "EXPIRED")])
def test_a_delay_does_not_use_up_the_age_that_the_sender_allows(age: float, state: str) -> None:
    limits: dict[str, Any] = {"reject_after_seconds": Decimal(30), "delay_seconds": Decimal(600)}
    decision = decide("exit", sent_at=NOW - timedelta(seconds=age), **limits)
    assert decision.state == state


@pytest.mark.rule("F.approval", "F.exits")
def test_an_approval_may_take_ten_minutes() -> None:
    decision = decide(chosen={"auto_submit": False})
    assert decision.approval_expires_at == NOW + timedelta(minutes=10)


@pytest.mark.rule("D6.click")
def test_a_full_exit_that_came_too_late_may_be_approved_for_a_day() -> None:
    decision = decide("exit", age=901)
    assert decision.reason == "late_exit"
    assert decision.approval_expires_at == NOW + timedelta(days=1)
    assert decide("exit", age=901, quantity=Decimal(1)).state == "EXPIRED"
