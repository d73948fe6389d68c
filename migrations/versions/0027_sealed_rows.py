"""What a seal covers in ranges can be exported with it: signals, and facts of execution."""

from alembic import op

revision = "0027"
down_revision = "0026"

MARKS = """
-- Facts are read by cursor: one mark for all of them, of no one in particular.
ALTER TABLE web.audit_marks ADD COLUMN cursor text,
    ADD CHECK ((kind = 'facts') = (cursor IS NOT NULL));
"""

# A seal of the second version covers, of a signal, the hash of what was sent and of how it was
# read: either may be removed one day because it tells who somebody is, and the seal still holds.
SIGNALS = """
CREATE TABLE web.emptied_signals (
    signal_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    body_sha256 bytea NOT NULL,
    parsed_sha256 bytea NOT NULL,
    emptied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE web.emptied_signals ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON web.emptied_signals FOR SELECT TO fillwire_web
    USING (tenant_id = web.current_tenant());
CREATE POLICY worker ON web.emptied_signals FOR SELECT TO fillwire_worker USING (true);
CREATE POLICY staff ON web.emptied_signals FOR SELECT TO fillwire_staff USING (true);
GRANT SELECT ON web.emptied_signals TO fillwire_web, fillwire_worker, fillwire_staff;

-- `sealed` is what a signal's hash is made over.
CREATE FUNCTION web.sealed_signals(p_strategy uuid, p_first bigint, p_last bigint)
RETURNS TABLE (seq bigint, sealed text, body bytea, parsed text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.seq, jsonb_build_array(s.id, s.tenant_id, s.strategy_id, s.seq, s.dialect,
            s.content_type, encode(coalesce(e.body_sha256, sha256(s.body)), 'hex'),
            encode(coalesce(e.parsed_sha256, sha256(convert_to(s.parsed::text, 'UTF8'))), 'hex'),
            to_char(s.received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            to_char(s.accepted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text,
        CASE WHEN e.signal_id IS NULL THEN s.body END,
        CASE WHEN e.signal_id IS NULL THEN s.parsed::text END
    FROM web.signals s LEFT JOIN web.emptied_signals e ON e.signal_id = s.id
    WHERE s.strategy_id = p_strategy AND s.seq BETWEEN p_first AND p_last
    ORDER BY s.seq
$$;
CREATE FUNCTION web.digest_sealed_signals(p_strategy uuid, p_first bigint, p_last bigint)
RETURNS TABLE (rows bigint, digest bytea)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*), sha256(coalesce(string_agg(sha256(convert_to(s.sealed, 'UTF8')), ''::bytea
        ORDER BY s.seq), ''::bytea))
    FROM web.sealed_signals(p_strategy, p_first, p_last) s
$$;
GRANT EXECUTE ON FUNCTION web.sealed_signals(uuid, bigint, bigint),
    web.digest_sealed_signals(uuid, bigint, bigint)
    TO fillwire_web, fillwire_worker, fillwire_staff;
"""


def upgrade() -> None:
    op.execute(MARKS)
    op.execute(SIGNALS)
