"""Make accounts. Only the owner of the database can: the web role adds no people."""

from dataclasses import dataclass
from uuid import UUID

import psycopg

from protos import ids
from web.accounts import passwords


class WeakPassword(Exception):
    """The password is too short."""


@dataclass(frozen=True)
class Account:
    """A person and the tenant they own."""

    person_id: UUID
    tenant_id: UUID


def add_account(
    owner: psycopg.Connection, *, email: str, password: str, tenant_name: str
) -> Account:
    """Add a person with a tenant of their own; an e-mail already known gets the password.

    Raises WeakPassword.
    """
    if len(password) < passwords.MIN_PASSWORD:
        raise WeakPassword(f"A password has at least {passwords.MIN_PASSWORD} characters.")
    address = email.strip().lower()
    with owner.transaction():
        person = owner.execute(
            "INSERT INTO web.people (id, email, password_hash) VALUES (%s, %s, %s) "
            "ON CONFLICT (email) DO UPDATE SET password_hash = excluded.password_hash "
            "RETURNING id",
            (ids.new(), address, passwords.hash_password(password)),
        ).fetchone()
        assert person is not None
        member = owner.execute(
            "SELECT tenant_id FROM web.members WHERE person_id = %s ORDER BY created_at", person
        ).fetchone()
        return Account(
            person[0], member[0] if member else _add_tenant(owner, person[0], tenant_name)
        )


def _add_tenant(owner: psycopg.Connection, person_id: UUID, name: str) -> UUID:
    tenant_id = ids.new()
    owner.execute("INSERT INTO web.tenants (id, name) VALUES (%s, %s)", (tenant_id, name))
    owner.execute(
        "INSERT INTO web.members (tenant_id, person_id, role) VALUES (%s, %s, 'owner')",
        (tenant_id, person_id),
    )
    return tenant_id
