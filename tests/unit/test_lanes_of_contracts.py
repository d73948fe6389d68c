"""What trades mean by their tickers, and how they close what is held in several contracts."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from execution.domain.decisions import CancelFirst, Look, Lot, OpenOrder, Scope, Send, Wait
from execution.domain.market import Market
from execution.domain.options import OptionType
from execution.domain.orders import ZERO
from execution.domain.trades import OptionWish, Style, Trade
from execution.domain.words import (
    AssetClass,
    ExecType,
    Leg,
    OrdType,
    Sentiment,
    Side,
    Sides,
    TradeState,
)
from execution.lanes import known
from protos.execution.v1 import execution_pb2 as pb
from tests.unit.planning_kit import (
    BUY,
    SELL,
    a_trade,
    an_order,
    decide,
    filled,
    plan,
    quoted,
    refused,
)

CALL, PUT = "AAPL270115C00230000", "AAPL270115P00230000"
# Two days before MNQH2026 expires, in Chicago.
ROLL = datetime(2026, 3, 18, 6, tzinfo=UTC)


def meant(ticker: str, asset_class: str, action: str = "buy", **fields: Any) -> Trade:
    known_fields: dict[str, Any] = {"quantity": Decimal(5), "quantity_from_signal": True}
    trade = a_trade(
        action,
        **(known_fields | fields),
        ticker=ticker,
        asset_class=AssetClass(asset_class),
    )
    return known.resolve(trade)


def an_option(action: str, kind: str, **wish: Any) -> Trade:
    choice = OptionWish(OptionType(kind), **wish)
    return meant("AAPL", "options", action, option=choice)


def holding(**lots: str) -> Scope:
    """A position by contract, in the trade's own signs."""
    found = tuple(Lot(symbol, Decimal(quantity)) for symbol, quantity in lots.items())
    return Scope(sum((lot.quantity for lot in found), ZERO), lots=found)


@pytest.mark.rule("A.lane")
@pytest.mark.parametrize(
    ("ticker", "asset_class", "symbol", "lane"),
    [
        ("NASDAQ:AAPL", "stocks", "AAPL", "AAPL"),
        ("ES", "stocks", "ES", "ES"),
        ("ES", "futures", "ESH2026", "futures ES"),
        ("MNQ2!", "futures", "MNQM2026", "futures MNQ"),
        ("BTC-USDT", "crypto", "BTCUSDT", "BTCUSDT"),
        ("AAPL 270115C230", "options", CALL, "options AAPL"),
        ("AAPL", "options", "AAPL", "options AAPL"),
    ],
)
def test_a_ticker_has_a_symbol_and_a_lane(
    ticker: str, asset_class: str, symbol: str, lane: str
) -> None:
    trade = meant(ticker, asset_class)
    assert (trade.instrument, trade.lane) == (symbol, lane)
    assert asset_class == "options" or known.lane_of(symbol) == lane


@pytest.mark.rule("E4.futures", "K.futures.roll")
def test_the_front_contract_changes_two_days_before_it_expires() -> None:
    before = meant("MNQ1!", "futures", released_at=datetime(2026, 3, 18, 4, tzinfo=UTC)).opens
    after = meant("MNQ1!", "futures", released_at=ROLL).opens
    assert before is not None and after is not None
    assert (before.symbol, before.rolls) == ("MNQH2026", date(2026, 3, 18))
    assert after.symbol == "MNQM2026"


@pytest.mark.rule("E4.stored")
def test_what_was_recorded_outweighs_what_would_be_found_now() -> None:
    trade = a_trade("buy", "5", ticker="MNQ1!", asset_class=AssetClass.FUTURES)
    recorded = pb.Resolved(symbol="MNQZ2026", rolls="2026-12-16", warning="So it was.")
    found = known.resolve(trade, recorded).opens
    assert found is not None
    assert (found.symbol, found.rolls, found.warning) == (
        "MNQZ2026",
        date(2026, 12, 16),
        "So it was.",
    )


def test_an_expired_contract_that_was_recorded_is_still_meant() -> None:
    trade = a_trade("exit", ticker="MNQZ2023", asset_class=AssetClass.FUTURES)
    assert refused(decide(known.resolve(trade), holding())) == "contract_expired"
    found = known.resolve(trade, pb.Resolved(symbol="MNQZ2023"))
    assert (found.unknown, found.instrument) == ("", "MNQZ2023")


@pytest.mark.rule("E4.put")
@pytest.mark.parametrize(
    ("action", "kind", "entry", "call", "put"),
    [
        ("buy", "both", BUY, BUY, SELL),
        ("sell", "both", BUY, BUY, SELL),
        ("buy", "call", BUY, BUY, SELL),
        ("sell", "call", SELL, BUY, SELL),
        ("buy", "put", BUY, BUY, BUY),
        ("sell", "put", SELL, BUY, BUY),
    ],
)
def test_an_option_type_says_what_a_bought_put_counts_as(
    action: str, kind: str, entry: Side, call: Side, put: Side
) -> None:
    trade = an_option(action, kind)
    direction = trade.direction or BUY
    assert trade.entry_side(direction) is entry
    assert (trade.order_side(CALL, BUY), trade.order_side(PUT, BUY)) == (call, put)


def test_inverted_puts_are_bearish_again() -> None:
    trade = an_option("buy", "put", inverts_puts=True)
    assert trade.entry_side(BUY) is SELL
    assert trade.order_side(PUT, BUY) is SELL


def test_a_contract_in_the_ticker_is_traded_as_it_is_written() -> None:
    wish = OptionWish(OptionType.PUT, inverts_puts=True)
    trade = meant("AAPL 270115P230", "options", option=wish)
    assert trade.is_named
    assert (trade.entry_side(BUY), trade.order_side(PUT, BUY)) == (BUY, BUY)


def test_an_option_is_not_priced_by_its_underlying() -> None:
    trade = an_option("buy", "call")
    assert (trade.signal_price, trade.underlying_price) == (None, Decimal(100))


def test_an_entry_in_an_option_asks_for_the_chain_and_an_addition_for_what_is_held() -> None:
    assert decide(an_option("buy", "call"), holding()) == Look(chooses=BUY)
    assert decide(an_option("add", "call"), holding(**{CALL: "2"})) == Look(CALL, chooses=BUY)


def test_an_exit_goes_on_with_the_next_contract() -> None:
    trade = meant("MNQ1!", "futures", "exit", quantity=None, quantity_from_signal=False)
    both = holding(MNQH2026="2", MNQM2026="3")
    first = decide(trade, both)
    assert isinstance(first, Send)
    assert (first.instrument, first.quantity) == ("MNQH2026", Decimal(2))
    sent = filled(Leg.EXIT, SELL, "2")
    second = decide(trade, holding(MNQM2026="3"), exits=(sent,), exposure=Decimal(5))
    assert isinstance(second, Send)
    assert (second.instrument, second.quantity, second.revision) == (
        "MNQM2026",
        Decimal(3),
        1,
    )


def guard(name: str, symbol: str, leaves: str, **fields: Any) -> OpenOrder:
    """A stop of one contract."""
    stop = {"ord_type": OrdType.STOP, "instrument": symbol, "bracket": name}
    return OpenOrder(name, SELL, Decimal(leaves), **(stop | fields))


def leaving(quantity: str | None = None, **fields: Any) -> Trade:
    asked = None if quantity is None else Decimal(quantity)
    named = {"quantity": asked, "quantity_from_signal": asked is not None}
    return meant("MNQ1!", "futures", "exit", **(named | fields))


def test_an_exit_takes_away_what_guards_its_contract_and_no_other() -> None:
    guards = (guard("h", "MNQH2026", "2"), guard("m", "MNQM2026", "3"))
    both = replace(holding(MNQH2026="2", MNQM2026="3"), protection=guards)
    assert decide(leaving(), both) == CancelFirst(("h",))
    asked = replace(both, protection=(replace(guards[0], cancel_asked=True), guards[1]))
    assert decide(leaving(), asked) == Wait(TradeState.WORKING, "")
    assert [s.instrument for s in plan(leaving(), both).sends] == ["MNQH2026", "MNQM2026"]


def test_an_exit_goes_past_a_contract_whose_guard_may_still_fill() -> None:
    guards = (guard("h", "MNQH2026", "2", cancel_asked=True, in_doubt=True),)
    both = replace(holding(MNQH2026="2", MNQM2026="3"), protection=guards, in_doubt=True)
    decision = decide(leaving(), both)
    assert isinstance(decision, Send)
    assert decision.instrument == "MNQM2026"


def test_an_exit_of_a_part_leaves_what_guards_the_part_of_others() -> None:
    others = (
        guard("t", "MNQH2026", "2", bracket="a", ord_type=OrdType.LIMIT),
        guard("s", "MNQH2026", "2", bracket="a"),
        guard("u", "MNQH2026", "1", bracket="b"),
    )
    both = replace(holding(MNQH2026="4", MNQM2026="3"), others_guards=others)
    first = decide(leaving("2"), both)
    assert isinstance(first, Send)
    # Of a target and its stop only one fills.
    assert (first.instrument, first.quantity) == ("MNQH2026", Decimal(1))
    assert decide(leaving("4"), both) == CancelFirst(("t", "s", "u"))
    assert decide(leaving(), both) == CancelFirst(("t", "s", "u"))


def test_what_holds_an_exit_back_leaves_the_guards_of_its_contract() -> None:
    wide = Style(spread_filter=Decimal(1))
    both = replace(holding(MNQH2026="2", MNQM2026="3"), protection=(guard("h", "MNQH2026", "2"),))
    elsewhere = Market(quoted("1", "1.25"), instrument="MNQM2026")
    assert decide(leaving(exit=wide), both, seen=elsewhere) == Look("MNQH2026")
    there = Market(quoted("1", "9"), instrument="MNQH2026")
    decision = decide(leaving(exit=wide), both, seen=there)
    assert isinstance(decision, Wait)
    assert decision.reason == "spread_too_wide"


def test_breakeven_replaces_the_stop_of_its_contract_only() -> None:
    guards = (guard("h", "MNQH2026", "2"), guard("m", "MNQM2026", "3"))
    lots = (Lot("MNQH2026", Decimal(2), Decimal(90)), Lot("MNQM2026", Decimal(3), Decimal(90)))
    scope = Scope(Decimal(5), protection=guards, lots=lots)
    seen = Market(quoted("100", "100.25"), instrument="MNQH2026")
    trade = meant("MNQ1!", "futures", "breakeven", quantity=None, quantity_from_signal=False)
    assert decide(trade, scope, seen=seen) == CancelFirst(("h",))


LOTS = st.lists(st.integers(1, 9), min_size=1, max_size=4)


@given(LOTS, st.lists(st.integers(0, 9), min_size=4, max_size=4), st.none() | st.integers(1, 40))
def test_an_exit_and_what_stays_of_guards_close_no_more_than_is_held(
    sizes: list[int], guarded: list[int], asked: int | None
) -> None:
    symbols = ["MNQH2026", "MNQM2026", "MNQU2026", "MNQZ2026"]
    sold = {s: Decimal(n) for s, n in zip(symbols, sizes, strict=False)}
    stops = tuple(
        guard(symbol, symbol, str(min(n, sold[symbol])))
        for symbol, n in zip(symbols, guarded, strict=True)
        if n and symbol in sold
    )
    scope = replace(holding(**{s: str(n) for s, n in sold.items()}), others_guards=stops)
    wanted = None if asked is None else str(asked)
    found = plan(leaving(wanted), scope)
    for send in found.sends:
        sold[send.instrument] -= send.quantity
    left = {s.instrument: s.leaves for s in stops if s.cl_ord_id not in found.cancels}
    assert all(sold[symbol] >= left.get(symbol, ZERO) for symbol in sold)
    assert sum((s.quantity for s in found.sends), ZERO) <= (sum(sizes) if asked is None else asked)
    assert asked is not None or not any(sold.values())


@given(LOTS, st.none() | st.integers(1, 40), st.booleans())
def test_an_exit_never_sends_more_than_a_contract_holds(
    sizes: list[int], asked: int | None, is_short: bool
) -> None:
    sign = -1 if is_short else 1
    symbols = ["MNQH2026", "MNQM2026", "MNQU2026", "MNQZ2026"]
    held = {s: str(sign * n) for s, n in zip(symbols, sizes, strict=False)}
    quantity = None if asked is None else Decimal(asked)
    trade = meant(
        "MNQ", "futures", "exit", quantity=quantity, quantity_from_signal=asked is not None
    )
    decision = decide(trade, holding(**held))
    assert not isinstance(decision, CancelFirst)
    assert isinstance(decision, Send)
    assert decision.side is (BUY if is_short else SELL)
    assert decision.quantity <= abs(Decimal(held[decision.instrument]))
    assert asked is None or decision.quantity <= asked


def legs(trade: Trade, scope: Scope) -> list[tuple[str, Side, str]]:
    sends = plan(trade, scope, Market(quoted(last="5"))).sends
    return [(send.instrument, send.side, format(send.quantity, "f")) for send in sends]


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("exit", {}),
        ("sell", {"sentiment": Sentiment.FLAT}),
        ("buy", {"sentiment": Sentiment.FLAT}),
    ],
)
@pytest.mark.parametrize(("calls", "puts"), [("2", "2"), ("3", "1"), ("1", "3")])
def test_both_sides_of_a_straddle_are_closed_by_what_wants_to_be_flat(
    action: str, fields: dict[str, Any], calls: str, puts: str
) -> None:
    nothing = {"quantity": None, "quantity_from_signal": False}
    trade = an_exit(action, **nothing, **fields)
    both = holding(**{CALL: calls, PUT: f"-{puts}"})
    assert sorted(legs(trade, both)) == [(CALL, SELL, calls), (PUT, SELL, puts)]


def an_exit(action: str, **fields: Any) -> Trade:
    return meant("AAPL", "options", action, option=OptionWish(OptionType("both")), **fields)


def test_the_other_side_of_a_straddle_is_closed_though_the_first_was_gone() -> None:
    trade = an_exit("exit", quantity=None, quantity_from_signal=False)
    gone = an_order(Leg.EXIT, SELL, "2", (ExecType.NOT_SENT, ""))
    left = holding(**{PUT: "-2"})
    decision = decide(trade, left, exits=(gone,), outgrown={"c1"}, exposure=ZERO)
    assert isinstance(decision, Send)
    assert (decision.instrument, decision.side, decision.quantity) == (PUT, SELL, Decimal(2))


def test_an_isolated_side_of_a_straddle_is_left_alone() -> None:
    bullish = {"sides": Sides.BULLISH, "sides_isolated": True}
    trade = an_exit("exit", quantity=None, quantity_from_signal=False, **bullish)
    assert legs(trade, holding(**{CALL: "1", PUT: "-3"})) == [(CALL, SELL, "1")]
    ignoring = an_exit("exit", quantity=None, quantity_from_signal=False, ignore_exits=True)
    assert legs(ignoring, holding(**{CALL: "1", PUT: "-3"})) == []


def test_a_straddle_is_a_position_on_either_side_though_it_adds_up_to_none() -> None:
    both = holding(**{CALL: "2", PUT: "-2"})
    for action in ("buy", "sell"):
        assert refused(decide(an_option(action, "both"), both)) == "already_in_position"


def test_what_others_opened_meanwhile_in_the_contract_that_was_closed_is_not_meant() -> None:
    trade = meant("MNQ1!", "futures", "exit", quantity=None, quantity_from_signal=False)
    sent = filled(Leg.EXIT, SELL, "2")
    now = holding(AAPL="-4")
    assert not isinstance(decide(trade, now, exits=(sent,), exposure=Decimal(2)), Send)
