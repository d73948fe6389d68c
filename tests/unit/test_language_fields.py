"""The fields of the TradersPost dialect: how each is read, and what is remarked on."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from web.signals import dialects, traderspost
from web.signals.refusals import BadSignal
from web.signals.rules import OptionChoice, Signal, StopLoss, TakeProfit

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def parse(body: bytes) -> Signal:
    return dialects.read(body, now=NOW)[1]


def test_a_time_that_is_none_is_put_up_with_unless_age_matters() -> None:
    signal = parse(b'{"ticker":"A","action":"buy","time":"noon"}')
    assert signal.sent_at is None and "not a time" in signal.warnings[0]


@pytest.mark.parametrize(
    ("sent", "at"),
    [
        ("1795185000", "2026-11-20T14:30:00+00:00"),
        (1795185000000, "2026-11-20T14:30:00+00:00"),
        ("2026.11.20 14:30:00", "2026-11-20T14:30:00+00:00"),
    ],
)
def test_clocks_of_pine_and_metatrader_are_read(sent: object, at: str) -> None:
    found = traderspost.parse({"ticker": "A", "action": "buy", "time": sent}).sent_at
    assert found is not None and found.isoformat() == at


BUY = {"ticker": "AAPL", "action": "buy"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"quantity": 10}, {"quantity": Decimal(10)}),
        ({"quantity": " 10 "}, {"quantity": Decimal(10)}),
        ({"quantity": "1e2"}, {"quantity": Decimal(100)}),
        ({"quantity": None, "sentiment": None}, {}),
        (
            {"quantity": 0.25, "quantityType": "risk_percent"},
            {"quantity": Decimal("0.25"), "quantity_type": "risk_percent"},
        ),
        (
            {"orderType": "stop_limit", "stopPrice": 60, "limitPrice": "50.50"},
            {
                "order_type": "stop_limit",
                "stop_price": Decimal(60),
                "limit_price": Decimal("50.50"),
            },
        ),
        ({"takeProfit": {"percent": "5"}}, {"take_profit": TakeProfit(percent=Decimal(5))}),
        ({"takeProfit": {"pnlAmount": 100}}, {"take_profit": TakeProfit(pnl_amount=Decimal(100))}),
        (
            {"stopLoss": {"type": "stop_limit", "stopPrice": 10.71, "limitPrice": 10.75}},
            {
                "stop_loss": StopLoss(
                    type="stop_limit",
                    stop_price=Decimal("10.71"),
                    limit_price=Decimal("10.75"),
                )
            },
        ),
        (
            {"stopLoss": {"type": "trailing_stop", "amount": 5}},
            {"stop_loss": StopLoss(type="trailing_stop", trail_amount=Decimal(5))},
        ),
        (
            {"stopLoss": {"type": "trailing_stop", "trailPrice": "2"}},
            {"stop_loss": StopLoss(type="trailing_stop", trail_amount=Decimal(2))},
        ),
        (
            {
                "action": "sell",
                "orderType": "trailing_stop",
                "stopLoss": {"type": "trailing_stop", "trailPercent": "5"},
            },
            {
                "order_type": "trailing_stop",
                "stop_loss": StopLoss(type="trailing_stop", trail_percent=Decimal(5)),
            },
        ),
        ({"timeInForce": "gtc", "extendedHours": True}, {"extended_hours": True}),
        ({"cancel": False, "ignoreTradingWindows": True}, {"cancel": False}),
        ({"action": "cancel", "cancelOrderType": "limit"}, {"cancel_order_type": "limit"}),
        ({"action": "reverse"}, {"action": "reverse"}),
        (
            {"action": "breakeven", "breakevenOffset": "0.001"},
            {"breakeven_offset": Decimal("0.001")},
        ),
        ({"delay": 60, "cancelAfter": "3600"}, {"cancel_after_seconds": Decimal(3600)}),
        ({"delay": "+5 minutes"}, {"delay_seconds": Decimal(300)}),
        ({"delay": "next hour"}, {"delay_seconds": Decimal(3600)}),
        ({"delay": "Noon EST"}, {"delay_seconds": Decimal(9000)}),
        ({"delay": "noon PST"}, {"delay_seconds": Decimal(19_800)}),
        ({"delay": "2026-11-20 10:30 am EST"}, {"delay_seconds": Decimal(3600)}),
        ({"rejectAfter": 90}, {"reject_after_seconds": Decimal(90)}),
        ({"bidAskSpreadFilterPercent": 1}, {"spread_filter_percent": Decimal(1)}),
        ({"marketPriceType": "ask_bid"}, {"market_price_type": "ask_bid"}),
        ({"expiresAt": "2024-12-31 23:59:59"}, {"expires_at": "2024-12-31 23:59:59"}),
        ({"interval": "5", "test": True}, {"interval": "5", "test": True}),
    ],
)
def test_each_field_is_read(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    signal = parse(json.dumps(BUY | fields).encode())
    assert {name: getattr(signal, name) for name in expected} == expected
    assert signal.warnings == ()


@pytest.mark.parametrize(
    ("ticker", "option"),
    [
        ("SPY 270520C582.5", OptionChoice(option_type="call")),
        ("SPY270520C582.5", OptionChoice(option_type="call")),
        ("SPY270520C00582500", OptionChoice(option_type="call")),
        ("SPY   270520P00582500", OptionChoice(option_type="put")),
        ("SPY270520582.5", OptionChoice()),
        ("SPY 270520582.5", OptionChoice()),
        ("SPY_052027582.5", OptionChoice()),
        ("SPY_270520582.5", OptionChoice()),
    ],
)
def test_a_contract_in_the_ticker_is_the_same_in_every_spelling(
    ticker: str, option: OptionChoice
) -> None:
    signal = parse(json.dumps({"ticker": ticker, "action": "buy", "strikesAway": 3}).encode())
    exact = {"expiration": "2027-05-20", "strike_price": Decimal("582.5")}
    assert signal.instrument == ticker
    assert signal.option == msgspec.structs.replace(option, **exact)


def test_a_contract_says_the_same_as_its_fields() -> None:
    fields = {"expiration": "2027-05-10", "optionType": "call", "strikePrice": 68}
    by_fields = parse(json.dumps({"ticker": "SQ", "action": "buy"} | fields).encode())
    by_ticker = parse(b'{"ticker":"SQ 270510C68","action":"buy"}')
    assert by_fields.option == by_ticker.option


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2027-01-15", "2027-01-15"),
        ("2024-05-06", "2024-05-06"),
        ("+6 months", "+6 months"),
        ("0 days", "+0 days"),
        ("+1 Week", "+1 week"),
        ("tomorrow", "+1 day"),
    ],
)
def test_an_expiration_is_a_date_or_a_distance(sent: str, kept: str) -> None:
    signal = parse(json.dumps(BUY | {"expiration": sent}).encode())
    assert signal.option == OptionChoice(expiration=kept)


@pytest.mark.rule("F.lint", "K.price.exit")
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"ticker":"A","action":"buy"}\0\0', "NUL"),
        (b'{"ticker":"NASDAQ:AAPL","action":"buy"}', "`NASDAQ` was dropped"),
        (b'{"ticker":"CME_MINI_DL:NQ1!","action":"buy"}', "delayed"),
        (b'{"ticker":"A","action":"buy","instrinsicValue":"itm"}', "`intrinsicValue`"),
        (b'{"ticker":"A","action":"buy","take_profit":{}}', "`takeProfit`"),
        (b'{"ticker":"A","action":"buy","stoploss":{}}', "`stopLoss`"),
        (b'{"ticker":"A","action":"buy","qty":1}', "`quantity`"),
        (b'{"ticker":"A","action":"buy","Quantity":1}', "`quantity`"),
        (
            b'{"ticker":"A","action":"buy","stopLoss":{"percent":1,"stopprice":1}}',
            "`stopLoss.stopPrice`",
        ),
        (b'{"ticker":"A","action":"exit","takeProfit":{},"stopLoss":5}', "goes with entries"),
        (b'{"ticker":"A","action":"buy","extras":{"a":["{{close}}"]}}', "{{close}}"),
        (b'{"ticker":"A","action":"buy","time":"{{timenow}}"}', "{{timenow}}"),
        (b'{"ticker":"A","action":"buy","time":"2026-11-20T14:20:00Z"}', "old"),
        (
            b'{"ticker":"A","action":"buy","time":"2026-11-20T14:25:00Z","interval":"5"}',
            "when the bar opened",
        ),
        (b'{"ticker":"A","action":"buy","time":"2026-11-20T19:30:00Z"}', "ahead"),
        (b'{"ticker":"A","action":"buy","cancel":"true"}', "in quotes"),
        (b'{"ticker":"A","action":"buy","price":""}', "`price` is blank"),
        (b'{"ticker":"A","action":"breakeven","orderType":"limit"}', "skipped"),
        (b'{"ticker":"A","action":"buy","breakevenOffset":0}', "ignored for buy"),
        (b'{"ticker":"A","action":"buy","stopLoss":{"trailAmount":1}}', "trailing_stop"),
    ],
)
def test_what_is_put_up_with_is_remarked_on(body: bytes, said: str) -> None:
    warnings = parse(body).warnings
    assert any(said in warning for warning in warnings), warnings


@pytest.mark.parametrize("key", ["text", "id", "comment", "strategy", "exchange", "close"])
def test_other_keys_are_no_look_alikes(key: str) -> None:
    assert parse(json.dumps(BUY | {key: "x"}).encode()).warnings == ()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"ticker":"A",}', "line 1, column 14: a comma before `}`"),
        ("{\n “ticker”: 1}".encode(), "line 2, column 2: “ is a curly quote"),
        (b'{"a":1}{"b":2}', "column 8: a second message"),
        (b'{"a":1}\nbuy', "line 2, column 1: text follows"),
        (b'{"price":42,000.5}', "42,000.5 has a comma for thousands"),
        (b'{"price":NaN}', "NaN is not a value"),
        (b'{"price":-Infinity}', "-Infinity is not a value"),
        (b'{"test":True}', "True is not a value"),
        (b'{"price":{{close}}}', "`{{close}}` was not replaced"),
        (b"{{strategy.order.alert_message}}", "`{{strategy.order.alert_message}}` was not"),
        (b"buy AAPL", "it is plain text, `buy AAPL`"),
        (b'MNQ: {"ticker":"MNQ"}', "text stands before the object"),
        (b"{'ticker':1}", "' is not a JSON quote"),
        (b'{"stopPrice" 60}', "a colon is missing"),
        (b'{"a":1 "b":2}', "a comma is missing"),
        (b'{"a":1', "ends too early"),
        (b'{"a":"b\nc"}', "line break"),
        (b'{"a":"\\d"}', "backslash"),
        (b'{"a":1} // x', "text follows"),
        (b'{// x\n"a":1}', "no comments"),
        (b'{"a":1,"a":2}', "`a` is there twice"),
        (b'{"a":\xff}', "byte 5 is not UTF-8"),
        (b'{"a":1e99999999999999999999}', "beyond all bounds"),
    ],
)
def test_what_is_wrong_with_the_json_is_named_with_its_place(body: bytes, said: str) -> None:
    with pytest.raises(BadSignal) as refused:
        parse(body)
    assert refused.value.code == "malformed-json"
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("delay", "code"),
    [
        ("noon UTC", "invalid-payload"),
        ("next week", "invalid-payload"),
        ("noon XYZ", "invalid-delay-format"),
        ("noon", "invalid-delay-format"),
        ("next full moon", "invalid-delay-format"),
    ],
)
def test_a_moment_gone_by_or_of_no_known_zone_is_no_delay(delay: str, code: str) -> None:
    with pytest.raises(BadSignal) as refused:
        parse(json.dumps(BUY | {"delay": delay}).encode())
    assert (refused.value.code, refused.value.field) == (code, "delay")


def test_a_noon_is_read_without_a_clock() -> None:
    assert traderspost.parse({**BUY, "delay": "noon UTC"}).delay_seconds is None


@pytest.mark.rule("E3.taken")
@pytest.mark.parametrize(
    "message",
    [
        '{"ticker":"AAPL","action":"sell","sentiment":"bullish"}',
        '{"ticker":"AAPL","action":"buy","sentiment":"bearish"}',
        '{"ticker":"AAPL","action":"buy","price":100,"stopLoss":{"type":"stop","stopPrice":110}}',
        '{"ticker":"AAPL","action":"buy","price":100,"takeProfit":{"limitPrice":90}}',
    ],
)
def test_what_settings_may_still_change_is_not_refused_at_the_door(message: str) -> None:
    assert parse(message.encode()).ticker == "AAPL"
