"""Wanted positions: what each comes to from where the account stands, in real orders."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from execution.domain.decisions import CancelFirst, End, Look, Scope, Wait
from execution.domain.market import Figures, Market
from execution.domain.sync import Ledger, Sizing, Target
from execution.domain.words import AssetClass, Leg, Sentiment, Sides, TradeState
from tests.unit.planning_kit import (
    BUY,
    SELL,
    a_trade,
    decide,
    filled,
    held,
    plan,
    quoted,
    refused,
    sent,
    working,
)

PRICE = Decimal("1850.5")
FIGURES: dict[str, Any] = {
    "value": Decimal(10),
    "order_size": Decimal("0.5"),
    "order_price": PRICE,
}


def a_target(sizing: Sizing, now: str = "0.5", before: str | None = "0", **more: Any) -> Target:
    figures = FIGURES | more
    return Target(sizing, Decimal(now), None if before is None else Decimal(before), **figures)


def toward(target: Target, **fields: Any) -> Any:
    """A trade of the dialect, in fractions."""
    action, sentiment = (
        ("buy", Sentiment.BULLISH) if target.now > 0 else ("sell", Sentiment.BEARISH)
    )
    defaults = {"asset_class": AssetClass.FUTURES if target.now < 0 else AssetClass.CRYPTO}
    return a_trade(action, sentiment=sentiment, target=target, **(defaults | fields))


def seen(balance: str = "1000", price: Decimal = PRICE) -> Market:
    return Market(quoted(last=str(price)), Figures(Decimal(balance), Decimal(balance)))


def orders(trade: Any, scope: Scope, market: Market | None = None) -> list[tuple[Leg, Any, str]]:
    """The plan in short."""
    sends = plan(trade, scope, market or seen()).sends
    return [(s.leg, s.side, format(s.quantity.normalize(), "f")) for s in sends]


@pytest.mark.parametrize(
    ("sizing", "more", "units"),
    [
        # The published figures at 1850.5, in thousandths of a unit, rounded down.
        (Sizing.BALANCE_PERCENT, {}, "0.054"),
        (Sizing.INITIAL_PERCENT, {}, "0.054"),
        (Sizing.INITIAL_AND_PROFIT, {}, "0.54"),
        (Sizing.FIXED_QUOTE, {"value": Decimal(100)}, "0.054"),
        (Sizing.ORDER_SIZE, {}, "0.5"),
        (Sizing.FIXED_BASE, {}, "10"),
        (Sizing.FLAT_PERCENT, {}, "0.054"),
        (Sizing.FIXED_CAPITAL, {"value": Decimal(1000)}, "0.5"),
        (Sizing.UNITS, {}, "0.5"),
        (Sizing.WHOLE, {}, "0.54"),
    ],
)
def test_each_way_of_sizing_opens_its_published_figure(
    sizing: Sizing, more: dict[str, Any], units: str
) -> None:
    assert orders(toward(a_target(sizing, **more)), Scope()) == [(Leg.ENTRY, BUY, units)]


@pytest.mark.parametrize("sizing", list(Sizing))
def test_leverage_and_the_multiplier_scale_what_opens(sizing: Sizing) -> None:
    def opened(leverage: int, multiplier: int) -> Decimal:
        target = a_target(sizing, value=Decimal(1000), leverage=Decimal(leverage))
        market = seen("100000", Decimal(1))
        return Decimal(
            orders(toward(target, multiplier=Decimal(multiplier)), Scope(), market)[0][2]
        )

    assert opened(3, 1) >= opened(1, 1)
    assert opened(1, 3) == 3 * opened(1, 1)


def test_a_reserve_is_left_of_the_whole_balance_only() -> None:
    one = Decimal(1)
    whole = toward(a_target(Sizing.WHOLE, reserve=one))
    tenth = toward(a_target(Sizing.BALANCE_PERCENT, reserve=one))
    assert orders(whole, Scope(), seen(price=one)) == [(Leg.ENTRY, BUY, "990")]
    assert orders(tenth, Scope(), seen(price=one)) == [(Leg.ENTRY, BUY, "100")]


def test_balances_of_before_size_what_opens_now() -> None:
    ledger = Ledger(initial=Decimal(500), when_flat=Decimal(800))
    market, one = seen("300", Decimal(1)), Decimal("0.2")
    for sizing, units in ((Sizing.INITIAL_PERCENT, "30"), (Sizing.FLAT_PERCENT, "80")):
        grown = toward(a_target(sizing, "1", "0.5"))
        assert orders(grown, held(str(one), ledger=ledger), market) == [(Leg.ENTRY, BUY, units)]
    # Without a position the balance when flat is the one there is.
    fresh = toward(a_target(Sizing.FLAT_PERCENT))
    assert orders(fresh, Scope(ledger=ledger), market) == [(Leg.ENTRY, BUY, "30")]


def test_a_smaller_position_closes_the_same_fraction() -> None:
    less = toward(a_target(Sizing.FIXED_QUOTE, "0.2", "0.5"))
    assert orders(less, held("10")) == [(Leg.EXIT, SELL, "6")]
    third = toward(a_target(Sizing.FIXED_QUOTE, "2", "3"))
    assert orders(third, held("9")) == [(Leg.EXIT, SELL, "3")]


def test_exits_need_no_look_at_the_account() -> None:
    less = toward(a_target(Sizing.FIXED_QUOTE, "0.2", "0.5"))
    assert sent(decide(less, held("10"), seen=None)) == (Leg.EXIT, SELL, "6")
    flip = toward(a_target(Sizing.WHOLE, "-1", "1"))
    assert sent(decide(flip, held("10"), seen=None)) == (Leg.EXIT, SELL, "10")
    assert isinstance(decide(toward(a_target(Sizing.WHOLE)), Scope(), seen=None), Look)


def test_a_flip_closes_and_then_opens_what_the_sender_opened() -> None:
    flip = toward(a_target(Sizing.ORDER_SIZE, "-3", "2", order_size=Decimal(5)))
    assert orders(flip, held("10")) == [(Leg.EXIT, SELL, "10"), (Leg.ENTRY, SELL, "3")]


def test_after_a_restart_a_flip_goes_on_from_the_position_it_began_with() -> None:
    """What was decided is read from the exit, since the position itself is gone."""
    flip = toward(a_target(Sizing.ORDER_SIZE, "-3", None, order_size=Decimal(13)))
    first = decide(flip, held("10"), seen=None)
    assert sent(first) == (Leg.EXIT, SELL, "10")
    done = filled(Leg.EXIT, SELL, "10", decided_from=first.numbers)  # type: ignore[union-attr]
    assert sent(decide(flip, Scope(), seen=seen(), exits=(done,))) == (Leg.ENTRY, SELL, "3")


def test_a_reduction_ends_there_also_after_a_restart() -> None:
    less = toward(a_target(Sizing.FIXED_QUOTE, "0.2", "0.5"))
    first = decide(less, held("10"), seen=None)
    done = filled(Leg.EXIT, SELL, "6", decided_from=first.numbers)  # type: ignore[union-attr]
    after = decide(less, held("4"), exits=(done,), asked=Decimal(6))
    assert after == End(TradeState.FILLED)


def test_the_wrong_side_is_closed_and_nothing_opens_when_the_sender_did_not_grow() -> None:
    shrunk = toward(a_target(Sizing.FIXED_QUOTE, "0.2", "0.5"))
    assert orders(shrunk, held("-7")) == [(Leg.EXIT, BUY, "7")]


def test_sides_bind_what_opens_and_not_what_closes() -> None:
    flip = toward(a_target(Sizing.WHOLE, "-1", "1"), sides=Sides.BULLISH)
    found = plan(flip, held("5"), seen())
    assert [s.leg for s in found.sends] == [Leg.EXIT]
    assert found.reason == "side_not_allowed"
    assert refused(decide(flip, Scope(), seen=seen())) == "side_not_allowed"


def test_isolation_and_ignored_exits_hold_for_wanted_positions() -> None:
    target = a_target(Sizing.WHOLE, "-1", "1")
    alone = toward(target, sides=Sides.BEARISH, sides_isolated=True)
    assert refused(decide(alone, held("5"))) == "side_isolated"
    assert refused(decide(toward(target, ignore_exits=True), held("5"))) == "exits_ignored"


def test_adding_and_swapping_are_what_a_position_means() -> None:
    more = toward(a_target(Sizing.UNITS, "5", "2"), allow_add=False)
    assert orders(more, held("2")) == [(Leg.ENTRY, BUY, "3")]
    flip = toward(a_target(Sizing.WHOLE, "-1", "1"), allow_swap=False)
    assert [leg for leg, _, _ in orders(flip, held("2"), seen(price=Decimal(1)))] == [
        Leg.EXIT,
        Leg.ENTRY,
    ]


def test_whoever_comes_late_waits_until_the_sender_is_flat() -> None:
    silent = toward(a_target(Sizing.UNITS, "5", None))
    assert refused(decide(silent, Scope())) == "out_of_step"
    assert orders(silent, Scope(ledger=Ledger(in_step=True))) == [(Leg.ENTRY, BUY, "5")]
    assert refused(decide(toward(a_target(Sizing.UNITS, "5", "2")), Scope())) == "out_of_step"
    left = toward(a_target(Sizing.FIXED_QUOTE, "2", "5"))
    assert refused(decide(left, Scope())) == "out_of_step"


def test_own_working_entries_go_before_a_position_is_judged() -> None:
    trade = toward(a_target(Sizing.UNITS, "5", None))
    first = decide(trade, held("2", entries=(working(BUY, "3"),)))
    assert first == CancelFirst(("w1",), judged_after=True)
    going = held("2", entries=(working(BUY, "3", cancel_asked=True),))
    assert decide(trade, going) == Wait(TradeState.WORKING, "")


def test_in_doubt_nothing_opens_and_nothing_is_called_reached() -> None:
    doubtful = working(BUY, "5", in_doubt=True, cancel_asked=True)
    scope = Scope(entries=(doubtful,), in_doubt=True)
    same = decide(toward(a_target(Sizing.UNITS, "5", None)), scope)
    assert same == Wait(TradeState.BLOCKED, "in_doubt")
    flip = decide(toward(a_target(Sizing.UNITS, "-5", None)), scope)
    assert flip == Wait(TradeState.BLOCKED, "flatten_debt")


def test_a_message_that_comes_again_is_not_followed_again() -> None:
    more = toward(a_target(Sizing.FIXED_QUOTE, "5", "2"))
    before = held("2", ledger=Ledger(followed=Decimal(2)))
    assert [leg for leg, _, _ in orders(more, before)] == [Leg.ENTRY]
    again = decide(more, held("4", ledger=Ledger(followed=Decimal(5))))
    assert isinstance(again, End)
    assert (again.state, again.reason) == (TradeState.DONE, "target_reached")
    # A position that was stopped out meanwhile is opened anew.
    assert orders(
        toward(a_target(Sizing.FIXED_QUOTE, "5", "0")), Scope(ledger=Ledger(followed=Decimal(5)))
    )


NUMBERS = st.integers(-50, 50).filter(bool)


@given(
    sizing=st.sampled_from(Sizing),
    now=NUMBERS,
    before=st.none() | st.integers(-50, 50),
    position=st.integers(-50, 50),
    in_step=st.booleans(),
)
def test_the_same_target_again_does_nothing(
    sizing: Sizing, now: int, before: int | None, position: int, in_step: bool
) -> None:
    """From wherever it began: once all of it was filled, the repeat sends nothing."""
    target = replace(
        a_target(sizing, str(now), None if before is None else str(before)),
        value=Decimal(1000),
        order_size=Decimal(60),
    )
    trade = toward(target, asset_class=AssetClass.FUTURES)
    ledger, market = Ledger(in_step=in_step), seen("100000", Decimal(1))
    first = plan(trade, held(str(position), ledger=ledger), market)
    moved = sum((s.side.sign * s.quantity for s in first.sends), Decimal(0))
    after = position + moved
    if first.sends:
        ledger = replace(ledger, followed=target.now)
    if after * now > 0:
        assert orders(trade, held(str(after), ledger=ledger), market) == []


@given(
    sizing=st.sampled_from(Sizing),
    now=NUMBERS,
    before=st.none() | st.integers(-50, 50),
    position=st.integers(-50, 50),
)
def test_no_exit_closes_more_than_there_is(
    sizing: Sizing, now: int, before: int | None, position: int
) -> None:
    target = a_target(sizing, str(now), None if before is None else str(before))
    for send in plan(toward(target), held(str(position)), seen()).sends:
        if send.leg is Leg.EXIT:
            assert send.side.sign * position < 0
            assert send.quantity <= abs(position)


def test_a_planned_flip_opens_with_the_money_that_the_close_brings() -> None:
    """A long of 10 at 100 was paid for; closed, all of 1,000 is there again."""
    flip = toward(a_target(Sizing.WHOLE, "-1", "1"), asset_class=AssetClass.STOCKS)
    long = held("10", avg_price=Decimal(100))
    poor = Market(quoted(last="100"), Figures(Decimal(1000), Decimal(0)))
    assert orders(flip, long, poor) == [(Leg.EXIT, SELL, "10"), (Leg.ENTRY, SELL, "10")]
    futures = toward(a_target(Sizing.WHOLE, "-1", "1"))
    rich = Market(quoted(last="100"), Figures(Decimal(1000), Decimal(1000)))
    won = held("10", avg_price=Decimal(90))
    assert orders(futures, won, rich) == [(Leg.EXIT, SELL, "10"), (Leg.ENTRY, SELL, "11")]
