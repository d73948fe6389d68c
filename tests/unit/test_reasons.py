"""Reasons of trades: one word each, the same everywhere, with a message and what to do."""

import ast
import re
from pathlib import Path

import pytest

from protos import reasons
from protos.execution.v1 import execution_pb2 as pb
from web.signals.refusals import CATALOGUE as REFUSALS
from web.trades import reference

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.rule("J.enum", "J.catalogue")
def test_the_contract_has_the_catalogue_s_words_in_capitals() -> None:
    words = {name.removeprefix("REASON_") for name in pb.Reason.keys()} - {"UNSPECIFIED"}  # noqa: SIM118
    assert words == {reason.upper() for reason in reasons.CATALOGUE}


@pytest.mark.rule("J.catalogue")
@pytest.mark.parametrize("reason", sorted(reasons.CATALOGUE))
def test_a_reason_is_one_word_of_small_letters(reason: str) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", reason)


@pytest.mark.rule("J.fix")
@pytest.mark.parametrize("reason", sorted(reasons.CATALOGUE))
def test_a_reason_has_a_message_and_says_what_to_do(reason: str) -> None:
    words = reasons.CATALOGUE[reason]
    for text in (words.message, words.fix):
        assert text[:1].isupper() or text.startswith(("{", "`"))
        assert text.endswith((".", "{text}"))
    assert reasons.explain(reason, {})


@pytest.mark.rule("J.kebab")
def test_only_webhooks_write_a_reason_with_hyphens() -> None:
    assert all("_" not in code for code in REFUSALS)
    assert all("-" not in reason for reason in reasons.CATALOGUE)


@pytest.mark.rule("J.catalogue")
def test_every_reason_that_planning_gives_is_in_the_catalogue() -> None:
    given: set[str] = set()
    for path in (ROOT / "execution" / "domain").glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "Refusal" and call.args:
                first = call.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    given.add(first.value)
    assert len(given) > 20
    assert given <= reasons.CATALOGUE.keys()


def test_the_committed_page_of_reasons_is_what_the_catalogue_gives() -> None:
    assert reference.PAGE.read_text() == reference.to_markdown()


def test_a_message_without_a_trade_shows_where_its_numbers_go() -> None:
    assert reference.plain("{age} s at {ord_type}") == "[age] s at [ord type]"
