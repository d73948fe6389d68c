"""What a request changes, transaction by transaction."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from tests.site.conftest import Site
from web.db import db

CHANGES = re.compile(
    r"\s*(INSERT INTO|UPDATE|DELETE FROM) |.*web\.(sign_up|(open|renew)_session)\(", re.S
)


@contextmanager
def transactions(site: Site) -> Iterator[list[list[str]]]:
    """The statements that change something, by committed transaction."""
    done: list[list[str]] = []
    now: list[str] = []

    def note(_c: object, _k: object, statement: str, *_rest: object) -> None:
        if CHANGES.match(statement):
            now.append(" ".join(statement.split()))

    def keep(_connection: object) -> None:
        if now:
            done.append(list(now))
        now.clear()

    with site.app.app_context():
        engine = db.engine
    listeners = (
        ("before_cursor_execute", note),
        ("commit", keep),
        ("rollback", lambda _connection: now.clear()),
    )
    for name, heard in listeners:
        event.listen(engine, name, heard)
    try:
        yield done
    finally:
        for name, heard in listeners:
            event.remove(engine, name, heard)
