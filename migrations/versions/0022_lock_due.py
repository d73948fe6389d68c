"""What the drain reads of due strategies, in one way there and back."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.execute(
        """
        -- Lets go of what this session had locked, locks strategies with undone signals or
        -- trades let go, and answers them with their next signals, one a row; a strategy that
        -- has only trades to hand over has one row without. Each statement sees what was
        -- committed before it: what another drained before the lock was ours is done. Those
        -- that another session has locked are left to it.
        CREATE FUNCTION web.lock_due(p_older_than double precision, p_resting uuid[],
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
                (SELECT i.strategy_id FROM web.strategy_intake i
                 JOIN web.signals g ON g.strategy_id = i.strategy_id AND g.seq = i.handed_seq + 1
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
        REVOKE ALL ON FUNCTION web.lock_due(double precision, uuid[], integer, integer)
            FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION web.lock_due(double precision, uuid[], integer, integer)
            TO fillwire_worker;
        """
    )
