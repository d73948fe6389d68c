"""The workspaces of a person: another one, its name, and one for whoever has none left."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from protos import ids
from web.accounts.models import Tenant
from web.audit import service as audit
from web.db import act_as, current_tenant, db

FIRST = "My workspace"
# That one person may own.
MOST = 20


class BadName(Exception):
    """A workspace cannot be called so."""


class TooManyWorkspaces(Exception):
    """One person owns no more."""


def name_of(typed: str) -> str:
    """As it is kept. Raises BadName."""
    cleaned = " ".join(typed.split())
    if not 1 <= len(cleaned) <= 60:
        raise BadName()
    return cleaned


def create(person: UUID, name: str) -> UUID:
    """Another workspace, which they own; from here on they work there. In the transaction of the
    caller. Raises TooManyWorkspaces."""
    tenant = ids.new()
    act_as(person, tenant)
    made = db.session.scalar(
        text("SELECT web.add_tenant(:tenant, :name, :most)"),
        {"tenant": tenant, "name": name, "most": MOST},
    )
    if not made:
        raise TooManyWorkspaces()
    actor = f"person:{ids.show('person', person)}"
    audit.record(actor, "tenant:create", ids.show("tenant", tenant), after={"name": name})
    return tenant


def home(person: UUID, tenants: Sequence[UUID]) -> UUID:
    """Where they begin: where they were last. Whoever was let go everywhere gets one of their own,
    in the transaction of the caller."""
    return tenants[0] if tenants else create(person, FIRST)


def rename(name: str, actor: str) -> None:
    """Call the current one something else, in the transaction of the caller."""
    row = db.session.get(Tenant, current_tenant())
    assert row is not None
    before, row.name = row.name, name
    shown = ids.show("tenant", row.id)
    audit.record(actor, "tenant:rename", shown, before={"name": before}, after={"name": name})
