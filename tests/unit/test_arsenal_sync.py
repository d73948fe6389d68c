"""Crypto-Arsenal messages that ask for a position: what each template means."""

import json
from decimal import Decimal
from typing import Any

import pytest

from web.signals import crypto_arsenal, rules
from web.signals.rules import BadSignal, Signal, Target
from web.strategies.rules import Connector, Convention, Mode

PLAIN = Connector("BTCUSDT")
LEVERED = Connector("BTCUSDT", convention=Convention.APPLY, leverage=Decimal(10))


def parse(connector: Connector = PLAIN, /, **fields: Any) -> Signal:
    return crypto_arsenal.parse(rules.read(json.dumps(fields).encode()), connector)


def refused(connector: Connector = PLAIN, /, **fields: Any) -> BadSignal:
    with pytest.raises(BadSignal) as caught:
        parse(connector, **fields)
    return caught.value


def sync(name: str, **order: Any) -> dict[str, Any]:
    position = {"side": "long", "size": "0.5", "prev_side": "flat", "prev_size": 0}
    entry = {"mode": name, "value": "10", "size": 0.5, "price": "1850.5", **order}
    return {"log": "long", "entryOrder": entry, "position": position}


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("Percentage of Balance with Compounding", "balance_percent"),
        ("Percentage of Initial Balance Only", "initial_percent"),
        ("Initial Balance Compound With Percentage of Profit", "initial_and_profit"),
        ("Fixed Quote Amount", "fixed_quote"),
        ("Strategy Order Size", "order_size"),
        ("Fixed Base Amount", "fixed_base"),
        ("Percentage of Balance at No Position", "flat_percent"),
        ("Strategy Percentage with Fixed Capital", "fixed_capital"),
        ("availableBalancePercent", "balance_percent"),
        ("totalBalancePercent", "flat_percent"),
        ("fixedTotalBalance", "fixed_capital"),
    ],
)
def test_every_sync_mode_is_a_target(name: str, mode: str) -> None:
    signal = parse(LEVERED, **sync(name))
    assert (signal.action, signal.sentiment, signal.quantity) == ("buy", "bullish", None)
    assert signal.target == Target(
        mode=mode,
        side="long",
        size=Decimal("0.5"),
        prev_side="flat",
        prev_size=Decimal(0),
        value=None if mode == "order_size" else Decimal(10),
        order_size=Decimal("0.5"),
        order_price=Decimal("1850.5"),
        leverage=Decimal(10),
    )


def test_a_quoted_price_is_a_number() -> None:
    quoted = parse(**sync("Strategy Percentage with Fixed Capital", price="1850.5"))
    plain = parse(**sync("Strategy Percentage with Fixed Capital", price=1850.5))
    assert quoted.target == plain.target


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"mode": "Half of it"}, "entryOrder.mode"),
        ({"mode": None}, "entryOrder.mode"),
        ({"value": None}, "entryOrder.value"),
        ({"mode": "Strategy Order Size", "size": None}, "entryOrder.size"),
        ({"mode": "fixedTotalBalance", "price": "NaN"}, "entryOrder.price"),
    ],
)
def test_a_sync_message_without_what_its_mode_needs_is_refused(
    order: dict[str, Any], field: str
) -> None:
    assert refused(**sync("Fixed Quote Amount", **order)).field == field


@pytest.mark.parametrize("position", [{"side": "flat", "size": 0}, {"side": "long", "size": "0"}])
def test_a_flat_target_is_an_exit(position: dict[str, Any]) -> None:
    signal = parse(**sync("Fixed Quote Amount") | {"position": position})
    assert (signal.action, signal.sentiment, signal.target) == ("exit", None, None)


def test_a_sync_message_says_its_side_and_size() -> None:
    for position in ({"size": 1}, {"side": "up", "size": 1}, {"side": "long"}, {}):
        bad = refused(**sync("Fixed Quote Amount") | {"position": position})
        assert (bad.field or "").startswith("position.")


def by_log(mode: Mode, log: str | None, **more: Any) -> Signal:
    return parse(Connector("BTCUSDT", mode=mode), log=log, **more)


def test_side_sync_reads_the_log_from_the_right() -> None:
    signal = by_log(Mode.SIDE_SYNC, "breakout 1/2/short/long", action="openLong")
    assert (signal.action, signal.sentiment) == ("sell", "bearish")
    assert signal.target == Target(mode="whole", side="short", prev_side="long")
    assert by_log(Mode.SIDE_SYNC, "out/flat/long").action == "exit"


def test_size_sync_reads_sizes_whatever_their_sign() -> None:
    assert by_log(Mode.SIZE_SYNC, "add/short/-5/short/-2").target == Target(
        mode="units",
        side="short",
        size=Decimal(5),
        prev_side="short",
        prev_size=Decimal(2),
    )
    assert by_log(Mode.SIZE_SYNC, "out/flat/0/long/5").action == "exit"


@pytest.mark.parametrize(
    ("mode", "log"),
    [
        (Mode.SIDE_SYNC, "long/flat"),
        (Mode.SIDE_SYNC, None),
        (Mode.SIDE_SYNC, "x/up/flat"),
        (Mode.SIZE_SYNC, "x/long/flat"),
        (Mode.SIZE_SYNC, "x/long/many/flat/0"),
        (Mode.MULTICHARTS, "3"),
        (Mode.MULTICHARTS, "a,b"),
    ],
)
def test_a_log_of_another_shape_is_refused(mode: Mode, log: str | None) -> None:
    with pytest.raises(BadSignal) as caught:
        by_log(mode, log)
    assert caught.value.field == "log"


@pytest.mark.parametrize(
    ("contracts", "side", "size"), [("3", "long", "0.3"), ("-12", "short", "1.2")]
)
def test_multicharts_trades_a_tenth_of_each_contract(contracts: str, side: str, size: str) -> None:
    signal = parse(action="update", log=f"2026-11-20 14:30,{contracts},x")
    assert signal.target == Target(mode="units", side=side, size=Decimal(size))
    assert parse(action="update", log="2026-11-20 14:30,0,x").action == "exit"


def test_the_first_percent_template_counts_against_the_senders_capital() -> None:
    position = {
        "capital": 1000,
        "order_size": "0.5",
        "order_price": "1850.5",
        "position": "long",
        "position_size": 0.5,
        "prev_position": "flat",
        "prev_position_size": 0,
    }
    assert parse(position=position).target == Target(
        mode="fixed_capital",
        side="long",
        size=Decimal("0.5"),
        prev_side="flat",
        prev_size=Decimal(0),
        value=Decimal(1000),
        order_size=Decimal("0.5"),
        order_price=Decimal("1850.5"),
    )
