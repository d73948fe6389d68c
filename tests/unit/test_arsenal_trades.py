"""What becomes of a Crypto-Arsenal signal before execution hears of it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from protos.execution.v1 import execution_pb2 as pb
from web.signals import crypto_arsenal
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
        trade_id=NOBODY,
        strategy_id=NOBODY,
        signal_id=NOBODY,
        signal_seq=1,
        signal=signal.to_json(),
        settings=settings.complete(resolved(signal, **chosen).snapshot()),
        destination=Destination(NOBODY, NOBODY, NOBODY, "paper", "paper", "P"),
        accepted_at=NOW,
        released_at=None,
        asset_class="stocks",
        numbers={} if decision.quantity is None else {"quantity": str(decision.quantity)},
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


def test_r13_a_reversing_trade_may_swap_and_its_size_is_the_entrys() -> None:
    trade = sent(read(Mode.REVERSE, action="openLong", fixed="2"))
    assert (trade.allow_swap, trade.quantity, trade.quantity_from_signal) == (True, "2", False)
    plain = sent(read(action="openLong", fixed="2"))
    assert (plain.allow_swap, plain.quantity_from_signal) == (False, True)


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"action": "cancel", "clientOrderId": "Long"}, "clientOrderId"),
        ({"action": "update", "log": "x,3"}, "units"),
    ],
)
def test_what_execution_cannot_do_yet_is_skipped_with_what_was_asked(
    fields: dict[str, Any], asked: str
) -> None:
    decision = decide(read(**fields))
    assert (decision.state, decision.reason) == ("SKIPPED", "sizing_unsupported")
    assert asked in decision.numbers["asked"]


@pytest.mark.parametrize("fields", [{"action": "cancelAll"}, {"action": "update", "log": "x,0"}])
def test_r15_what_needs_no_size_goes_on(fields: dict[str, Any]) -> None:
    assert decide(read(**fields)).state == "PENDING"
