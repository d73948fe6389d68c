"""Pages of long lists: the next one starts after the last row seen, whatever was added."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, tuple_

from web.db import db

MAX_LIMIT = 200
DEFAULT_LIMIT = 50

T = TypeVar("T")
# What rows are ordered by, as a cursor keeps it.
Moment = tuple[datetime, UUID]


class BadCursor(Exception):
    """The cursor is not one of ours."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows, and where the next ones begin."""

    rows: Sequence[T]
    next_cursor: str | None

    @property
    def has_more(self) -> bool:
        """Whether there are rows after these."""
        return self.next_cursor is not None


def newest_first(
    query: Select[T],
    at: Any,
    row_id: Any,
    key: Callable[[T], Moment],
    *,
    limit: int,
    cursor: str | None,
) -> Page[T]:
    """Rows by time and id, newest first, after the cursor.

    Raises BadCursor.
    """
    if cursor:
        after: ColumnElement[bool] = tuple_(at, row_id) < tuple_(*_decode(cursor, Moment))
        query = query.where(after)
    found = list(db.session.scalars(query.order_by(at.desc(), row_id.desc()).limit(limit + 1)))
    return _cut(found, key, limit)


def in_order(
    query: Select[Any] | Select[Any, Any],
    by: Sequence[Any],
    kind: Any,
    key: Callable[[Any], tuple[Any, ...]],
    *,
    limit: int,
    cursor: str | None,
) -> Page[Any]:
    """Rows by these columns, which tell every row from another, after the cursor; `kind` is the
    type of what `key` takes of a row. Rows of several columns come as such.

    Raises BadCursor.
    """
    if cursor:
        query = query.where(tuple_(*by) > tuple_(*_decode(cursor, kind)))
    query = query.order_by(*by).limit(limit + 1)
    single = len(query.column_descriptions) == 1
    rows = db.session.scalars(query) if single else db.session.execute(query)
    return _cut(list(rows), key, limit)


def _cut(found: Sequence[T], key: Callable[[T], tuple[Any, ...]], limit: int) -> Page[T]:
    """The page of what was found, which is one row more if there are more."""
    rows = found[:limit]
    return Page(rows, _encode(key(rows[-1])) if len(found) > limit else None)


def _encode(key: tuple[Any, ...]) -> str:
    return urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def _decode(cursor: str, kind: Any) -> tuple[Any, ...]:
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        found: tuple[Any, ...] = msgspec.json.decode(raw, type=kind)
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadCursor(cursor) from error
    return found
