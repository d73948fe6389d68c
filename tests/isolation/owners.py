"""Whose the rows of each table are, read from the catalogue: a new table must fit or be named."""

from uuid import UUID

import psycopg

# Of nobody: no row of these tells of a tenant or a person.
OF_NOBODY = {
    "boots": "web processes of the installation",
    "relay_loops": "which process runs which loop",
    "fact_cursor": "how far the projector has read",
    "tries": "keys are hashes of what is counted",
    "quarantined_facts": "facts that could not be read; the worker and staff see them",
    "audit_marks": "how far ranges are sealed; the worker and staff see them",
    "staff": "staff's own; no tenant's role selects it, nor those that follow",
    "staff_sessions": "staff's own",
    "staff_links": "staff's own",
    "staff_requests": "what staff ask each other",
    "staff_notes": "what staff tell each other of a tenant",
    "view_as": "which of staff looked; the tenant reads it in its trail",
    "broker_notices": "of brokers, for all their customers",
    "plans": "what is sold",
    "plan_limits": "what is sold",
    "flags": "features, told to each tenant for itself by a function",
    "mails": "written by anybody's transaction, read by the worker alone",
}
# By columns, the first that a table has; the values are SQL for "is of this tenant", where
# %(tenant)s is the tenant and %(person)s its person.
BY_COLUMN = {
    "tenant_id": "x.tenant_id = %(tenant)s",
    "chain": "x.chain = %(tenant)s",
    "person_id": "x.person_id = %(person)s",
    "strategy_id": "x.strategy_id IN (SELECT id FROM web.strategies WHERE tenant_id = %(tenant)s)",
}
BY_NAME = {
    "tenants": "x.id = %(tenant)s",
    "people": "x.id = %(person)s",
    "sessions": "x.person_id = %(person)s",
    "broker_accounts": "x.id IN (SELECT broker_account_id FROM web.connections "
    "WHERE tenant_id = %(tenant)s)",
    "privacy_keys": "x.of = 'person:per_' || replace(%(person)s::text, '-', '') OR x.of IN (SELECT "
    "'key:key_' || replace(id::text, '-', '') FROM web.api_keys WHERE tenant_id = %(tenant)s)",
}


def unowned(owner: psycopg.Connection) -> set[str]:
    """Tables of which nothing here says whose their rows are."""
    return set(_columns(owner)) - set(of_tenants(owner)) - set(OF_NOBODY)


def of_tenants(owner: psycopg.Connection) -> dict[str, str]:
    """Each table that holds something of a tenant or a person, with how to find whose."""
    found = {}
    for table, columns in _columns(owner).items():
        by = [BY_COLUMN[column] for column in BY_COLUMN if column in columns]
        if table in BY_NAME or (by and table not in OF_NOBODY):
            found[table] = BY_NAME.get(table) or by[0]
    return found


def checksums(owner: psycopg.Connection, tenant: UUID, person: UUID) -> dict[str, tuple[int, str]]:
    """How many rows of a tenant each table holds, and what they come to: one query."""
    each = [
        f"SELECT '{table}', count(*), coalesce(md5(string_agg(x::text, '|' ORDER BY x::text)), '') "
        f"FROM web.{table} x WHERE {where}"
        for table, where in of_tenants(owner).items()
    ]
    rows = owner.execute(
        " UNION ALL ".join(each).encode(), {"tenant": tenant, "person": person}
    ).fetchall()
    return {table: (count, digest) for table, count, digest in rows}


def _columns(owner: psycopg.Connection) -> dict[str, set[str]]:
    rows = owner.execute(
        "SELECT c.relname, array_agg(a.attname::text) FROM pg_class c JOIN pg_attribute a "
        "ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "WHERE c.relnamespace = 'web'::regnamespace AND c.relkind IN ('r', 'p') GROUP BY 1"
    ).fetchall()
    return {table: set(columns) for table, columns in rows}
