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
    key: Callable[[T], tuple[datetime, UUID]],
    *,
    limit: int,
    cursor: str | None,
) -> Page[T]:
    """Rows by time and id, newest first, after the cursor.

    Raises BadCursor.
    """
    if cursor:
        after: ColumnElement[bool] = tuple_(at, row_id) < tuple_(*_decode(cursor))
        query = query.where(after)
    found = list(db.session.scalars(query.order_by(at.desc(), row_id.desc()).limit(limit + 1)))
    rows = found[:limit]
    return Page(rows, _encode(key(rows[-1])) if len(found) > limit else None)


def _encode(key: tuple[datetime, UUID]) -> str:
    return urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def _decode(cursor: str) -> tuple[datetime, UUID]:
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=tuple[datetime, UUID])
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadCursor(cursor) from error
