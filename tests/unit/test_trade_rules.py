"""What a trade starts as, before execution hears of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from web.signals.rules import Signal
from web.subscriptions import settings
from web.trades import rules
from web.trades.rules import Context, Decision

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def decide(
    action: str = "buy",
    *,
    age: float = 0,
    asset_class: str = "stocks",
    strategy_enabled: bool = True,
    chosen: dict[str, Any] | None = None,
    **fields: Any,
) -> Decision:
    signal = Signal(
        dialect="traderspost", ticker="AAPL", instrument="AAPL", action=action, **fields
    )
    stored = settings.validate({"auto_submit": True, **(chosen or {})})
    return rules.decide(
        signal,
        settings.resolve({"quantity": signal.quantity}, {}, stored),
        Context(strategy_enabled, subscription_enabled=True, asset_class=asset_class),
        accepted_at=NOW - timedelta(seconds=age),
        now=NOW,
    )


def test_nothing_configured_anywhere_means_one() -> None:
    assert decide().quantity == 1


def test_never_one_for_crypto() -> None:
    assert decide(asset_class="crypto").quantity is None
    assert decide("add", asset_class="crypto").reason == "quantity_missing"


def test_a_crypto_exit_needs_no_quantity() -> None:
    assert decide("exit", asset_class="crypto").state == "PENDING"


def test_a_test_signal_is_recorded_and_never_sent() -> None:
    assert decide(test=True) == Decision("SKIPPED", "test")


def test_a_paused_strategy_trades_nothing() -> None:
    assert decide("exit", strategy_enabled=False).reason == "subscription_paused"


@pytest.mark.parametrize(
    ("action", "age", "state"),
    [
        ("add", 120, "PENDING"),
        ("add", 121, "EXPIRED"),
        ("buy", 900, "PENDING"),
        ("buy", 901, "EXPIRED"),
        ("exit", 900, "PENDING"),
        ("exit", 901, "WAITING_APPROVAL"),
        ("cancel", 9000, "PENDING"),
    ],
)
def test_each_action_has_its_age(action: str, age: float, state: str) -> None:
    assert decide(action, age=age).state == state


def test_no_order_type_is_replaced_by_a_more_aggressive_one() -> None:
    assert decide(order_type="stop").reason == "order_type_unsupported"


@pytest.mark.parametrize("action", ["reverse", "breakeven"])
def test_an_action_that_execution_cannot_plan_is_skipped(action: str) -> None:
    assert decide(action).reason == "order_type_unsupported"


def test_entries_wait_for_approval_and_exits_approve_themselves() -> None:
    assert decide(chosen={"auto_submit": False}).state == "WAITING_APPROVAL"
    assert decide("exit", chosen={"auto_submit": False}).state == "PENDING"
