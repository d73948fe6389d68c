"""The settings table: what may be stored, and which value wins."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from web.signals.rules import OptionChoice, Signal, StopLoss, TakeProfit
from web.subscriptions import settings
from web.subscriptions.settings import BadSetting, Cap, Kind, document


def signal(**fields: Any) -> Signal:
    return Signal(dialect="traderspost", ticker="AAPL", instrument="AAPL", action="buy", **fields)


def told(resolved: settings.Resolved, *names: str) -> list[tuple[object, str]]:
    return [(resolved.values[name].value, resolved.values[name].came_from) for name in names]


def quantity(
    sent: str | None, strategy: str | None, own: tuple[str, str | None] | None
) -> tuple[object, str]:
    stored = {"quantity": {"source": own[0], "value": own[1]}} if own else {}
    inherited = {"quantity": strategy} if strategy else {}
    said = signal(quantity=Decimal(sent)) if sent else signal()
    return told(settings.resolve(said, inherited, stored), "quantity")[0]


@pytest.mark.parametrize(
    ("sent", "strategy", "own", "wins"),
    [
        (None, None, None, (None, "default")),
        ("3", "2", None, (Decimal(3), "signal")),
        (None, "2", None, (Decimal(2), "strategy")),
        ("3", "2", ("strategy", None), (Decimal(2), "strategy")),
        ("3", "2", ("own", "1"), (Decimal(1), "yours")),
        ("3", "2", ("signal", "1"), (Decimal(3), "signal")),
        (None, "2", ("signal", "1"), (Decimal(1), "yours")),
        (None, "2", ("signal", None), (Decimal(2), "strategy")),
        (None, "2", ("own", "none"), (None, "yours")),
    ],
)
def test_which_value_wins(
    sent: str | None,
    strategy: str | None,
    own: tuple[str, str | None] | None,
    wins: tuple[object, str],
) -> None:
    assert quantity(sent, strategy, own) == wins


def test_what_a_signal_says_in_vain_is_noted() -> None:
    stored = settings.validate({"quantity": "1"})
    resolved = settings.resolve(signal(quantity=Decimal(3)), {}, stored)
    assert resolved.snapshot()["quantity"] == {"value": "1", "from": "yours", "ignored": "3"}


def test_without_overrides_a_signal_decides_only_where_it_was_asked_to() -> None:
    stored = settings.validate(
        {"allow_signal_overrides": False, "entry_order_type": {"source": "signal"}}
    )
    said = signal(quantity=Decimal(3), order_type="limit")
    resolved = settings.resolve(said, {"quantity": "2"}, stored)
    assert told(resolved, "quantity", "entry_order_type", "exit_order_type") == [
        (Decimal(2), "strategy"),
        ("limit", "signal"),
        ("market", "default"),
    ]


def test_a_quantity_and_what_it_means_never_come_from_two_places() -> None:
    stored = settings.validate({"quantity": {"source": "signal", "value": "5"}})
    inherited = {"quantity": "1", "quantity_type": "risk_percent"}
    both = ("quantity", "quantity_type")
    silent = settings.resolve(signal(), inherited, stored)
    assert told(silent, *both) == [(Decimal(5), "yours"), ("fixed_quantity", "yours")]
    speaks = settings.resolve(signal(quantity=Decimal(2)), inherited, stored)
    assert told(speaks, *both) == [(Decimal(2), "signal"), ("fixed_quantity", "signal")]
    typed = signal(quantity=Decimal(2), quantity_type="percent_of_equity")
    assert told(settings.resolve(typed, inherited, stored), *both)[1] == (
        "percent_of_equity",
        "signal",
    )


def test_a_target_and_its_unit_are_decided_as_one() -> None:
    stored = settings.validate({"take_profit": "4", "take_profit_unit": "amount"})
    names = ("take_profit", "take_profit_unit")
    own = settings.resolve(signal(take_profit=TakeProfit(percent=Decimal(1))), {}, stored)
    assert told(own, *names) == [(Decimal(4), "yours"), ("amount", "yours")]
    said = signal(take_profit=TakeProfit(limit_price=Decimal(105)))
    assert told(settings.resolve(said, {"take_profit": "4"}, {}), *names) == [
        (Decimal(105), "signal"),
        ("limit_price", "signal"),
    ]


def test_a_stop_without_a_type_takes_the_type_of_the_settings() -> None:
    stored = settings.validate({"stop_loss": {"source": "signal"}, "stop_loss_type": "stop_limit"})
    bare = settings.resolve(signal(stop_loss=StopLoss(percent=Decimal(2))), {}, stored)
    assert told(bare, "stop_loss_unit", "stop_loss_type") == [
        ("percent", "signal"),
        ("stop_limit", "yours"),
    ]
    trail = StopLoss(type="trailing_stop", trail_amount=Decimal(1))
    whole = settings.resolve(signal(stop_loss=trail), {}, stored)
    assert told(whole, "stop_loss", "stop_loss_unit", "stop_loss_type") == [
        (Decimal(1), "signal"),
        ("trail_amount", "signal"),
        ("trailing_stop", "signal"),
    ]


def test_a_signal_that_says_no_is_heard() -> None:
    resolved = settings.resolve(signal(cancel=False), {"cancel_open_orders": True}, {})
    assert told(resolved, "cancel_open_orders") == [(False, "signal")]


@pytest.mark.rule("C7.lower")
def test_a_lock_lowers_and_never_raises() -> None:
    strategy = {
        "locked": ["sides", "allow_add", "allow_swap", "allowed_tickers", "quantity"],
        "sides": "bullish",
        "allow_add": True,
        "allowed_tickers": ["AAPL", "MSFT"],
        "quantity": "4",
    }
    stored = settings.validate(
        {"sides": "both", "allow_swap": True, "allowed_tickers": ["AAPL", "TSLA"]}
    )
    caps = settings.caps_of(strategy)
    resolved = settings.resolve(signal(quantity=Decimal(9)), strategy, stored, caps)
    names = ("sides", "allow_swap", "allow_add", "allowed_tickers", "quantity")
    assert told(resolved, *names) == [
        ("bullish", "locked"),
        (False, "locked"),
        (True, "strategy"),
        (("AAPL",), "locked"),
        (Decimal(4), "locked"),
    ]
    less = settings.resolve(signal(quantity=Decimal(2)), strategy, stored, caps)
    assert told(less, "quantity") == [(Decimal(2), "signal")]


def test_a_lock_on_the_size_counts_the_multiplier_of_a_signal() -> None:
    stored = settings.validate({"multiplier": "3"})
    cap = Cap("quantity", Decimal(10), "risk", "fixed_quantity")
    resolved = settings.resolve(signal(quantity=Decimal(5)), {}, stored, [cap])
    value, came_from = told(resolved, "quantity")[0]
    assert came_from == "capped:risk"
    assert isinstance(value, Decimal)
    assert Decimal(9) < value * 3 <= Decimal(10)
    own = settings.resolve(signal(), {}, stored | settings.validate({"quantity": "9"}), [cap])
    assert told(own, "quantity") == [(Decimal(9), "yours")]


def test_a_cap_in_other_terms_refuses() -> None:
    strategy = {"locked": ["quantity"], "quantity": "4"}
    stored = settings.validate({"quantity": "1", "quantity_type": "risk_percent"})
    resolved = settings.resolve(signal(), strategy, stored, settings.caps_of(strategy))
    assert [cap.name for cap in resolved.refused] == ["quantity"]
    assert told(resolved, "quantity") == [(Decimal(1), "yours")]


def test_a_publisher_may_demand_approval() -> None:
    strategy = {"allow_auto_submit": False}
    stored = settings.validate({"auto_submit": True})
    resolved = settings.resolve(signal(), strategy, stored, settings.caps_of(strategy))
    assert told(resolved, "auto_submit") == [(False, "locked")]


def test_nothing_of_the_strategy_reaches_a_follower_later() -> None:
    copied = settings.copy_for_follower({"sides": "bullish", "quantity": "2", "stop_loss": "3"})
    later = {"sides": "both", "quantity": "100", "take_profit": "1", "stop_loss": "50"}
    resolved = settings.resolve(signal(quantity=Decimal(7)), later, copied)
    assert "strategy" not in {effective.came_from for effective in resolved.values.values()}
    assert told(resolved, "sides", "quantity", "take_profit", "stop_loss") == [
        ("bullish", "yours"),
        (Decimal(2), "yours"),
        (None, "yours"),
        (Decimal(3), "yours"),
    ]


def test_a_signal_cannot_decide_what_the_table_does_not_let_it() -> None:
    with pytest.raises(BadSetting):
        settings.validate({"auto_submit": {"source": "signal"}})


@pytest.mark.parametrize(
    "given",
    [
        {"quantity": 0},
        {"quantity": "-1"},
        {"quantity": "NaN"},
        {"quantity": True},
        {"quantity": "1e9999"},
        {"quantity": ["1"]},
        {"sides": "up"},
        {"sides": ["both"]},
        {"allow_add": "yes"},
        {"colour": "red"},
        {"quantity": {"source": "own"}},
        {"quantity": {"source": "them", "value": "1"}},
        {"quantity": {"source": {}, "value": "1"}},
        {"quantity": {"sorce": "own", "value": "1"}},
        {"exit_fill_wait_seconds": "59"},
        {"exit_fill_wait_seconds": "301"},
        {"exit_fill_wait_seconds": "none"},
        {"entry_cancel_after_seconds": "3601"},
        {"retry_times": "2.5"},
        {"allowed_tickers": []},
        {"allowed_tickers": ["<b>"]},
        {"allowed_tickers": [f"T{n}" for n in range(101)]},
        {"expiration": "soon"},
        {"windows": "always"},
        {"locked": ["sides"]},
        {"stop_loss_unit": "pnl_amount", "stop_loss_type": "trailing_stop"},
        {"stop_loss_unit": "pnl_amount", "quantity_type": "risk_percent"},
    ],
)
def test_what_cannot_be_is_refused_with_a_fix(given: dict[str, object]) -> None:
    with pytest.raises(BadSetting) as caught:
        settings.validate(given)
    assert caught.value.fix


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BadSetting) as caught:
        settings.validate({"sides": "up", "quantity": "2", "stop_loss": "far"})
    assert [bad.name for bad in caught.value.all] == ["sides", "stop_loss"]


def test_a_strategy_has_no_setting_that_only_subscriptions_have() -> None:
    with pytest.raises(BadSetting):
        settings.validate_own({"allow_signal_overrides": False})
    with pytest.raises(BadSetting):
        settings.validate_own({"locked": ["exit_order_type"]})
    assert settings.validate_own({"locked": ["sides"], "quantity": None}) == {"locked": ["sides"]}


def test_a_bare_value_is_my_own() -> None:
    assert settings.validate({"quantity": "2.50", "sides": "bullish"}) == {
        "quantity": {"source": "own", "value": "2.50"},
        "sides": {"source": "own", "value": "bullish"},
    }


def test_a_stored_snapshot_completed_is_every_effective_value() -> None:
    stored = settings.validate({"sides": "bullish", "windows": "mon-fri 09:30-16:00"})
    resolved = settings.resolve(signal(quantity=Decimal(2)), {"stop_loss": "3"}, stored)
    kept = resolved.snapshot()
    assert {"sides", "windows", "quantity", "stop_loss"} <= set(kept)
    assert "allow_add" not in kept
    assert settings.complete(kept) == resolved.to_json()
    assert set(settings.complete({})) == set(settings.BY_NAME)


@pytest.mark.parametrize("setting", settings.SETTINGS, ids=lambda row: row.name)
def test_every_row_is_whole(setting: settings.Setting) -> None:
    assert setting.label
    assert setting.help.endswith(".")
    assert not setting.label.endswith(".")
    assert (setting.kind is Kind.CHOICE) <= bool(setting.choices)
    for other in (setting.part_of, setting.depends_on and setting.depends_on[0]):
        assert other is None or other in settings.BY_NAME
    before = list(settings.BY_NAME).index
    assert setting.part_of is None or before(setting.part_of) < before(setting.name)
    resolved = settings.resolve(signal(), {}, {})
    assert resolved[setting.name] == setting.default


def test_every_field_that_feeds_a_setting_is_one_of_the_language() -> None:
    everything = signal(take_profit=TakeProfit(), stop_loss=StopLoss(), option=OptionChoice())
    resolved = settings.resolve(everything, {}, {})
    assert "signal" not in {effective.came_from for effective in resolved.values.values()}


def test_the_docs_page_is_drawn_from_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert page.read_text() == document.render()


def test_the_schema_has_every_setting_and_only_known_references() -> None:
    for schema, table in (
        (settings.subscription_schema(), settings.OF_SUBSCRIPTION),
        (settings.strategy_schema(), settings.OF_STRATEGY),
    ):
        assert set(schema["properties"]) == set(schema["$defs"]) == {row.name for row in table}


@pytest.mark.rule("E1.range")
@pytest.mark.parametrize(
    ("seconds", "is_taken"), [("59", False), ("60", True), ("300", True), ("301", False)]
)
def test_a_flip_waits_between_one_and_five_minutes(seconds: str, is_taken: bool) -> None:
    chosen = {"exit_fill_wait_seconds": seconds}
    if is_taken:
        assert settings.validate(chosen)
        return
    with pytest.raises(BadSetting):
        settings.validate(chosen)
