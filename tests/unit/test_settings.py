"""The settings table: what may be stored, and which value wins."""

from decimal import Decimal

import pytest

from web.subscriptions import settings
from web.subscriptions.settings import BadSetting


def quantity(
    sent: str | None, strategy: str | None, own: tuple[str, str | None] | None
) -> tuple[object, str]:
    stored = {"quantity": {"source": own[0], "value": own[1]}} if own else {}
    inherited = {"quantity": strategy} if strategy else {}
    signal = {"quantity": Decimal(sent)} if sent else {}
    effective = settings.resolve(signal, inherited, stored).values["quantity"]
    return effective.value, effective.came_from


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
    ],
)
def test_which_value_wins(
    sent: str | None,
    strategy: str | None,
    own: tuple[str, str | None] | None,
    wins: tuple[object, str],
) -> None:
    assert quantity(sent, strategy, own) == wins


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
        {"sides": "up"},
        {"allow_add": "yes"},
        {"colour": "red"},
        {"quantity": {"source": "own"}},
        {"quantity": {"source": "them", "value": "1"}},
    ],
)
def test_what_cannot_be_is_refused_with_a_fix(given: dict[str, object]) -> None:
    with pytest.raises(BadSetting) as caught:
        settings.validate(given)
    assert caught.value.fix


def test_a_bare_value_is_my_own() -> None:
    assert settings.validate({"quantity": "2.50", "sides": "bullish"}) == {
        "quantity": {"source": "own", "value": "2.50"},
        "sides": {"source": "own", "value": "bullish"},
    }


def test_the_snapshot_names_every_setting_and_where_it_came_from() -> None:
    snapshot = settings.resolve({}, {}, {}).snapshot()
    assert set(snapshot) == set(settings.BY_NAME)
    assert snapshot["sides"] == {"value": "both", "from": "default"}
