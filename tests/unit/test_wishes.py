"""What execution is told of sizes, orders and protection, and that it reads them back."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from execution.domain.options import OptionType
from execution.domain.trades import Distance, OptionWish, StopLoss, Trade
from execution.domain.words import By, OrdType, Origin, SizeType
from execution.lanes import known
from execution.messages import messages as execution_messages
from web.signals.rules import OptionChoice, Signal, TakeProfit
from web.signals.rules import StopLoss as SaidStop
from web.subscriptions import settings
from web.trades import messages
from web.trades.messages import Destination

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SOMEBODY = UUID(int=1)
DESTINATION = Destination(SOMEBODY, SOMEBODY, SOMEBODY, "paper", "paper", "acme")


def told(
    chosen: dict[str, Any] | None = None,
    asset_class: str = "stocks",
    approved_at: datetime | None = None,
    **said: Any,
) -> Trade:
    """The trade of a signal, as it arrives at execution."""
    signal = Signal(
        **(
            {"dialect": "traderspost", "ticker": "AAPL", "instrument": "AAPL", "action": "buy"}
            | said
        )
    )
    resolved = settings.resolve(signal, {}, settings.validate(chosen or {}))
    quantity = resolved["quantity"]
    message = messages.to_trade(
        messages.terms(
            strategy_id=SOMEBODY,
            signal_id=SOMEBODY,
            signal_seq=1,
            signal=signal.to_json(),
            settings=settings.complete(resolved.snapshot()),
            accepted_at=NOON,
            released_at=approved_at,
            approved=approved_at is not None,
            asset_class=asset_class,
            numbers={"quantity": "1" if quantity is None else str(quantity)},
        ),
        SOMEBODY,
        DESTINATION,
    )
    return execution_messages.read_trade(message)


def test_a_signal_that_says_nothing_is_a_market_order_for_the_day() -> None:
    trade = told()
    assert (trade.entry.ord_type, trade.entry.time_in_force) == (OrdType.MARKET, "day")
    assert told(asset_class="crypto").entry.time_in_force == "gtc"
    assert trade.stop_loss is None
    assert not trade.quantity_from_signal


def test_a_signal_decides_its_order_and_its_size() -> None:
    trade = told(
        quantity=Decimal(1000),
        quantity_type="dollar_amount",
        order_type="stop_limit",
        limit_price=Decimal("99.5"),
        stop_price=Decimal(99),
        cancel_after_seconds=Decimal(30),
    )
    assert trade.quantity_from_signal
    assert trade.size_type is SizeType.DOLLAR_AMOUNT
    for style in (trade.entry, trade.exit):
        assert style.ord_type is OrdType.STOP_LIMIT
        assert (style.limit_price, style.stop_price) == (Decimal("99.5"), Decimal(99))
        assert style.cancel_after == timedelta(seconds=30)


def test_an_own_value_is_not_decided_by_the_signal() -> None:
    own = {"source": "own", "value": "limit"}
    trade = told({"entry_order_type": own}, order_type="market")
    assert trade.entry.ord_type is OrdType.LIMIT
    assert trade.exit.ord_type is OrdType.MARKET


def test_protection_comes_from_the_signal_or_from_the_settings() -> None:
    said = told(
        stop_loss=SaidStop(stop_price=Decimal(95), type="stop_limit", limit_price=Decimal(94)),
        take_profit=TakeProfit(limit_price=Decimal(110)),
    )
    assert said.take_profit == Distance(By.PRICE, Decimal(110))
    at = Distance(By.PRICE, Decimal(95))
    assert said.stop_loss == StopLoss(OrdType.STOP_LIMIT, at, limit_price=Decimal(94))
    trail = told(stop_loss=SaidStop(trail_percent=Decimal(2), type="trailing_stop"))
    assert trail.stop_loss == StopLoss(OrdType.TRAILING_STOP, trail_percent=Decimal(2))
    chosen = told({"stop_loss": "5", "stop_loss_unit": "amount", "take_profit": "3"})
    assert chosen.stop_loss == StopLoss(OrdType.STOP, Distance(By.AMOUNT, Decimal(5)))
    assert chosen.take_profit == Distance(By.PERCENT, Decimal(3))


@pytest.mark.rule("C5.refused")
def test_c5_a_refused_stop_flattens_unless_an_alarm_is_wanted() -> None:
    assert not told().keeps_unprotected
    assert told({"stop_refused_after_fill": "alarm"}).keeps_unprotected
    assert not told({"stop_refused_after_fill": "flatten"}).keeps_unprotected


@pytest.mark.rule("K.words.filter")
def test_a_signals_spread_filter_binds_entries_only() -> None:
    trade = told(spread_filter=Decimal("0.05"))
    assert trade.entry.spread_filter == Decimal("0.05")
    assert trade.exit.spread_filter is None


def test_cancel_is_an_order_of_the_signal_or_a_wish_of_the_settings() -> None:
    assert told(cancel=True).cancel_first is True
    assert told(cancel=False).cancel_first is False
    by_setting = told({"cancel_open_orders": True})
    assert by_setting.cancel_first is None
    assert by_setting.cancel_by_setting


@pytest.mark.rule("D7.keep")
def test_a_cancel_keeps_protection_where_the_settings_say_so() -> None:
    assert not told().keep_protection
    assert told({"keep_protection": True}).keep_protection


@pytest.mark.rule("K.futures.delay", "F.sender")
def test_reject_after_counts_from_the_sender_and_not_the_delay() -> None:
    sent = NOON - timedelta(seconds=5)
    trade = told(
        action="exit",
        sent_at=sent,
        reject_after_seconds=Decimal(20),
        delay_seconds=Decimal(10),
    )
    assert trade.reject_at == sent + timedelta(seconds=30)
    assert told(action="exit").reject_at is None


def test_reject_after_begins_anew_when_a_person_approved() -> None:
    clicked = NOON + timedelta(minutes=8)
    trade = told(
        approved_at=clicked,
        sent_at=NOON,
        reject_after_seconds=Decimal(20),
        delay_seconds=Decimal(10),
    )
    assert trade.reject_at == clicked + timedelta(seconds=20)
    assert trade.origin is Origin.APPROVAL


def test_the_tick_of_a_future_is_in_the_table() -> None:
    trade = told(asset_class="futures", instrument="MNQZ2026", ticker="MNQZ2026")
    found = known.resolve(trade).opens
    assert found is not None
    assert (found.tick, found.point_value) == (Decimal("0.25"), Decimal(2))


def test_waiting_for_a_cancel_and_asking_again_are_the_settings_own() -> None:
    assert told().cancel_wait == timedelta(seconds=120) and told().retry is None
    assert told({"cancel_wait_seconds": "90"}).cancel_wait == timedelta(seconds=90)
    asked = {"retry": True, "retry_times": 2, "retry_delay_milliseconds": 50}
    again = told({**asked, "retry_multiplier": "3", "retry_longest_delay_milliseconds": 100}).retry
    assert again is not None
    assert [pause.total_seconds() for pause in again.pauses()] == [0.05, 0.1]


@pytest.mark.rule("E1.range")
def test_a_flip_waits_as_long_as_its_settings_say() -> None:
    assert told().flip_wait == timedelta(seconds=120)
    assert told({"exit_fill_wait_seconds": "60"}).flip_wait == timedelta(seconds=60)


def test_an_option_is_chosen_as_the_settings_and_the_signal_say() -> None:
    said = OptionChoice(option_type="put", expiration="2026-02-20", strike_price=Decimal(230))
    trade = told({"invert_puts": True, "strikes_away": 2}, "options", option=said)
    assert trade.option == OptionWish(
        OptionType.PUT, True, False, "2026-02-20", 2, 12, Decimal(230)
    )  # fmt: skip
    assert told(asset_class="options").option == OptionWish(strike_count=12)
    assert told().option is None


def test_a_signals_limit_is_the_underlyings_unless_the_setting_says_otherwise() -> None:
    said: dict[str, Any] = {"order_type": "limit", "limit_price": Decimal(228)}
    assert told(asset_class="options", **said).entry.limit_price is None
    own = told({"option_limit_from_signal": True}, "options", **said)
    assert own.entry.limit_price == Decimal(228)


def test_short_options_are_allowed_by_their_setting_only() -> None:
    assert not told(asset_class="options").short_options
    assert told({"allow_short_options": True}, "options").short_options
