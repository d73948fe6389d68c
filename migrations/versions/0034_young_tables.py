"""Plans that hold from the first minute: a new table is measured before autovacuum comes by."""

from alembic import op

revision = "0034"
down_revision = "0033"

LOCK_DUE = """
-- As before, but led by the strategies that are due. Planned while there were ten signals, it
-- went by those, and was planned no second time when there were thousands.
CREATE OR REPLACE FUNCTION web.lock_due(p_older_than double precision, p_resting uuid[],
    p_strategies integer, p_signals integer)
RETURNS TABLE (strategy_id uuid, tenant_id uuid, version bigint, drained_seq bigint,
    handed_seq bigint, enabled boolean, settings jsonb, asset_class text,
    has_held boolean, switches json, signal_id uuid, seq bigint, parsed jsonb,
    received_at timestamptz, accepted_at timestamptz, read_at timestamptz)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_until timestamptz := clock_timestamp() - make_interval(secs => p_older_than);
    v_locked uuid[];
BEGIN
    PERFORM pg_advisory_unlock_all();
    WITH due AS MATERIALIZED (
        -- OFFSET keeps the planner from turning the two round.
        (SELECT i.strategy_id FROM web.strategy_intake i CROSS JOIN LATERAL (
             SELECT n.accepted_at FROM web.signals n
             WHERE n.strategy_id = i.strategy_id AND n.seq = i.handed_seq + 1 OFFSET 0) g
         WHERE i.handed_seq < i.seq AND g.accepted_at <= v_until
           AND i.strategy_id <> ALL (p_resting)
         ORDER BY g.accepted_at LIMIT p_strategies)
        UNION
        (SELECT DISTINCT t.strategy_id FROM web.trades t
         WHERE t.handover_due AND t.released_at <= v_until
           AND t.strategy_id <> ALL (p_resting)
         LIMIT p_strategies)
    )
    SELECT array_agg(d.strategy_id) INTO v_locked FROM due d
    WHERE pg_try_advisory_lock(hashtextextended('drain:' || d.strategy_id::text, 0));
    IF v_locked IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT i.strategy_id, i.tenant_id, i.version, i.drained_seq, i.handed_seq,
        s.enabled, s.settings, s.asset_class,
        EXISTS (SELECT FROM web.trades t WHERE t.strategy_id = i.strategy_id
            AND (t.approval_expires_at IS NOT NULL OR t.release_at IS NOT NULL
                 OR t.handover_due)),
        (SELECT coalesce(json_agg(w), '[]') FROM web.switches w WHERE w.mode <> 'off'),
        g.id, g.seq, g.parsed, g.received_at, g.accepted_at, clock_timestamp()
    FROM web.strategy_intake i JOIN web.strategies s ON s.id = i.strategy_id
    LEFT JOIN LATERAL (
        SELECT * FROM web.signals n
        WHERE n.strategy_id = i.strategy_id AND n.seq > i.drained_seq
        ORDER BY n.seq LIMIT p_signals
    ) g ON true
    WHERE i.strategy_id = ANY (v_locked) AND (i.handed_seq < i.seq OR EXISTS (
        SELECT FROM web.trades t WHERE t.strategy_id = i.strategy_id AND t.handover_due))
    ORDER BY i.strategy_id, g.seq;
    IF NOT FOUND THEN
        PERFORM pg_advisory_unlock_all();
    END IF;
END $$;
"""

MEASURE = """
-- A statement is planned once a connection, and again when a table that it reads is measured.
-- Autovacuum measures once a minute; until then, what was planned for an empty table reads all
-- of a full one. So one that has outgrown its measure is measured at once: its name, or NULL.
-- One a call: while the transaction is open, later facts are not told.
CREATE FUNCTION web.measure_young() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_table regclass;
BEGIN
    SELECT c.oid INTO v_table FROM pg_class c
    WHERE c.relnamespace = ANY (ARRAY['web', 'execution', 'paper']::regnamespace[])
      AND c.relkind = 'r' AND c.relpages < 1000
      AND pg_relation_size(c.oid)
          > 4 * greatest(c.relpages, 1) * current_setting('block_size')::bigint
    ORDER BY pg_relation_size(c.oid) DESC LIMIT 1;
    IF v_table IS NOT NULL THEN
        EXECUTE format('ANALYZE (SKIP_LOCKED) %s', v_table);
    END IF;
    RETURN v_table::text;
END $$;
REVOKE ALL ON FUNCTION web.measure_young() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION web.measure_young() TO fillwire_worker;
"""


def upgrade() -> None:
    op.execute(LOCK_DUE)
    op.execute(MEASURE)
