"""What may be opened, what always closes, how old each leg may be, and how trades end."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from execution.domain import judging, limits
from execution.domain.decisions import CancelFirst, Decision, End, Progress, Scope, Send, Wait
from execution.domain.judging import Seen
from execution.domain.limits import Limits, Used
from execution.domain.market import Market
from execution.domain.switches import Binding
from execution.domain.words import (
    ExecType,
    Leg,
    Sentiment,
    Side,
    SizeType,
    TradeState,
)
from tests.unit.planning_kit import (
    BUY,
    NOON,
    NOTHING,
    SELL,
    VENUE,
    a_trade,
    an_order,
    decide,
    filled,
    held,
    market,
    plan,
    refused,
    sent,
    working,
)


def legs(trade: Any, scope: Scope, seen: Market | None = None) -> list[tuple[Leg, Side, str]]:
    return [sent(send) for send in plan(trade, scope, seen).sends]


def ended(decision: Decision) -> tuple[TradeState, str]:
    assert isinstance(decision, End), decision
    return decision.state, decision.reason


# -- entries


@pytest.mark.rule("C1.position")
@pytest.mark.parametrize(("action", "position"), [("buy", "5"), ("sell", "-5")])
def test_a_repeat_on_the_side_that_is_held_is_skipped(action: str, position: str) -> None:
    assert refused(decide(a_trade(action, "3"), held(position))) == "already_in_position"


@pytest.mark.rule("C7.entry")
def test_a_cap_lowers_what_opens_and_not_what_closes() -> None:
    trade = a_trade("sell", "2", uncapped=Decimal(5))
    assert legs(trade, held("5")) == [(Leg.EXIT, SELL, "5")]
    assert legs(trade, held("0")) == [(Leg.ENTRY, SELL, "2")]


# -- exits


BOUND = Binding(limits=Limits(Decimal(100), Decimal(100), 1), used=Used(Decimal(500), orders=9))


@pytest.mark.rule("D6.loss", "D6.orders", "C6.loss", "C6.orders")
@pytest.mark.parametrize("action", ["exit", "sell", "reverse"])
def test_limits_of_the_account_stop_what_opens_and_never_what_closes(action: str) -> None:
    seen = Seen(held("5"), Progress(), VENUE, NOTHING, NOON, binding=BOUND)
    closes = judging.judge(a_trade(action), seen)
    assert sent(closes) == (Leg.EXIT, SELL, "5")
    flat = replace(seen, scope=held("0"))
    assert refused(judging.judge(a_trade("buy", "1"), flat)) == "daily_loss_hit"
    only_orders = Binding(limits=Limits(max_orders=1), used=Used(orders=9))
    assert refused(judging.judge(a_trade("buy", "1"), replace(flat, binding=only_orders))) == (
        "max_orders"
    )


@pytest.mark.rule("D6.orders", "D6.loss", "K.words.refused")
def test_a_flip_over_a_limit_closes_and_opens_nothing() -> None:
    flip = a_trade("sell", "8", allow_swap=True)
    done = Progress(exits=(filled(Leg.EXIT, SELL, "5"),))
    end = judging.judge(flip, Seen(held("0"), done, VENUE, NOTHING, NOON, binding=BOUND))
    assert ended(end) == (TradeState.PARTIALLY_FILLED, "daily_loss_hit")


@pytest.mark.rule("D6.age", "F.leg", "F.exit", "F.entry", "K.futures.equal")
@pytest.mark.parametrize(
    ("action", "seconds", "goes"),
    [
        ("exit", 121, True), ("sell", 121, True), ("exit", 900, True), ("exit", 901, False),
        ("add", 120, True), ("add", 121, False), ("add", 900, False),
    ],
)  # fmt: skip
def test_a_leg_goes_until_it_is_older_than_its_kind_may_be(
    action: str, seconds: int, goes: bool
) -> None:
    at = NOON + timedelta(seconds=seconds)
    decision = judging.judge(a_trade(action, "3"), Seen(held("5"), Progress(), VENUE, NOTHING, at))
    assert isinstance(decision, Send) is goes
    if not goes:
        assert ended(decision) == (TradeState.EXPIRED, "signal_stale")


@pytest.mark.rule("K.futures.equal", "K.futures.exits")
@pytest.mark.parametrize("action", ["buy", "exit"])
def test_what_its_sender_wants_no_more_is_begun_until_that_moment_and_not_after(
    action: str,
) -> None:
    trade = a_trade(action, "1", reject_at=NOON + timedelta(seconds=30))
    position = held("0" if action == "buy" else "5")
    for late, goes in ((timedelta(seconds=30), True), (timedelta(seconds=30.001), False)):
        seen = Seen(position, Progress(), VENUE, NOTHING, NOON + late)
        assert isinstance(judging.judge(trade, seen), Send) is goes


@pytest.mark.rule("E1.clock", "F.leg")
def test_the_age_of_a_flip_s_entry_counts_from_the_fill_of_its_exit() -> None:
    flip = a_trade("sell", "8", allow_swap=True)
    exit_ = an_order(Leg.EXIT, SELL, "5")
    late = NOON + timedelta(minutes=10)
    exit_.add(replace(next(iter(filled(Leg.EXIT, SELL, "5").reports.values())), time=late))

    def at(seconds: int) -> Decision:
        progress = Progress(exits=(exit_,))
        when = late + timedelta(seconds=seconds)
        return judging.judge(flip, Seen(held("0"), progress, VENUE, NOTHING, when))

    assert sent(at(120)) == (Leg.ENTRY, SELL, "8")
    assert ended(at(121)) == (TradeState.PARTIALLY_FILLED, "signal_stale")


@pytest.mark.rule("E1.size")
def test_a_flip_s_entry_is_sized_by_what_is_known_when_its_exit_has_filled() -> None:
    # Of the settings: it says nothing of how much to close.
    share = {"size_type": SizeType.PERCENT_OF_EQUITY, "quantity_from_signal": False}
    flip = a_trade("sell", "10", allow_swap=True, **share)
    first = decide(flip, held("5"), seen=market("100", equity="1000"))
    assert sent(first) == (Leg.EXIT, SELL, "5")
    done = (filled(Leg.EXIT, SELL, "5"),)
    then = decide(flip, held("0"), seen=market("50", equity="4000"), exits=done)
    assert sent(then) == (Leg.ENTRY, SELL, "8")


@pytest.mark.rule("E2.all")
def test_an_opposite_signal_without_a_quantity_closes_all() -> None:
    assert legs(a_trade("sell"), held("5")) == [(Leg.EXIT, SELL, "5")]


@pytest.mark.rule("E2.flat", "E2.parity")
def test_subtracting_all_that_is_held_opens_the_opposite_in_parity_mode_only() -> None:
    fields: dict[str, Any] = {"allow_swap": True, "subtract_exit": True}
    seen = plan(a_trade("sell", "5", **fields), held("5"))
    assert ([sent(s) for s in seen.sends], seen.reason) == (
        [(Leg.EXIT, SELL, "5")],
        "subtracted_flat",
    )
    parity = legs(a_trade("sell", "5", is_parity=True, **fields), held("5"))
    assert parity == [(Leg.EXIT, SELL, "5"), (Leg.ENTRY, SELL, "5")]


@pytest.mark.rule("E3.flat")
def test_to_be_flat_closes_either_side_whoever_says_it() -> None:
    for action in ("buy", "sell"):
        trade = a_trade(action, sentiment=Sentiment.FLAT)
        assert legs(trade, held("5")) == [(Leg.EXIT, SELL, "5")]
        assert legs(trade, held("-5")) == [(Leg.EXIT, BUY, "5")]


@pytest.mark.rule("E3.reverse")
def test_a_reversal_of_nothing_is_skipped() -> None:
    assert refused(decide(a_trade("reverse", "3"), held("0"))) == "no_position"


@pytest.mark.rule("B4.pass", "D3.debt")
def test_an_exit_passes_what_an_entry_is_blocked_by() -> None:
    scope = held("5", closing=(working(SELL, "2", in_doubt=True),), in_doubt=True)
    assert decide(a_trade("add", "1"), scope) == Wait(TradeState.BLOCKED, "in_doubt")
    assert sent(decide(a_trade("exit"), scope)) == (Leg.EXIT, SELL, "3")


@pytest.mark.rule("B5.planned", "D2.quantity")
def test_a_signal_behind_a_flip_is_planned_from_what_its_exit_leaves() -> None:
    scope = held("5", closing=(working(SELL, "5"),))
    assert refused(decide(a_trade("buy", "3"), scope)) == "already_in_position"
    assert sent(decide(a_trade("buy", "3"), held("0"))) == (Leg.ENTRY, BUY, "3")


@pytest.mark.rule("B2.expires", "F.entry")
def test_an_entry_behind_a_doubt_is_blocked_until_it_is_too_old() -> None:
    scope = held("0", closing=(working(SELL, "5", in_doubt=True),), in_doubt=True)

    def at(seconds: int) -> Decision:
        when = NOON + timedelta(seconds=seconds)
        return judging.judge(a_trade("buy", "3"), Seen(scope, Progress(), VENUE, NOTHING, when))

    assert at(120) == Wait(TradeState.BLOCKED, "in_doubt")
    assert ended(at(121)) == (TradeState.EXPIRED, "signal_stale")


@pytest.mark.rule("G5.stop")
def test_where_more_was_filled_than_asked_nothing_is_opened_and_what_closes_goes() -> None:
    over = Seen(held("0"), Progress(), VENUE, NOTHING, NOON, is_overfilled=True)
    assert refused(judging.judge(a_trade("buy", "1"), over)) == "overfilled"
    assert isinstance(judging.judge(a_trade("exit"), replace(over, scope=held("5"))), Send)


# -- outcomes


@pytest.mark.rule("I.counts", "I.done", "K.words.cancel")
def test_a_cancel_says_how_many_it_ended() -> None:
    end = decide(a_trade("cancel"), held("0"), canceled_first=2, superseded_waiting=3)
    assert ended(end) == (TradeState.DONE, "")
    assert isinstance(end, End)
    assert (end.numbers["canceled"], end.numbers["superseded"]) == ("2", "3")


@pytest.mark.rule("I.skipped")
def test_a_skipped_trade_tells_the_numbers_that_its_rule_compared() -> None:
    end = decide(a_trade("buy", "3"), held("5"))
    assert isinstance(end, End) and end.state is TradeState.SKIPPED
    told = {name: end.numbers[name] for name in ("position", "exposure", "quantity", "side")}
    assert told == {"position": "5", "exposure": "5", "quantity": "3", "side": "long"}


@pytest.mark.rule("I.half", "K.words.refused")
@pytest.mark.parametrize("why", ["superseded", "flip_timeout", "signal_stale", "halted"])
def test_a_flip_with_its_exit_alone_is_filled_in_part_and_says_why(why: str) -> None:
    flip = a_trade("sell", "8", allow_swap=True)
    done = (filled(Leg.EXIT, SELL, "5"),)
    end = decide(flip, held("0"), exits=done, entry_dropped=why)
    assert ended(end) == (TradeState.PARTIALLY_FILLED, why)


@pytest.mark.rule("I.amended", "I.current")
def test_a_fill_behind_the_end_changes_what_became_of_the_trade() -> None:
    order = an_order(Leg.ENTRY, BUY, "5", (ExecType.CANCELED, ""))
    assert ended(decide(a_trade("buy", "5"), held("0"), entry=order))[0] is TradeState.CANCELED
    late = next(iter(filled(Leg.ENTRY, BUY, "5").reports.values()))
    order.add(replace(late, report_id="late", sequence=9))
    assert ended(decide(a_trade("buy", "5"), held("5"), entry=order))[0] is TradeState.FILLED


@pytest.mark.rule("D3.cancels")
def test_a_debt_cancels_the_entry_that_may_be_there() -> None:
    doubtful = working(BUY, "5", in_doubt=True)
    scope = held("0", entries=(doubtful,), in_doubt=True)
    assert decide(a_trade("exit"), scope) == CancelFirst(("w1",))


@pytest.mark.rule("C6.account", "C6.position")
def test_what_all_lanes_of_an_account_hold_counts_for_its_largest_position() -> None:
    bound = Limits(max_position=Decimal(1000))
    order = decide(a_trade("buy", "3"), held("0"))
    assert isinstance(order, Send)
    elsewhere = Used(exposed=Decimal(800))
    refusal = limits.refuse(bound, elsewhere, order, Decimal(1))
    assert refusal is not None and refusal.numbers["value"] == "1100"
    assert limits.refuse(bound, Used(exposed=Decimal(700)), order, Decimal(1)) is None


@pytest.mark.rule("B3.skipped", "K.words.queued")
def test_a_superseded_entry_says_so_even_where_it_would_be_a_repeat() -> None:
    for scope in (held("5"), held("0", entries=(working(BUY, "5"),))):
        assert refused(decide(a_trade("buy", "3"), scope, entry_dropped="superseded")) == (
            "superseded"
        )
