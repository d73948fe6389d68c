"""The Crypto-Arsenal dialect: what each message means, and what is refused."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.signals import crypto_arsenal, dialects, lint, rules
from web.signals.rules import BadSignal, Signal, StopLoss, TakeProfit
from web.strategies.rules import Connector, Convention, Market, Mode

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
PLAIN = Connector("BTCUSDT")
LEVERED = Connector("BTCUSDT", convention=Convention.APPLY, leverage=Decimal(10))


def parse(connector: Connector = PLAIN, /, **fields: Any) -> Signal:
    return crypto_arsenal.parse(rules.read(json.dumps(fields).encode()), connector)


def refused(connector: Connector = PLAIN, /, **fields: Any) -> BadSignal:
    with pytest.raises(BadSignal) as caught:
        parse(connector, **fields)
    return caught.value


def size(signal: Signal) -> tuple[str | None, str | None]:
    number = None if signal.quantity is None else format(signal.quantity, "f")
    return number, signal.quantity_type


@pytest.mark.parametrize(
    ("action", "meant"),
    [
        ("openLong", ("buy", "bullish")),
        ("closeLong", ("sell", "bullish")),
        ("openShort", ("sell", "bearish")),
        ("closeShort", ("buy", "bearish")),
        ("buy", ("buy", "bullish")),
        ("sell", ("sell", "bullish")),
        ("cancelAll", ("cancel", None)),
    ],
)
def test_each_action_has_one_meaning(action: str, meant: tuple[str, str | None]) -> None:
    signal = parse(action=action)
    assert (signal.action, signal.sentiment) == meant
    assert (signal.ticker, signal.instrument) == ("BTCUSDT", "BTCUSDT")
    assert signal.dialect == "crypto_arsenal"


def test_r1_connector_fields_may_be_left_out_on_the_strategys_own_url() -> None:
    named = parse(connectorName="mine", connectorToken="secret", action="openLong", fixed="1")
    assert named == parse(action="openLong", fixed="1")
    assert "secret" not in json.dumps(named.to_json())


@pytest.mark.parametrize(
    "body",
    [
        '{"action":"openLong"}{"action":"closeLong"}',
        "{\u201caction\u201d:\u201copenLong\u201d}",
        "{{strategy.order.alert_message}}",
    ],
)
def test_r4_glued_objects_and_curly_quotes_are_refused(body: str) -> None:
    with pytest.raises(BadSignal) as caught:
        rules.read(body.encode())
    assert caught.value.fix


@pytest.mark.parametrize("action", ["openLong", "open_long", "OPENLONG", "OpenLong", " openlong "])
def test_r5_actions_are_read_in_any_case_camel_and_snake(action: str) -> None:
    assert parse(action=action) == parse(action="openLong")


@pytest.mark.parametrize("action", ["cancelAll", "cancellAll", "cancel_all", "CANCELALL"])
def test_r5_cancel_all_may_be_misspelled_as_documented(action: str) -> None:
    assert parse(action=action).action == "cancel"


@pytest.mark.parametrize("action", ["hold", "long", "", "exit", "open long"])
def test_r5_another_action_is_refused_with_the_list(action: str) -> None:
    bad = refused(action=action)
    assert (bad.code, bad.field) == ("invalid-action", "action")
    assert "openLong" in bad.fix


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ({"fixed": "2", "percent": "50", "notional": 100}, ("2", "fixed_quantity")),
        ({"percent": "50", "notional": 100}, ("50", "percent_of_balance")),
        ({"notional": 100}, ("100", "notional")),
        ({}, ("99", "percent_of_balance")),
    ],
)
def test_r6_fixed_wins_over_percent_over_notional_over_everything(
    sent: dict[str, Any], taken: tuple[str, str]
) -> None:
    signal = parse(action="openLong", **sent)
    assert size(signal) == taken
    assert len(signal.warnings) == (1 if len(sent) > 1 else 0)


@pytest.mark.parametrize("action", ["closeLong", "closeShort", "sell"])
def test_r7_a_close_counts_in_percent_of_the_position(action: str) -> None:
    assert size(parse(action=action)) == ("100", "percent_of_position")
    assert size(parse(action=action, percent="60")) == ("60", "percent_of_position")
    assert size(parse(action=action, percent="250")) == ("100", "percent_of_position")
    assert size(parse(action=action, fixed="0.5")) == ("0.5", "fixed_quantity")


@pytest.mark.parametrize(
    ("percent", "reserve", "taken"),
    [
        ("90", "1", "90"),
        ("99.5", "1", "99"),
        ("100", "1", "99"),
        (None, "1", "99"),
        ("100", "2.5", "97.5"),
        ("100", "0", "100"),
        ("300", "1", "297"),
    ],
)
def test_r7_everything_of_the_balance_is_all_but_the_reserve(
    percent: str | None, reserve: str, taken: str
) -> None:
    connector = Connector("BTCUSDT", reserve_percent=Decimal(reserve))
    sent = {} if percent is None else {"percent": percent}
    for action in ("openLong", "openShort", "buy"):
        signal = parse(connector, action=action, **sent)
        assert (signal.quantity, signal.quantity_type) == (Decimal(taken), "percent_of_balance")


@pytest.mark.parametrize(
    ("sent", "quantity"), [({"fixed": "0.5"}, "5.0"), ({"percent": 9}, "90"), ({}, "990")]
)
def test_r8_leverage_multiplies_opening_sizes_where_the_connector_applies_it(
    sent: dict[str, Any], quantity: str
) -> None:
    signal = parse(LEVERED, action="openLong", **sent)
    assert size(signal)[0] == quantity
    assert "leverage" in signal.warnings[0]


@pytest.mark.parametrize("action", ["closeLong", "closeShort", "buy", "sell"])
def test_r8_leverage_multiplies_nothing_else(action: str) -> None:
    assert size(parse(LEVERED, action=action, fixed="0.5")) == ("0.5", "fixed_quantity")


def test_r8_leverage_is_left_to_the_sender_where_the_connector_ignores_it() -> None:
    ignoring = Connector("BTCUSDT", convention=Convention.IGNORE, leverage=Decimal(10))
    assert size(parse(ignoring, action="openLong", fixed="0.5"))[0] == "0.5"


def test_r9_without_a_limit_the_order_is_a_market_order() -> None:
    assert parse(action="openLong").order_type == "market"
    limited = parse(action="openLong", limit="42000.5")
    assert (limited.order_type, limited.limit_price) == ("limit", Decimal("42000.5"))


def test_r10_profit_and_loss_are_prices_of_an_entry() -> None:
    signal = parse(action="openLong", profit="45000", loss=41000)
    assert signal.take_profit == TakeProfit(limit_price=Decimal(45000))
    assert signal.stop_loss == StopLoss(type="stop", stop_price=Decimal(41000))


@pytest.mark.parametrize("action", ["closeLong", "buy", "sell"])
def test_r10_profit_and_loss_of_anything_else_are_left_with_a_warning(action: str) -> None:
    signal = parse(action=action, profit="45000", loss="41000")
    assert (signal.take_profit, signal.stop_loss) == (None, None)
    assert len(signal.warnings) == 2


@pytest.mark.rule("E3.taken")
def test_r11_a_stop_on_the_wrong_side_is_kept_for_who_knows_the_price() -> None:
    signal = parse(action="openLong", limit="42000", loss="43000")
    assert signal.stop_loss == StopLoss(type="stop", stop_price=Decimal(43000))


@pytest.mark.parametrize(
    ("market", "action"),
    [
        (Market.FUTURES, "buy"),
        (Market.FUTURES, "sell"),
        (Market.SPOT, "openLong"),
        (Market.SPOT, "closeShort"),
    ],
)
def test_r12_an_action_of_the_other_market_is_refused(market: Market, action: str) -> None:
    bad = refused(Connector("BTCUSDT", market=market), action=action)
    assert (bad.code, bad.field) == ("invalid-action", "action")
    assert parse(Connector("BTCUSDT", market=market), action="cancelAll").action == "cancel"


@pytest.mark.rule("E5.reverse")
def test_r13_only_a_reversing_connector_closes_the_opposite_position_first() -> None:
    reversing = Connector("BTCUSDT", mode=Mode.REVERSE)
    kept = {"fixed": "2", "limit": "42000", "loss": "41000"}
    signal = parse(reversing, action="openLong", **kept)
    assert signal.reverses
    plain = parse(action="openLong", **kept)
    assert not plain.reverses
    assert (signal.quantity, signal.limit_price, signal.stop_loss) == (
        plain.quantity,
        plain.limit_price,
        plain.stop_loss,
    )
    assert not parse(reversing, action="closeLong").reverses


def test_r14_cancel_names_an_order() -> None:
    bad = refused(action="cancel")
    assert (bad.code, bad.field) == ("invalid-payload", "clientOrderId")
    signal = parse(action="cancel", clientOrderId="Long")
    assert (signal.action, signal.client_tag) == ("cancel", "Long")
    assert parse(action="openLong", clientOrderId=7).client_tag == "7"


def test_r15_cancel_all_means_the_connectors_instrument() -> None:
    signal = parse(action="cancelAll", clientOrderId="Long")
    assert (signal.action, signal.instrument, signal.client_tag) == ("cancel", "BTCUSDT", None)


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        ({"delaySeconds": 5}, 5),
        ({"delaySeconds": "5"}, 5),
        ({"delaySeconds": "1.5"}, "1.5"),
        ({"delaySeconds": 3600}, 3600),
        ({"delaySeconds": 0}, None),
        ({"delaySeconds": ""}, None),
        ({"delaySeconds": 5, "delaySecondsFilter": "Entry", "log": "Entry 多單 🚀"}, 5),
        ({"delaySeconds": 5, "delaySecondsFilter": "entry", "log": "Entry"}, None),
        ({"delaySeconds": 5, "delaySecondsFilter": "Entry"}, None),
        ({"delaySeconds": 5, "delaySecondsFilter": ""}, 5),
        ({"delaySecondsFilter": "Entry", "log": "Entry"}, None),
    ],
)
def test_r16_a_delay_holds_unless_its_filter_is_not_in_the_log(
    sent: dict[str, Any], seconds: Any
) -> None:
    expected = None if seconds is None else Decimal(seconds)
    assert parse(action="openLong", **sent).delay_seconds == expected


@pytest.mark.parametrize("seconds", [-1, 3601, "soon", True, [5]])
def test_r16_an_impossible_delay_is_refused(seconds: Any) -> None:
    assert refused(action="openLong", delaySeconds=seconds).field == "delaySeconds"


def test_r17_unknown_keys_are_shown_and_stop_nothing() -> None:
    signal = parse(action="openLong", fixed="1", mine={"a": [1]}, other=None)
    assert signal.warnings == ("Kept, but not used: `mine`, `other`.",)


@pytest.mark.parametrize("nothing", ["NaN", "nan", "", " ", None])
@pytest.mark.parametrize("name", ["profit", "loss", "limit", "percent", "delaySeconds"])
def test_what_stands_for_nothing_is_absent_with_a_warning(name: str, nothing: Any) -> None:
    signal = parse(action="openLong", fixed="1", **{name: nothing})
    [warning] = signal.warnings
    assert name in warning
    assert signal.to_json() | {"warnings": None} == parse(
        action="openLong", fixed="1"
    ).to_json() | {"warnings": None}


@pytest.mark.parametrize(
    ("raw", "cure"),
    [
        ("{{close}}", "str.tostring"),
        ("{{strategy.order.alert_message}}", "message box"),
        ("42,000.5", "comma"),
        ("90%", "percent sign"),
        ("1_000", "plain number"),
        ("Infinity", "plain number"),
        ("9" * 29, "digits"),
        ("-5", "above 0"),
        (0, "above 0"),
        (True, "plain number"),
        ({"a": 1}, "plain number"),
    ],
)
def test_what_is_no_number_is_refused_with_its_cure(raw: Any, cure: str) -> None:
    bad = refused(action="openLong", fixed=raw)
    assert (bad.code, bad.field) == ("invalid-quantity", "fixed")
    assert cure in bad.fix


def test_a_tag_nobody_filled_in_is_kept_with_a_warning() -> None:
    signal = parse(action="openLong", clientOrderId="{{strategy.order.id}}")
    assert signal.client_tag == "{{strategy.order.id}}"
    assert "nobody filled it in" in signal.warnings[0]


@pytest.mark.parametrize(
    ("payload", "ours"),
    [
        ({"connectorName": "x"}, True),
        ({"action": "openLong"}, True),
        ({"action": "close_short", "ticker": "BTCUSD"}, False),
        ({"action": "close_short", "ticker": "BTCUSD", "connectorName": "x"}, True),
        ({"action": "cancelAll", "ticker": "BTCUSD"}, False),
        ({"action": "cancellAll"}, True),
        ({"action": "buy", "fixed": "1"}, True),
        ({"log": "a/long/flat"}, True),
        ({"action": "buy", "ticker": "AAPL"}, False),
        ({"action": "buy", "ticker": "AAPL", "percent": 5}, False),
        ({"action": "exit"}, False),
        ({}, False),
        ({"action": ["openLong"]}, False),
    ],
)
def test_the_dialect_is_known_by_its_shape(payload: dict[str, Any], ours: bool) -> None:
    assert crypto_arsenal.looks_like(payload) is ours


@pytest.mark.parametrize(
    ("body", "asset_class", "code"),
    [
        ('{"action":"openLong","connectorName":"mine"}', None, None),
        ('{"log":"Buy","action":"buy","percent":"100"}', "crypto", None),
        ('{"log":"Buy","action":"buy","percent":"100"}', "futures", "invalid-action"),
        ('{"action":"closeShort","fixed":"{{close}}"}', "futures", "invalid-quantity"),
        ('{"action":"openLong"}{"action":"openLong"}', None, "malformed-json"),
    ],
)
def test_lint_knows_the_dialect(body: str, asset_class: str | None, code: str | None) -> None:
    for dialect in (dialects.AUTO, dialects.CRYPTO_ARSENAL):
        options = lint.Options(dialect, asset_class, NOW, jsonl=False)
        verdict = lint.judge(body.encode(), options)
        assert (verdict["accepted"], verdict["code"]) == (code is None, code)
        if code is None:
            assert verdict["signal"]["dialect"] == "crypto_arsenal"


NAMES = [
    *("action", "fixed", "percent", "notional", "limit", "profit", "loss", "log", "clientOrderId"),
    *("delaySeconds", "delaySecondsFilter", "position", "entryOrder", "mine"),
]
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["openLong", "closeLong", "update", "cancel", "a,1", "a/long/flat", "NaN"])
    | st.sampled_from(["Fixed Quote Amount", "long", "flat", "0", "1e9999", "-0", "\0"]),
    lambda inner: (
        st.dictionaries(
            st.sampled_from(["side", "size", "mode", "value", "capital", "position", "price"]),
            inner,
        )
        | st.lists(inner, max_size=2)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING), st.sampled_from(Mode))
def test_any_payload_is_a_signal_or_one_refusal(payload: dict[str, Any], mode: Mode) -> None:
    connector = Connector("BTCUSDT", mode=mode, convention=Convention.APPLY, leverage=Decimal(3))
    try:
        signal = crypto_arsenal.parse(rules.read(json.dumps(payload).encode()), connector)
    except BadSignal as bad:
        assert bad.code and bad.message and bad.fix
    else:
        stored = json.dumps(signal.to_json())
        assert rules.from_json(json.loads(stored)) == signal
        assert "\\u0000" not in stored
