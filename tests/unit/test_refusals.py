"""The catalogue of refusals: each code is raised by a message, or says why it is not."""

from datetime import UTC, datetime

import pytest

from web.signals import dialects, reference
from web.signals.refusals import CATALOGUE, BadSignal, Raised

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
BUY = '"ticker":"AAPL","action":"buy"'

# Code, field, asset class, message.
MESSAGES: list[tuple[str, str | None, str | None, str]] = [
    ("empty-json", None, None, ""),
    ("empty-json", None, None, "\0\0"),
    ("malformed-json", None, None, "{" + BUY + ",}"),
    ("malformed-json", None, None, "{“ticker”: “TSLA”, “action”: “buy”}"),
    ("invalid-payload", None, None, "[]"),
    ("invalid-payload", "ticker", None, "{}"),
    ("invalid-payload", "ticker", None, '{"ticker":null,"action":"buy"}'),
    ("invalid-payload", "ticker", None, '{"ticker":700,"action":"buy"}'),
    ("invalid-payload", "action", None, '{"ticker":"AAPL"}'),
    ("invalid-payload", "limitPrice", None, "{" + BUY + ',"limitPrice":"{{close}}"}'),
    ("invalid-payload", "stopPrice", None, "{" + BUY + ',"stopPrice":0}'),
    ("invalid-payload", "price", None, "{" + BUY + ',"price":"42,000.5"}'),
    ("invalid-payload", "time", None, "{" + BUY + ',"time":"{{timenow}}","rejectAfter":60}'),
    ("invalid-payload", "delay", None, "{" + BUY + ',"delay":3601}'),
    ("invalid-payload", "delay", None, "{" + BUY + ',"delay":"+2 days"}'),
    ("invalid-payload", "cancelAfter", None, "{" + BUY + ',"cancelAfter":0.5}'),
    ("invalid-payload", "rejectAfter", None, "{" + BUY + ',"rejectAfter":-1}'),
    (
        "invalid-payload",
        "breakevenOffset",
        None,
        '{"ticker":"SPY","action":"breakeven","breakevenOffset":101}',
    ),
    (
        "invalid-payload",
        "bidAskSpreadFilterPercent",
        None,
        "{" + BUY + ',"bidAskSpreadFilter":0.05,"bidAskSpreadFilterPercent":1}',
    ),
    (
        "invalid-payload",
        "stopLoss.pnlAmount",
        None,
        "{" + BUY + ',"stopLoss":{"type":"trailing_stop","trailAmount":1,"pnlAmount":5}}',
    ),
    (
        "invalid-payload",
        "stopLoss.pnlAmount",
        None,
        "{" + BUY + ',"quantityType":"risk_percent","quantity":1,"stopLoss":{"pnlAmount":5}}',
    ),
    ("invalid-payload", "test", None, "{" + BUY + ',"test":"perhaps"}'),
    ("invalid-payload", "cancel", None, "{" + BUY + ',"cancel":1}'),
    ("invalid-payload", "cancelOrderType", None, "{" + BUY + ',"cancelOrderType":"all"}'),
    ("empty-ticker-name", "ticker", None, '{"ticker":" ","action":"buy"}'),
    ("ticker-does-not-exist", "ticker", None, '{"ticker":"{{ticker}}","action":"buy"}'),
    ("ticker-does-not-exist", "ticker", None, '{"ticker":"%alert_symbol%","action":"buy"}'),
    ("ticker-does-not-exist", "ticker", None, '{"ticker":"Apple Inc","action":"buy"}'),
    (
        "invalid-ticker-and-option-type",
        "optionType",
        "options",
        '{"ticker":"AAPL 210121C325","action":"buy","optionType":"put"}',
    ),
    ("invalid-asset-class", "ticker", "stocks", '{"ticker":"SPY 270520C582.5","action":"buy"}'),
    ("invalid-asset-class", "ticker", "crypto", '{"ticker":"MNQ1!","action":"buy"}'),
    ("invalid-asset-class", "ticker", "options", '{"ticker":"MNQU2027","action":"buy"}'),
    ("invalid-action", "action", None, '{"ticker":"NQ","action":"bu"}'),
    ("invalid-action", "action", None, '{"ticker":"NQ","action":"BUY"}'),
    ("invalid-action", "action", None, '{"ticker":"NQ","action":"{{strategy.order.action}}"}'),
    ("invalid-sentiment", "sentiment", None, "{" + BUY + ',"sentiment":"up"}'),
    (
        "invalid-sentiment-action",
        "sentiment",
        None,
        '{"ticker":"GOOGL","action":"exit","sentiment":"flat"}',
    ),
    (
        "invalid-sentiment-action",
        "sentiment",
        None,
        '{"ticker":"GOOGL","action":"add","sentiment":"long"}',
    ),
    ("invalid-order-type", "orderType", None, "{" + BUY + ',"orderType":"peg"}'),
    (
        "invalid-trailing-stop",
        "orderType",
        None,
        '{"ticker":"AAPL","action":"cancel","orderType":"trailing_stop"}',
    ),
    ("invalid-trailing-stop", "trailAmount", None, "{" + BUY + ',"orderType":"trailing_stop"}'),
    (
        "invalid-trailing-stop",
        "trailPercent",
        None,
        "{" + BUY + ',"orderType":"trailing_stop","trailAmount":1,"trailPercent":1}',
    ),
    ("invalid-time-in-force", "timeInForce", None, "{" + BUY + ',"timeInForce":"gtd"}'),
    ("invalid-extended-hours", "extendedHours", "stocks", "{" + BUY + ',"extendedHours":"true"}'),
    ("invalid-extended-hours", "extendedHours", "futures", "{" + BUY + ',"extendedHours":true}'),
    ("invalid-option-type", "optionType", None, "{" + BUY + ',"optionType":"calls"}'),
    ("invalid-intrinsic-value", "intrinsicValue", None, "{" + BUY + ',"intrinsicValue":"atm"}'),
    ("invalid-expiration", "expiration", None, "{" + BUY + ',"expiration":"20270120"}'),
    ("invalid-expiration", "ticker", "options", '{"ticker":"SPY 250520C582.5","action":"buy"}'),
    ("invalid-expiration", "ticker", "options", '{"ticker":"SPY 271350C582.5","action":"buy"}'),
    (
        "invalid-expiration",
        "expiration",
        "options",
        "{" + BUY + ',"expiration":"2024-05-10","optionType":"call","strikePrice":68}',
    ),
    ("invalid-strike-count", "strikeCount", None, "{" + BUY + ',"strikeCount":2.5}'),
    ("invalid-strikes-away", "strikesAway", None, "{" + BUY + ',"strikesAway":-1}'),
    (
        "invalid-strikes-away",
        "strikesAway",
        None,
        "{" + BUY + ',"strikeCount":10,"strikesAway":6}',
    ),
    (
        "invalid-strike-price",
        "strikePrice",
        None,
        "{" + BUY + ',"expiration":"2027-09-01","optionType":"call","strikePrice":-50}',
    ),
    ("invalid-strike-price", "strikePrice", None, "{" + BUY + ',"strikePrice":50}'),
    ("invalid-quantity", "quantity", None, "{" + BUY + ',"quantity":"ten shares"}'),
    ("invalid-quantity", "quantity", None, "{" + BUY + ',"quantity":0}'),
    ("invalid-quantity", "quantity", None, "{" + BUY + ',"quantity":"1_000"}'),
    ("invalid-quantity", "quantity", None, "{" + BUY + ',"quantity":"٣"}'),
    ("invalid-quantity", "quantity", None, "{" + BUY + ',"quantity":"NaN"}'),
    (
        "invalid-quantity-type",
        "quantityType",
        None,
        "{" + BUY + ',"quantityType":"amount_per_position","quantity":1000}',
    ),
    (
        "invalid-quantity-type-action",
        "quantityType",
        None,
        '{"ticker":"AAPL","action":"cancel","quantityType":"percent_of_equity","quantity":50}',
    ),
    (
        "invalid-risk-dollar-amount-action",
        "quantityType",
        None,
        '{"ticker":"AAPL","action":"exit","quantityType":"risk_dollar_amount","quantity":50}',
    ),
    (
        "invalid-percent-of-position-action",
        "quantityType",
        None,
        '{"ticker":"AAPL","action":"add","quantityType":"percent_of_position","quantity":50}',
    ),
    (
        "quantity-type-requires-quantity",
        "quantity",
        None,
        "{" + BUY + ',"quantityType":"dollar_amount"}',
    ),
    (
        "invalid-quantity-type-for-asset-class",
        "quantityType",
        "futures",
        '{"ticker":"NQ","action":"buy","quantityType":"dollar_amount","quantity":1000}',
    ),
    (
        "invalid-take-profit-percent",
        "takeProfit.percent",
        None,
        "{" + BUY + ',"takeProfit":{"percent":"5 percent"}}',
    ),
    (
        "invalid-take-profit-amount",
        "takeProfit.amount",
        None,
        "{" + BUY + ',"takeProfit":{"amount":-1}}',
    ),
    (
        "invalid-take-profit-limit-price",
        "takeProfit.limitPrice",
        None,
        "{" + BUY + ',"takeProfit":{"limitPrice":0}}',
    ),
    (
        "invalid-take-profit-amount-and-percent",
        "takeProfit",
        None,
        "{" + BUY + ',"takeProfit":{"amount":1,"percent":1}}',
    ),
    (
        "invalid-take-profit-relative-and-absolute",
        "takeProfit",
        None,
        "{" + BUY + ',"takeProfit":{"amount":1,"limitPrice":110}}',
    ),
    (
        "invalid-take-profit-relative-and-absolute",
        "takeProfit",
        None,
        "{" + BUY + ',"takeProfit":{"pnlAmount":1,"limitPrice":110}}',
    ),
    (
        "invalid-take-profit-value-required",
        "takeProfit",
        None,
        "{" + BUY + ',"takeProfit":{"invalid":"value"}}',
    ),
    ("invalid-take-profit-value-required", "takeProfit", None, "{" + BUY + ',"takeProfit":10}'),
    (
        "invalid-stop-loss-type",
        "stopLoss.type",
        None,
        "{" + BUY + ',"stopLoss":{"type":"unknown type","stopPrice":95}}',
    ),
    (
        "invalid-stop-loss-percent",
        "stopLoss.percent",
        None,
        "{" + BUY + ',"stopLoss":{"type":"stop","percent":"-5%"}}',
    ),
    (
        "invalid-stop-loss-amount",
        "stopLoss.amount",
        None,
        "{" + BUY + ',"stopLoss":{"type":"stop","amount":"invalid"}}',
    ),
    (
        "invalid-stop-loss-stop-price",
        "stopLoss.stopPrice",
        None,
        "{" + BUY + ',"stopLoss":{"type":"stop","stopPrice":"-50"}}',
    ),
    (
        "invalid-stop-loss-limit-price",
        "stopLoss.limitPrice",
        None,
        "{" + BUY + ',"stopLoss":{"type":"stop_limit","stopPrice":90,"limitPrice":"x"}}',
    ),
    (
        "invalid-stop-loss-trail-price",
        "stopLoss.trailPrice",
        None,
        "{" + BUY + ',"stopLoss":{"type":"trailing_stop","trailPrice":0}}',
    ),
    (
        "invalid-stop-loss-trail-amount",
        "stopLoss.trailAmount",
        None,
        '{"ticker":"AAPL","action":"sell","orderType":"trailing_stop",'
        '"stopLoss":{"type":"trailing_stop","trailAmount":"-2"}}',
    ),
    (
        "invalid-stop-loss-trail-percent",
        "stopLoss.trailPercent",
        None,
        "{" + BUY + ',"stopLoss":{"type":"trailing_stop","trailPercent":"-5%"}}',
    ),
    (
        "invalid-stop-loss-trail-value",
        "stopLoss",
        None,
        "{" + BUY + ',"stopLoss":{"type":"trailing_stop","trailAmount":2,"trailPercent":5}}',
    ),
    (
        "invalid-stop-loss-trail-value-required",
        "stopLoss",
        None,
        "{" + BUY + ',"stopLoss":{"type":"trailing_stop"}}',
    ),
    (
        "invalid-stop-loss-amount-and-percent",
        "stopLoss",
        None,
        "{" + BUY + ',"stopLoss":{"type":"stop","amount":2,"percent":5}}',
    ),
    (
        "invalid-stop-loss-relative-and-absolute",
        "stopLoss",
        None,
        "{" + BUY + ',"stopLoss":{"type":"stop","amount":2,"stopPrice":95}}',
    ),
    (
        "invalid-stop-loss-stop-price-required",
        "stopLoss.stopPrice",
        None,
        "{" + BUY + ',"stopLoss":{"type":"stop_limit","limitPrice":95}}',
    ),
    (
        "invalid-stop-loss-value-required",
        "stopLoss",
        None,
        "{" + BUY + ',"stopLoss":{"type":"stop"}}',
    ),
    ("invalid-stop-loss-value-required", "stopLoss", None, "{" + BUY + ',"stopLoss":"95"}'),
    ("invalid-expires-at", "expiresAt", None, "{" + BUY + ',"expiresAt":"soon"}'),
    ("invalid-message-length", "message", None, "{" + BUY + ',"message":"too short"}'),
    (
        "invalid-message-tags",
        "message",
        None,
        "{" + BUY + ',"message":"<b>The average was crossed upwards</b>"}',
    ),
    (
        "invalid-market-price-type",
        "marketPriceType",
        None,
        "{" + BUY + ',"marketPriceType":"middle"}',
    ),
    (
        "invalid-take-profit-pnl-amount",
        "takeProfit.pnlAmount",
        None,
        "{" + BUY + ',"takeProfit":{"pnlAmount":"-50"}}',
    ),
    (
        "invalid-stop-loss-pnl-amount",
        "stopLoss.pnlAmount",
        None,
        "{" + BUY + ',"stopLoss":{"type":"stop","pnlAmount":"xyz"}}',
    ),
    ("invalid-delay-format", "delay", None, "{" + BUY + ',"delay":"not a date"}'),
]


@pytest.mark.rule(
    "K.refusals.trails",
    "K.refusals.delay",
    "K.refusals.cancel",
    "K.refusals.reject",
    "K.refusals.offset",
    "K.refusals.spreads",
    "K.refusals.pnl",
    "K.options.clash",
    "K.options.expired",
)
@pytest.mark.parametrize(
    ("code", "field", "asset_class", "message"), MESSAGES, ids=[row[0] for row in MESSAGES]
)
def test_a_message_is_refused_with_its_code_and_field(
    code: str, field: str | None, asset_class: str | None, message: str
) -> None:
    with pytest.raises(BadSignal) as refused:
        dialects.read(message.encode(), asset_class=asset_class, now=NOW)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.message and refused.value.fix
    assert field is None or field in CATALOGUE[code].fields


def test_every_code_that_reading_raises_has_a_message_above() -> None:
    read = {code for code, known in CATALOGUE.items() if known.raised is Raised.READING}
    assert read == {row[0] for row in MESSAGES}


@pytest.mark.rule(
    "J.kebab",
)
def test_the_57_codes_of_the_reference_are_all_there() -> None:
    ours = {"idempotency-mismatch", "payload-too-large", "internal-error", "try-again"}
    ours |= {"signature-missing", "signature-expired", "signature-mismatch"}
    ours |= {"unknown-connector", "invalid-connector", "connector-missing"}
    answers = {"not-found", "too-many-requests"}
    newer = {
        "invalid-market-price-type",
        "invalid-take-profit-pnl-amount",
        "invalid-stop-loss-pnl-amount",
        "invalid-delay-format",
    }
    assert len(CATALOGUE.keys() - ours - answers - newer) == 57
    assert ours | answers | newer < CATALOGUE.keys()


def test_the_committed_page_of_refusals_is_what_the_catalogue_gives() -> None:
    assert reference.PAGE.read_text() == reference.to_markdown()
