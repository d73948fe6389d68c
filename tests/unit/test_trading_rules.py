"""Every clause of the trading rules has a test that shows it, and the page says which."""

import re
from pathlib import Path

from tests import rule_marks, trading_rules
from tests.trading_rules import CLAUSES, NOT_YET, SECTIONS

USED = {mark.rule for mark in rule_marks.shown()}
AN_ID = re.compile(r"[B-EG]\d\.[a-z]+|[AFHIJ]\.[a-z]+|K\.[a-z]+\.[a-z]+")


def test_every_clause_is_written_once_under_an_id_of_its_section() -> None:
    written = [line.partition(" ")[0] for line in trading_rules.TABLE.strip().splitlines()]
    assert len(written) == len(CLAUSES)
    assert [name for name in CLAUSES if not AN_ID.fullmatch(name)] == []
    assert sorted(written, key=lambda name: name[0]) == written
    assert {name[0] for name in CLAUSES} == set(SECTIONS)


def test_no_test_shows_a_clause_that_is_not_written() -> None:
    assert USED - set(CLAUSES) == set()


def test_every_clause_is_shown_by_a_test_or_says_what_is_missing() -> None:
    assert set(CLAUSES) - USED - set(NOT_YET) == set()


def test_what_has_a_test_is_no_longer_missing() -> None:
    assert set(NOT_YET) & USED == set()
    assert set(NOT_YET) - set(CLAUSES) == set()


def test_marks_are_found_on_modules_on_tests_and_on_single_parameters(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_it.py").write_text(
        "pytestmark = [pytest.mark.slow, pytest.mark.rule('D1.d')]\n"
        "@pytest.mark.rule('A.a', 'B1.b')\n"
        "@pytest.mark.parametrize('x', [pytest.param(1, marks=pytest.mark.rule('C1.c'))])\n"
        "async def test_one(x): pass\n"
        "@pytest.mark.rule('E1.e')\n"
        "def no_test(): pass\n"
        "def test_two(): pass\n"
    )
    found = [(mark.rule, mark.path, mark.name) for mark in rule_marks.shown(folder)]
    one = [(rule, "tests/test_it.py", "test_one") for rule in ("A.a", "B1.b", "C1.c", "D1.d")]
    assert found == [*one, ("D1.d", "tests/test_it.py", "test_two")]


def test_the_docs_page_is_what_the_table_and_the_tests_give() -> None:
    page = Path(__file__).parents[2] / "docs" / "rules.md"
    assert page.read_text() == trading_rules.render()
