"""Take-profit ladders: what each target closes, from the message to the order."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.domain import ladders
from execution.domain.decisions import Refusal, Send
from execution.domain.market import Contract
from execution.domain.trades import Distance, Rung, StopLoss, Trade
from execution.domain.words import By, Leg, OrdType
from tests.unit.planning_kit import BUY, SELL, a_trade, decide, held, market, refused
from tests.unit.test_wishes import told
from web.signals import dialects
from web.signals.refusals import BadSignal
from web.signals.rules import TakeProfit

CENTS, ONE = Contract(Decimal("0.01")), Decimal(1)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(percent: int, quantity: int | None = None, share: int | None = None) -> Rung:
    """A target some percent away."""
    return Rung(
        Distance(By.PERCENT, Decimal(percent)),
        None if quantity is None else Decimal(quantity),
        None if share is None else Decimal(share),
    )


def climbing(*rungs: Rung, **fields: Any) -> Trade:
    return a_trade("buy", "10", ladder=rungs, **fields)


def parts(trade: Trade, quantity: int, side: Any = BUY) -> list[tuple[int, int]]:
    """Price and size of each target of an entry at 100."""
    found = ladders.targets(trade, side, Decimal(100), Decimal(quantity), CENTS, ONE)
    assert isinstance(found, tuple), found
    assert all(leg.quantity is not None for leg in found[:-1])
    sizes = [leg.quantity or Decimal(0) for leg in found]
    if found[-1].quantity is None:
        sizes[-1] = quantity - sum(sizes[:-1], Decimal(0))
    return [(int(leg.limit_price or 0), int(size)) for leg, size in zip(found, sizes, strict=True)]


def test_each_target_closes_its_part_and_the_last_one_the_rest() -> None:
    assert parts(climbing(at(5, share=50), at(10, 3), at(20)), 10) == [(105, 5), (110, 3), (120, 2)]
    assert parts(climbing(at(5, share=33), at(10, share=67)), 10) == [(105, 3), (110, 7)]
    assert parts(climbing(at(5, share=30), at(10, share=30)), 10) == [(105, 3), (110, 3)]
    assert parts(climbing(at(5, 2), at(10), multiplier=Decimal(2)), 10) == [(105, 4), (110, 6)]


def test_the_nearest_target_comes_first_and_two_at_one_price_are_one() -> None:
    assert parts(climbing(at(20, 2), at(5, 3), at(10)), 10) == [(105, 3), (110, 5), (120, 2)]
    assert parts(climbing(at(5, 2), at(5, 3)), 10) == [(105, 5)]
    assert parts(climbing(at(20, 2), at(5, 3)), 10, SELL) == [(95, 3), (80, 2)]


def test_a_part_that_rounds_to_nothing_has_no_target() -> None:
    assert parts(climbing(at(5, share=50), at(10)), 1) == [(110, 1)]
    nothing = ladders.targets(climbing(at(5, share=50)), BUY, Decimal(100), Decimal(1), CENTS, ONE)
    assert isinstance(nothing, Refusal)


@given(
    rungs=st.lists(
        st.builds(
            Rung,
            st.integers(1, 50).map(lambda percent: Distance(By.PERCENT, Decimal(percent))),
            st.none() | st.integers(1, 9).map(Decimal),
            st.none() | st.integers(1, 100).map(Decimal),
        ),
        min_size=1,
        max_size=10,
    ),
    quantity=st.integers(1, 40),
)
def test_a_ladder_never_closes_more_than_the_entry(rungs: list[Rung], quantity: int) -> None:
    found = ladders.targets(climbing(*rungs), BUY, Decimal(100), Decimal(quantity), CENTS, ONE)
    if isinstance(found, tuple):
        sizes = [leg.quantity for leg in found if leg.quantity is not None]
        assert all(size > 0 for size in sizes)
        takes_rest = found[-1].quantity is None
        assert sum(sizes) < quantity if takes_rest else sum(sizes) <= quantity


def test_no_venue_links_a_ladder_so_we_keep_it() -> None:
    stop = StopLoss(OrdType.STOP, Distance(By.PERCENT, Decimal(5)))
    send = decide(climbing(at(5, 3), at(10), stop_loss=stop), held("0"), seen=market("100"))
    assert isinstance(send, Send)
    assert send.is_synthetic
    assert [guard.leg for guard in send.guards] == [Leg.TAKE_PROFIT, Leg.TAKE_PROFIT, Leg.STOP]


@pytest.mark.rule("C5.targetside")
def test_c5_a_rung_on_the_wrong_side_refuses_the_entry() -> None:
    wrong = Rung(Distance(By.PRICE, Decimal(90)), Decimal(1))
    assert refused(decide(climbing(at(5, 3), wrong), held("0"), seen=market("100"))) == (
        "target_wrong_side"
    )


def read(take_profit: str) -> tuple[TakeProfit, ...]:
    body = f'{{"ticker": "SQ", "action": "buy", "takeProfit": {take_profit}}}'
    return dialects.read(body.encode(), now=NOON)[1].take_profit_ladder


def test_a_message_names_up_to_ten_targets() -> None:
    assert read('[{"percent": 5, "quantityPercent": 50}, {"limitPrice": 110}]') == (
        TakeProfit(percent=Decimal(5), quantity_percent=Decimal(50)),
        TakeProfit(limit_price=Decimal(110)),
    )
    assert read('{"percent": 5}') == ()
    ten = ", ".join('{"percent": 5, "quantity": 1}' for _ in range(10))
    assert len(read(f"[{ten}]")) == 10


@pytest.mark.parametrize(
    ("take_profit", "said"),
    [
        ('[{"percent": 5}, {"percent": 6}]', "how much it closes"),
        ('[{"percent": 5, "quantity": 1, "quantityPercent": 5}]', "both"),
        ('[{"percent": 5, "quantityPercent": 60}, {"percent": 6, "quantityPercent": 60}]', "100"),
        ("[5]", "not an object"),
        ("[" + ", ".join(['{"percent": 5, "quantity": 1}'] * 11) + "]", "1 to 10"),
        ('[{"quantity": 5}]', "no price"),
        ('[{"percent": 5, "quantity": -1}]', "above 0"),
    ],
)
def test_a_ladder_that_cannot_be_meant_is_refused(take_profit: str, said: str) -> None:
    with pytest.raises(BadSignal) as refused:
        read(take_profit)
    assert said in refused.value.message


def test_a_ladder_takes_the_place_of_the_settings_target() -> None:
    rungs = (
        TakeProfit(percent=Decimal(5), quantity=Decimal(2)),
        TakeProfit(amount=Decimal(7), quantity_percent=Decimal(40)),
    )
    mine = {"take_profit": {"source": "signal", "value": "3"}}
    trade = told(mine, take_profit_ladder=rungs)
    assert trade.take_profit is None
    assert trade.ladder == (
        Rung(Distance(By.PERCENT, Decimal(5)), quantity=Decimal(2)),
        Rung(Distance(By.AMOUNT, Decimal(7)), percent=Decimal(40)),
    )


@pytest.mark.parametrize(
    "chosen", [{"take_profit": "3"}, {"take_profit": "3", "allow_signal_overrides": False}]
)
def test_a_ladder_moves_no_target_that_a_signal_may_not_move(chosen: dict[str, Any]) -> None:
    rungs = (TakeProfit(percent=Decimal(5), quantity=Decimal(2)), TakeProfit(amount=Decimal(7)))
    trade = told(chosen, take_profit_ladder=rungs)
    assert trade.ladder == ()
    assert trade.take_profit == Distance(By.PERCENT, Decimal(3))


def test_a_ladder_is_none_where_signals_decide_nothing() -> None:
    rungs = (TakeProfit(percent=Decimal(5)),)
    assert told({"allow_signal_overrides": False}, take_profit_ladder=rungs).ladder == ()
    assert told({}, take_profit_ladder=rungs).ladder == (Rung(Distance(By.PERCENT, Decimal(5))),)


def test_the_last_target_closes_all_that_there_is_by_then() -> None:
    found = ladders.targets(climbing(at(5, 1), at(9)), BUY, Decimal(100), Decimal(4), CENTS, ONE)
    assert isinstance(found, tuple)
    assert [leg.quantity for leg in found] == [Decimal(1), None]
