"""What becomes of a Crypto-Arsenal signal before execution hears of it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from execution.domain.sync import Sizing
from execution.messages import messages as execution_messages
from protos.execution.v1 import execution_pb2 as pb
from web.signals import crypto_arsenal
from web.signals.arsenal_sync import MODES
from web.signals.rules import Signal
from web.strategies.rules import Connector, Mode
from web.subscriptions import settings
from web.subscriptions.settings import Resolved
from web.trades import messages, rules
from web.trades.messages import Destination
from web.trades.rules import Context, Decision

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
NOBODY = UUID(int=1)


def read(mode: Mode = Mode.PLAIN, **fields: Any) -> Signal:
    return crypto_arsenal.parse(fields, Connector("AAPL", mode=mode))


def resolved(signal: Signal, **chosen: Any) -> Resolved:
    stored = settings.validate({"auto_submit": True, **chosen})
    return settings.resolve(signal, {}, stored)


def decide(signal: Signal, **chosen: Any) -> Decision:
    return rules.decide(
        signal,
        resolved(signal, **chosen),
        Context(strategy_enabled=True, subscription_enabled=True, asset_class="stocks"),
        accepted_at=NOW,
        now=NOW,
    )


def sent(signal: Signal, **chosen: Any) -> pb.Trade:
    decision = decide(signal, **chosen)
    assert decision.state == "PENDING"
    return messages.to_trade(
        messages.terms(
            strategy_id=NOBODY,
            signal_id=NOBODY,
            signal_seq=1,
            signal=signal.to_json(),
            settings=settings.complete(resolved(signal, **chosen).snapshot()),
            accepted_at=NOW,
            released_at=None,
            asset_class="stocks",
            numbers={} if decision.quantity is None else {"quantity": str(decision.quantity)},
        ),
        NOBODY,
        Destination(NOBODY, NOBODY, NOBODY, "paper", "paper", "P"),
    )


@pytest.mark.parametrize("action", ["openLong", "openShort", "buy", "closeLong", "sell"])
def test_a_fixed_size_goes_to_execution_as_it_is(action: str) -> None:
    trade = sent(read(action=action, fixed="2.5"))
    assert (trade.quantity, trade.quantity_from_signal) == ("2.5", True)


@pytest.mark.parametrize("action", ["closeLong", "closeShort", "sell"])
def test_a_close_without_size_asks_for_everything_whatever_the_settings_say(action: str) -> None:
    for chosen in ({}, {"quantity": "3"}):
        trade = sent(read(action=action), **chosen)
        assert (trade.uncapped_quantity, trade.quantity_from_signal) == ("100", True)
        assert trade.size_type == pb.SIZE_TYPE_PERCENT_OF_POSITION


@pytest.mark.rule("K.cells.exits")
def test_a_setting_sizes_an_entry_but_never_a_close() -> None:
    assert sent(read(action="openLong", fixed="2"), quantity="3").quantity == "3"
    own = sent(read(action="openLong", percent="50"), quantity="3")
    assert (own.quantity, own.size_type) == ("3", pb.SIZE_TYPE_FIXED_QUANTITY)
    assert sent(read(action="closeLong", fixed="2"), quantity="3").uncapped_quantity == "2"


@pytest.mark.parametrize(
    ("fields", "size_type", "quantity"),
    [
        ({"action": "openLong", "percent": "50"}, pb.SIZE_TYPE_PERCENT_OF_BALANCE, "50"),
        ({"action": "openShort", "notional": "500"}, pb.SIZE_TYPE_NOTIONAL, "500"),
        ({"action": "closeLong", "percent": "50"}, pb.SIZE_TYPE_PERCENT_OF_POSITION, "50"),
    ],
)
def test_every_size_goes_to_execution_in_its_own_terms(
    fields: dict[str, Any], size_type: pb.SizeType, quantity: str
) -> None:
    trade = sent(read(**fields))
    assert (trade.size_type, trade.uncapped_quantity) == (size_type, quantity)


def test_r10_profit_and_loss_are_prices_of_a_target_and_a_stop() -> None:
    trade = sent(read(action="openLong", fixed="1", profit="110", loss="90"))
    assert (trade.take_profit.price, trade.stop_loss.price) == ("110", "90")


@pytest.mark.rule("E5.reverse")
def test_r13_a_reversing_trade_may_swap_and_its_size_is_the_entrys() -> None:
    trade = sent(read(Mode.REVERSE, action="openLong", fixed="2"))
    assert (trade.allow_swap, trade.quantity, trade.reverses) == (True, "2", True)
    assert execution_messages.read_trade(trade).signal_quantity is None
    plain = sent(read(action="openLong", fixed="2"))
    assert (plain.allow_swap, plain.reverses) == (False, False)
    assert execution_messages.read_trade(plain).signal_quantity == 2


def test_a_cancel_by_name_goes_to_execution_with_the_name() -> None:
    assert sent(read(action="cancel", clientOrderId="Long")).client_tag == "Long"
    assert sent(read(action="openLong", fixed="1", clientOrderId="Long")).client_tag == "Long"


@pytest.mark.parametrize(
    ("mode", "fields", "told"),
    [
        (Mode.SIDE_SYNC, {"log": "in/long/flat"}, ("WHOLE", "1", "0")),
        (Mode.SIDE_SYNC, {"log": "in/short/long"}, ("WHOLE", "-1", "1")),
        (Mode.SIZE_SYNC, {"log": "in/short/5/long/2"}, ("UNITS", "-5", "2")),
        (Mode.PLAIN, {"action": "update", "log": "x,-3"}, ("UNITS", "-0.3", "")),
        (Mode.PLAIN, {"action": "update", "log": "x,0"}, ("WHOLE", "0", "")),
    ],
)
def test_a_wanted_position_goes_to_execution_signed(
    mode: Mode, fields: dict[str, Any], told: tuple[str, str, str]
) -> None:
    target = sent(read(mode, **fields)).target
    sizing = pb.Sizing.Name(target.sizing).removeprefix("SIZING_")
    assert (sizing, target.now, target.before) == told


def test_every_mode_of_the_newest_template_arrives_with_its_figures() -> None:
    for name, mode in MODES.items():
        order = {"mode": name, "value": "10", "size": "0.5", "price": "1850.5"}
        position = {"side": "long", "size": "0.5", "prev_side": "flat", "prev_size": "0"}
        trade = execution_messages.read_trade(sent(read(entryOrder=order, position=position)))
        target = trade.wanted
        assert target is not None
        assert target.sizing is Sizing(mode)
        assert target.value == (0 if mode == "order_size" else 10)
        assert (target.order_size, target.order_price) == (Decimal("0.5"), Decimal("1850.5"))
        assert (target.now, target.before) == (Decimal("0.5"), Decimal(0))
        assert target.reserve == 1
        assert trade.quantity is None


def test_a_cap_on_the_size_refuses_what_opens_toward_a_position() -> None:
    signal = read(Mode.SIDE_SYNC, log="in/long/flat")
    cap = settings.Cap("quantity", Decimal(5), "risk", "fixed_quantity")
    found = settings.resolve(signal, {}, settings.validate({"auto_submit": True}), [cap])
    assert found.refused == (cap,)


@pytest.mark.parametrize("fields", [{"log": "in/long/flat"}, {"log": "out/flat/long"}])
def test_a_wanted_position_ends_every_entry_that_waits(fields: dict[str, Any]) -> None:
    ends = rules.superseded_by(read(Mode.SIDE_SYNC, **fields))
    assert {"buy bullish", "sell bearish", "buy ", "sell ", "add "} <= set(ends)


@pytest.mark.parametrize("fields", [{"action": "cancelAll"}, {"action": "update", "log": "x,0"}])
def test_r15_what_needs_no_size_goes_on(fields: dict[str, Any]) -> None:
    assert decide(read(**fields)).state == "PENDING"
