"""What was erased verifies under old seals; fewer words stay; failing erasures wait longer."""

from alembic import op

revision = "0036"
down_revision = "0035"

SEALS = """
-- The hash of a signal as a seal of the first version has it.
CREATE FUNCTION web.signal_sha256(s web.signals) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT sha256(convert_to(jsonb_build_array(s.id, s.tenant_id, s.strategy_id, s.seq, s.dialect,
        s.content_type, encode(sha256(s.body), 'hex'), s.parsed,
        to_char(s.received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        to_char(s.accepted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text, 'UTF8'))
$$;
-- Kept when a signal is emptied. None where that was before it could be kept.
ALTER TABLE web.emptied_signals ADD COLUMN row_sha256 bytea;

-- No digest where the hash of a signal is not known any more: `lost` says of how many.
DROP FUNCTION web.digest_signals(uuid, bigint, bigint);
CREATE FUNCTION web.digest_signals(p_strategy uuid, p_after bigint, p_last bigint)
RETURNS TABLE (rows bigint, digest bytea, lost bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*), CASE WHEN count(*) = count(h.sha256) THEN
            sha256(coalesce(string_agg(h.sha256, ''::bytea ORDER BY h.seq), ''::bytea)) END,
        count(*) FILTER (WHERE h.sha256 IS NULL)
    FROM (
        SELECT s.seq,
            CASE WHEN e.signal_id IS NULL THEN web.signal_sha256(s) ELSE e.row_sha256 END AS sha256
        FROM web.signals s LEFT JOIN web.emptied_signals e ON e.signal_id = s.id
        WHERE s.strategy_id = p_strategy AND s.seq > p_after AND s.seq <= p_last
    ) h
$$;
GRANT EXECUTE ON FUNCTION web.signal_sha256(web.signals), web.digest_signals(uuid, bigint, bigint)
    TO fillwire_web, fillwire_worker, fillwire_staff;
"""

WORDS = """
-- The workspace that a mail tells of; none for what is a person's own.
ALTER TABLE web.mails ADD COLUMN about_tenant uuid DEFAULT web.current_tenant();

-- A signal as it was read, without what is for people and not for orders.
CREATE OR REPLACE FUNCTION web.without_words(p_signal jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp AS
    $$ SELECT p_signal - ARRAY['message', 'warnings', 'expires_at', 'interval', 'client_tag'] $$;

-- Nothing comes in, nothing goes out, and no word that somebody typed stays.
CREATE OR REPLACE FUNCTION web.erase_tenants(p_tenants uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE web.tenants SET name = 'Erased workspace', erased_at = clock_timestamp()
        WHERE id = ANY (p_tenants);
    UPDATE web.strategies SET name = 'Erased strategy', enabled = false
        WHERE tenant_id = ANY (p_tenants);
    UPDATE web.strategy_intake SET version = version + 1 WHERE tenant_id = ANY (p_tenants);
    DELETE FROM web.former_secrets WHERE tenant_id = ANY (p_tenants);
    DELETE FROM web.connectors WHERE tenant_id = ANY (p_tenants);
    DELETE FROM web.strategy_webhooks WHERE tenant_id = ANY (p_tenants);
    UPDATE web.subscriptions SET enabled = false WHERE tenant_id = ANY (p_tenants);
    UPDATE web.subscription_spans SET disabled_at = greatest(now(), enabled_at)
        WHERE tenant_id = ANY (p_tenants) AND disabled_at IS NULL;
    UPDATE web.connections SET name = 'Erased connection', state = 'closed'
        WHERE tenant_id = ANY (p_tenants);
    DELETE FROM web.invitations WHERE tenant_id = ANY (p_tenants);
    UPDATE web.api_keys SET name = 'Erased key', networks = '{}',
        revoked_at = coalesce(revoked_at, now()) WHERE tenant_id = ANY (p_tenants);
    DELETE FROM web.checkpoint_mails WHERE chain = ANY (p_tenants);
    DELETE FROM web.mails WHERE about_tenant = ANY (p_tenants);
    DELETE FROM web.refusals WHERE tenant_id = ANY (p_tenants);
    DELETE FROM web.signal_keys k USING web.strategies s
        WHERE s.id = k.strategy_id AND s.tenant_id = ANY (p_tenants);
    -- What staff told each other of it.
    DELETE FROM web.staff_notes WHERE tenant_id = ANY (p_tenants);
    UPDATE web.staff_requests SET reason = 'Erased reason' WHERE tenant_id = ANY (p_tenants);
    -- What was sent is free text; what was traded because of it is in the trades. Their hashes
    -- stay, for the seals.
    INSERT INTO web.emptied_signals (signal_id, tenant_id, body_sha256, parsed_sha256, row_sha256)
        SELECT s.id, s.tenant_id, sha256(s.body), sha256(convert_to(s.parsed::text, 'UTF8')),
            web.signal_sha256(s)
        FROM web.signals s WHERE s.tenant_id = ANY (p_tenants) ON CONFLICT DO NOTHING;
    UPDATE web.signals SET body = '', body_hash = '', parsed = web.without_words(parsed)
        WHERE tenant_id = ANY (p_tenants);
    UPDATE web.trades SET signal = web.without_words(signal) WHERE tenant_id = ANY (p_tenants);
END $$;
"""


PERSON = """
-- Everything that tells who a person is goes; what they traded stays, as nobody's in particular.
-- The trail stays whole: in it the words become noise with the keys.
CREATE OR REPLACE FUNCTION web.erase_person(p_person uuid, p_actor text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_shown text := 'per_' || replace(p_person::text, '-', '');
    v_who text := 'person:' || v_shown;
    v_email text;
    -- Whether they showed that the address is theirs, and whether others named it too.
    v_is_theirs boolean;
    v_is_shared boolean;
    v_sole uuid[] := ARRAY(SELECT web.sole_tenants(p_person));
    v_all uuid[] := ARRAY(SELECT m.tenant_id FROM web.members m WHERE m.person_id = p_person);
    v_table record;
BEGIN
    SELECT p.email, p.confirmed_at IS NOT NULL INTO v_email, v_is_theirs FROM web.people p
        WHERE p.id = p_person AND p.erased_at IS NULL FOR UPDATE;
    IF NOT FOUND OR EXISTS (SELECT FROM web.orphaned_tenants(p_person)) THEN
        RETURN false;
    END IF;
    v_is_shared := EXISTS (SELECT FROM web.people o WHERE o.email = v_email AND o.id <> p_person);
    PERFORM web.erase_tenants(v_sole);

    INSERT INTO web.audit_events (tenant_id, actor, action, subject, after)
        SELECT t, p_actor, 'person:erase', v_shown, jsonb_build_object('sole', t = ANY (v_sole))
        FROM unnest(v_all || NULL::uuid) t;
    INSERT INTO web.privacy_keys (of, key, destroyed_at)
        SELECT o, NULL, clock_timestamp() FROM unnest(v_who || ARRAY(
            SELECT 'key:key_' || replace(k.id::text, '-', '') FROM web.api_keys k
            WHERE k.tenant_id = ANY (v_sole)
            UNION ALL SELECT 'tenant:ten_' || replace(t::text, '-', '') FROM unnest(v_sole) t)) o
        ON CONFLICT (of) DO UPDATE SET key = NULL, destroyed_at = excluded.destroyed_at;

    -- Theirs, and what tells others of them; never another's who has the address too, nor one's
    -- whose address ends like it.
    DELETE FROM web.mails WHERE lower(recipient) = v_email AND (v_is_theirs OR NOT v_is_shared)
        OR v_is_theirs AND ARRAY[v_email, v_email || '.']
            && regexp_split_to_array(lower(subject || ' ' || body), '[\\s<>",;:()]+');
    -- Who is gone has invited nobody.
    UPDATE web.invitations SET ended_at = clock_timestamp(), outcome = 'withdrawn', email = NULL
        WHERE invited_by = p_person AND ended_at IS NULL;
    UPDATE web.switches SET why = '' WHERE set_by = v_who OR tenant_id = ANY (v_sole);
    UPDATE web.staff_requests SET reason = 'Erased reason' WHERE subject_id = p_person;
    -- Whatever else is a person's own, in tables of today and of later.
    FOR v_table IN SELECT c.table_name FROM information_schema.columns c
        WHERE c.table_schema = 'web' AND c.column_name = 'person_id' LOOP
        EXECUTE format('DELETE FROM web.%I WHERE person_id = $1', v_table.table_name) USING p_person;
    END LOOP;
    -- Where others wrote the address down: invitations, and what comes later. Staff are no people
    -- of workspaces, and an address that was only named is not this person's.
    FOR v_table IN SELECT c.table_name, c.column_name FROM information_schema.columns c
        JOIN information_schema.tables t USING (table_schema, table_name)
        WHERE c.table_schema = 'web' AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER'
          AND c.column_name IN ('email', 'address', 'recipient') AND c.data_type = 'text'
          AND c.table_name NOT IN ('people', 'mails', 'staff', 'staff_sessions')
          AND v_is_theirs LOOP
        EXECUTE format('DELETE FROM web.%I WHERE lower(%I) = $1', v_table.table_name,
            v_table.column_name) USING v_email;
    END LOOP;
    UPDATE web.people SET email = 'erased ' || v_shown, name = '', password_hash = NULL,
        timezone = 'UTC', confirmed_at = NULL, disabled_at = coalesce(disabled_at, now()),
        erased_at = clock_timestamp() WHERE id = p_person;
    RETURN true;
END $$;
"""

TRIES = """
-- An erasure that fails is tried again later and later.
ALTER TABLE web.erasures
    ADD COLUMN tries integer NOT NULL DEFAULT 0,
    ADD COLUMN next_at timestamptz,
    -- What the last try failed of, by its kind.
    ADD COLUMN error text;
GRANT INSERT, UPDATE (tries, next_at, error) ON web.erasures TO fillwire_worker;
GRANT SELECT (person_id, asked_at, due_at, tries, next_at, error) ON web.erasures
    TO fillwire_staff;
CREATE POLICY staff_see ON web.erasures FOR SELECT TO fillwire_staff USING (true);

-- Whom nobody ever heard of again: they signed up, and neither confirmed nor traded. Those whose
-- erasure failed come again when it is due.
CREATE OR REPLACE FUNCTION web.strangers(p_before timestamptz) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.id FROM web.people p
    WHERE p.confirmed_at IS NULL AND p.erased_at IS NULL AND p.created_at < p_before
      AND NOT EXISTS (SELECT FROM web.sessions s
        WHERE s.person_id = p.id AND s.last_seen_at >= p_before)
      AND NOT EXISTS (SELECT FROM web.trades t
        WHERE t.tenant_id IN (SELECT web.sole_tenants(p.id)))
      AND NOT EXISTS (SELECT FROM web.erasures e WHERE e.person_id = p.id)
    ORDER BY p.created_at LIMIT 100
$$;
"""


def upgrade() -> None:
    for part in (SEALS, WORDS, PERSON, TRIES):
        op.execute(part)
    # Sessions are closed as rows of their person.
    op.execute("DROP FUNCTION web.close_session(bytea)")
