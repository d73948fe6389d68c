"""How values look in staff's lists, and in their exports."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import g, url_for

from protos import ids
from web.formats import tag


def own_id(kind: str, endpoint: str | None = None) -> Any:
    """The row's id, as a link to its page where it has one."""

    def cell(_view: Any, context: Any, row: Any, name: str) -> Any:
        return _linked(ids.show(kind, getattr(row, name)), endpoint, getattr(row, name), context)

    return cell


def of(kind: str, endpoint: str | None = None) -> Any:
    """Another's id that stands in the row, or nothing."""

    def cell(_view: Any, context: Any, row: Any, name: str) -> Any:
        value = getattr(row, name)
        return "" if value is None else _linked(ids.show(kind, value), endpoint, value, context)

    return cell


def tenant(_view: Any, context: Any, row: Any, name: str) -> Any:
    """The account's name, leading to its page; its id in exports."""
    value: UUID | None = getattr(row, name)
    if value is None:
        return ""
    if context is None:
        return ids.show("tenant", value)
    known = g.get("_admin_template_args", {}).get("tenants", {})
    told = known.get(value, ids.show("tenant", value))
    return tag("a", told, href=url_for("staff_accounts.page", tenant_id=value))


def at(_view: Any, context: Any, row: Any, name: str) -> Any:
    """A time: to the second in lists, whole in exports."""
    value: datetime | None = getattr(row, name)
    if value is None:
        return ""
    whole = value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if context is None:
        return whole
    short = value.astimezone(UTC).strftime("%d %b %H:%M:%S")
    return tag("time", short, class_="num", datetime=whole, title=whole)


def number(_view: Any, _context: Any, row: Any, name: str) -> str:
    """A price or a quantity, as it is."""
    value: Decimal | None = getattr(row, name)
    return "" if value is None else format(value, "f")


def took(begin: str, end: str) -> Any:
    """Whole milliseconds from one time to another."""

    def cell(_view: Any, _context: Any, row: Any, _name: str) -> str:
        first, last = getattr(row, begin), getattr(row, end)
        if first is None or last is None:
            return ""
        return str(round((last - first).total_seconds() * 1000))

    return cell


def reason(_view: Any, context: Any, row: Any, name: str) -> Any:
    """A reason's word."""
    return _word(getattr(row, name) or "", context)


def login(_view: Any, context: Any, row: Any, _name: str) -> Any:
    """Why its broker does not let a connection in; nothing where it does."""
    problem = (row.reported.get("login") or {}).get("problem", "")
    return _word(problem, context)


def _word(value: str, context: Any) -> Any:
    if context is None or not value:
        return value
    return tag("span", value, class_="reason")


def _linked(shown: str, endpoint: str | None, value: UUID, context: Any) -> Any:
    if context is None:
        return shown
    label = tag("code", f"{shown[:12]}…", class_="id")
    if endpoint is None:
        return tag("span", label, title=shown)
    kind = endpoint.partition(".")[0].removeprefix("staff_").removesuffix("s")
    kind = {"account": "tenant"}.get(kind, kind)
    named: dict[str, Any] = {f"{kind}_id": value}
    return tag("a", label, href=url_for(endpoint, **named), title=shown)
