"""`fillwire person`: everything about somebody as a file, and erasing them at once."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

if TYPE_CHECKING:
    from psycopg import Connection

OPERATOR = "system:operator"
_FOLDER = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=".fillwire",
    envvar="FILLWIRE_DATA_DIR",
    show_default=True,
)


@click.group("person")
def person() -> None:
    """What is kept of a person. WHO is an e-mail address or `per_…`."""


@person.command("export")
@click.argument("who")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_FOLDER
def export(who: str, file: Path, data_dir: Path) -> None:
    """Write everything about WHO to FILE, a zip of JSON.

    \b
    Example: fillwire person export ann@example.com ann.zip
    """
    from web.ops import people
    from web.privacy import files

    with _owner(data_dir) as owner:
        found = _find(owner, who)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as to:
            files.write(owner, people.sealing_key(data_dir), found, to, lambda _: None)
        _record(owner, "person:export", found)
    click.echo(f"{file}: everything about {who}. It holds personal data: remove it after use.")


@person.command("erase")
@click.argument("who")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_FOLDER
def erase(who: str, yes: bool, data_dir: Path) -> None:
    """Erase WHO now, without days of grace. It cannot be undone.

    \b
    Example: fillwire person erase ann@example.com
    """
    from web.execution_client import ExecutionDown
    from web.ops import people
    from web.privacy import erasing

    with _owner(data_dir) as owner:
        found = _find(owner, who)
        if not yes:
            click.confirm(f"Erase {who} for good?", abort=True)
        try:
            execution = people.execution(data_dir)
            done = erasing.erase(owner, execution, found, actor=OPERATOR)
        except erasing.Orphans as orphans:
            raise click.ClickException(f"hand over first: {orphans}") from None
        except (ExecutionDown, people.CannotAdd) as problem:
            raise click.ClickException(str(problem)) from None
    click.echo("Erased." if done else "Erased already.")


def _owner(folder: Path) -> "Connection[Any]":
    import psycopg

    from web.ops import people

    try:
        return psycopg.connect(people.owner_url(folder), autocommit=True)
    except people.CannotAdd as problem:
        raise click.ClickException(str(problem)) from None


def _find(owner: "Connection[Any]", who: str) -> UUID:
    from protos import ids

    known = ids.read("person", who)
    row = owner.execute(
        "SELECT id FROM web.people WHERE erased_at IS NULL AND (id = %s OR email = lower(%s)) "
        "ORDER BY confirmed_at IS NULL, created_at DESC LIMIT 1",
        (known, who),
    ).fetchone()
    if row is None:
        raise click.ClickException(f"nobody is called {who}")
    return UUID(str(row[0]))


def _record(owner: "Connection[Any]", action: str, found: UUID) -> None:
    from protos import ids

    owner.execute(
        "INSERT INTO web.audit_events (actor, action, subject) VALUES (%s, %s, %s)",
        (OPERATOR, action, ids.show("person", found)),
    )
