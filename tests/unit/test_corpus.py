"""Hundreds of messages, field by field: taken, or refused with the code that is documented."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from web.signals import lint
from web.signals.refusals import CATALOGUE, Raised

NOW = datetime(2026, 11, 21, tzinfo=UTC)
OK = "ok"
PAYLOAD = "invalid-payload"
PLAIN = {"ticker": "AAPL", "action": "buy"}
SPY = {"ticker": "SPY", "action": "buy"}
CONNECTOR = {"connectorName": "mine", "connectorToken": "0f8fad5b-d9cb-469f-a165-70867728950e"}

# Expected, the message, the asset class of the strategy.
Case = tuple[str, bytes, str | None]


def case(expected: str, fields: dict[str, Any], asset_class: str | None = None) -> Case:
    return expected, json.dumps(fields, ensure_ascii=False).encode(), asset_class


def said(
    base: dict[str, Any],
    name: str,
    values: Iterable[Any],
    expected: str = OK,
    asset_class: str | None = None,
) -> Iterator[Case]:
    """The same message with each value of a field."""
    for value in values:
        yield case(expected, {**base, name: value}, asset_class)


MALFORMED = (
    b"buy AAPL",
    b"ticker=AAPL&action=buy",
    b'{"ticker":"AAPL","action":"buy",}',
    b'{"ticker":"AAPL" "action":"buy"}',
    b"{'ticker':'AAPL','action':'buy'}",
    b'{ticker:"AAPL",action:"buy"}',
    b'{"ticker":"AAPL","action":"buy"',
    b'{"ticker":"AAPL","action":"buy"}{"ticker":"AAPL","action":"sell"}',
    b'{"ticker":"AAPL","action":"buy"}\n{"ticker":"MSFT","action":"sell"}',
    b'{"ticker":"AAPL","ticker":"MSFT","action":"buy"}',
    b'{"ticker":"AAPL","action":"buy" // now\n}',
    b"{{strategy.order.alert_message}}",
    "{“ticker”:“AAPL”,“action”:“buy”}".encode(),
    b'\xff\xfe{"a":1}',
    b'{"ticker":"AAPL","action":"buy","extras":' + b'{"a":' * 9 + b"1" + b"}" * 9 + b"}",
    *(
        b'{"ticker":"AAPL","action":"buy","price":' + price + b"}"
        for price in (b"NaN", b"Infinity", b"1,234.5", b"{{close}}", b"+5", b".5", b"010", b"True")
    ),
)


def bodies() -> Iterator[Case]:
    for raw in (b"", b"   \n", b"\0\0"):
        yield "empty-json", raw, None
    for raw in (b"null", b"[]", b"5", b'"buy"', b"{}", b'[{"ticker":"AAPL","action":"buy"}]'):
        yield PAYLOAD, raw, None
    for raw in MALFORMED:
        yield "malformed-json", raw, None
    whole = json.dumps(PLAIN).encode()
    for raw in (b"\xef\xbb\xbf" + whole, whole + b"\0", whole + b"\0\0\0", b"\r\n" + whole + b"\n"):
        yield OK, raw, None
    # As MetaTrader and TrendSpider write them.
    yield OK, b'{"ticker":"EURUSD","action":"buy","time":"2026.11.20 14:30:00"}\0', None
    yield OK, b'{"ticker":"SPY","action":"buy","price":"660.12","interval":"5"}', None
    yield PAYLOAD, b'{"ticker":"SPY","action":"buy","price":"%last_price%"}', None


def tickers() -> Iterator[Case]:
    yield case(PAYLOAD, {"action": "buy"})
    yield from said(PLAIN, "ticker", (None, 5, True, {}, []), PAYLOAD)
    yield from said(PLAIN, "ticker", ("", "  "), "empty-ticker-name")
    none = ("{{ticker}}", "%alert_symbol%", "A B C", "$$$", "😀", "X" * 60, "<b>AAPL</b>", "A'; --")
    yield from said(PLAIN, "ticker", none, "ticker-does-not-exist")
    yield from said(PLAIN, "ticker", ("AAPL", "aapl", "NASDAQ:AAPL", "BRK.B", "MNQ1!", "MNQZ2026"))
    yield from said(PLAIN, "ticker", ("BTCUSD", "ETH-USDT", "BTC/USD", "BINANCE:BTCUSDT", "ES2!"))
    contracts = ("SPY 280616C582.5", "SPY280616C00582500", "SPY280616582.5", "SPY_061628582.5")
    yield from said(PLAIN, "ticker", contracts)
    for asset_class, names in {
        "stocks": ("MNQZ2026", "MNQ1!", contracts[0]),
        "futures": contracts[:2],
        "crypto": ("ES1!",),
        "options": ("MNQZ2026",),
    }.items():
        yield from said(PLAIN, "ticker", names, "invalid-asset-class", asset_class)
    for asset_class, name in (("crypto", "BTCUSD"), ("futures", "MNQ"), ("options", "SPY")):
        yield from said(PLAIN, "ticker", (name,), OK, asset_class)


def verbs() -> Iterator[Case]:
    actions = ("buy", "sell", "exit", "add", "cancel", "reverse", "breakeven")
    yield case(PAYLOAD, {"ticker": "AAPL"})
    yield from said(PLAIN, "action", (None,), PAYLOAD)
    yield from said(PLAIN, "action", actions)
    no_action: list[Any] = ["BUY", "long", "close", "", " buy", 1, True, ["buy"], {}, "openLong"]
    yield from said(PLAIN, "action", [*no_action, "{{strategy.order.action}}"], "invalid-action")
    yield from said(PLAIN, "sentiment", ("bullish", "long", "bearish", "short", "flat", None))
    no_sentiment: list[Any] = ["neutral", "Bullish", 1, "", False, "{{strategy.position}}"]
    yield from said(PLAIN, "sentiment", no_sentiment, "invalid-sentiment")
    flat = {"ticker": "AAPL", "sentiment": "flat"}
    yield from said(flat, "action", actions[2:], "invalid-sentiment-action")
    yield from said(PLAIN, "orderType", ("market", "limit", "stop", "stop_limit", None))
    no_type: list[Any] = ["Market", "stop-limit", "stoplimit", 1, ""]
    yield from said(PLAIN, "orderType", no_type, "invalid-order-type")
    trailing = {**PLAIN, "orderType": "trailing_stop"}
    yield case("invalid-trailing-stop", trailing)
    yield case("invalid-trailing-stop", {**trailing, "trailAmount": 1, "trailPercent": 2})
    yield from said({**trailing, "trailAmount": 1}, "action", ("buy", "sell", "exit"))
    others = ("add", "cancel", "breakeven")
    yield from said({**trailing, "trailPercent": 1}, "action", others, "invalid-trailing-stop")
    yield from said(PLAIN, "timeInForce", ("day", "gtc", "opg", "cls", "ioc", "fok"))
    yield from said(PLAIN, "timeInForce", ("GTC", "gtd", "", 1), "invalid-time-in-force")
    yield from said(PLAIN, "extendedHours", (True, False, None), OK, "stocks")
    yield from said(PLAIN, "extendedHours", ("true", 1, "yes"), "invalid-extended-hours")
    for asset_class, name in (("futures", "MNQ1!"), ("crypto", "BTCUSD")):
        hours = {"ticker": name, "action": "buy", "extendedHours": True}
        yield case("invalid-extended-hours", hours, asset_class)


NO_NUMBERS: tuple[Any, ...] = (
    0, "0", -1, "-1", "abc", "5 percent", "10%", "1,000", "{{close}}", True, [], {}, "NaN",
    "Infinity", "1e400", "0x10", "１０",
)  # fmt: skip
NUMBERS = (1, "1", 1.5, " 2 ", "1e2", 0.001, "85.50")


def numbers() -> Iterator[Case]:
    for name, code in {
        "quantity": "invalid-quantity",
        "trailAmount": "invalid-trailing-stop",
        "trailPercent": "invalid-trailing-stop",
        **dict.fromkeys(("limitPrice", "stopPrice", "price", "signalPrice"), PAYLOAD),
        **dict.fromkeys(("rejectAfter", "bidAskSpreadFilter"), PAYLOAD),
        "bidAskSpreadFilterPercent": PAYLOAD,
    }.items():
        yield from said(PLAIN, name, NO_NUMBERS, code)
        yield from said(PLAIN, name, NUMBERS)
    yield case(PAYLOAD, {**PLAIN, "bidAskSpreadFilter": 1, "bidAskSpreadFilterPercent": 1})
    for name in ("delay", "cancelAfter"):
        yield from said(PLAIN, name, (1, "30", 3600))
        yield from said(PLAIN, name, (0, -5, 3601), PAYLOAD)
    yield from said(PLAIN, "delay", ("+5 minutes",))
    yield from said(PLAIN, "delay", ("abc", "a while"), "invalid-delay-format")
    moving = {"ticker": "AAPL", "action": "breakeven"}
    yield from said(moving, "breakevenOffset", (0.001, "5", 100))
    yield from said(moving, "breakevenOffset", (0, 0.0001, 101, "x"), PAYLOAD)
    for name in ("cancel", "ignoreTradingWindows", "test"):
        yield from said(PLAIN, name, (True, False, "true"))
        yield from said(PLAIN, name, ("maybe", 1), PAYLOAD)
    yield from said(PLAIN, "cancelOrderType", ("limit", "stop"))
    yield from said(PLAIN, "cancelOrderType", ("all", 1), PAYLOAD)
    yield from said(PLAIN, "marketPriceType", ("ask_bid", "mark", "ask", "bid", "last"))
    yield from said(PLAIN, "marketPriceType", ("mid", 1), "invalid-market-price-type")


def sizes() -> Iterator[Case]:
    sized = {**PLAIN, "quantity": 5}
    risks = ("risk_dollar_amount", "risk_percent")
    plain = ("fixed_quantity", "percent_of_position")
    money = ("dollar_amount", "percent_of_equity")
    yield from said(sized, "quantityType", (*plain, *money, *risks))
    every = (*plain, *money, *risks)
    yield from said(PLAIN, "quantityType", every, "quantity-type-requires-quantity")
    wrong = ("fixed", "Dollar_Amount", 5, "", "amount_per_position", "risk_per_position")
    yield from said(sized, "quantityType", wrong, "invalid-quantity-type")
    for action in ("cancel", "reverse", "breakeven"):
        fields = {**sized, "action": action, "quantityType": plain[0]}
        yield case("invalid-quantity-type-action", fields)
    leave = {**sized, "action": "exit"}
    yield from said(leave, "quantityType", risks, "invalid-risk-dollar-amount-action")
    yield from said(leave, "quantityType", (*plain, *money))
    added = {**sized, "action": "add", "quantityType": "percent_of_position"}
    for quantity in (5, "50"):
        yield case("invalid-percent-of-position-action", {**added, "quantity": quantity})
    future = {**sized, "ticker": "MNQ1!"}
    yield from said(future, "quantityType", plain, OK, "futures")
    code = "invalid-quantity-type-for-asset-class"
    yield from said(future, "quantityType", (*money, *risks), code, "futures")


# What is inside `takeProfit` and `stopLoss`, by the code that it gives.
TARGETS: dict[str, tuple[Any, ...]] = {
    OK: ({"limitPrice": 5}, {"percent": "5"}, {"amount": 5}, {"pnlAmount": 500}, None),
    "value-required": ({}, "5", [], {"foo": 1}, {"limitPrice": None}),
    "percent": ({"percent": 0}, {"percent": "5%"}),
    "amount": ({"amount": -5}, {"amount": "x"}),
    "limit-price": ({"limitPrice": 0}, {"limitPrice": "{{close}}"}),
    "pnl-amount": ({"pnlAmount": 0}, {"pnlAmount": "x"}),
    "amount-and-percent": ({"amount": 1, "percent": 2}, {"amount": "1", "percent": "2"}),
    "relative-and-absolute": ({"amount": 1, "limitPrice": 2}, {"percent": 1, "limitPrice": 2}),
}
_TRAIL = {"type": "trailing_stop"}
_LIMIT = {"type": "stop_limit", "stopPrice": 1}
STOPS: dict[str, tuple[Any, ...]] = {
    OK: (
        {"type": "stop", "stopPrice": 5}, {"stopPrice": "5"}, {"percent": 5}, {"amount": 5},
        {"type": "stop", "pnlAmount": 5}, {**_LIMIT, "limitPrice": 4}, {**_TRAIL, "trailAmount": 1},
        {**_TRAIL, "trailPercent": 1}, {**_TRAIL, "trailPrice": 1}, {**_TRAIL, "amount": 1}, None,
    ),
    "type": ({"type": "market", "percent": 1}, {"type": 5, "percent": 1}, {"type": "Stop"}),
    "percent": ({"percent": 0}, {"percent": "5 percent"}),
    "amount": ({"amount": 0}, {"amount": "1,5"}),
    "stop-price": ({"stopPrice": -1}, {"stopPrice": "NaN"}),
    "limit-price": ({**_LIMIT, "limitPrice": 0}, {**_LIMIT, "limitPrice": "x"}),
    "trail-price": ({**_TRAIL, "trailPrice": 0}, {**_TRAIL, "trailPrice": "a"}),
    "trail-amount": ({**_TRAIL, "trailAmount": 0}, {**_TRAIL, "trailAmount": "a"}),
    "trail-percent": ({**_TRAIL, "trailPercent": -1}, {**_TRAIL, "trailPercent": "1%"}),
    "pnl-amount": ({"pnlAmount": 0}, {"pnlAmount": "x"}),
    "trail-value": tuple({**_TRAIL, "trailAmount": v, "trailPercent": 1} for v in (1, "2")),
    "trail-value-required": (_TRAIL, {**_TRAIL, "stopPrice": 5}),
    "amount-and-percent": ({"amount": 1, "percent": 1}, {**_TRAIL, "amount": 1, "percent": 1}),
    "relative-and-absolute": ({"amount": 1, "stopPrice": 1}, {"percent": 1, "stopPrice": 1}),
    "stop-price-required": ({"limitPrice": 4}, {"type": "stop_limit", "limitPrice": 4}),
    "value-required": ({"type": "stop"}, {}, "5", [1]),
}  # fmt: skip


def guards() -> Iterator[Case]:
    for name, prefix, table in (
        ("takeProfit", "invalid-take-profit-", TARGETS),
        ("stopLoss", "invalid-stop-loss-", STOPS),
    ):
        for code, values in table.items():
            yield from said(PLAIN, name, values, code if code == OK else prefix + code)
            # Nothing is guarded by what only closes.
            yield from said({"ticker": "AAPL", "action": "exit"}, name, values)


def contracts() -> Iterator[Case]:
    for name, code, fine, wrong in (
        ("optionType", "invalid-option-type", ("both", "call", "put"), ("calls", "C", 1)),
        ("intrinsicValue", "invalid-intrinsic-value", ("itm", "otm"), ("atm", "ITM", 0)),
        (
            "expiration", "invalid-expiration",
            ("2027-01-15", "+0 days", "+2 weeks", "+1 month", "+1 year", ""),
            ("15/01/2027", "someday", "2027-13-01", "2027-02-30", 20270115, "+1"),
        ),
        ("strikeCount", "invalid-strike-count", (12, "12"), (0, -1, 1.5, "x", True)),
        ("strikesAway", "invalid-strikes-away", (0, 1, "2"), (-1, 1.5, "x")),
    ):  # fmt: skip
        yield from said(SPY, name, fine, OK, "options")
        yield from said(SPY, name, wrong, code, "options")
    exact = {**SPY, "expiration": "2027-01-15", "optionType": "call"}
    yield from said(exact, "strikePrice", (500, "500.5"), OK, "options")
    yield from said(exact, "strikePrice", (0, -1, "x"), "invalid-strike-price", "options")
    expired = {**exact, "expiration": "2020-01-17", "strikePrice": 500}
    yield case("invalid-expiration", expired, "options")
    clash = "invalid-ticker-and-option-type"
    for ticker, kind, expected in (
        ("SPY 280616C582.5", "put", clash),
        ("SPY280616P582.5", "call", clash),
        ("SPY 280616C582.5", "call", OK),
        ("SPY 280616582.5", "put", OK),
    ):
        yield case(expected, {"ticker": ticker, "action": "buy", "optionType": kind}, "options")
    yield case("invalid-expiration", {"ticker": "SPY 200117C300", "action": "buy"}, "options")


def free_texts() -> Iterator[Case]:
    yield from said(PLAIN, "expiresAt", ("+5 minutes", "2027-01-01 00:00:00", None))
    yield from said(PLAIN, "expiresAt", ("whenever", "", 5, True), "invalid-expires-at")
    yield from said(PLAIN, "message", ("x" * 25, "x" * 255, "a < b and c > d, as long as it is"))
    yield from said(PLAIN, "message", ("x" * 24, "x" * 256, "", 5), "invalid-message-length")
    tagged = ("<b>" + "x" * 30 + "</b>", "<script>alert(1)</script> and so on")
    yield from said(PLAIN, "message", tagged, "invalid-message-tags")
    yield from said(PLAIN, "time", ("2026-11-20T14:30:00Z", 1732112345, "{{timenow}}", "soon"))
    yield case(PAYLOAD, {**PLAIN, "time": "soon", "rejectAfter": 30})
    yield from said(PLAIN, "interval", ("5", 5, "1D"))
    yield from said(PLAIN, "extras", ({}, {"a": 1}, "x", [1], None, 5))
    yield from said(PLAIN, "instrinsicValue", ("itm",))


SYNC_MODES = (
    "Percentage of Balance with Compounding", "Percentage of Initial Balance Only",
    "Initial Balance Compound With Percentage of Profit", "Fixed Quote Amount",
    "Strategy Order Size", "Fixed Base Amount", "Percentage of Balance at No Position",
    "Strategy Percentage with Fixed Capital", "availableBalancePercent", "totalBalancePercent",
    "fixedTotalBalance",
)  # fmt: skip


def arsenal() -> Iterator[Case]:
    spelled = ("openLong", "open_long", "CLOSELONG", "close_short", "OpenShort", "buy", "sell")
    yield from said(CONNECTOR, "action", (*spelled, "cancelAll", "cancellAll", "cancel_all"))
    yield from said(CONNECTOR, "action", ("hold", "exit", ""), "invalid-action")
    yield from said(CONNECTOR, "action", ("cancel", None), PAYLOAD)
    yield case(OK, {**CONNECTOR, "action": "cancel", "clientOrderId": "L1"})
    opens = {**CONNECTOR, "action": "openLong"}
    sizes = dict.fromkeys(("fixed", "percent", "notional"), "invalid-quantity")
    prices = dict.fromkeys(("limit", "profit", "loss"), PAYLOAD)
    for name, code in (sizes | prices).items():
        yield from said(opens, name, ("10", 10, "0.5", "NaN", "nan", "", None))
        yield from said(opens, name, ("{{close}}", "42,000.5", "abc", 0, "-1"), code)
    yield from said(opens, "delaySeconds", (0, "5", 3600))
    yield from said(opens, "delaySeconds", (3601, -1, "abc"), PAYLOAD)
    yield from said(opens, "log", ("多單 🚀", "", None, 5))
    unnamed = {"action": "openLong", "percent": "90", "profit": "NaN", "loss": "NaN"}
    yield case(OK, unnamed)
    update = {**CONNECTOR, "action": "update"}
    yield case(PAYLOAD, update)
    yield from said(update, "log", ("2026-11-20,5,100",))
    yield from said(update, "log", ("x", "a,b"), PAYLOAD)
    held = {"side": "long", "size": "0.5", "prev_side": "flat", "prev_size": "0"}
    for mode in SYNC_MODES:
        order = {"value": "10", "mode": mode, "size": "0.5", "price": "1850.5"}
        yield case(OK, {**CONNECTOR, "entryOrder": order, "position": held})
        as_numbers = {"value": 10, "mode": mode, "size": 0.5, "price": 1850.5}
        short = {"side": "short", "size": 0.5}
        yield case(OK, {**CONNECTOR, "entryOrder": as_numbers, "position": short})
    fine = {"value": "10", "mode": "Fixed Quote Amount"}
    unreadable: tuple[tuple[Any, dict[str, Any]], ...] = (
        ({"value": "10", "mode": "Nonsense"}, held),
        (fine, {"side": "up", "size": "0.5"}),
        (fine, {"side": "long"}),
        ("x", held),
        ({"mode": "Fixed Quote Amount"}, held),
    )
    for entry, position in unreadable:
        yield case(PAYLOAD, {**CONNECTOR, "entryOrder": entry, "position": position})


GROUPS = (
    bodies, tickers, verbs, numbers, sizes, guards, contracts, free_texts, arsenal,
)  # fmt: skip


@pytest.mark.parametrize("group", GROUPS)
def test_each_message_is_taken_or_refused_as_documented(group: Any) -> None:
    found = [(*each, _judged(each[1], each[2])) for each in group()]
    wrong = [f"{e}, not {got}: {raw[:100]!r} {cls}" for e, raw, cls, got in found if e != got]
    assert not wrong, "\n".join(wrong)


def test_the_corpus_is_large_and_raises_every_code_of_the_reading_twice() -> None:
    cases = [each for group in GROUPS for each in group()]
    assert len(cases) > 700
    raised = Counter(expected for expected, _, _ in cases)
    codes = [r.code for r in CATALOGUE.values() if r.raised is Raised.READING]
    assert [code for code in codes if raised[code] < 2] == []


def _judged(message: bytes, asset_class: str | None) -> str:
    verdict = lint.judge(message, lint.Options("auto", asset_class, NOW, jsonl=False))
    return OK if verdict["accepted"] else str(verdict["code"])
