"""What holds tenants apart in PostgreSQL itself, read from the catalogue of a migrated database."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Database
from tests.isolation import privileges, rights
from tests.isolation.reasons import DEFINERS, SHARED_ROWS, TELLING

PAGE = Path(__file__).parents[2] / "docs/privileges.md"
WRITES = {"INSERT", "UPDATE"}
OF_ONE = ("web.current_tenant()", "web.current_person()")


@pytest.fixture(scope="module")
def owner(module_database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database.owner, autocommit=True) as connection:
        yield connection


def one(owner: psycopg.Connection, query: str, *values: object) -> set[str]:
    """The first column."""
    return {row[0] for row in owner.execute(query.encode(), values).fetchall()}


def test_every_table_of_web_has_row_security(owner: psycopg.Connection) -> None:
    without = one(
        owner,
        "SELECT relname FROM pg_class WHERE relnamespace = 'web'::regnamespace "
        "AND relkind IN ('r', 'p') AND NOT relrowsecurity",
    )
    assert without == set()


def test_no_right_is_without_a_policy(owner: psycopg.Connection) -> None:
    policies = rights.policies(owner)
    for grant in rights.grants(owner):
        if not grant.table.startswith("web.") or grant.command not in rights.COMMANDS:
            continue
        found = [
            p for p in policies if p.table == grant.table and p.is_for(grant.role, grant.command)
        ]
        assert found, f"{grant.role} may {grant.command} {grant.table}, and gets at no row"
        if grant.command in WRITES:
            assert all(p.check for p in found), f"{grant.table} {found}: no WITH CHECK"


def test_no_right_is_above_rows(owner: psycopg.Connection) -> None:
    assert [g for g in rights.grants(owner) if g.command in rights.BEYOND] == []


def test_web_reaches_rows_by_its_tenant_or_person_or_for_a_reason(
    owner: psycopg.Connection,
) -> None:
    shared = {
        f"{policy.table} {policy.name}"
        for policy in rights.policies(owner)
        if "web" in policy.roles
        and not all(
            any(who in condition for who in OF_ONE)
            for condition in (policy.using, policy.check)
            if condition is not None
        )
    }
    assert shared == set(SHARED_ROWS)
    assert one(owner, "SELECT policyname FROM pg_policies WHERE 'public' = ANY (roles)") == set()


def test_web_never_changes_whose_a_row_is(owner: psycopg.Connection) -> None:
    moved = [
        f"{grant.table}.{column}"
        for grant in rights.grants(owner)
        if (grant.role, grant.command) == ("web", "UPDATE")
        for column in (grant.columns or ["every column"])
        if column in ("id", "tenant_id", "person_id", "strategy_tenant_id", "every column")
    ]
    assert moved == []


@pytest.mark.parametrize("role", rights.ROLES)
def test_a_runtime_role_is_nobody_above_its_rights(owner: psycopg.Connection, role: str) -> None:
    name = f"fillwire_{role}"
    above = one(
        owner,
        "SELECT rolname FROM pg_roles WHERE rolname = %s AND (rolsuper OR rolbypassrls "
        "OR rolcreaterole OR rolcreatedb OR rolreplication)",
        name,
    )
    member_of = one(
        owner, "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = %s::regrole", name
    )
    owned = one(
        owner,
        "SELECT objid::text FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass "
        "AND refobjid = %s::regrole AND deptype = 'o'",
        name,
    )
    creates = one(
        owner,
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> "
        "'information_schema' AND has_schema_privilege(%s, oid, 'CREATE')",
        name,
    )
    assert (above, member_of, owned, creates) == (set(), set(), set(), set())


@pytest.mark.parametrize("role", rights.ROLES)
def test_a_role_has_rights_in_its_own_schema_only(owner: psycopg.Connection, role: str) -> None:
    own = role if role in rights.SCHEMAS else "web"
    usable = one(
        owner,
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> "
        "'information_schema' AND has_schema_privilege(%s, oid, 'USAGE')",
        f"fillwire_{role}",
    )
    touched = {g.table.partition(".")[0] for g in rights.grants(owner) if g.role == role}
    assert (usable, touched) == ({own}, {own})


def test_what_runs_as_the_owner_is_a_list(owner: psycopg.Connection) -> None:
    found = one(
        owner,
        "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace::regnamespace::text "
        "= ANY (%s)",
        list(rights.SCHEMAS),
    )
    assert found == set(DEFINERS)
    loose = one(
        owner,
        "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace::regnamespace::text "
        "= ANY (%s) AND NOT 'search_path=pg_catalog, pg_temp' = ANY (coalesce(proconfig, '{}'))",
        list(rights.SCHEMAS),
    )
    assert loose == set(), "pin their search_path"


def test_nobody_may_call_a_function_unless_granted(owner: psycopg.Connection) -> None:
    open_to_all = one(
        owner,
        "SELECT p.proname FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', "
        "p.proowner))) a WHERE a.grantee = 0 AND p.pronamespace::regnamespace::text = ANY (%s)",
        list(rights.SCHEMAS),
    )
    assert open_to_all == set()


def test_views_ask_as_whoever_asks(owner: psycopg.Connection) -> None:
    as_owner = one(
        owner,
        "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace::regnamespace::text "
        "= ANY (%s) AND (c.relkind = 'm' OR c.relkind = 'v' AND NOT "
        "'security_invoker=true' = ANY (coalesce(c.reloptions, '{}')))",
        list(rights.SCHEMAS),
    )
    assert as_owner == set()


def test_an_error_tells_nothing_of_another_tenants_rows_or_has_a_reason(
    owner: psycopg.Connection,
) -> None:
    """Constraints without the tenant, on tables that web may insert into."""
    unique = one(
        owner,
        """
        SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE c.relnamespace = 'web'::regnamespace AND i.indisunique
          AND has_any_column_privilege('fillwire_web', c.oid, 'INSERT')
          AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
              AND a.attnum = ANY (i.indkey) AND a.attname IN ('tenant_id', 'person_id', 'chain'))
        """,
    )
    foreign = one(
        owner,
        """
        SELECT k.conname FROM pg_constraint k
        WHERE k.contype = 'f' AND k.connamespace = 'web'::regnamespace
          AND has_any_column_privilege('fillwire_web', k.conrelid, 'INSERT')
          AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = k.conrelid
              AND a.attnum = ANY (k.conkey) AND a.attname = 'tenant_id')
          AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = k.conrelid
              AND p.polname = 'own' AND pg_get_expr(p.polqual, p.polrelid) LIKE '%%person_id%%')
        """,
    )
    found = {name.removeprefix("web.") for name in unique} | foreign
    assert found == set(TELLING)


def test_the_page_of_rights_is_current(owner: psycopg.Connection) -> None:
    again = "python -m tests.isolation.privileges > docs/privileges.md"
    assert PAGE.read_text() == privileges.page(owner), f"look at what changed, then: {again}"
