"""The page about the language: every example does what it says, and no field is left out."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.docs_plan import plan_of
from web.signals import dialects, protection
from web.signals.refusals import BadSignal
from web.signals.remarks import FIELDS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "signal_language.md").read_text()
EXAMPLES = re.findall(r"^```json (\S+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def test_every_example_says_what_becomes_of_it() -> None:
    assert len(EXAMPLES) == PAGE.count("```json") >= 14


@pytest.mark.parametrize(("becomes", "message"), EXAMPLES)
def test_an_example_is_accepted_or_refused_as_it_says(becomes: str, message: str) -> None:
    if becomes == "accepted":
        assert dialects.read(message.encode(), now=NOW)[1].warnings == ()
        return
    with pytest.raises(BadSignal) as refused:
        dialects.read(message.encode(), now=NOW)
    assert refused.value.code == becomes


PLANNED = re.compile(
    r"^```json accepted\n(.*?)^```$(?:\n\*Plan: (.*?)\*$)?", re.DOTALL | re.MULTILINE
)


@pytest.mark.parametrize(("message", "plan"), PLANNED.findall(PAGE))
def test_an_accepted_example_gives_the_plan_beside_it(message: str, plan: str) -> None:
    classes = {'"MNQ': "futures", '"SPY': "options"}
    asset_class = next((classes[name] for name in classes if name in message), "stocks")
    assert plan_of(message, asset_class=asset_class) == plan.replace("\n", " ")


def test_every_field_is_on_the_page() -> None:
    older = {"trailPrice"}
    names = FIELDS.names | protection.TAKE_PROFIT.names | protection.STOP_LOSS.names
    assert {name for name in names - older if f"`{name}`" not in PAGE} == set()
