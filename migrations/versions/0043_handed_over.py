"""What a worker writes down once it handed over, in two statements."""

from alembic import op

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    op.execute(
        """
        -- Strategies are handed over up to these numbers, unless somebody else drained them
        -- since, and pages are told of these changes. It need not wait for the disk: whoever
        -- finds it undone does it again, which changes nothing.
        CREATE PROCEDURE web.handed_over(p_strategies uuid[], p_seqs bigint[], p_epochs bigint[],
            p_tenants uuid[], p_kinds text[], p_objects uuid[])
        LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
            PERFORM set_config('synchronous_commit', 'off', true);
            UPDATE web.strategy_intake i SET handed_seq = d.seq
            FROM unnest(p_strategies, p_seqs, p_epochs) AS d(strategy_id, seq, epoch)
            WHERE i.strategy_id = d.strategy_id AND i.handed_seq < d.seq
              AND i.drain_epoch = d.epoch;
            PERFORM web.record_changes(p_tenants, p_kinds, p_objects);
        END $$;
        GRANT EXECUTE ON PROCEDURE
            web.handed_over(uuid[], bigint[], bigint[], uuid[], text[], uuid[])
            TO fillwire_worker;

        -- Lets go of what this session had locked. Has one of these newer signals by now? Each
        -- statement sees what was committed before it: whoever looks once they are let go finds
        -- by themselves what is due; who looked before and left them to us is answered here.
        CREATE FUNCTION web.let_go(p_strategies uuid[], p_drained bigint[])
        RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
            PERFORM pg_advisory_unlock_all();
            RETURN EXISTS (
                SELECT FROM unnest(p_strategies, p_drained) AS d(strategy_id, seq)
                JOIN web.strategy_intake i USING (strategy_id) WHERE i.seq > d.seq);
        END $$;
        GRANT EXECUTE ON FUNCTION web.let_go(uuid[], bigint[]) TO fillwire_worker;
        """
    )
