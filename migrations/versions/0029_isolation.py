"""Every table of web has row security; what a tenant's own row may point at is checked too."""

from alembic import op

revision = "0029"
down_revision = "0028"

# Tables of the installation, not of tenants. Their rows are for whoever has the right; that they
# say so lets a test demand row security of every table.
SYSTEM = {
    "boots": ("web", "worker", "staff"),
    "doubts": ("web", "worker", "staff"),
    "fact_cursor": ("worker", "staff"),
    "quarantined_facts": ("worker", "staff"),
    "relay_loops": ("worker", "staff"),
}

POINTERS = """
-- A subscription decides whose signals are traded, and lets its tenant read that strategy. The
-- foreign key looks past row security, so without this any strategy whose id is known could be
-- followed. One may only follow one's own, until there is a table of who may follow whose.
CREATE POLICY own_strategy ON web.subscriptions AS RESTRICTIVE FOR INSERT TO fillwire_web
    WITH CHECK (strategy_tenant_id = web.current_tenant());

-- What a switch halts is found by its scope alone: it must be the tenant's own.
CREATE POLICY own_scope ON web.switches AS RESTRICTIVE FOR INSERT TO fillwire_web
    WITH CHECK (CASE scope
        WHEN 'tenant' THEN scope_id = web.current_tenant()
        WHEN 'strategy' THEN EXISTS (SELECT FROM web.strategies s
            WHERE s.id = scope_id AND s.tenant_id = web.current_tenant())
        WHEN 'connection' THEN EXISTS (SELECT FROM web.connections c
            WHERE c.id = scope_id AND c.tenant_id = web.current_tenant())
        ELSE false END);

-- What may be read may be written: said, where PostgreSQL would take it so.
ALTER POLICY own ON web.alarms WITH CHECK (tenant_id = web.current_tenant());
ALTER POLICY own ON web.sessions WITH CHECK (person_id = web.current_person());

-- Granted with all tables of the beginning; no policy ever let a row through.
REVOKE SELECT ON web.signal_keys FROM fillwire_staff;
"""

# Rows never change their id or their owner: web may update the other columns only.
FIXED = """
DO $$
DECLARE
    t record;
BEGIN
    FOR t IN
        SELECT c.oid::regclass AS name, string_agg(quote_ident(a.attname), ', ') AS columns
        FROM pg_class c
        JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            AND a.attnum <> ALL (k.conkey)
            AND a.attname NOT IN ('tenant_id', 'strategy_tenant_id', 'strategy_id')
        WHERE c.relnamespace = 'web'::regnamespace
          AND has_table_privilege('fillwire_web', c.oid, 'UPDATE')
        GROUP BY 1
    LOOP
        EXECUTE format('REVOKE UPDATE ON %s FROM fillwire_web', t.name);
        EXECUTE format('GRANT UPDATE (%s) ON %s TO fillwire_web', t.columns, t.name);
    END LOOP;
END $$;
"""


def upgrade() -> None:
    for table, roles in SYSTEM.items():
        op.execute(f"ALTER TABLE web.{table} ENABLE ROW LEVEL SECURITY")
        for role in roles:
            op.execute(
                f"CREATE POLICY {role} ON web.{table} TO fillwire_{role} "
                "USING (true) WITH CHECK (true)"
            )
    op.execute(POINTERS)
    op.execute(FIXED)
