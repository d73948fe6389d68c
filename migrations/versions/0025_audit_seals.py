"""The audit trail sealed: where each event stands in its chain, seals, checkpoints, keys."""

from alembic import op

revision = "0025"
down_revision = "0024"

PLACES = """
-- From where it was asked: request, address, session.
ALTER TABLE web.audit_events ADD COLUMN origin jsonb;

CREATE INDEX ON web.audit_events (tenant_id, actor text_pattern_ops, id);
CREATE INDEX ON web.audit_events (tenant_id, action text_pattern_ops, id);
CREATE INDEX ON web.audit_events (tenant_id, subject text_pattern_ops, id);

-- A chain is a tenant's, or the platform's own, which has the id of zeros.
CREATE TABLE web.audit_heads (
    chain uuid PRIMARY KEY,
    -- 0 while only ranges were sealed in it.
    seq bigint NOT NULL DEFAULT 0,
    sealed_seq bigint NOT NULL DEFAULT 0 CHECK (sealed_seq <= seq)
) WITH (fillfactor = 50);
CREATE INDEX unsealed ON web.audit_heads (chain) WHERE sealed_seq < seq;

CREATE TABLE web.audit_places (
    chain uuid NOT NULL,
    seq bigint NOT NULL,
    event_id bigint NOT NULL UNIQUE REFERENCES web.audit_events,
    PRIMARY KEY (chain, seq)
);

INSERT INTO web.audit_places (chain, seq, event_id)
SELECT coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'),
    row_number() OVER (PARTITION BY tenant_id ORDER BY id), id
FROM web.audit_events;
INSERT INTO web.audit_heads (chain, seq) SELECT chain, max(seq) FROM web.audit_places GROUP BY chain;

-- At the commit, so that places are taken in the order of commits and without a gap, and the
-- head of a chain is held by nobody for longer than a commit takes.
CREATE FUNCTION web.place_event() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_chain uuid := coalesce(NEW.tenant_id, '00000000-0000-0000-0000-000000000000');
    v_seq bigint;
BEGIN
    INSERT INTO web.audit_heads AS h (chain, seq) VALUES (v_chain, 1)
        ON CONFLICT (chain) DO UPDATE SET seq = h.seq + 1 RETURNING h.seq INTO v_seq;
    INSERT INTO web.audit_places (chain, seq, event_id) VALUES (v_chain, v_seq, NEW.id);
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION web.place_event() FROM PUBLIC;
CREATE CONSTRAINT TRIGGER audit_events_place AFTER INSERT ON web.audit_events
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION web.place_event();
"""

SEALS = """
-- `line` is the seal itself, byte for byte as it is exported; the rest is for finding it.
CREATE TABLE web.audit_seals (
    chain uuid NOT NULL,
    number bigint NOT NULL CHECK (number > 0),
    -- The last event that this seal or one before it covers.
    last_seq bigint NOT NULL,
    line text NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (chain, number)
);

CREATE TABLE web.audit_checkpoints (
    chain uuid NOT NULL,
    number bigint NOT NULL,
    line text NOT NULL,
    signed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (chain, number),
    FOREIGN KEY (chain, number) REFERENCES web.audit_seals (chain, number)
);

-- How far each thing that is sealed in ranges is sealed: a strategy's signals by their seq, an
-- account's facts by theirs.
CREATE TABLE web.audit_marks (
    kind text NOT NULL CHECK (kind IN ('signals', 'facts')),
    of_id uuid NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (kind, of_id)
) WITH (fillfactor = 50);
"""

# The bytes of a signal: what came with it and was made of it, nothing that is counted later.
DIGESTS = """
CREATE FUNCTION web.digest_signals(p_strategy uuid, p_after bigint, p_last bigint)
RETURNS TABLE (first_seq bigint, last_seq bigint, rows bigint, digest bytea)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT min(s.seq), max(s.seq), count(*), sha256(coalesce(string_agg(sha256(convert_to(
        jsonb_build_array(s.id, s.tenant_id, s.strategy_id, s.seq, s.dialect, s.content_type,
            encode(sha256(s.body), 'hex'), s.parsed,
            to_char(s.received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            to_char(s.accepted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        )::text, 'UTF8')), ''::bytea ORDER BY s.seq), ''::bytea))
    FROM web.signals s WHERE s.strategy_id = p_strategy AND s.seq > p_after AND s.seq <= p_last
$$;
GRANT EXECUTE ON FUNCTION web.digest_signals(uuid, bigint, bigint)
    TO fillwire_web, fillwire_worker, fillwire_staff;
"""

# What is personal in the trail is sealed under a key of its own for each person and API key.
# Without that key it is noise, and the chain, which covers the noise, still holds.
PRIVACY = """
CREATE TABLE web.privacy_keys (
    of text PRIMARY KEY,
    key bytea,
    destroyed_at timestamptz,
    CHECK ((key IS NULL) = (destroyed_at IS NOT NULL))
);
ALTER TABLE web.privacy_keys ENABLE ROW LEVEL SECURITY;

-- The key of somebody, made of the fresh one where there is none; null once destroyed.
CREATE FUNCTION web.privacy_key(p_of text, p_fresh bytea) RETURNS bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO web.privacy_keys (of, key) VALUES (p_of, p_fresh) ON CONFLICT DO NOTHING;
    RETURN (SELECT k.key FROM web.privacy_keys k WHERE k.of = p_of);
END $$;

CREATE FUNCTION web.find_privacy_keys(p_of text[]) RETURNS TABLE (of text, key bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT k.of, k.key FROM web.privacy_keys k WHERE k.of = ANY (p_of) AND k.key IS NOT NULL
$$;
REVOKE ALL ON FUNCTION web.privacy_key(text, bytea), web.find_privacy_keys(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION web.privacy_key(text, bytea), web.find_privacy_keys(text[])
    TO fillwire_web, fillwire_staff;
"""

RIGHTS = """
GRANT SELECT ON web.audit_places, web.audit_heads, web.audit_seals, web.audit_checkpoints
    TO fillwire_web, fillwire_worker, fillwire_staff;
GRANT INSERT ON web.audit_seals, web.audit_checkpoints TO fillwire_worker;
GRANT INSERT (chain), UPDATE (sealed_seq) ON web.audit_heads TO fillwire_worker;
GRANT SELECT, INSERT, UPDATE ON web.audit_marks TO fillwire_worker;
GRANT SELECT ON web.audit_marks TO fillwire_staff;
"""

ISOLATION = """
ALTER TABLE web.{table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON web.{table} FOR SELECT TO fillwire_web USING (chain = web.current_tenant());
CREATE POLICY worker ON web.{table} TO fillwire_worker USING (true) WITH CHECK (true);
CREATE POLICY staff ON web.{table} FOR SELECT TO fillwire_staff USING (true);
"""

APPEND_ONLY = """
CREATE TRIGGER {table}_rows BEFORE UPDATE OR DELETE ON web.{table}
    FOR EACH ROW EXECUTE FUNCTION web.refuse_change();
CREATE TRIGGER {table}_table BEFORE TRUNCATE ON web.{table}
    FOR EACH STATEMENT EXECUTE FUNCTION web.refuse_change();
"""


def upgrade() -> None:
    for part in (PLACES, SEALS, DIGESTS, PRIVACY, RIGHTS):
        op.execute(part)
    for table in ("audit_places", "audit_heads", "audit_seals", "audit_checkpoints"):
        op.execute(ISOLATION.format(table=table))
    for table in ("audit_places", "audit_seals", "audit_checkpoints"):
        op.execute(APPEND_ONLY.format(table=table))
    op.execute(
        """
        ALTER TABLE web.audit_marks ENABLE ROW LEVEL SECURITY;
        CREATE POLICY worker ON web.audit_marks TO fillwire_worker
            USING (true) WITH CHECK (true);
        CREATE POLICY staff ON web.audit_marks FOR SELECT TO fillwire_staff USING (true);
        """
    )
