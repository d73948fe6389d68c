"""Money in the account's currency against prices in another one."""

from decimal import Decimal
from typing import Any

import pytest

from execution.domain.decisions import Send
from execution.domain.market import Figures, Market
from execution.domain.trades import Distance, Rung, Trade
from execution.domain.words import AssetClass, By, SizeType
from execution.lanes import known
from tests.unit.planning_kit import a_trade, decide, held, plan, quoted, refused

# 25 euros a point.
DAX = "FDAX1!"


def a_future(quantity: str, ticker: str = DAX, **fields: Any) -> Trade:
    return known.resolve(
        a_trade(
            "buy",
            quantity,
            ticker=ticker,
            asset_class=AssetClass.FUTURES,
            signal_price=Decimal(20_000),
            **fields,
        )
    )


def seen(rate: str | None, money: str = "5000000") -> Market:
    figures = Figures(Decimal(money), Decimal(money))
    return Market(quoted(last="20000"), figures, rate=None if rate is None else Decimal(rate))


MONEY = {"size_type": SizeType.DOLLAR_AMOUNT}


@pytest.mark.rule("C6.currency")
def test_money_buys_as_much_as_it_is_worth_in_the_instruments_currency() -> None:
    # 20,000 points of 25 euros at 1.10: 550,000 a contract.
    trade = a_future("1700000", **MONEY)
    decision = decide(trade, held("0"), seen=seen("1.10"))
    assert isinstance(decision, Send)
    assert decision.quantity == 3
    assert decision.numbers["rate"] == "1.10"


@pytest.mark.rule("C6.unknown")
@pytest.mark.parametrize(
    "fields",
    [
        MONEY,
        {"size_type": SizeType.PERCENT_OF_EQUITY},
        {"take_profit": Distance(By.PNL_AMOUNT, Decimal(500))},
        {"ladder": (Rung(Distance(By.PNL_AMOUNT, Decimal(500)), quantity=Decimal(1)),)},
    ],
)
def test_money_without_a_rate_is_refused_and_says_so(fields: dict[str, Any]) -> None:
    trade = a_future("2", **fields)
    assert refused(decide(trade, held("0"), seen=seen(None))) == "currency_unknown"


def test_a_fixed_size_and_prices_in_dollars_need_no_rate() -> None:
    assert isinstance(decide(a_future("2"), held("0"), seen=Market()), Send)
    nasdaq = a_future("1000000", "MNQ1!", **MONEY)
    assert isinstance(decide(nasdaq, held("0"), seen=seen(None)), Send)


def test_profit_in_money_becomes_a_distance_at_the_rate() -> None:
    trade = a_future("2", take_profit=Distance(By.PNL_AMOUNT, Decimal(550)))
    decision = decide(trade, held("0"), seen=seen("1.10"))
    assert isinstance(decision, Send)
    # 550 dollars are 500 euros: 10 points of two contracts of 25 euros.
    assert decision.guards[0].limit_price == 20_010


def test_an_exit_for_money_is_compared_at_the_rate_too() -> None:
    trade = known.resolve(
        a_trade(
            "exit", "600000", ticker=DAX, asset_class=AssetClass.FUTURES,
            signal_price=Decimal(20_000), **MONEY,
        )
    )  # fmt: skip
    assert plan(trade, held("3"), seen("1.10")).sends[0].quantity == 1
    assert refused(decide(trade, held("3"), seen=seen(None))) == "currency_unknown"


def test_a_flip_of_a_fixed_size_looks_before_it_asks_for_a_rate() -> None:
    target = Distance(By.PNL_AMOUNT, Decimal(500))
    trade = a_future("2", take_profit=target, allow_swap=True)
    decision = decide(trade, held("-1"), seen=None)
    assert isinstance(decision, Send) and decision.quantity == 1
