"""What is kept of a person can be had as a file, and erased; people who never confirmed go."""

from alembic import op

revision = "0031"
down_revision = "0030"

TABLES = """
ALTER TABLE web.people ADD COLUMN erased_at timestamptz;
-- With it its last owner goes.
ALTER TABLE web.tenants ADD COLUMN erased_at timestamptz;
CREATE OR REPLACE FUNCTION web.keep_an_owner() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM web.tenants t WHERE t.id = OLD.tenant_id AND t.erased_at IS NULL FOR UPDATE;
    IF FOUND AND NOT EXISTS (
        SELECT FROM web.members m WHERE m.tenant_id = OLD.tenant_id AND m.role = 'owner')
    THEN
        RAISE EXCEPTION 'the last owner stays' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'members_keep_an_owner';
    END IF;
    RETURN NULL;
END $$;

-- Who asked to be erased, and when it is done; to cancel is to delete the row.
CREATE TABLE web.erasures (
    person_id uuid PRIMARY KEY REFERENCES web.people,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_at timestamptz NOT NULL
);
CREATE INDEX ON web.erasures (due_at);

-- One file a person at most. It is sealed under their own key.
CREATE TABLE web.personal_files (
    person_id uuid PRIMARY KEY REFERENCES web.people,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    begun_at timestamptz,
    done integer NOT NULL DEFAULT 0,
    parts integer NOT NULL DEFAULT 0,
    ended_at timestamptz,
    sealed bytea,
    error text
);
CREATE INDEX ON web.personal_files (asked_at) WHERE ended_at IS NULL;

GRANT SELECT, INSERT, DELETE ON web.erasures, web.personal_files TO fillwire_web;
GRANT SELECT, DELETE ON web.erasures TO fillwire_worker;
GRANT SELECT, UPDATE, DELETE ON web.personal_files TO fillwire_worker;

-- Where checkpoints of a chain are mailed to, once a day.
CREATE TABLE web.checkpoint_mails (
    chain uuid PRIMARY KEY,
    address text NOT NULL,
    -- Whose address it is; the operator's is nobody's.
    person_id uuid REFERENCES web.people,
    sent_number bigint NOT NULL DEFAULT 0,
    sent_at timestamptz
);
ALTER TABLE web.checkpoint_mails ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON web.checkpoint_mails TO fillwire_web
    USING (chain = web.current_tenant()) WITH CHECK (chain = web.current_tenant());
CREATE POLICY worker ON web.checkpoint_mails TO fillwire_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE ON web.checkpoint_mails TO fillwire_web;
GRANT SELECT, INSERT, DELETE, UPDATE ON web.checkpoint_mails TO fillwire_worker;
"""

OWN = """
ALTER TABLE web.{table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON web.{table} TO fillwire_web
    USING (person_id = web.current_person()) WITH CHECK (person_id = web.current_person());
CREATE POLICY worker ON web.{table} TO fillwire_worker USING (true) WITH CHECK (true);
"""

TENANTS = """
-- The workspaces of a person that nobody else is in.
CREATE FUNCTION web.sole_tenants(p_person uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT m.tenant_id FROM web.members m WHERE m.person_id = p_person
    AND NOT EXISTS (SELECT FROM web.members o
        WHERE o.tenant_id = m.tenant_id AND o.person_id <> p_person)
$$;

-- Those with others in them, who would have no owner without this person.
CREATE FUNCTION web.orphaned_tenants(p_person uuid) RETURNS TABLE (tenant_id uuid, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.id, t.name FROM web.members m JOIN web.tenants t ON t.id = m.tenant_id
    WHERE m.person_id = p_person AND m.role = 'owner'
      AND EXISTS (SELECT FROM web.members o
        WHERE o.tenant_id = m.tenant_id AND o.person_id <> p_person)
      AND NOT EXISTS (SELECT FROM web.members o
        WHERE o.tenant_id = m.tenant_id AND o.person_id <> p_person AND o.role = 'owner')
$$;

-- Others who signed up with the address that is this person's, and never showed that it is theirs.
CREATE FUNCTION web.namesakes(p_person uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT o.id FROM web.people p JOIN web.people o ON o.email = p.email AND o.id <> p.id
    WHERE p.id = p_person AND p.confirmed_at IS NOT NULL AND o.confirmed_at IS NULL
$$;

-- The newest checkpoint of each chain whose day is over, where there is a newer one and its
-- reader is still an owner.
CREATE FUNCTION web.due_checkpoint_mails()
RETURNS TABLE (chain uuid, address text, number bigint, line text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT m.chain, m.address, c.number, c.line FROM web.checkpoint_mails m
    CROSS JOIN LATERAL (SELECT k.number, k.line FROM web.audit_checkpoints k
        WHERE k.chain = m.chain ORDER BY k.number DESC LIMIT 1) c
    WHERE c.number > m.sent_number
      AND (m.sent_at IS NULL OR m.sent_at <= now() - interval '1 day')
      AND (m.person_id IS NULL OR EXISTS (SELECT FROM web.members o
        WHERE o.tenant_id = m.chain AND o.person_id = m.person_id AND o.role = 'owner'))
    LIMIT 100
$$;

-- The workspaces of whoever asks.
CREATE FUNCTION web.my_tenants() RETURNS TABLE (name text, is_sole boolean, is_orphaned boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.name, t.id IN (SELECT web.sole_tenants(web.current_person())),
        t.id IN (SELECT o.tenant_id FROM web.orphaned_tenants(web.current_person()) o)
    FROM web.members m JOIN web.tenants t ON t.id = m.tenant_id
    WHERE m.person_id = web.current_person() ORDER BY t.name
$$;
"""

PARTS = """
-- A part of what is kept of a person, a row each. Secrets are in none.
CREATE FUNCTION web.personal_rows(p_person uuid, p_part text) RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_email text := (SELECT p.email FROM web.people p WHERE p.id = p_person);
    v_shown text := 'per_' || replace(p_person::text, '-', '');
BEGIN
    CASE p_part
    WHEN 'person' THEN RETURN QUERY
        SELECT to_jsonb(p) - 'password_hash' || jsonb_build_object('has_password',
            p.password_hash IS NOT NULL) FROM web.people p WHERE p.id = p_person;
    WHEN 'memberships' THEN RETURN QUERY
        SELECT to_jsonb(m) || jsonb_build_object('workspace', t.name)
        FROM web.members m JOIN web.tenants t ON t.id = m.tenant_id WHERE m.person_id = p_person;
    WHEN 'sessions' THEN RETURN QUERY
        SELECT to_jsonb(s) - 'token_hash' FROM web.sessions s WHERE s.person_id = p_person
        ORDER BY s.created_at;
    WHEN 'sign_ins' THEN RETURN QUERY
        SELECT to_jsonb(s) FROM web.sign_ins s WHERE s.person_id = p_person ORDER BY s.id;
    WHEN 'passkeys' THEN RETURN QUERY
        SELECT to_jsonb(k) || jsonb_build_object('credential_id', encode(k.credential_id, 'base64'),
            'public_key', encode(k.public_key, 'base64'))
        FROM web.passkeys k WHERE k.person_id = p_person;
    WHEN 'authenticators' THEN RETURN QUERY
        SELECT to_jsonb(t) - 'sealed' || jsonb_build_object('recovery_codes_left',
            (SELECT count(*) FROM web.recovery_codes c
             WHERE c.person_id = p_person AND c.used_at IS NULL))
        FROM web.totp t WHERE t.person_id = p_person;
    WHEN 'mails' THEN RETURN QUERY
        SELECT to_jsonb(m) FROM web.mails m WHERE lower(m.recipient) = v_email
        ORDER BY m.created_at;
    WHEN 'audit_events' THEN RETURN QUERY
        SELECT to_jsonb(e) FROM web.audit_events e
        WHERE e.actor = 'person:' || v_shown OR e.subject = v_shown
           OR e.before::text LIKE '%' || v_shown || '%' OR e.after::text LIKE '%' || v_shown || '%'
        ORDER BY e.id;
    WHEN 'api_keys' THEN RETURN QUERY
        SELECT to_jsonb(k) - 'key_hash' FROM web.api_keys k
        WHERE k.tenant_id IN (SELECT web.sole_tenants(p_person)) ORDER BY k.created_at;
    WHEN 'signals' THEN RETURN QUERY
        SELECT to_jsonb(s) - 'body_hash' || jsonb_build_object('body', encode(s.body, 'base64'))
        FROM web.signals s WHERE s.tenant_id IN (SELECT web.sole_tenants(p_person))
        ORDER BY s.accepted_at;
    WHEN 'refusals' THEN RETURN QUERY
        SELECT to_jsonb(r) || jsonb_build_object('body', encode(r.body, 'base64'))
        FROM web.refusals r WHERE r.tenant_id IN (SELECT web.sole_tenants(p_person))
        ORDER BY r.last_at;
    WHEN 'workspaces' THEN RETURN QUERY
        SELECT to_jsonb(t) FROM web.tenants t WHERE t.id IN (SELECT web.sole_tenants(p_person));
    WHEN 'strategies', 'connections', 'subscriptions', 'settings_versions', 'trades', 'orders',
         'fills', 'positions', 'alarms', 'switches' THEN RETURN QUERY EXECUTE format(
        'SELECT to_jsonb(x) FROM web.%I x WHERE x.tenant_id IN (SELECT web.sole_tenants($1))',
        p_part) USING p_person;
    END CASE;
END $$;
"""

ERASE = """
-- Everything that tells who a person is goes; what they traded stays, as nobody's in particular.
-- The trail stays whole: in it the words become noise with the keys.
CREATE FUNCTION web.erase_person(p_person uuid, p_actor text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_shown text := 'per_' || replace(p_person::text, '-', '');
    v_who text := 'person:' || v_shown;
    v_email text;
    v_sole uuid[] := ARRAY(SELECT web.sole_tenants(p_person));
    v_all uuid[] := ARRAY(SELECT m.tenant_id FROM web.members m WHERE m.person_id = p_person);
    v_table record;
BEGIN
    SELECT p.email INTO v_email FROM web.people p WHERE p.id = p_person AND p.erased_at IS NULL
        FOR UPDATE;
    IF NOT FOUND OR EXISTS (SELECT FROM web.orphaned_tenants(p_person)) THEN
        RETURN false;
    END IF;
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

    -- Theirs, and what tells others of them.
    DELETE FROM web.mails WHERE lower(recipient) = v_email
        OR strpos(lower(subject || ' ' || body), v_email) > 0;
    UPDATE web.switches SET why = '' WHERE set_by = v_who OR tenant_id = ANY (v_sole);
    -- Whatever else is a person's own, in tables of today and of later.
    FOR v_table IN SELECT c.table_name FROM information_schema.columns c
        WHERE c.table_schema = 'web' AND c.column_name = 'person_id' LOOP
        EXECUTE format('DELETE FROM web.%I WHERE person_id = $1', v_table.table_name) USING p_person;
    END LOOP;
    -- Where others wrote the address down: invitations, and what comes later.
    FOR v_table IN SELECT c.table_name, c.column_name FROM information_schema.columns c
        JOIN information_schema.tables t USING (table_schema, table_name)
        WHERE c.table_schema = 'web' AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER'
          AND c.column_name IN ('email', 'address', 'recipient') AND c.data_type = 'text'
          AND c.table_name <> 'people' LOOP
        EXECUTE format('DELETE FROM web.%I WHERE lower(%I) = $1', v_table.table_name,
            v_table.column_name) USING v_email;
    END LOOP;
    UPDATE web.people SET email = 'erased ' || v_shown, name = '', password_hash = NULL,
        timezone = 'UTC', confirmed_at = NULL, disabled_at = coalesce(disabled_at, now()),
        erased_at = clock_timestamp() WHERE id = p_person;
    RETURN true;
END $$;

-- Nothing comes in, nothing goes out, and no word that somebody typed stays.
CREATE FUNCTION web.erase_tenants(p_tenants uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE web.tenants SET name = 'Erased workspace', erased_at = clock_timestamp() WHERE id = ANY (p_tenants);
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
    UPDATE web.api_keys SET name = 'Erased key', networks = '{}', revoked_at = coalesce(revoked_at, now())
        WHERE tenant_id = ANY (p_tenants);
    DELETE FROM web.checkpoint_mails WHERE chain = ANY (p_tenants);
    DELETE FROM web.refusals WHERE tenant_id = ANY (p_tenants);
    DELETE FROM web.signal_keys k USING web.strategies s
        WHERE s.id = k.strategy_id AND s.tenant_id = ANY (p_tenants);
    -- What was sent is free text; what was traded because of it is in the trades. Their hashes
    -- stay, for the seals.
    INSERT INTO web.emptied_signals (signal_id, tenant_id, body_sha256, parsed_sha256)
        SELECT s.id, s.tenant_id, sha256(s.body), sha256(convert_to(s.parsed::text, 'UTF8'))
        FROM web.signals s WHERE s.tenant_id = ANY (p_tenants) ON CONFLICT DO NOTHING;
    UPDATE web.signals SET body = '', body_hash = '', parsed = web.without_words(parsed)
        WHERE tenant_id = ANY (p_tenants);
    UPDATE web.trades SET signal = web.without_words(signal) WHERE tenant_id = ANY (p_tenants);
END $$;

-- A signal as it was read, without what is for people and not for orders.
CREATE FUNCTION web.without_words(p_signal jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp AS
    $$ SELECT p_signal - ARRAY['message', 'warnings', 'expires_at', 'interval'] $$;

REVOKE ALL ON FUNCTION web.namesakes(uuid), web.due_checkpoint_mails(), web.sole_tenants(uuid), web.orphaned_tenants(uuid), web.my_tenants(),
    web.personal_rows(uuid, text), web.erase_person(uuid, text), web.erase_tenants(uuid[]),
    web.without_words(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION web.my_tenants() TO fillwire_web;
GRANT EXECUTE ON FUNCTION web.namesakes(uuid), web.due_checkpoint_mails(), web.sole_tenants(uuid),
    web.orphaned_tenants(uuid),
    web.personal_rows(uuid, text), web.erase_person(uuid, text) TO fillwire_worker;
-- The file of a person is sealed, and their words opened, where it is made.
GRANT EXECUTE ON FUNCTION web.privacy_key(text, bytea), web.find_privacy_keys(text[])
    TO fillwire_worker;

-- Whom nobody ever heard of again: they signed up, and neither confirmed nor traded.
CREATE FUNCTION web.strangers(p_before timestamptz) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.id FROM web.people p
    WHERE p.confirmed_at IS NULL AND p.erased_at IS NULL AND p.created_at < p_before
      AND NOT EXISTS (SELECT FROM web.sessions s
        WHERE s.person_id = p.id AND s.last_seen_at >= p_before)
      AND NOT EXISTS (SELECT FROM web.trades t
        WHERE t.tenant_id IN (SELECT web.sole_tenants(p.id)))
    ORDER BY p.created_at LIMIT 100
$$;
REVOKE ALL ON FUNCTION web.strangers(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION web.strangers(timestamptz) TO fillwire_worker;
"""


def upgrade() -> None:
    op.execute(TABLES)
    for table in ("erasures", "personal_files"):
        op.execute(OWN.format(table=table))
    for part in (TENANTS, PARTS, ERASE):
        op.execute(part)
