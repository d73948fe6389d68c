"""The activity page's rows: who, what, from what to what, from where."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from protos import ids
from web.accounts import members
from web.accounts.models import ApiKey
from web.audit.models import AuditEvent
from web.audit.privacy import Reader, owners, read_reason
from web.db import current_tenant, db
from web.paging import BadCursor, Page

FILTERS = ("actor", "action", "subject")


@dataclass(frozen=True)
class Change:
    """One field, from what to what; None where it was not, or is no more."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Entry:
    """One event as people read it."""

    id: int
    at: datetime
    actor: str
    # The person or key behind `actor`, where it is still known.
    who: str | None
    action: str
    subject: str
    changes: Sequence[Change]
    reason: str | None
    origin: Mapping[str, str]


def entries(
    wanted: Mapping[str, str], *, limit: int, cursor: str | None, with_address: bool
) -> Page[Entry]:
    """This tenant's events, newest first; those that begin as wanted. Raises BadCursor."""
    query = select(AuditEvent).where(AuditEvent.tenant_id == current_tenant())
    for name in FILTERS:
        if sought := wanted.get(name):
            column = getattr(AuditEvent, name)
            query = query.where(column.startswith(sought, autoescape=True))
    if cursor:
        if not cursor.isdecimal() or len(cursor) > 18:
            raise BadCursor(cursor)
        query = query.where(AuditEvent.id < int(cursor))
    found = list(db.session.scalars(query.order_by(AuditEvent.id.desc()).limit(limit + 1)))
    rows = found[:limit]
    sealed = [[row.before, row.after, row.origin, read_reason(row.reason)] for row in rows]
    opened = Reader(owners(sealed))
    names = _names(rows)
    shown = [_entry(row, opened, names, with_address=with_address) for row in rows]
    return Page(shown, str(rows[-1].id) if len(found) > limit else None)


def _names(rows: Sequence[AuditEvent]) -> Mapping[str, str]:
    """Who of this workspace, people and keys, did these."""
    actors = {row.actor for row in rows}
    people = [ids.read("person", actor.removeprefix("person:")) for actor in actors]
    keys = [ids.read("api_key", actor.removeprefix("key:")) for actor in actors]
    found = {
        f"person:{ids.show('person', person)}": row.email
        for person, row in members.named(people).items()
    }
    query = select(ApiKey.id, ApiKey.name).where(
        ApiKey.tenant_id == current_tenant(), ApiKey.id.in_([key for key in keys if key])
    )
    return found | {
        f"key:{ids.show('api_key', row.id)}": f"key {row.name}" for row in db.session.execute(query)
    }


def _entry(
    row: AuditEvent, opened: Reader, names: Mapping[str, str], *, with_address: bool
) -> Entry:
    origin = dict(opened.open(row.origin or {}))
    if not with_address or row.actor.startswith("staff:"):
        origin.pop("ip", None)
    return Entry(
        row.id,
        row.at,
        row.actor,
        names.get(row.actor, "Our staff" if row.actor.startswith("staff:") else None),
        row.action,
        row.subject,
        list(_changes(opened.open(row.before or {}), opened.open(row.after or {}))),
        opened.open(read_reason(row.reason)),
        origin,
    )


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """What differs, down to each value."""
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        if isinstance(was or {}, Mapping) and isinstance(now or {}, Mapping) and (was or now):
            for each in _changes(was or {}, now or {}):
                yield Change(f"{name}.{each.name}", each.before, each.after)
        else:
            yield Change(name, _word(was), _word(now))


def _word(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return str(value)
