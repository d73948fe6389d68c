"""People: sign-up, second factors, sessions one can see, limits on tries, and mail."""

from alembic import op

revision = "0026"
down_revision = "0025"

PEOPLE = """
-- Whose rows of their own a transaction may see, as current_tenant says whose workspace.
CREATE FUNCTION web.current_person() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(current_setting('app.person_id', true), '')::uuid $$;
GRANT EXECUTE ON FUNCTION web.current_person() TO fillwire_web;

-- Nobody owns an address before they have shown that mail to it reaches them: until then
-- others may name it too.
ALTER TABLE web.people
    ALTER COLUMN password_hash DROP NOT NULL,
    ADD COLUMN timezone text NOT NULL DEFAULT 'UTC',
    ADD COLUMN confirmed_at timestamptz,
    DROP CONSTRAINT people_email_key;
UPDATE web.people SET confirmed_at = created_at;
CREATE UNIQUE INDEX people_confirmed ON web.people (email) WHERE confirmed_at IS NOT NULL;
CREATE INDEX ON web.people (email, created_at);
GRANT SELECT (timezone, confirmed_at), UPDATE (password_hash, confirmed_at) ON web.people
    TO fillwire_web;
CREATE POLICY self ON web.people TO fillwire_web
    USING (id = web.current_person()) WITH CHECK (id = web.current_person());

ALTER TABLE web.sessions
    ADD COLUMN id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    ADD COLUMN device text NOT NULL DEFAULT '',
    ADD COLUMN address text NOT NULL DEFAULT '',
    -- The password was right, the second factor is still to come.
    ADD COLUMN pending boolean NOT NULL DEFAULT false,
    -- When whoever holds it last proved who they are.
    ADD COLUMN proved_at timestamptz;
UPDATE web.sessions SET proved_at = created_at;
CREATE INDEX ON web.sessions (person_id, last_seen_at DESC);
GRANT SELECT (id, person_id, tenant_id, created_at, last_seen_at, expires_at, revoked_at, device,
    address, pending, proved_at), UPDATE (revoked_at) ON web.sessions TO fillwire_web;
CREATE POLICY own ON web.sessions TO fillwire_web USING (person_id = web.current_person());

-- Who signed in, or tried with the right address.
CREATE TABLE web.sign_ins (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES web.people,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    method text NOT NULL,
    outcome text NOT NULL,
    device text NOT NULL,
    address text NOT NULL
);
CREATE INDEX ON web.sign_ins (person_id, id DESC);

-- What a mail carries: spent by its first use.
CREATE TABLE web.links (
    token_hash bytea PRIMARY KEY,
    person_id uuid REFERENCES web.people,
    purpose text NOT NULL CHECK (purpose IN ('confirm', 'reset')),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX ON web.links (person_id);

-- Keys are hashes of what is counted: no address of anybody stands here.
CREATE TABLE web.tries (
    key bytea PRIMARY KEY,
    count integer NOT NULL,
    last_at timestamptz NOT NULL
);
"""

FACTORS = """
-- A secret of an authenticator app; it counts once a code of it was shown. `last_step` is the
-- newest half minute whose code was taken.
CREATE TABLE web.totp (
    person_id uuid PRIMARY KEY REFERENCES web.people,
    sealed bytea NOT NULL,
    confirmed_at timestamptz,
    last_step bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE web.recovery_codes (
    person_id uuid NOT NULL REFERENCES web.people,
    code_hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (person_id, code_hash)
);

CREATE TABLE web.passkeys (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES web.people,
    credential_id bytea NOT NULL UNIQUE,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz
);
CREATE INDEX ON web.passkeys (person_id);

-- What a passkey is asked to sign: taken away by its first use.
CREATE TABLE web.challenges (
    id uuid PRIMARY KEY,
    purpose text NOT NULL,
    person_id uuid,
    challenge bytea NOT NULL,
    expires_at timestamptz NOT NULL
);
"""

MAIL = """
-- Written in the transaction of what it tells of, sent by the relay.
CREATE TABLE web.mails (
    id uuid PRIMARY KEY,
    recipient text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts integer NOT NULL DEFAULT 0,
    error text,
    ended_at timestamptz,
    -- sent: the server took it; inbox: shown on the inbox page; refused: the server never will.
    outcome text CHECK (outcome IN ('sent', 'inbox', 'refused', 'nobody')),
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX mails_due ON web.mails (due_at) WHERE ended_at IS NULL;
CREATE INDEX mails_shown ON web.mails (created_at DESC) WHERE outcome = 'inbox';
GRANT INSERT ON web.mails TO fillwire_web, fillwire_worker;
GRANT SELECT, DELETE, UPDATE (due_at, attempts, error, ended_at, outcome, body) ON web.mails
    TO fillwire_worker;
ALTER TABLE web.mails ENABLE ROW LEVEL SECURITY;
CREATE POLICY write ON web.mails FOR INSERT TO fillwire_web WITH CHECK (true);
CREATE POLICY worker ON web.mails TO fillwire_worker USING (true) WITH CHECK (true);
"""

GRANTS = """
GRANT SELECT, INSERT ON web.sign_ins TO fillwire_web;
GRANT SELECT, INSERT, DELETE ON web.totp, web.recovery_codes, web.passkeys TO fillwire_web;
GRANT UPDATE (confirmed_at, last_step) ON web.totp TO fillwire_web;
GRANT UPDATE (used_at) ON web.recovery_codes TO fillwire_web;
GRANT UPDATE (sign_count, last_used_at, name) ON web.passkeys TO fillwire_web;
-- Housekeeping.
GRANT SELECT (expires_at), DELETE ON web.links, web.challenges, web.sessions TO fillwire_worker;
GRANT SELECT (last_at), DELETE ON web.tries TO fillwire_worker;
GRANT SELECT (at), DELETE ON web.sign_ins TO fillwire_worker;
"""

# Of one person; reached as that person, or through the functions below.
OWN = ("sign_ins", "totp", "recovery_codes", "passkeys")
CLOSED = ("links", "tries", "challenges")
KEPT_SHORT = ("links", "challenges", "sessions", "tries", "sign_ins")

FUNCTIONS = """
CREATE FUNCTION web.has_second_factor(p_person uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM web.totp t WHERE t.person_id = p_person AND t.confirmed_at IS NOT NULL)
        OR EXISTS (SELECT FROM web.passkeys k WHERE k.person_id = p_person)
$$;

DROP FUNCTION web.find_login(text);
-- The address's owner; while nobody is, whoever named it last.
CREATE FUNCTION web.find_login(p_email text)
RETURNS TABLE (person_id uuid, password_hash text, disabled boolean, confirmed boolean,
               second_factor boolean, tenant_ids uuid[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.id, p.password_hash, p.disabled_at IS NOT NULL, p.confirmed_at IS NOT NULL,
           web.has_second_factor(p.id),
           ARRAY(SELECT m.tenant_id FROM web.members m WHERE m.person_id = p.id ORDER BY m.created_at)
    FROM web.people p WHERE p.email = lower(p_email)
    ORDER BY p.confirmed_at IS NULL, p.created_at DESC LIMIT 1
$$;

-- The current person's own: an address that is not confirmed may be another's login as well.
CREATE FUNCTION web.own_login() RETURNS TABLE (password_hash text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.password_hash FROM web.people p WHERE p.id = web.current_person()
$$;

-- A new person and the workspace they own. Answers whether the address has an owner.
CREATE FUNCTION web.sign_up(p_person uuid, p_tenant uuid, p_email text, p_hash text, p_timezone text,
                            p_workspace text) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO web.people (id, email, password_hash, timezone)
        VALUES (p_person, lower(p_email), p_hash, p_timezone);
    INSERT INTO web.tenants (id, name) VALUES (p_tenant, p_workspace);
    INSERT INTO web.members (tenant_id, person_id, role) VALUES (p_tenant, p_person, 'owner');
    SELECT EXISTS (SELECT FROM web.people p WHERE p.email = lower(p_email) AND p.confirmed_at IS NOT NULL);
$$;

CREATE FUNCTION web.keep_link(p_hash bytea, p_person uuid, p_purpose text, p_expires timestamptz)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO web.links (token_hash, person_id, purpose, expires_at)
        VALUES (p_hash, p_person, p_purpose, p_expires)
$$;

-- Whose link it is. `p_use` spends it.
CREATE FUNCTION web.open_link(p_hash bytea, p_purpose text, p_use boolean)
RETURNS TABLE (person_id uuid, tenant_id uuid, email text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH good AS (
        SELECT l.token_hash FROM web.links l
        WHERE l.token_hash = p_hash AND l.purpose = p_purpose AND l.used_at IS NULL
          AND l.expires_at > clock_timestamp() FOR UPDATE
    ), spent AS (
        UPDATE web.links l SET used_at = clock_timestamp() FROM good g
        WHERE l.token_hash = g.token_hash AND p_use
    )
    SELECT p.id, (SELECT m.tenant_id FROM web.members m WHERE m.person_id = p.id
                  ORDER BY m.created_at LIMIT 1), p.email
    FROM web.links l JOIN good g USING (token_hash)
    JOIN web.people p ON p.id = l.person_id AND p.disabled_at IS NULL
$$;

-- After a reset no older link to reset is worth anything.
CREATE FUNCTION web.spend_links(p_person uuid, p_purpose text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE web.links SET used_at = clock_timestamp()
    WHERE person_id = p_person AND purpose = p_purpose AND used_at IS NULL
$$;

DROP FUNCTION web.open_session(bytea, uuid, uuid, timestamptz);
CREATE FUNCTION web.open_session(p_hash bytea, p_person uuid, p_tenant uuid, p_expires timestamptz,
                                 p_pending boolean, p_device text, p_address text)
RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO web.sessions (token_hash, person_id, tenant_id, expires_at, pending, device, address,
                              proved_at)
    SELECT p_hash, m.person_id, m.tenant_id, p_expires, p_pending, p_device, p_address,
           CASE WHEN p_pending THEN NULL ELSE clock_timestamp() END
    FROM web.members m WHERE m.person_id = p_person AND m.tenant_id = p_tenant
    RETURNING id
$$;

-- The session becomes one that was proved just now, under a new token.
CREATE FUNCTION web.renew_session(p_old bytea, p_new bytea, p_expires timestamptz) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE web.sessions SET token_hash = p_new, proved_at = clock_timestamp(), pending = false,
        expires_at = CASE WHEN pending THEN p_expires ELSE expires_at END,
        last_seen_at = clock_timestamp()
    WHERE token_hash = p_old AND revoked_at IS NULL AND expires_at > clock_timestamp()
    RETURNING id
$$;

DROP FUNCTION web.find_session(bytea);
-- Also notes, at most once a minute, that it was seen.
CREATE FUNCTION web.find_session(p_hash bytea, p_idle interval, p_address text)
RETURNS TABLE (person_id uuid, tenant_id uuid, email text, name text, role text, tenant_name text,
               session_id uuid, proved_at timestamptz, pending boolean, confirmed boolean,
               second_factor boolean)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE web.sessions s SET last_seen_at = clock_timestamp(), address = p_address
    WHERE s.token_hash = p_hash AND s.revoked_at IS NULL AND s.expires_at > now()
      AND s.last_seen_at BETWEEN now() - p_idle AND now() - interval '1 minute';
    SELECT s.person_id, s.tenant_id, p.email, p.name, m.role, t.name, s.id, s.proved_at, s.pending,
           p.confirmed_at IS NOT NULL, web.has_second_factor(p.id)
    FROM web.sessions s
    JOIN web.people p ON p.id = s.person_id AND p.disabled_at IS NULL
    JOIN web.members m ON m.person_id = s.person_id AND m.tenant_id = s.tenant_id
    JOIN web.tenants t ON t.id = s.tenant_id
    WHERE s.token_hash = p_hash AND s.revoked_at IS NULL AND s.expires_at > now()
      AND s.last_seen_at > now() - p_idle
$$;

CREATE FUNCTION web.find_passkey(p_credential bytea)
RETURNS TABLE (passkey_id uuid, person_id uuid, public_key bytea, sign_count bigint, email text,
               tenant_ids uuid[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT k.id, p.id, k.public_key, k.sign_count, p.email,
           ARRAY(SELECT m.tenant_id FROM web.members m WHERE m.person_id = p.id ORDER BY m.created_at)
    FROM web.passkeys k JOIN web.people p ON p.id = k.person_id AND p.disabled_at IS NULL
    WHERE k.credential_id = p_credential
$$;

CREATE FUNCTION web.keep_challenge(p_id uuid, p_purpose text, p_person uuid, p_challenge bytea,
                                   p_expires timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO web.challenges VALUES (p_id, p_purpose, p_person, p_challenge, p_expires)
$$;

CREATE FUNCTION web.take_challenge(p_id uuid, p_purpose text, p_person uuid) RETURNS bytea
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM web.challenges c
    WHERE c.id = p_id AND c.purpose = p_purpose AND c.person_id IS NOT DISTINCT FROM p_person
      AND c.expires_at > clock_timestamp()
    RETURNING c.challenge
$$;

-- Count a try under each key, unless one of them has to wait: then how many seconds. Past
-- its free tries a key waits twice as long after each, up to an hour; six quiet hours and
-- it starts anew.
CREATE FUNCTION web.count_try(p_keys bytea[], p_free integer[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_wait double precision;
BEGIN
    -- All are locked, in one order, before any is judged: tries at the same time queue up.
    INSERT INTO web.tries AS t (key, count, last_at)
        SELECT k, 0, v_now FROM unnest(p_keys) k ORDER BY k
        ON CONFLICT (key) DO UPDATE SET
            count = CASE WHEN t.last_at < v_now - interval '6 hours' THEN 0 ELSE t.count END;
    SELECT max(extract(epoch FROM t.last_at - v_now) + least(3600, 15 * 2.0 ^ least(t.count - f.free, 10)))
        INTO v_wait
        FROM web.tries t JOIN unnest(p_keys, p_free) AS f(key, free) USING (key)
        WHERE t.count >= f.free;
    IF v_wait > 0 THEN
        RETURN ceil(v_wait);
    END IF;
    UPDATE web.tries SET count = count + 1, last_at = v_now WHERE key = ANY (p_keys);
    RETURN 0;
END $$;

-- It was right: the first keys start anew, the others take back the one try.
CREATE FUNCTION web.forgive_tries(p_forget bytea[], p_refund bytea[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM web.tries WHERE key = ANY (p_forget);
    UPDATE web.tries SET count = greatest(0, count - 1) WHERE key = ANY (p_refund);
$$;

-- Did this address sign this person in lately?
CREATE FUNCTION web.knows_address(p_email text, p_address text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM web.people p JOIN web.sign_ins s ON s.person_id = p.id
        WHERE p.email = lower(p_email) AND s.address = p_address AND s.outcome = 'ok'
          AND s.at > now() - interval '90 days')
$$;

-- Only what the relay put on the inbox page, where no mail server is set.
CREATE FUNCTION web.inbox() RETURNS TABLE (id uuid, recipient text, subject text, body text,
                                           created_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT m.id, m.recipient, m.subject, m.body, m.created_at FROM web.mails m
    WHERE m.outcome = 'inbox' ORDER BY m.created_at DESC LIMIT 50
$$;

GRANT EXECUTE ON FUNCTION
    web.has_second_factor(uuid), web.find_login(text), web.own_login(),
    web.sign_up(uuid, uuid, text, text, text, text),
    web.keep_link(bytea, uuid, text, timestamptz), web.open_link(bytea, text, boolean),
    web.spend_links(uuid, text),
    web.open_session(bytea, uuid, uuid, timestamptz, boolean, text, text),
    web.renew_session(bytea, bytea, timestamptz), web.find_session(bytea, interval, text),
    web.find_passkey(bytea), web.keep_challenge(uuid, text, uuid, bytea, timestamptz),
    web.take_challenge(uuid, text, uuid), web.count_try(bytea[], integer[]),
    web.forgive_tries(bytea[], bytea[]), web.knows_address(text, text), web.inbox()
    TO fillwire_web;
"""


def upgrade() -> None:
    for part in (PEOPLE, FACTORS, MAIL, GRANTS):
        op.execute(part)
    for table in (*OWN, *CLOSED):
        op.execute(f"ALTER TABLE web.{table} ENABLE ROW LEVEL SECURITY")
    for table in OWN:
        op.execute(
            f"CREATE POLICY own ON web.{table} TO fillwire_web "
            "USING (person_id = web.current_person()) WITH CHECK (person_id = web.current_person())"
        )
    for table in KEPT_SHORT:
        op.execute(f"CREATE POLICY forget ON web.{table} TO fillwire_worker USING (true)")
    op.execute(FUNCTIONS)
