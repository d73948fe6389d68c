"""Lettered rules beyond the table: canceling first, protection, dust, isolation, restarts."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from msgspec.structs import replace

from execution.domain import judging, planning
from execution.domain.decisions import CancelFirst, End, Look, Progress, Scope, Send, Wait
from execution.domain.judging import Seen
from execution.domain.trades import Distance, StopLoss, Style
from execution.domain.words import (
    Action,
    AssetClass,
    By,
    ExecType,
    Leg,
    OrdType,
    Sentiment,
    Side,
    Sides,
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
    limit,
    market,
    plan,
    refused,
    sent,
    working,
)


def outcome(decision: Any) -> tuple[TradeState, str]:
    assert isinstance(decision, End), decision
    return decision.state, decision.reason


@pytest.mark.rule("K.cells.cancel")
def test_k_an_explicit_cancel_is_done_first_and_judged_after() -> None:
    trade = a_trade("buy", "3", cancel_first=True)
    scope = held("0", entries=(working(BUY, "5"),))
    assert decide(trade, scope) == CancelFirst(("w1",), judged_after=True)
    asked = held("0", entries=(working(BUY, "5", cancel_asked=True),))
    assert decide(trade, asked) == Wait(TradeState.WORKING, "")
    assert sent(decide(trade, held("0"), canceled_first=1)) == (Leg.ENTRY, BUY, "3")


def test_an_entry_ends_when_what_it_cancels_is_not_confirmed_in_time_and_an_exit_waits() -> None:
    late: dict[str, Any] = {"entry_dropped": "cancel_timeout", "dropped_numbers": {"seconds": "60"}}
    asked = held("0", entries=(working(BUY, "5", cancel_asked=True),))
    entry = a_trade("sell", "3", cancel_first=True)
    assert decide(entry, asked) == Wait(TradeState.WORKING, "")
    ended = decide(entry, asked, exposure=Decimal(0), **late)
    assert outcome(ended) == (TradeState.SKIPPED, "cancel_timeout")
    assert isinstance(ended, End) and ended.numbers["seconds"] == "60"
    long = held("4", entries=(working(BUY, "5", cancel_asked=True),))
    leaving = a_trade("exit", cancel_first=True)
    assert decide(leaving, long, exposure=Decimal(9), **late) == Wait(TradeState.WORKING, "")


def test_an_explicit_cancel_may_name_the_order_type_it_means() -> None:
    resting = working(BUY, "5", ord_type=OrdType.LIMIT)
    stops = a_trade("buy", "3", cancel_first=True, cancel_ord_type=OrdType.STOP)
    assert refused(decide(stops, held("0", entries=(resting,)))) == "entry_working"
    cancel = a_trade("cancel", cancel_ord_type=OrdType.STOP)
    assert refused(decide(cancel, held("0", entries=(resting,)))) == "nothing_to_cancel"


def test_c1_a_position_and_an_entry_against_it_cancel_out_and_are_repeated_on_neither_side() -> (
    None
):
    scope = held("-1", entries=(working(BUY, "1", ord_type=OrdType.LIMIT),))
    assert refused(decide(a_trade("buy", "2"), scope)) == "entry_working"
    assert refused(decide(a_trade("sell", "2"), scope)) == "already_in_position"
    adding = a_trade("buy", "2", allow_add=True)
    assert sent(decide(adding, scope)) == (Leg.ENTRY, BUY, "2")


@pytest.mark.rule("D3.cancels", "D3.remains")
def test_d3_a_flatten_debt_waits_for_the_entry_that_appeared_to_go() -> None:
    first = filled(Leg.EXIT, SELL, "2")
    late = working(BUY, "1", cancel_asked=True)
    owing = decide(a_trade("exit"), held("0", entries=(late,)), in_debt=True, exits=(first,))
    assert owing == Wait(TradeState.WORKING, "")
    paid = decide(a_trade("exit"), held("0"), in_debt=True, exits=(first,))
    assert outcome(paid) == (TradeState.FILLED, "")


@pytest.mark.rule("C2.setting")
def test_c2_the_cancel_setting_replaces_open_entries_where_adding_is_allowed() -> None:
    scope = held("0", entries=(working(BUY, "5"),))
    replacing = a_trade("buy", "3", cancel_by_setting=True, allow_add=True)
    assert decide(replacing, scope) == CancelFirst(("w1",))
    kept = structs.replace(replacing, cancel_first=False)
    assert sent(decide(kept, scope)) == (Leg.ENTRY, BUY, "3")
    repeat = a_trade("buy", "3", cancel_by_setting=True)
    assert refused(decide(repeat, scope)) == "entry_working"


@pytest.mark.rule("D4.exit")
def test_d4_an_exit_cancels_its_own_protection_first() -> None:
    scope = held("5", protection=(working(SELL, "5", ord_type=OrdType.STOP),))
    assert decide(a_trade("exit"), scope) == CancelFirst(("w1",))
    gone = working(SELL, "5", ord_type=OrdType.STOP, cancel_asked=True)
    assert isinstance(decide(a_trade("exit"), held("5", protection=(gone,))), Wait)
    assert sent(decide(a_trade("exit"), held("5"))) == (Leg.EXIT, SELL, "5")


@pytest.mark.rule("D7.protection", "D7.unprotected", "D7.keep")
def test_d7_cancel_says_when_the_position_is_left_unprotected() -> None:
    scope = held("5", protection=(working(SELL, "5", ord_type=OrdType.STOP),))
    assert decide(a_trade("cancel"), scope) == CancelFirst(("w1",))
    after = decide(a_trade("cancel"), held("5"), unprotected=1)
    assert outcome(after) == (TradeState.DONE, "now_unprotected")
    keeping = a_trade("cancel", keep_protection=True)
    assert refused(decide(keeping, scope)) == "nothing_to_cancel"


@pytest.mark.rule("K.size.dust")
def test_k_a_full_exit_below_the_venues_minimum_is_dust() -> None:
    venue = replace(VENUE, smallest_quantity=Decimal("0.01"))
    trade = a_trade("exit", asset_class=AssetClass.CRYPTO, signal_price=Decimal(150))
    dust = planning.decide(trade, held("0.009"), Progress(), venue)
    assert refused(dust) == "no_position"
    enough = planning.decide(trade, held("0.01"), Progress(), venue)
    assert sent(enough) == (Leg.EXIT, SELL, "0.01")


def test_crypto_worth_less_than_a_dollar_fifty_is_dust() -> None:
    trade = a_trade("exit", asset_class=AssetClass.CRYPTO)
    assert refused(decide(trade, held("0.0149"))) == "no_position"
    assert sent(decide(trade, held("0.015"))) == (Leg.EXIT, SELL, "0.015")
    assert sent(decide(structs.replace(trade, asset_class=AssetClass.STOCKS), held("0.001")))


@pytest.mark.rule("K.options.short")
def test_k_a_sell_that_would_open_a_short_option_is_skipped() -> None:
    trade = a_trade("sell", "1", asset_class=AssetClass.OPTIONS)
    assert refused(decide(trade, held("0"))) == "short_options_off"
    allowed = structs.replace(trade, short_options=True)
    assert sent(decide(allowed, held("0"))) == (Leg.ENTRY, SELL, "1")


@pytest.mark.rule("K.words.canceled", "K.cells.exposure")
def test_e3_reverse_with_only_a_working_entry_cancels_it() -> None:
    trade = a_trade("reverse")
    scope = held("0", entries=(working(BUY, "5"),))
    assert decide(trade, scope) == CancelFirst(("w1",))
    after = decide(trade, held("0"), exposure=Decimal(5), canceled_first=1)
    assert outcome(after) == (TradeState.DONE, "entry_canceled")


@pytest.mark.rule("C5.stop", "C4.unsupported")
def test_c5_an_entry_whose_stop_can_exist_neither_there_nor_here_is_skipped() -> None:
    nothing = replace(VENUE, has_brackets=False, ord_types=frozenset({OrdType.MARKET}))
    # Once its price has come a watched stop_limit is a limit, and a watched trail at market.
    limited = StopLoss(OrdType.STOP_LIMIT, Distance(By.PERCENT, Decimal(5)))
    trails = StopLoss(OrdType.TRAILING_STOP, Distance(By.PERCENT, Decimal(5)))
    for stop, seen, expected in (
        (limited, market("100"), "stop_unsupported"),
        (trails, NOTHING, "stop_unsupported"),
        (trails, market("100"), ""),
    ):
        trade = a_trade("buy", "1", stop_loss=stop)
        decision = planning.decide(trade, held("0"), Progress(), nothing, seen)
        assert (refused(decision) if expected else "") == expected
        assert expected or isinstance(decision, Send)
    # Both legs would have to be watched, and there is no quote to watch.
    stop = StopLoss(OrdType.STOP, Distance(By.PERCENT, Decimal(5)))
    pair = a_trade(
        "buy", "1", stop_loss=stop, take_profit=Distance(By.PERCENT, Decimal(5)), **limit("100")
    )
    decision = planning.decide(pair, held("0"), Progress(), nothing, NOTHING)
    assert refused(decision) == "order_type_unsupported"
    simple = replace(VENUE, has_brackets=False)
    decision = planning.decide(pair, held("0"), Progress(), simple, NOTHING)
    assert refused(decision) == "target_unsupported"


@pytest.mark.rule("K.size.fraction")
def test_k_fractional_entries_take_synthetic_protection() -> None:
    stop = StopLoss(OrdType.STOP, Distance(By.PERCENT, Decimal(5)))
    for quantity, asset_class, is_synthetic in (
        ("1.5", AssetClass.STOCKS, True),
        ("2", AssetClass.STOCKS, False),
        ("1.5", AssetClass.CRYPTO, False),
    ):
        trade = a_trade("buy", quantity, stop_loss=stop, asset_class=asset_class)
        decision = decide(trade, held("0"), seen=market("100"))
        assert isinstance(decision, Send)
        assert (len(decision.guards), decision.is_synthetic) == (1, is_synthetic)


def test_what_needs_the_market_asks_for_it_before_anything_is_decided() -> None:
    money = a_trade("buy", "1000", size_type=SizeType.DOLLAR_AMOUNT)
    assert decide(money, held("0"), seen=None) == Look("AAPL")
    assert isinstance(decide(a_trade("buy", "3"), held("0"), seen=None), Send)
    assert isinstance(decide(a_trade("exit"), held("5"), seen=None), Send)


def test_a_size_in_money_is_not_worked_out_again_once_an_order_was_made_of_it() -> None:
    trade = a_trade("sell", "800", size_type=SizeType.DOLLAR_AMOUNT, allow_swap=True)
    first = decide(trade, held("5"), seen=market("100"))
    assert isinstance(first, Send)
    assert first.numbers["asked"] == "8"
    exits = (filled(Leg.EXIT, SELL, "5", decided_from=first.numbers),)
    # At 200 the same money is less than was closed, and would open nothing.
    after = decide(trade, held("0"), seen=market("200"), exits=exits, asked=Decimal(8))
    assert sent(after)[:2] == (Leg.ENTRY, SELL)


def test_an_order_that_ran_out_of_time_says_so() -> None:
    style = Style(OrdType.LIMIT, Decimal(99), cancel_after=timedelta(0))
    trade = a_trade("buy", "5", entry=style)
    ended = an_order(Leg.ENTRY, BUY, "5", (ExecType.CANCELED, ""))
    assert outcome(decide(trade, held("0"), entry=ended)) == (
        TradeState.CANCELED,
        "canceled_in_time",
    )


@pytest.mark.rule("I.done")
def test_a_breakeven_trade_is_done_once_its_stop_rests() -> None:
    resting = an_order(Leg.STOP, SELL, "5", (ExecType.NEW, ""))
    assert outcome(decide(a_trade("breakeven"), held("5"), stop=resting))[0] is TradeState.DONE
    unknown = an_order(Leg.STOP, SELL, "5")
    assert isinstance(decide(a_trade("breakeven"), held("5"), stop=unknown), Wait)


def test_a_breakeven_whose_stop_is_in_doubt_does_not_grow_too_old() -> None:
    progress = Progress(stop=an_order(Leg.STOP, SELL, "5"), own_order_in_doubt=True)
    late = NOON + timedelta(minutes=5)
    decision = judging.judge(
        a_trade("breakeven"), Seen(held("5"), progress, VENUE, market("100"), late)
    )
    assert decision == Wait(TradeState.BLOCKED, "in_doubt")


@pytest.mark.rule("K.price.replaces")
def test_k_breakeven_replaces_the_resting_stop_and_takes_the_target_off_the_book() -> None:
    stop = working(SELL, "5", ord_type=OrdType.STOP)
    target = replace(working(SELL, "5", ord_type=OrdType.LIMIT), cl_ord_id="target")
    scope = held("5", avg_price=Decimal(90), protection=(stop, target))
    assert decide(a_trade("breakeven"), scope, seen=market("100")) == CancelFirst(("w1", "target"))


@pytest.mark.parametrize(("theirs", "ours"), [("3", "2"), ("5", "")])
def test_a_breakeven_stops_what_the_guards_of_others_leave(theirs: str, ours: str) -> None:
    guards = tuple(
        replace(working(SELL, theirs, ord_type=kind, bracket="b"), cl_ord_id=kind.value)
        for kind in (OrdType.STOP, OrdType.LIMIT)
    )
    own = (working(SELL, "2", ord_type=OrdType.STOP),)
    scope = held("5", avg_price=Decimal(90), protection=own, others_guards=guards)
    first = decide(a_trade("breakeven"), scope, seen=market("100"))
    if not ours:
        # And nothing of its own is taken away for nothing.
        assert refused(first) == "already_closing"
        return
    assert first == CancelFirst(("w1",))
    then = decide(a_trade("breakeven"), replace(scope, protection=()), seen=market("100"))
    assert sent(then) == (Leg.STOP, SELL, ours)


@pytest.mark.parametrize(("stop", "quantity", "loss"), [("90", "5", "50"), ("99.5", "8", "4.0")])
def test_a_plan_says_what_is_lost_at_the_stop(stop: str, quantity: str, loss: str) -> None:
    at = StopLoss(OrdType.STOP, Distance(By.PRICE, Decimal(stop)))
    seen = plan(a_trade("buy", quantity, stop_loss=at), held("0"), market("100"))
    assert seen.worst_loss == Decimal(loss)
    assert [s.leg for s in seen.sends] == [Leg.ENTRY]


def test_a_plan_shows_both_halves_of_a_flip_and_what_it_cancels() -> None:
    scope = held("5", protection=(working(SELL, "5", ord_type=OrdType.STOP),))
    seen = plan(a_trade("sell", "8", allow_swap=True), scope)
    assert [sent(s) for s in seen.sends] == [(Leg.EXIT, SELL, "5"), (Leg.ENTRY, SELL, "8")]
    assert seen.cancels == ("w1",)
    assert seen.state is TradeState.FILLED


quantities = st.none() | st.decimals(min_value="0.001", max_value="1000", places=3)
trades = st.builds(
    lambda action, sentiment, quantity, sides, kind, flags: a_trade(
        action.value,
        None if quantity is None else str(quantity),
        sentiment=sentiment if action in (Action.BUY, Action.SELL) else None,
        sides=sides,
        size_type=kind,
        **flags,
    ),
    st.sampled_from([a for a in Action if a is not Action.BREAKEVEN]),
    st.none() | st.sampled_from(list(Sentiment)),
    quantities,
    st.sampled_from(list(Sides)),
    st.sampled_from([SizeType.FIXED_QUANTITY, SizeType.DOLLAR_AMOUNT]),
    st.fixed_dictionaries(
        {
            "allow_add": st.booleans(),
            "allow_swap": st.booleans(),
            "sides_isolated": st.booleans(),
            "subtract_exit": st.booleans(),
            "is_parity": st.booleans(),
            "is_fractional": st.booleans(),
            "ignore_exits": st.booleans(),
        }
    ),
)
positions = st.decimals(min_value="-500", max_value="500", places=3)


@pytest.mark.rule("E2.exit")
@given(trade=trades, position=positions)
def test_no_plan_closes_more_than_the_position(trade: Any, position: Decimal) -> None:
    left = position
    for send in plan(trade, Scope(position)).sends:
        if send.leg is Leg.EXIT:
            assert send.side.sign * left < 0
            assert send.quantity <= abs(left)
        left += send.side.sign * send.quantity


@pytest.mark.rule("K.cells.mirror")
@given(trade=trades, position=positions)
def test_no_plan_touches_an_isolated_side(trade: Any, position: Decimal) -> None:
    trade = structs.replace(trade, sides_isolated=True)
    untouched = {Sides.BULLISH: -1, Sides.BEARISH: 1}.get(trade.sides)
    left = position
    for send in plan(trade, Scope(position)).sends:
        after = left + send.side.sign * send.quantity
        if untouched:
            # Neither the position before nor the one after is on the other side.
            assert left * untouched <= 0
            assert after * untouched <= 0
        left = after


@given(trade=trades, position=positions)
def test_ignored_exits_are_never_sent(trade: Any, position: Decimal) -> None:
    seen = plan(structs.replace(trade, ignore_exits=True), Scope(position))
    assert all(send.leg is Leg.ENTRY for send in seen.sends)


@pytest.mark.rule("C4.never")
@given(trade=trades, position=positions, kind=st.sampled_from(list(OrdType)))
def test_no_plan_sends_another_order_type_than_was_asked(
    trade: Any, position: Decimal, kind: OrdType
) -> None:
    style = Style(kind, trail_amount=Decimal(1))
    seen = plan(structs.replace(trade, entry=style, exit=style), Scope(position))
    assert all(send.ord_type is kind for send in seen.sends)


@given(trade=trades, position=positions)
def test_the_same_state_gives_the_same_plan(trade: Any, position: Decimal) -> None:
    assert plan(trade, Scope(position)) == plan(trade, Scope(position))


@pytest.mark.rule("C4.never")
@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_c4_a_limit_stays_a_limit_at_its_own_price(side: Side) -> None:
    decision = decide(a_trade(side.value, "1", **limit("99.005")), held("0"))
    assert isinstance(decision, Send)
    expected = "99.00" if side is BUY else "99.01"
    assert (decision.ord_type, decision.limit_price) == (OrdType.LIMIT, Decimal(expected))
