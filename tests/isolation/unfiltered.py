"""The application without its own tenant filter: a cursor that takes it out of every statement.

Only tests have it. What a look-up asks besides `id = …` is gone; what PostgreSQL adds is not.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from flask import Flask
from sqlalchemy import event

from web.db import db

# The placeholder stays, so that the parameters still fit.
_FILTER = re.compile(
    r"(?:\b\w+\.)*(?:tenant_id|person_id|chain) = (%\(\w+\)s|%s|web\.current_tenant\(\))(?:::\w+)?"
)


def without_filter(statement: str) -> str:
    """The statement, asking for everybody's rows."""
    if statement.lstrip().startswith("INSERT"):
        return statement
    return _FILTER.sub(_everybodys, statement)


def _everybodys(found: re.Match[str]) -> str:
    # Of a member the person is not the filter but what is looked for.
    if "members.person_id" in found[0]:
        return found[0]
    return f"(({found[1]})::text IS NULL) IS NOT NULL"


class Unfiltered(psycopg.Cursor[Any]):
    """Takes the filter out; `taken` counts from how many statements."""

    taken = 0

    def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
        if isinstance(query, bytes):
            query = query.decode()
        if isinstance(query, str):
            bare = without_filter(query)
            Unfiltered.taken += bare != query
            query = bare
        return super().execute(query, params, **more)


@contextmanager
def filter_off(app: Flask) -> Iterator[None]:
    """Everything that the site asks of PostgreSQL meanwhile is asked without the filter."""

    def swap(cursor: type[psycopg.Cursor[Any]]) -> Any:
        def use(connection: Any, *_rest: object) -> None:
            connection.cursor_factory = cursor

        return use

    with app.app_context():
        engine = db.engine
    off, on = swap(Unfiltered), swap(psycopg.Cursor)
    event.listen(engine, "checkout", off)
    event.listen(engine, "checkin", on)
    try:
        yield
    finally:
        event.remove(engine, "checkout", off)
        event.remove(engine, "checkin", on)
