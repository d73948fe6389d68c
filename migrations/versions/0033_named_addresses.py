"""Who only named an address neither reads nor erases what is its owner's."""

from alembic import op

revision = "0033"
down_revision = "0032"

PARTS = """
-- A part of what is kept of a person, a row each. Secrets are in none.
CREATE OR REPLACE FUNCTION web.personal_rows(p_person uuid, p_part text) RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_email text := (SELECT p.email FROM web.people p WHERE p.id = p_person);
    -- Whoever only named an address reads nothing that is mailed to it: links let people in.
    v_is_theirs boolean := (SELECT p.confirmed_at IS NOT NULL FROM web.people p WHERE p.id = p_person);
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
        SELECT to_jsonb(m) FROM web.mails m WHERE lower(m.recipient) = v_email AND v_is_theirs
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

KNOWS = """
-- Did this address sign in whoever the login is? Not another who named the same e-mail: a sign-up
-- with it would free a guesser of the slowing of the account.
CREATE OR REPLACE FUNCTION web.knows_address(p_email text, p_address text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM web.sign_ins s
        WHERE s.person_id = (SELECT l.person_id FROM web.find_login(p_email) l)
          AND s.address = p_address AND s.outcome = 'ok' AND s.at > now() - interval '90 days')
$$;
"""


def upgrade() -> None:
    for part in (PARTS, ERASE, KNOWS):
        op.execute(part)
