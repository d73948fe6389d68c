"""Members: invitations, workspaces that one switches between; keys with roles and limits."""

from alembic import op

revision = "0030"
down_revision = "0029"

TABLES = """
-- Where they worked last: there they begin when they sign in.
ALTER TABLE web.people ADD COLUMN last_tenant_id uuid REFERENCES web.tenants;

CREATE TABLE web.invitations (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES web.tenants,
    -- Kept no longer than it is needed.
    email text CHECK (email = lower(email)),
    role text NOT NULL
        CHECK (role IN ('owner', 'admin', 'trader', 'approver', 'publisher', 'viewer')),
    token_hash bytea NOT NULL UNIQUE,
    invited_by uuid NOT NULL REFERENCES web.people,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    outcome text CHECK (outcome IN ('accepted', 'withdrawn', 'replaced')),
    CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CHECK ((email IS NULL) = (ended_at IS NOT NULL))
);
CREATE UNIQUE INDEX invitations_open ON web.invitations (tenant_id, email) WHERE ended_at IS NULL;

ALTER TABLE web.api_keys
    ADD COLUMN role text NOT NULL DEFAULT 'admin'
        CHECK (role IN ('admin', 'trader', 'approver', 'publisher', 'viewer')),
    -- Permissions; empty for all that the role has.
    ADD COLUMN scopes text[] NOT NULL DEFAULT '{}',
    -- Empty for anywhere.
    ADD COLUMN networks cidr[] NOT NULL DEFAULT '{}',
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN created_by uuid REFERENCES web.people,
    ADD CHECK (mode = 'test' OR created_by IS NOT NULL);
"""

RIGHTS = """
GRANT SELECT (id, tenant_id, email, role, invited_by, created_at, expires_at, ended_at, outcome),
    INSERT, UPDATE (email, ended_at, outcome) ON web.invitations TO fillwire_web;
GRANT SELECT (expires_at), DELETE ON web.invitations TO fillwire_worker;
GRANT DELETE ON web.members TO fillwire_web;
GRANT UPDATE (name) ON web.tenants TO fillwire_web;

ALTER TABLE web.invitations ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON web.invitations TO fillwire_web
    USING (tenant_id = web.current_tenant()) WITH CHECK (tenant_id = web.current_tenant());
CREATE POLICY forget ON web.invitations TO fillwire_worker USING (true);
CREATE POLICY rename ON web.tenants FOR UPDATE TO fillwire_web
    USING (id = web.current_tenant()) WITH CHECK (id = web.current_tenant());
"""

OWNERS = """
-- A workspace always has an owner. Those who would leave it at the same time queue up.
CREATE FUNCTION web.keep_an_owner() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM web.tenants t WHERE t.id = OLD.tenant_id FOR UPDATE;
    IF FOUND AND NOT EXISTS (
        SELECT FROM web.members m WHERE m.tenant_id = OLD.tenant_id AND m.role = 'owner')
    THEN
        RAISE EXCEPTION 'the last owner stays' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'members_keep_an_owner';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_an_owner AFTER DELETE OR UPDATE ON web.members
    FOR EACH ROW WHEN (OLD.role = 'owner') EXECUTE FUNCTION web.keep_an_owner();
"""

FUNCTIONS = """
-- What the link of an invitation opens.
CREATE FUNCTION web.look_at_invitation(p_hash bytea)
RETURNS TABLE (tenant_name text, email text, role text, inviter text, has_owner boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.name, i.email, i.role, p.email, EXISTS (
        SELECT FROM web.people o WHERE o.email = i.email AND o.confirmed_at IS NOT NULL)
    FROM web.invitations i
    JOIN web.tenants t ON t.id = i.tenant_id
    JOIN web.people p ON p.id = i.invited_by
    WHERE i.token_hash = p_hash AND i.ended_at IS NULL AND i.expires_at > clock_timestamp()
$$;

-- Once, and by whom it was sent to. The mail reached them, so the address is theirs.
CREATE FUNCTION web.accept_invitation(p_hash bytea, p_person uuid)
RETURNS TABLE (invitation_id uuid, tenant_id uuid, role text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v web.invitations;
BEGIN
    SELECT * INTO v FROM web.invitations i
        WHERE i.token_hash = p_hash AND i.ended_at IS NULL AND i.expires_at > clock_timestamp()
        FOR UPDATE;
    IF v.id IS NULL THEN
        RETURN;
    END IF;
    UPDATE web.people p SET confirmed_at = coalesce(p.confirmed_at, now()), last_tenant_id = v.tenant_id
        WHERE p.id = p_person AND p.email = v.email AND p.disabled_at IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    INSERT INTO web.members AS m (tenant_id, person_id, role) VALUES (v.tenant_id, p_person, v.role)
        ON CONFLICT DO NOTHING;
    UPDATE web.invitations i SET ended_at = clock_timestamp(), outcome = 'accepted', email = NULL
        WHERE i.id = v.id;
    RETURN QUERY SELECT v.id, v.tenant_id, v.role;
END $$;

-- Another workspace of whoever asks; no more than so many that they own.
CREATE FUNCTION web.add_tenant(p_tenant uuid, p_name text, p_most integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM web.people p WHERE p.id = web.current_person() FOR UPDATE;
    IF NOT FOUND OR (SELECT count(*) FROM web.members m
            WHERE m.person_id = web.current_person() AND m.role = 'owner') >= p_most THEN
        RETURN false;
    END IF;
    INSERT INTO web.tenants (id, name) VALUES (p_tenant, p_name);
    INSERT INTO web.members (tenant_id, person_id, role)
        VALUES (p_tenant, web.current_person(), 'owner');
    RETURN true;
END $$;

-- The session works in another workspace of its person, under a new token.
CREATE FUNCTION web.switch_session(p_old bytea, p_new bytea, p_tenant uuid)
RETURNS TABLE (session_id uuid, person_id uuid)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH moved AS (
        UPDATE web.sessions s SET token_hash = p_new, tenant_id = p_tenant
        FROM web.members m
        WHERE s.token_hash = p_old AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
          AND NOT s.pending AND m.person_id = s.person_id AND m.tenant_id = p_tenant
        RETURNING s.id, s.person_id
    ), kept AS (
        UPDATE web.people p SET last_tenant_id = p_tenant FROM moved WHERE p.id = moved.person_id
    )
    SELECT moved.id, moved.person_id FROM moved
$$;

CREATE FUNCTION web.tenants_of(p_person uuid) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY(
        SELECT m.tenant_id FROM web.members m JOIN web.people p ON p.id = m.person_id
        WHERE m.person_id = p_person
        ORDER BY m.tenant_id IS NOT DISTINCT FROM p.last_tenant_id DESC, m.created_at)
$$;

CREATE OR REPLACE FUNCTION web.find_login(p_email text)
RETURNS TABLE (person_id uuid, password_hash text, disabled boolean, confirmed boolean,
               second_factor boolean, tenant_ids uuid[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.id, p.password_hash, p.disabled_at IS NOT NULL, p.confirmed_at IS NOT NULL,
           web.has_second_factor(p.id), web.tenants_of(p.id)
    FROM web.people p WHERE p.email = lower(p_email)
    ORDER BY p.confirmed_at IS NULL, p.created_at DESC LIMIT 1
$$;

CREATE OR REPLACE FUNCTION web.find_passkey(p_credential bytea)
RETURNS TABLE (passkey_id uuid, person_id uuid, public_key bytea, sign_count bigint, email text,
               tenant_ids uuid[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT k.id, p.id, k.public_key, k.sign_count, p.email, web.tenants_of(p.id)
    FROM web.passkeys k JOIN web.people p ON p.id = k.person_id AND p.disabled_at IS NULL
    WHERE k.credential_id = p_credential
$$;

DROP FUNCTION web.find_session(bytea, interval, text);
-- Also notes, at most once a minute, that it was seen. No role: they are a member no more.
-- `workspaces` are those that they may switch to.
CREATE FUNCTION web.find_session(p_hash bytea, p_idle interval, p_address text)
RETURNS TABLE (person_id uuid, tenant_id uuid, email text, name text, role text, tenant_name text,
               session_id uuid, proved_at timestamptz, pending boolean, confirmed boolean,
               second_factor boolean, workspaces json)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE web.sessions s SET last_seen_at = clock_timestamp(), address = p_address
    WHERE s.token_hash = p_hash AND s.revoked_at IS NULL AND s.expires_at > now()
      AND s.last_seen_at BETWEEN now() - p_idle AND now() - interval '1 minute';
    SELECT s.person_id, s.tenant_id, p.email, p.name, m.role, t.name, s.id, s.proved_at, s.pending,
           p.confirmed_at IS NOT NULL, web.has_second_factor(p.id),
           (SELECT json_agg(json_build_object('id', ot.id, 'name', ot.name, 'role', o.role)
                            ORDER BY ot.name, ot.id)
            FROM web.members o JOIN web.tenants ot ON ot.id = o.tenant_id
            WHERE o.person_id = s.person_id AND o.tenant_id <> s.tenant_id)
    FROM web.sessions s
    JOIN web.people p ON p.id = s.person_id AND p.disabled_at IS NULL
    LEFT JOIN web.members m ON m.person_id = s.person_id AND m.tenant_id = s.tenant_id
    JOIN web.tenants t ON t.id = s.tenant_id
    WHERE s.token_hash = p_hash AND s.revoked_at IS NULL AND s.expires_at > now()
      AND s.last_seen_at > now() - p_idle
$$;

DROP FUNCTION web.find_api_key(bytea);
-- One that is unknown, revoked, expired, shown from elsewhere, or whose maker is gone finds
-- nothing, after the same work. Also notes, at most once a minute, that it was used.
CREATE FUNCTION web.find_api_key(p_hash bytea, p_address inet)
RETURNS TABLE (key_id uuid, tenant_id uuid, mode text, role text, scopes text[], maker_role text,
               confirmed boolean, second_factor boolean)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH good AS (
        SELECT k.*, m.role AS maker_role, p.confirmed_at IS NOT NULL AS confirmed
        FROM web.api_keys k
        LEFT JOIN web.people p ON p.id = k.created_by AND p.disabled_at IS NULL
        LEFT JOIN web.members m ON m.person_id = p.id AND m.tenant_id = k.tenant_id
        WHERE k.key_hash = p_hash AND k.revoked_at IS NULL
          AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
          AND (k.networks = '{}' OR p_address <<= ANY (k.networks))
          AND (k.created_by IS NULL OR m.role IS NOT NULL)
    ), used AS (
        UPDATE web.api_keys k SET last_used_at = now() FROM good g
        WHERE k.id = g.id AND (k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute')
    )
    SELECT g.id, g.tenant_id, g.mode, g.role, g.scopes, g.maker_role, g.confirmed,
           g.created_by IS NOT NULL AND web.has_second_factor(g.created_by)
    FROM good g
$$;

-- Which of these strategies of the current tenant somebody trades with live money.
CREATE FUNCTION web.live_strategies(p_strategies uuid[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT s.strategy_id FROM web.subscriptions s
    JOIN web.connections c ON c.id = s.connection_id AND c.tenant_id = s.tenant_id
    WHERE s.strategy_id = ANY (p_strategies) AND s.strategy_tenant_id = web.current_tenant()
      AND c.mode = 'live'
$$;

REVOKE ALL ON FUNCTION web.keep_an_owner(), web.tenants_of(uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION
    web.look_at_invitation(bytea), web.accept_invitation(bytea, uuid),
    web.add_tenant(uuid, text, integer), web.switch_session(bytea, bytea, uuid),
    web.find_session(bytea, interval, text), web.find_api_key(bytea, inet),
    web.live_strategies(uuid[])
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    web.look_at_invitation(bytea), web.accept_invitation(bytea, uuid),
    web.add_tenant(uuid, text, integer), web.switch_session(bytea, bytea, uuid),
    web.find_session(bytea, interval, text), web.find_api_key(bytea, inet),
    web.live_strategies(uuid[])
    TO fillwire_web;
"""


def upgrade() -> None:
    for part in (TABLES, RIGHTS, OWNERS, FUNCTIONS):
        op.execute(part)
