"""The signal language: any bytes at all give a Signal or a BadSignal."""

import json
from decimal import Decimal
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.signals import rules, traderspost
from web.signals.rules import BadSignal, Signal

FIELDS = [
    "ticker",
    "action",
    "sentiment",
    "quantity",
    "orderType",
    "limitPrice",
    "price",
    "signalPrice",
    "time",
    "test",
    "extras",
]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(["buy", "exit", "AAPL", "limit", "flat", "1e9999999", "-0", "٣"]),
    st.lists(st.integers(), max_size=3),
)


def parse(body: bytes) -> Signal:
    return traderspost.parse(rules.read(body))


@given(st.binary(max_size=400))
def test_any_bytes_raise_nothing_but_bad_signal(body: bytes) -> None:
    try:
        parse(body)
    except BadSignal as bad:
        assert bad.code and bad.message and bad.fix


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_any_fields_raise_nothing_but_bad_signal(payload: dict[str, object]) -> None:
    try:
        signal = parse(json.dumps(payload).encode())
    except BadSignal as bad:
        assert bad.code and bad.message and bad.fix
    else:
        assert rules.from_json(json.loads(json.dumps(signal.to_json()))) == signal


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 16_000,
        b'{"a":' * 3_000,
        b'{"ticker":"AAPL","action":"buy","quantity":' + b"9" * 16_000 + b"}",
        b'{"a":"' + b"\\" * 15_999,
        b'{"ticker":"' + b"x" * 16_000 + b'","action":"buy"}',
        b"{" + b",".join(b'"%d":1' % n for n in range(1_800)) + b"}",
    ],
    ids=["brackets", "objects", "digits", "backslashes", "ticker", "keys"],
)
def test_16_kb_of_anything_is_quick(body: bytes) -> None:
    # A bound far above the target: this catches quadratic work, not a slow machine.
    began = perf_counter()
    with pytest.raises(BadSignal):
        parse(body)
    assert perf_counter() - began < 0.5


def test_prices_are_exact() -> None:
    signal = parse(b'{"ticker":"AAPL","action":"buy","price":0.1,"quantity":"2.50"}')
    assert (signal.signal_price, signal.quantity) == (Decimal("0.1"), Decimal("2.50"))


@pytest.mark.parametrize(
    ("ticker", "instrument"),
    [("AAPL", "AAPL"), ("NASDAQ:aapl", "AAPL"), ("BTC-USD", "BTC-USD"), ("MNQ1!", "MNQ1!")],
)
def test_an_exchange_prefix_is_dropped(ticker: str, instrument: str) -> None:
    assert traderspost.parse({"ticker": ticker, "action": "buy"}).instrument == instrument


@pytest.mark.parametrize(("word", "meant"), [("long", "bullish"), ("short", "bearish")])
def test_long_and_short_are_sentiments(word: str, meant: str) -> None:
    assert (
        parse(b'{"ticker":"A","action":"buy","sentiment":"%s"}' % word.encode()).sentiment == meant
    )


def test_a_byte_order_mark_and_white_space_are_fine() -> None:
    assert parse(b'\xef\xbb\xbf \n{"ticker":"AAPL","action":"buy"}\n').action == "buy"


def test_unknown_keys_are_kept_in_the_payload() -> None:
    payload = rules.read(b'{"ticker":"AAPL","action":"buy","extras":{"bar":1},"mine":"x"}')
    assert payload["extras"] == {"bar": Decimal(1)} and payload["mine"] == "x"


@pytest.mark.parametrize(
    ("sent", "at"),
    [
        ("2026-11-20T14:30:00Z", "2026-11-20T14:30:00+00:00"),
        ("2026-11-20 09:30:00", "2026-11-20T09:30:00+00:00"),
        ("2026-11-20T09:30:00-05:00", "2026-11-20T14:30:00+00:00"),
    ],
)
def test_the_senders_time_is_read_as_utc(sent: str, at: str) -> None:
    found = traderspost.parse({"ticker": "A", "action": "buy", "time": sent}).sent_at
    assert found is not None and found.isoformat() == at


def test_signal_price_wins_over_price_with_a_warning() -> None:
    signal = parse(b'{"ticker":"A","action":"buy","price":1,"signalPrice":2}')
    assert signal.signal_price == 2 and len(signal.warnings) == 1
