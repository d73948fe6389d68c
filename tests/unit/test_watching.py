"""Stop entries that the venue does not hold: what is decided of them, and how long they wait."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from execution.accounts.terms import fired, terms_of
from execution.brokers.base import QuoteSnapshot
from execution.domain import judging, planning
from execution.domain.decisions import Decision, End, Look, Progress, Scope, Send, VenueRules, Wait
from execution.domain.judging import Seen
from execution.domain.market import Market
from execution.domain.trades import Distance, StopLoss, Trade
from execution.domain.words import By, Leg, OrdType, TradeState
from execution.engine.watching import WATCH_SECONDS
from execution.messages import seeing
from execution.runtime import Timer
from tests.unit.lane_kit import Desk, Steps
from tests.unit.planning_kit import (
    BUY,
    NOON,
    NOTHING,
    VENUE,
    a_style,
    a_trade,
    an_order,
    held,
    market,
    refused,
    working,
)

PLAIN = frozenset({OrdType.MARKET, OrdType.LIMIT})
NO_STOPS = replace(VENUE, ord_types=PLAIN, has_brackets=False)
WORKING = TradeState.WORKING


def a_stop(**fields: object) -> Trade:
    return a_trade("buy", "5", **({"entry": a_style("stop", stop_price="110")} | fields))


def decided(trade: Trade, venue: VenueRules, seen: Market | None) -> Decision:
    return planning.decide(trade, Scope(), Progress(), venue, seen)


@pytest.mark.rule("K.price.stop")
@pytest.mark.parametrize(
    ("kind", "prices"),
    [
        ("stop", {"stop_price": "110"}),
        ("stop_limit", {"stop_price": "110", "limit_price": "111"}),
    ],
)
def test_k_an_unsupported_stop_entry_is_watched_where_there_is_a_quote(
    kind: str, prices: dict[str, str]
) -> None:
    trade = a_stop(entry=a_style(kind, **prices))
    assert decided(trade, NO_STOPS, None) == Look("AAPL")
    send = decided(trade, NO_STOPS, market("100"))
    assert isinstance(send, Send)
    assert (send.is_watched, send.ord_type.value, send.stop_price) == (True, kind, Decimal(110))
    [order] = seeing.orders(send, VENUE)
    assert order.synthetic
    unquoted = decided(trade, NO_STOPS, NOTHING)
    assert refused(unquoted) == "order_type_unsupported"
    assert isinstance(unquoted, End) and unquoted.numbers["missing"] == "quote"
    native = decided(trade, VENUE, market("100"))
    assert isinstance(native, Send) and not native.is_watched


@pytest.mark.rule("C4.never", "C4.unsupported")
def test_c4_nothing_is_watched_that_would_become_what_the_venue_lacks_too() -> None:
    market_only = replace(NO_STOPS, ord_types=frozenset({OrdType.MARKET}))
    limited = a_stop(entry=a_style("stop_limit", stop_price="110", limit_price="111"))
    assert refused(decided(limited, market_only, market("100"))) == "order_type_unsupported"
    trails = a_stop(entry=a_style("trailing_stop", trail_amount="1"))
    assert refused(decided(trails, NO_STOPS, market("100"))) == "order_type_unsupported"
    # An exit does not wait for a price that only we look at.
    leaves = a_trade("exit", exit=a_style("stop", stop_price="90"))
    decision = planning.decide(leaves, held("5"), Progress(), NO_STOPS, market("100"))
    assert refused(decision) == "order_type_unsupported"


@pytest.mark.rule("C4.never")
@pytest.mark.parametrize(
    ("kind", "asked", "sent_as", "lasts"),
    [
        ("stop", "gtc", OrdType.MARKET, "day"),
        ("stop_limit", "gtc", OrdType.LIMIT, "gtc"),
        ("stop_limit", "ioc", OrdType.LIMIT, "day"),
    ],
)
def test_c4_it_goes_as_what_a_stop_becomes(
    kind: str, asked: str, sent_as: OrdType, lasts: str
) -> None:
    style = replace(a_style(kind, stop_price="110"), time_in_force=asked)
    trade = a_stop(entry=style)
    send = decided(trade, NO_STOPS, market("100"))
    assert isinstance(send, Send)
    desk = Desk()
    desk.account.rules = NO_STOPS
    desk.enter(1, "buy", "5", signal_price=None)
    run = next(iter(desk.account.runs.values()))
    terms = terms_of(run, send, NOON)
    gone = fired(terms, NO_STOPS, Decimal(111))
    assert (gone.ord_type, gone.stop_price, gone.time_in_force) == (sent_as, None, lasts)
    assert gone.cl_ord_id == terms.cl_ord_id
    assert gone.limit_price == (None if kind == "stop" else Decimal(110))


@pytest.mark.rule("K.price.stop")
def test_k_a_watched_entry_is_working_and_says_what_it_waits_for() -> None:
    order = an_order(Leg.ENTRY, BUY, "5")
    waits = planning.decide(
        a_stop(), Scope(), Progress(entry=order, is_watching=True), NO_STOPS, NOTHING
    )
    assert isinstance(waits, Wait)
    assert (waits.state, waits.reason) == (TradeState.WORKING, "entry_watched")


@pytest.mark.rule("C1.working")
def test_c1_a_watched_entry_counts_as_one_that_works() -> None:
    scope = Scope(entries=(working(BUY, "5", ord_type=OrdType.STOP),))
    decision = planning.decide(a_trade("buy", "3"), scope, Progress(), NO_STOPS, market("100"))
    assert refused(decision) == "entry_working"


@pytest.mark.rule("C5.stopside")
def test_c5_its_own_stop_is_on_the_right_side_of_the_price_it_waits_for() -> None:
    def at(price: str) -> Decision:
        stop = StopLoss(OrdType.STOP, Distance(By.PRICE, Decimal(price)))
        return decided(a_stop(stop_loss=stop), NO_STOPS, market("100"))

    assert refused(at("111")) == "stop_wrong_side"
    # Above the price of now, and below the one that it enters at.
    assert isinstance(at("105"), Send)


def test_what_decided_a_watched_entry_is_read_again_and_decides_the_same() -> None:
    trade = a_stop()
    seen = Seen(Scope(), Progress(), NO_STOPS, market("100"), NOON)
    decided_then = seeing.record(trade, seen, judging.judge(trade, seen))
    assert decided_then is not None
    again = seeing.read(trade, decided_then.seen)
    recorded_again = seeing.record(trade, again, judging.judge(trade, again))
    assert recorded_again is not None
    assert recorded_again.hash == decided_then.hash


class Watched(Desk):
    """A desk whose broker holds no stops, with an entry that waits for 110."""

    def __init__(self, **style: object) -> None:
        super().__init__()
        self.account.rules = NO_STOPS
        self.price, self.ringing = Decimal(100), list[Callable[[], None]]()
        self.broker.quote = self._quote  # type: ignore[method-assign]
        self.steps.later = self._later  # type: ignore[method-assign]
        entry = replace(a_style("stop", stop_price="110"), **style)
        self.trade = self.enter(1, "buy", "5", entry=entry)
        self.steps.run()

    async def _quote(self, *_: object, **__: object) -> QuoteSnapshot:
        now = self.steps.now()
        return QuoteSnapshot("AAPL", bid=self.price, ask=self.price, last=self.price, as_of=now)

    def _later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        if seconds == WATCH_SECONDS:
            self.ringing.append(callback)
            seconds = 1.0
        return Steps.later(self.steps, seconds, callback)

    def look(self, **later: float) -> tuple[TradeState, str]:
        """The price is looked at once more, some time later; where the trade stands then."""
        self.steps.at += timedelta(**later)
        ringing, self.ringing = self.ringing, []
        for ring in ringing:
            ring()
        self.steps.run()
        run = self.account.runs[self.trade.trade_id]
        assert run.said is not None
        return run.said[0], run.said[1]


@pytest.mark.rule("F.leg")
def test_f_the_age_of_an_entry_does_not_count_while_it_waits_for_its_price() -> None:
    desk = Watched()
    assert desk.look(minutes=30) == (WORKING, "entry_watched")
    assert desk.broker.orders == {}
    desk.price = Decimal(110)
    desk.look(minutes=30)
    [order] = desk.broker.orders.values()
    assert (order.ord_type, order.order_qty) == (OrdType.MARKET, Decimal(5))
    desk.fill_all()
    assert desk.look() == (TradeState.FILLED, "")


@pytest.mark.rule("K.price.stop")
@pytest.mark.parametrize(
    ("lasts", "stands"),
    [("day", (TradeState.EXPIRED, "")), ("gtc", (WORKING, "entry_watched"))],
)
def test_k_its_time_in_force_says_how_long_it_waits(
    lasts: str, stands: tuple[TradeState, str]
) -> None:
    desk = Watched(time_in_force=lasts)
    # Trading ends at nine in the evening, UTC.
    assert desk.look(hours=8) == (WORKING, "entry_watched")
    assert desk.look(hours=2) == stands


@pytest.mark.rule("K.price.stop")
def test_k_it_goes_when_the_price_has_come_to_it_and_not_before() -> None:
    desk = Watched()
    for price in ("109.99", "90", "109.99"):
        desk.price = Decimal(price)
        assert desk.look() == (WORKING, "entry_watched")
    desk.price = Decimal("110.01")
    desk.look()
    assert len(desk.broker.orders) == 1
    kinds = [entry.facts[0].kind for entry in desk.journal.entries]
    # The order, that it waits, that its price came; only then the broker's word.
    assert kinds == ["sending", "outcome", "outcome", "report"]
