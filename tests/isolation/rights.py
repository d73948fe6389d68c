"""What PostgreSQL lets the runtime roles do, read from its catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg

ROLES = ("web", "worker", "staff", "execution", "paper")
SCHEMAS = ("web", "execution", "paper")
COMMANDS = ("SELECT", "INSERT", "UPDATE", "DELETE")
# Beyond rows: none of these is anybody's but the owner's.
BEYOND = ("TRUNCATE", "REFERENCES", "TRIGGER")


@dataclass(frozen=True)
class Policy:
    """Which rows a role may touch, by which commands."""

    table: str
    name: str
    roles: frozenset[str]
    command: str
    restrictive: bool
    using: str | None
    check: str | None

    def is_for(self, role: str, command: str) -> bool:
        """Whether it lets rows through for this role and command."""
        return role in self.roles and self.command in ("ALL", command) and not self.restrictive


@dataclass(frozen=True)
class Grant:
    """A command that a role may use on a table; no columns: on all of them."""

    table: str
    role: str
    command: str
    columns: Sequence[str] = ()


def policies(owner: psycopg.Connection) -> list[Policy]:
    """All of them, by table and name."""
    rows = owner.execute(
        "SELECT schemaname || '.' || tablename, policyname, roles::text[], cmd, permissive, qual, "
        "with_check FROM pg_policies ORDER BY 1, 2"
    ).fetchall()
    return [
        Policy(
            table,
            name,
            frozenset(role.removeprefix("fillwire_") for role in roles),
            command,
            permissive == "RESTRICTIVE",
            _one_line(using),
            _one_line(check),
        )
        for table, name, roles, command, permissive, using, check in rows
    ]


def grants(owner: psycopg.Connection) -> list[Grant]:
    """What each runtime role may do with each table of ours."""
    commands = list(COMMANDS + BEYOND)
    rows = owner.execute(
        """
        SELECT n.nspname || '.' || c.relname, r.role, p.command,
            has_table_privilege('fillwire_' || r.role, c.oid, p.command),
            ARRAY(SELECT a.attname::text FROM pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    AND p.command IN ('SELECT', 'INSERT', 'UPDATE')
                    AND has_column_privilege('fillwire_' || r.role, c.oid, a.attnum, p.command)
                  ORDER BY a.attname)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
            unnest(%s::text[]) AS r(role), unnest(%s::text[]) AS p(command)
        WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        ORDER BY 1, array_position(%s::text[], r.role), array_position(%s::text[], p.command)
        """,
        (list(ROLES), commands, list(SCHEMAS), list(ROLES), commands),
    ).fetchall()
    return [
        Grant(table, role, command, () if whole else columns)
        for table, role, command, whole, columns in rows
        if whole or columns
    ]


def of_table(found: Sequence[Grant]) -> Mapping[str, list[Grant]]:
    """The same, by table."""
    tables: dict[str, list[Grant]] = {}
    for grant in found:
        tables.setdefault(grant.table, []).append(grant)
    return tables


def _one_line(text: str | None) -> str | None:
    return None if text is None else " ".join(text.split())
