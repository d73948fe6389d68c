"""Draws docs/privileges.md from a migrated database:
`python -m tests.isolation.privileges > docs/privileges.md`."""

import sys
from collections.abc import Iterator

import psycopg

from tests.conftest import TEMPLATE, embedded
from tests.isolation import rights
from tests.isolation.rights import Grant, Policy

_HEAD = """# Who may do what in the database

Drawn by `python -m tests.isolation.privileges > docs/privileges.md`; a test keeps it current.
What holds tenants apart, and why, is in [isolation.md](isolation.md). The owner of everything is
`fillwire_owner`, which only migrations and `fillwire` commands of an operator use.

`T` stands for the tenant that a transaction works for (`web.current_tenant()`), `P` for its
person. A command without columns is for all of them. Rows: which a role gets at; where nothing
is said, all.
"""
_SHORT = (("web.current_tenant()", "T"), ("web.current_person()", "P"))


def page(owner: psycopg.Connection) -> str:
    """The whole page."""
    policies = rights.policies(owner)
    lines = [_HEAD]
    for schema in rights.SCHEMAS:
        lines += [f"## {schema}", "", "| table | role | may | rows |", "|---|---|---|---|"]
        for table, found in rights.of_table(rights.grants(owner)).items():
            if table.startswith(f"{schema}."):
                lines += _rows(table, found, [p for p in policies if p.table == table])
        lines.append("")
    lines += ["## Functions that run as the owner", "", "| function | for |", "|---|---|"]
    lines += [f"| `{name}` | {', '.join(roles) or '–'} |" for name, roles in definers(owner)]
    return "\n".join(lines) + "\n"


def definers(owner: psycopg.Connection) -> list[tuple[str, list[str]]]:
    """SECURITY DEFINER functions, and which runtime roles may call them."""
    return owner.execute(
        "SELECT p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', ARRAY("
        "SELECT r FROM unnest(%s::text[]) r WHERE has_function_privilege('fillwire_' || r, p.oid, "
        "'EXECUTE')) FROM pg_proc p WHERE p.prosecdef AND p.pronamespace::regnamespace::text "
        "= ANY (%s) ORDER BY 1",
        (list(rights.ROLES), list(rights.SCHEMAS)),
    ).fetchall()


def _rows(table: str, found: list[Grant], policies: list[Policy]) -> Iterator[str]:
    for role in rights.ROLES:
        may = [_may(grant) for grant in found if grant.role == role]
        if may:
            rows = [_policy(policy) for policy in policies if role in policy.roles]
            shown = table.partition(".")[2]
            yield f"| {shown} | {role} | {'; '.join(may)} | {'<br>'.join(filter(None, rows))} |"


def _may(grant: Grant) -> str:
    columns = f" ({', '.join(grant.columns)})" if grant.columns else ""
    return f"{grant.command.lower()}{columns}"


def _policy(policy: Policy) -> str:
    """Its condition; nothing where it lets every row through."""
    condition = policy.using if policy.using is not None else policy.check
    if policy.check not in (None, policy.using) and policy.using is not None:
        condition = f"{condition}, written {policy.check}"
    for long, short in _SHORT:
        condition = (condition or "").replace(long, short)
    if condition == "true":
        return ""
    on = "" if policy.command == "ALL" else f"{policy.command.lower()} "
    return f"{'and ' if policy.restrictive else ''}{on}`{condition}`"


def main() -> None:
    """Print it."""
    with embedded() as servers, psycopg.connect(servers.owner_url(TEMPLATE)) as owner:
        sys.stdout.write(page(owner))


if __name__ == "__main__":
    main()
