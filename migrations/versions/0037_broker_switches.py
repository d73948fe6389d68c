"""A kill switch of one broker; and trades found by why they are as they are."""

from alembic import op

revision = "0037"
down_revision = "0036"

EXECUTION = """
SET LOCAL lock_timeout = '3s';
ALTER TABLE execution.switches DROP CONSTRAINT switches_scope_check,
    ADD CONSTRAINT switches_scope_check CHECK (scope IN
        ('platform', 'broker', 'tenant', 'strategy', 'connection', 'account', 'order'));

-- As before, for brokers too.
CREATE OR REPLACE FUNCTION execution.stopped(orders json, seen bigint)
    RETURNS TABLE (trade_id uuid) LANGUAGE plpgsql VOLATILE STRICT ROWS 1 AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('execution.switches', 0));
    IF NOT EXISTS (SELECT FROM execution.switches s WHERE s.version > seen) THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT o.trade_id FROM json_to_recordset(orders) AS o(order_id uuid, trade_id uuid,
            tenant text, strategy text, connection text, broker text, seen bigint)
        WHERE EXISTS (
            SELECT FROM execution.switches s WHERE s.version > o.seen
            AND (s.scope, s.scope_id) IN (('platform', ''), ('broker', o.broker),
                ('tenant', o.tenant), ('strategy', o.strategy), ('connection', o.connection)))
        -- One that is stored already is only written again, after a lost connection.
        AND NOT EXISTS (SELECT FROM execution.orders k WHERE k.id = o.order_id);
END $$;
"""

WEB = """
-- One environment of a broker, as switches name it: `ids.broker_id` in Python.
CREATE FUNCTION web.broker_id(broker text, environment text) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT encode(substring(sha256(convert_to(
        'broker' || chr(31) || broker || chr(31) || environment, 'UTF8')) FROM 1 FOR 16),
        'hex')::uuid
$$;
REVOKE ALL ON FUNCTION web.broker_id(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION web.broker_id(text, text)
    TO fillwire_web, fillwire_worker, fillwire_staff;

ALTER TABLE web.switches DROP CONSTRAINT switches_scope_check,
    ADD CONSTRAINT switches_scope_check CHECK (scope IN
        ('platform', 'broker', 'tenant', 'strategy', 'connection')),
    DROP CONSTRAINT switches_check,
    ADD CONSTRAINT switches_check
        CHECK ((tenant_id IS NULL) = (scope IN ('platform', 'broker')));

-- Everybody is told that the platform is halted; that a broker is, whoever is connected to it.
ALTER POLICY platform ON web.switches USING (tenant_id IS NULL AND (scope = 'platform'
    OR scope_id IN (SELECT web.broker_id(b.broker, b.environment)
        FROM web.connections c JOIN web.broker_accounts b ON b.id = c.broker_account_id)));
"""


PAGES = """
-- Most trades have no reason and never get one: their rows are updated in place as before.
CREATE INDEX trades_by_reason ON web.trades (reason, accepted_at DESC) WHERE reason IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(EXECUTION)
    op.execute(WEB)
    op.execute(PAGES)
