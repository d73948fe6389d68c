"""Every cell of the action × sentiment × exposure table, and the page made of them."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from execution.domain.decisions import Scope, Send
from execution.domain.words import Action, AssetClass, Leg, Sentiment, Side, Sides
from tests import truth_table
from tests.truth_table import Cell
from tests.unit.planning_kit import a_trade, plan

SETTINGS: dict[str, dict[str, Any]] = {
    "-": {},
    "swap": {"allow_swap": True},
    "add": {"allow_add": True},
    "both": {"sides": Sides.BOTH},
    "bullish only": {"sides": Sides.BULLISH},
    "bearish only": {"sides": Sides.BEARISH},
    "no sides": {"sides": Sides.NONE},
    "isolated": {"sides_isolated": True},
    "subtract": {"subtract_exit": True},
    "parity": {"is_parity": True},
    "ignore exits": {"ignore_exits": True},
    "crypto": {"asset_class": AssetClass.CRYPTO},
}
# What the positions of the table were opened at.
PAID = {"flat": None, "long 5": Decimal(90), "short 5": Decimal(110)}
SAID = {
    (Leg.ENTRY, Side.BUY): "enter long",
    (Leg.ENTRY, Side.SELL): "enter short",
    (Leg.EXIT, Side.BUY): "close short",
    (Leg.EXIT, Side.SELL): "close long",
    (Leg.STOP, Side.BUY): "stop for short",
    (Leg.STOP, Side.SELL): "stop for long",
}


def chosen(settings: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for word in settings.split(", "):
        fields |= SETTINGS[word]
    if "both" in settings:
        # With side swapping too, or isolation could not show that it does nothing.
        fields["allow_swap"] = True
    return fields


def told(send: Send) -> str:
    return f"{SAID[send.leg, send.side]} {send.quantity:f}"


@pytest.mark.rule(
    "K.cells.both",
    "K.cells.only",
    "K.cells.isolated",
    "E2.parity",
    "E3.flat",
    "E3.reverse",
    "C1.position",
)
@pytest.mark.parametrize("cell", truth_table.cells(), ids=str)
def test_the_cell(cell: Cell) -> None:
    trade = a_trade(
        cell.action,
        None if cell.quantity == "-" else cell.quantity,
        sentiment=None if cell.sentiment == "-" else Sentiment(cell.sentiment),
        **chosen(cell.settings),
    )
    position = Decimal(truth_table.POSITIONS[cell.position])
    seen = plan(trade, Scope(position, avg_price=PAID[cell.position]))
    assert ", ".join([*map(told, seen.sends), *filter(None, [seen.reason])]) == cell.expected


def test_every_action_and_sentiment_is_in_the_table() -> None:
    found = {(cell.action, cell.sentiment) for cell in truth_table.cells()}
    sided = {(side, word) for side in ("buy", "sell") for word in ("-", *Sentiment)}
    assert found == sided | {(action.value, "-") for action in Action if action not in (
        Action.BUY, Action.SELL,
    )}  # fmt: skip


def test_the_docs_page_is_what_the_table_gives() -> None:
    page = Path(__file__).parents[2] / "docs" / "truth_table.md"
    assert page.read_text() == truth_table.render()
