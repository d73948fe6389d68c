"""Kill switches and limits, as the transaction that writes SENDING reads them."""

from alembic import op

revision = "0013"
down_revision = "0011"

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


def upgrade() -> None:
    op.execute(SWITCHES)
