"""Make accounts whose address needs no showing, as the owner of the database."""

from dataclasses import dataclass
from uuid import UUID

import psycopg

from protos import ids
from web.accounts import passwords
from web.accounts.passwords import WeakPassword as WeakPassword


class AlreadyThere(Exception):
    """Somebody signs in with this e-mail."""


@dataclass(frozen=True)
class Account:
    """A person and the tenant they own."""

    person_id: UUID
    tenant_id: UUID


def add_account(
    owner: psycopg.Connection, *, email: str, password: str, tenant_name: str
) -> Account:
    """Add a person with a tenant of their own.

    Raises WeakPassword, AlreadyThere.
    """
    made = Account(ids.new(), ids.new())
    with owner.transaction():
        added = owner.execute(
            "INSERT INTO web.people (id, email, password_hash, confirmed_at) "
            "VALUES (%s, %s, %s, now()) "
            "ON CONFLICT (email) WHERE confirmed_at IS NOT NULL DO NOTHING",
            (made.person_id, _address(email), _hash(password)),
        )
        if added.rowcount == 0:
            raise AlreadyThere(email)
        owner.execute(
            "INSERT INTO web.tenants (id, name) VALUES (%s, %s)", (made.tenant_id, tenant_name)
        )
        owner.execute(
            "INSERT INTO web.members (tenant_id, person_id, role) VALUES (%s, %s, 'owner')",
            (made.tenant_id, made.person_id),
        )
        _record(owner, "tenant:create", made)
    return made


def set_password(owner: psycopg.Connection, *, email: str, password: str) -> Account:
    """Give a known person a new password.

    Raises WeakPassword, LookupError.
    """
    with owner.transaction():
        found = owner.execute(
            "UPDATE web.people p SET password_hash = %s FROM web.members m "
            "WHERE p.email = %s AND p.confirmed_at IS NOT NULL AND m.person_id = p.id "
            "AND m.role = 'owner' "
            "RETURNING p.id, m.tenant_id",
            (_hash(password), _address(email)),
        ).fetchone()
        if found is None:
            raise LookupError(email)
        known = Account(*found)
        _record(owner, "person:set_password", known)
    return known


def _record(owner: psycopg.Connection, action: str, account: Account) -> None:
    owner.execute(
        "INSERT INTO web.audit_events (tenant_id, actor, action, subject) "
        "VALUES (%s, 'system:operator', %s, %s)",
        (account.tenant_id, action, ids.show("person", account.person_id)),
    )


def _address(email: str) -> str:
    return email.strip().lower()


def _hash(password: str) -> str:
    passwords.check(password)
    return passwords.hash_password(password)
