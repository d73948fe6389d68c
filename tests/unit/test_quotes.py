"""Quotes as brokers tell them: zero is how many say that there is no price."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from execution.domain.decisions import End, Send
from execution.domain.market import Figures, Market, Quote
from execution.domain.trades import Distance, StopLoss
from execution.domain.words import By, OrdType, PriceType, SizeType
from tests.unit.planning_kit import BUY, a_style, a_trade, decide, held, refused

prices = st.sampled_from([None, *map(Decimal, ("0", "-1", "0.00", "100", "100.02"))])
_STYLES = [
    a_style("market"),
    a_style("limit"),
    a_style("stop"),
    a_style("market", spread_filter_percent="1"),
    a_style("trailing_stop", trail_percent="2"),
]


def told(bid: Decimal | None, ask: Decimal | None, last: Decimal | None) -> Market:
    figures = Figures(Decimal(10_000), Decimal(10_000))
    return Market(Quote.heard(bid=bid, ask=ask, last=last), figures)


def test_a_quote_of_nothing_but_zeros_is_no_quote() -> None:
    zero = Decimal(0)
    assert told(zero, zero, zero).quote is None
    assert told(None, None, None).quote is None
    assert Quote.heard(bid=zero, ask=Decimal(-3), last=Decimal(7)) == Quote(last=Decimal(7))


def test_money_at_a_price_of_zero_is_a_size_that_is_not_known() -> None:
    trade = a_trade("buy", "1000", size_type=SizeType.DOLLAR_AMOUNT, signal_price=None)
    zero = told(Decimal(0), Decimal(0), Decimal(0))
    assert refused(decide(trade, held("0"), seen=zero)) == "size_unknown"
    limited = a_trade("buy", "1", entry=a_style("limit"), signal_price=None)
    assert refused(decide(limited, held("0"), seen=zero)) == "no_price"


def test_an_option_that_nobody_bids_for_is_priced_by_its_last() -> None:
    quote = Quote.heard(bid=Decimal(0), ask=Decimal("0.05"), last=Decimal("0.03"))
    assert quote is not None
    assert quote.price(PriceType.MARK, BUY) == Decimal("0.03")


@given(
    prices,
    prices,
    prices,
    st.sampled_from(_STYLES),
    st.sampled_from(list(SizeType)),
    st.sampled_from(list(PriceType)),
    st.booleans(),
)
def test_whatever_is_quoted_a_trade_is_sent_or_told_why_not(
    bid: Decimal | None,
    ask: Decimal | None,
    last: Decimal | None,
    style: object,
    size_type: SizeType,
    price_type: PriceType,
    guarded: bool,
) -> None:
    stop = StopLoss(OrdType.STOP, Distance(By.PERCENT, Decimal(5))) if guarded else None
    for action in ("buy", "sell", "exit"):
        trade = a_trade(
            action, "10", size_type=size_type, signal_price=None, entry=style, exit=style,
            price_type=price_type, stop_loss=stop,
        )  # fmt: skip
        for position in ("0", "5", "-5"):
            decision = decide(trade, held(position), seen=told(bid, ask, last))
            if isinstance(decision, End):
                assert decision.reason and decision.reason != "internal_error"
            elif isinstance(decision, Send):
                assert decision.quantity > 0
