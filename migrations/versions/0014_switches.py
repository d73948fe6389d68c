"""Kill switches and limits, as the transaction that writes SENDING reads them; what web
remembers of them; and trades that no signal asked for."""

from alembic import op

revision = "0014"
down_revision = "0013"

SWITCHES = """
ALTER TABLE execution.switches
    -- Of the last change; counted over all rows, under the lock below.
    ADD COLUMN version bigint NOT NULL,
    ADD UNIQUE (version);

-- Which of these orders were decided without a change that concerns them. Volatile, so that
-- each statement in it sees what was committed before it: whoever changes a switch holds the
-- lock alone until the commit, so nothing written after that commit can have missed it.
CREATE FUNCTION execution.stopped(orders json, seen bigint) RETURNS TABLE (trade_id uuid)
    LANGUAGE plpgsql VOLATILE STRICT ROWS 1 AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('execution.switches', 0));
    IF NOT EXISTS (SELECT FROM execution.switches s WHERE s.version > seen) THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT o.trade_id FROM json_to_recordset(orders) AS o(order_id uuid, trade_id uuid,
            tenant text, strategy text, connection text, seen bigint)
        WHERE EXISTS (
            SELECT FROM execution.switches s WHERE s.version > o.seen
            AND (s.scope, s.scope_id) IN (('platform', ''), ('tenant', o.tenant),
                ('strategy', o.strategy), ('connection', o.connection)))
        -- One that is stored already is only written again, after a lost connection.
        AND NOT EXISTS (SELECT FROM execution.orders k WHERE k.id = o.order_id);
END $$;
REVOKE ALL ON FUNCTION execution.stopped(json, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION execution.stopped(json, bigint) TO fillwire_execution;

-- Realised profit or loss of the trading day that it was last booked on.
ALTER TABLE execution.positions
    ADD COLUMN result_day date,
    ADD COLUMN result numeric;
"""

WEB = """
-- What execution last said of each switch; it decides, these rows are for people and for the
-- drain. No tenant: the platform's, which everybody sees.
CREATE TABLE web.switches (
    scope text NOT NULL CHECK (scope IN ('platform', 'tenant', 'strategy', 'connection')),
    scope_id uuid NOT NULL,
    tenant_id uuid,
    mode text NOT NULL CHECK (mode IN ('off', 'stop_entries', 'stop_all', 'flatten')),
    why text NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    version bigint NOT NULL,
    -- The version for which the trades that waited were ended.
    ended_version bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, scope_id),
    CHECK ((tenant_id IS NULL) = (scope = 'platform'))
);
GRANT SELECT, INSERT, UPDATE ON web.switches TO fillwire_web, fillwire_worker;
GRANT SELECT ON web.switches TO fillwire_staff;
ALTER TABLE web.switches ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON web.switches TO fillwire_web
    USING (tenant_id = web.current_tenant()) WITH CHECK (tenant_id = web.current_tenant());
CREATE POLICY platform ON web.switches FOR SELECT TO fillwire_web USING (tenant_id IS NULL);
CREATE POLICY worker ON web.switches TO fillwire_worker USING (true) WITH CHECK (true);
CREATE POLICY staff ON web.switches FOR SELECT TO fillwire_staff USING (true);
-- Staff's own doings have no tenant.
CREATE POLICY staff_add ON web.audit_events FOR INSERT TO fillwire_staff
    WITH CHECK (tenant_id IS NULL);

ALTER TABLE web.trades
    -- None for what a kill switch closes.
    ALTER COLUMN signal_id DROP NOT NULL,
    ADD COLUMN origin text NOT NULL DEFAULT 'signal',
    ADD CHECK ((signal_id IS NULL) = (origin <> 'signal'));
"""


def upgrade() -> None:
    op.execute(SWITCHES)
    op.execute(WEB)
