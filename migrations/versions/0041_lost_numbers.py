"""Change numbers that the database lost with its last half second are not given again."""

from alembic import op

revision = "0041"
down_revision = "0040"

WEB = """
SET LOCAL lock_timeout = '3s';
-- As before, but a number is at least the milliseconds of the clock: what records changes may
-- commit without waiting for the disk, and a page that was told of a number lost with it must
-- hear of the next one.
CREATE OR REPLACE FUNCTION web.record_changes(p_tenants uuid[], p_kinds text[], p_objects uuid[])
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tenant uuid;
    v_number bigint;
BEGIN
    FOR v_tenant IN SELECT DISTINCT t FROM unnest(p_tenants) t ORDER BY t LOOP
        INSERT INTO web.tenant_changes AS c (tenant_id, number)
            VALUES (v_tenant, floor(1000 * extract(epoch FROM clock_timestamp())))
            ON CONFLICT (tenant_id) DO UPDATE SET number = greatest(c.number + 1, excluded.number)
            RETURNING c.number INTO v_number;
        INSERT INTO web.changes (tenant_id, number, kind, object_id)
            SELECT DISTINCT v_tenant, v_number, n.kind, n.object_id
            FROM unnest(p_tenants, p_kinds, p_objects) AS n(tenant_id, kind, object_id)
            WHERE n.tenant_id = v_tenant
            ON CONFLICT DO NOTHING;
    END LOOP;
END $$;
"""


def upgrade() -> None:
    op.execute(WEB)
