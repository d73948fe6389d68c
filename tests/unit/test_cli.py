"""The command line explains itself."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from web import cli


def verbs(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from verbs(command, (*path, name))
        else:
            yield (*path, name)


def test_alone_it_prints_what_can_be_done() -> None:
    result = CliRunner().invoke(cli.main, [])
    assert result.exit_code == 0
    assert "fillwire up --demo" in result.output


@pytest.mark.parametrize("verb", list(verbs(cli.main)), ids=" ".join)
def test_every_verb_has_help_with_an_example(verb: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli.main, [*verb, "--help"])
    assert result.exit_code == 0
    assert "Example: " in result.output


def test_migrating_without_a_database_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    result = CliRunner().invoke(cli.main, ["migrate"])
    assert result.exit_code == 1
    assert "DATABASE_URL" in result.output


def test_sending_to_nobody_says_that_there_was_no_answer() -> None:
    result = CliRunner().invoke(cli.main, ["send", "http://127.0.0.1:9/", "{}"])
    assert result.exit_code == 1
    assert "no answer" in result.output
