"""The page about explaining: every example gives the plan that stands below it."""

import json
import re
from pathlib import Path

import pytest

from tests.docs_plan import plan_of

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "explain.md").read_text()
EXAMPLE = re.compile(
    r"```json\n(.*?)\n```\n(?:Strategy: (\S+)\n)?(?:Position: ([^\n]+)\n)?"
    r"(?:Settings: (.*?)\n)?Plan: ([^\n]*)",
    re.DOTALL,
)
EXAMPLES = EXAMPLE.findall(PAGE)


def test_every_example_has_its_plan() -> None:
    assert len(EXAMPLES) == PAGE.count("```json") >= 5


@pytest.mark.parametrize(("message", "trades", "position", "chosen", "plan"), EXAMPLES)
def test_an_example_gives_the_plan_beside_it(
    message: str, trades: str, position: str, chosen: str, plan: str
) -> None:
    told = plan_of(
        message,
        json.loads(chosen or "{}"),
        position=position or "0",
        asset_class=trades or "stocks",
    )
    assert told == plan
