"""Look for an earlier signal no further back than it may be.

After a web process died, every message is compared with those before it. Reading all of
the last thousand made intake several times slower for those seconds.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

FUNCTION = """
CREATE OR REPLACE FUNCTION web.earlier_signal(
    p_strategy uuid, p_seq bigint, p_body_hash bytea, p_dedupe_seconds integer, p_now timestamptz
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e record;
BEGIN
    -- Acceptance times rise with seq, so the first that is too old ends the search.
    FOR e IN SELECT s.id, s.accepted_at, s.boot_id, s.body_hash FROM web.signals s
             WHERE s.strategy_id = p_strategy AND s.seq > p_seq - 1000 ORDER BY s.seq DESC LOOP
        IF e.accepted_at <= p_now - make_interval(secs => greatest(20, p_dedupe_seconds)) THEN
            RETURN NULL;
        END IF;
        CONTINUE WHEN e.body_hash <> p_body_hash;
        IF e.accepted_at > p_now - make_interval(secs => p_dedupe_seconds) OR (
            e.accepted_at > p_now - interval '20 seconds' AND (
                EXISTS (SELECT FROM web.doubts d
                        WHERE d.strategy_id = p_strategy AND d.body_hash = p_body_hash
                          AND d.at BETWEEN e.accepted_at - interval '20 seconds'
                                       AND e.accepted_at + interval '20 seconds')
                OR web.answer_in_doubt(e.boot_id, e.accepted_at))) THEN
            RETURN e.id;
        END IF;
        RETURN NULL;
    END LOOP;
    RETURN NULL;
END $$;
"""


def upgrade() -> None:
    op.execute(FUNCTION)
