"""Staff: who they are, what they may read, and the narrow ways in which they change things."""

from alembic import op

revision = "0032"
down_revision = "0031"

PEOPLE = """
-- Not web.people: staff belong to no workspace, and no sign-in of a workspace lets them in.
CREATE TABLE web.staff (
    id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE CHECK (email = lower(email)),
    role text NOT NULL CHECK (role IN ('viewer', 'support', 'billing', 'engineer', 'owner')),
    -- None until they opened their link.
    password_hash text,
    -- Networks they come from; empty: anywhere.
    addresses text[] NOT NULL DEFAULT '{}',
    disabled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE web.staff_sessions (
    id uuid PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    staff_id uuid NOT NULL REFERENCES web.staff,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    -- The second factor is still to come; opened by a link, it may be set up.
    pending boolean NOT NULL,
    enrols boolean NOT NULL,
    device text NOT NULL,
    address text NOT NULL
);
CREATE INDEX ON web.staff_sessions (staff_id);

-- One time, to choose a password and a second factor.
CREATE TABLE web.staff_links (
    token_hash bytea PRIMARY KEY,
    staff_id uuid NOT NULL REFERENCES web.staff,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

-- Second factors are kept the same way for both kinds of people.
ALTER TABLE web.totp DROP CONSTRAINT totp_person_id_fkey;
ALTER TABLE web.passkeys DROP CONSTRAINT passkeys_person_id_fkey;
"""

DOINGS = """
-- What takes two: one asks, another decides.
CREATE TABLE web.staff_requests (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('reset_second_factor', 'change_role', 'reset_staff')),
    subject_id uuid NOT NULL,
    -- Of the person whose second factor it is; none for staff.
    tenant_id uuid REFERENCES web.tenants,
    wanted text,
    reason text NOT NULL CHECK (length(reason) >= 10),
    asked_by uuid NOT NULL REFERENCES web.staff,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL DEFAULT clock_timestamp() + interval '24 hours',
    decided_by uuid REFERENCES web.staff,
    decided_at timestamptz,
    outcome text CHECK (outcome IN ('approved', 'refused')),
    CHECK (decided_by <> asked_by),
    CHECK ((decided_by IS NULL) = (outcome IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL))
);
CREATE INDEX ON web.staff_requests (asked_at DESC);

CREATE TABLE web.staff_notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES web.tenants,
    staff_id uuid NOT NULL REFERENCES web.staff,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    note text NOT NULL CHECK (note <> '')
);
CREATE INDEX ON web.staff_notes (tenant_id, id DESC);

-- A staff member sees a workspace as one of its people does, and changes nothing.
CREATE TABLE web.view_as (
    id uuid PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    staff_id uuid NOT NULL REFERENCES web.staff,
    staff_session_id uuid NOT NULL REFERENCES web.staff_sessions ON DELETE CASCADE,
    tenant_id uuid NOT NULL REFERENCES web.tenants,
    person_id uuid NOT NULL REFERENCES web.people,
    began_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '15 minutes',
    ended_at timestamptz
);

-- What customers of a broker are told on their pages.
CREATE TABLE web.broker_notices (
    broker text PRIMARY KEY,
    level text NOT NULL CHECK (level IN ('degraded', 'down', 'maintenance')),
    message text NOT NULL CHECK (message <> ''),
    from_at timestamptz NOT NULL,
    until_at timestamptz NOT NULL CHECK (until_at > from_at),
    set_by text NOT NULL,
    set_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE web.flags (
    key text PRIMARY KEY,
    mode text NOT NULL CHECK (mode IN ('on', 'off', 'percent', 'accounts')),
    percent integer NOT NULL DEFAULT 0 CHECK (percent BETWEEN 0 AND 100),
    accounts uuid[] NOT NULL DEFAULT '{}',
    -- Afterwards it is as if it were not here.
    expires_at timestamptz NOT NULL,
    owner text NOT NULL CHECK (owner <> ''),
    set_by text NOT NULL,
    set_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""

PLANS = """
CREATE TABLE web.plans (
    id text PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    created_at timestamptz NOT NULL DEFAULT now()
);
-- What is not here is not limited.
CREATE TABLE web.plan_limits (
    plan_id text NOT NULL REFERENCES web.plans,
    key text NOT NULL,
    value bigint NOT NULL CHECK (value >= 0),
    PRIMARY KEY (plan_id, key)
);
INSERT INTO web.plans (id, name) VALUES ('standard', 'Standard'), ('starter', 'Starter');
INSERT INTO web.plan_limits (plan_id, key, value) VALUES
    ('starter', 'strategies', 3), ('starter', 'paper_connections', 2),
    ('starter', 'subscriptions', 10);

ALTER TABLE web.tenants
    ADD COLUMN plan_id text NOT NULL DEFAULT 'standard' REFERENCES web.plans,
    -- Its people may look and close what is open, nothing else.
    ADD COLUMN suspended_at timestamptz;

-- For one tenant, in the place of its plan's limit, until then. No value: not limited.
CREATE TABLE web.entitlements (
    tenant_id uuid NOT NULL REFERENCES web.tenants,
    key text NOT NULL,
    value bigint CHECK (value >= 0),
    until timestamptz NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, key)
);

ALTER TABLE web.quarantined_facts
    ADD COLUMN requeued_at timestamptz,
    ADD COLUMN ended_at timestamptz,
    ADD COLUMN outcome text CHECK (outcome IN ('worked in', 'discarded'));
CREATE INDEX requeued_facts ON web.quarantined_facts (requeued_at) WHERE requeued_at IS NOT NULL;

-- Whole tables by time: rows are written about in its order, so this costs next to nothing.
CREATE INDEX signals_by_time ON web.signals USING brin (accepted_at) WITH (autosummarize = on);
CREATE INDEX trades_by_time ON web.trades USING brin (accepted_at) WITH (autosummarize = on);
CREATE INDEX orders_by_time ON web.orders USING brin (created_at) WITH (autosummarize = on);
CREATE INDEX refusals_by_time ON web.refusals USING brin (last_at) WITH (autosummarize = on);
"""

GRANTS = """
GRANT SELECT (id, email, role, addresses, disabled_at, created_at) ON web.staff TO fillwire_staff;
GRANT UPDATE (password_hash) ON web.staff TO fillwire_staff;
GRANT SELECT (id, staff_id, created_at, last_seen_at, revoked_at, pending, device, address)
    ON web.staff_sessions TO fillwire_staff;
GRANT SELECT, INSERT, DELETE ON web.totp, web.passkeys TO fillwire_staff;
GRANT UPDATE (confirmed_at, last_step) ON web.totp TO fillwire_staff;
GRANT UPDATE (sign_count, last_used_at, name) ON web.passkeys TO fillwire_staff;
GRANT SELECT, INSERT ON web.staff_requests, web.staff_notes TO fillwire_staff;
GRANT INSERT, SELECT (id, staff_id, tenant_id, person_id, began_at, expires_at, ended_at)
    ON web.view_as TO fillwire_staff;
GRANT SELECT, INSERT, UPDATE, DELETE ON web.broker_notices, web.flags TO fillwire_staff;
GRANT SELECT, INSERT, UPDATE, DELETE ON web.plan_limits, web.entitlements TO fillwire_staff;
GRANT SELECT ON web.plans TO fillwire_staff;
GRANT UPDATE (plan_id, suspended_at) ON web.tenants TO fillwire_staff;
GRANT UPDATE (requeued_at, ended_at, outcome) ON web.quarantined_facts TO fillwire_staff;
GRANT SELECT (confirmed_at, timezone) ON web.people TO fillwire_staff;
GRANT SELECT (id, tenant_id, name, prefix, mode, created_at, last_used_at, revoked_at)
    ON web.api_keys TO fillwire_staff;
-- Not its secret, neither hashed nor sealed.
GRANT SELECT (strategy_id, tenant_id, webhook_uuid, per_minute, per_hour, dedupe_seconds, senders,
    addresses) ON web.strategy_webhooks TO fillwire_staff;
GRANT SELECT (id, subject, created_at, due_at, attempts, error, ended_at, outcome), INSERT
    ON web.mails TO fillwire_staff;

GRANT SELECT (expires_at), DELETE ON web.staff_sessions, web.staff_links TO fillwire_worker;
GRANT SELECT ON web.broker_notices, web.plans, web.plan_limits, web.entitlements TO fillwire_web;

GRANT EXECUTE ON FUNCTION web.current_person(), web.has_second_factor(uuid),
    web.count_try(bytea[], integer[]), web.forgive_tries(bytea[], bytea[]),
    web.keep_challenge(uuid, text, uuid, bytea, timestamptz),
    web.take_challenge(uuid, text, uuid), web.keep_link(bytea, uuid, text, timestamptz)
    TO fillwire_staff;
"""

ISOLATION = """
CREATE FUNCTION web.is_staff(p_id uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM web.staff s WHERE s.id = p_id)
$$;
REVOKE ALL ON FUNCTION web.is_staff(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION web.is_staff(uuid) TO fillwire_staff;

CREATE POLICY staff_own ON web.totp TO fillwire_staff
    USING (person_id = web.current_person() AND web.is_staff(person_id))
    WITH CHECK (person_id = web.current_person() AND web.is_staff(person_id));
CREATE POLICY staff_own ON web.passkeys TO fillwire_staff
    USING (person_id = web.current_person() AND web.is_staff(person_id))
    WITH CHECK (person_id = web.current_person() AND web.is_staff(person_id));

CREATE POLICY staff_see ON web.staff FOR SELECT TO fillwire_staff USING (true);
CREATE POLICY staff_own ON web.staff FOR UPDATE TO fillwire_staff
    USING (id = web.current_person()) WITH CHECK (id = web.current_person());
CREATE POLICY staff_suspend ON web.tenants FOR UPDATE TO fillwire_staff
    USING (true) WITH CHECK (true);
CREATE POLICY staff_decide ON web.quarantined_facts FOR UPDATE TO fillwire_staff
    USING (true) WITH CHECK (true);
CREATE POLICY staff_see ON web.mails FOR SELECT TO fillwire_staff USING (true);
CREATE POLICY staff_write ON web.mails FOR INSERT TO fillwire_staff WITH CHECK (true);
-- In anybody's chain, but never in anybody else's name.
DROP POLICY staff_add ON web.audit_events;
CREATE POLICY staff_add ON web.audit_events FOR INSERT TO fillwire_staff
    WITH CHECK (actor = 'staff:stf_' || replace(web.current_person()::text, '-', ''));

CREATE POLICY forget ON web.staff_sessions TO fillwire_worker USING (true);
CREATE POLICY forget ON web.staff_links TO fillwire_worker USING (true);
CREATE POLICY everybody ON web.broker_notices FOR SELECT TO fillwire_web USING (true);
CREATE POLICY everybody ON web.plans FOR SELECT TO fillwire_web USING (true);
CREATE POLICY everybody ON web.plan_limits FOR SELECT TO fillwire_web USING (true);
CREATE POLICY own ON web.entitlements FOR SELECT TO fillwire_web
    USING (tenant_id = web.current_tenant());
"""

# All of them are staff's own.
TABLES = (
    "staff_sessions",
    "staff_requests",
    "staff_notes",
    "view_as",
    "broker_notices",
    "flags",
    "plans",
    "plan_limits",
    "entitlements",
)

SESSIONS = """
CREATE FUNCTION web.find_staff_login(p_email text)
RETURNS TABLE (staff_id uuid, password_hash text, addresses text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.id, s.password_hash, s.addresses FROM web.staff s
    WHERE s.email = lower(p_email) AND s.disabled_at IS NULL AND web.has_second_factor(s.id)
$$;

-- Did this address sign them in lately?
CREATE FUNCTION web.knows_staff_address(p_email text, p_address text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM web.staff m JOIN web.staff_sessions s ON s.staff_id = m.id
        WHERE m.email = lower(p_email) AND s.address = p_address AND NOT s.pending
          AND s.created_at > now() - interval '90 days')
$$;

-- Whose link it is. `p_use` spends it, with all others of theirs.
CREATE FUNCTION web.open_staff_link(p_hash bytea, p_use boolean) RETURNS TABLE (staff_id uuid, email text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH good AS (
        SELECT l.staff_id FROM web.staff_links l JOIN web.staff s ON s.id = l.staff_id
        WHERE l.token_hash = p_hash AND l.used_at IS NULL AND l.expires_at > clock_timestamp()
          AND s.disabled_at IS NULL FOR UPDATE
    ), spent AS (
        UPDATE web.staff_links l SET used_at = clock_timestamp() FROM good g
        WHERE l.staff_id = g.staff_id AND l.used_at IS NULL AND p_use
    )
    SELECT s.id, s.email FROM web.staff s JOIN good g ON g.staff_id = s.id
$$;

CREATE FUNCTION web.open_staff_session(p_id uuid, p_hash bytea, p_staff uuid, p_enrols boolean,
    p_expires timestamptz, p_device text, p_address text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO web.staff_sessions (id, token_hash, staff_id, expires_at, pending, enrols, device, address)
    VALUES (p_id, p_hash, p_staff, p_expires, true, p_enrols, p_device, p_address)
$$;

-- Also notes, at most once a minute, that it was seen.
CREATE FUNCTION web.find_staff_session(p_hash bytea, p_idle interval)
RETURNS TABLE (session_id uuid, staff_id uuid, email text, role text, addresses text[],
               pending boolean, enrols boolean)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE web.staff_sessions s SET last_seen_at = clock_timestamp()
    WHERE s.token_hash = p_hash AND s.revoked_at IS NULL AND s.expires_at > now()
      AND s.last_seen_at BETWEEN now() - p_idle AND now() - interval '1 minute';
    SELECT s.id, m.id, m.email, m.role, m.addresses, s.pending, s.enrols
    FROM web.staff_sessions s JOIN web.staff m ON m.id = s.staff_id AND m.disabled_at IS NULL
    WHERE s.token_hash = p_hash AND s.revoked_at IS NULL AND s.expires_at > now()
      AND s.last_seen_at > now() - p_idle
$$;

-- The second factor was right: another token, and no more waiting.
CREATE FUNCTION web.complete_staff_session(p_old bytea, p_new bytea, p_expires timestamptz)
RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE web.staff_sessions s SET token_hash = p_new, pending = false, enrols = false,
        expires_at = p_expires, last_seen_at = clock_timestamp()
    WHERE s.token_hash = p_old AND s.pending AND s.revoked_at IS NULL
      AND s.expires_at > clock_timestamp() AND web.has_second_factor(s.staff_id)
    RETURNING s.id
$$;

CREATE FUNCTION web.close_staff_session(p_hash bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE web.staff_sessions SET revoked_at = clock_timestamp()
    WHERE token_hash = p_hash AND revoked_at IS NULL
$$;
"""

ACTS = """
-- Another than who asked decides; approved, it is done here and now. Null: it was not open to them.
CREATE FUNCTION web.decide_staff_request(p_request uuid, p_outcome text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    r web.staff_requests%ROWTYPE;
    v_role text := (SELECT s.role FROM web.staff s
                    WHERE s.id = web.current_person() AND s.disabled_at IS NULL);
BEGIN
    UPDATE web.staff_requests q SET outcome = p_outcome, decided_by = web.current_person(),
        decided_at = clock_timestamp()
    WHERE q.id = p_request AND q.outcome IS NULL AND q.expires_at > clock_timestamp()
      AND q.asked_by <> web.current_person()
      AND (v_role = 'owner' OR v_role IN ('support', 'engineer') AND q.kind = 'reset_second_factor')
    RETURNING * INTO r;
    IF r.id IS NULL OR p_outcome <> 'approved' THEN
        RETURN r.id;
    END IF;
    IF r.kind = 'change_role' THEN
        UPDATE web.staff SET role = r.wanted WHERE id = r.subject_id;
    ELSE
        DELETE FROM web.totp WHERE person_id = r.subject_id;
        DELETE FROM web.passkeys WHERE person_id = r.subject_id;
        DELETE FROM web.recovery_codes WHERE person_id = r.subject_id;
        UPDATE web.sessions SET revoked_at = clock_timestamp()
            WHERE person_id = r.subject_id AND revoked_at IS NULL;
        UPDATE web.staff_sessions SET revoked_at = clock_timestamp()
            WHERE staff_id = r.subject_id AND revoked_at IS NULL;
    END IF;
    RETURN r.id;
END $$;

CREATE FUNCTION web.throttle_webhook(p_strategy uuid, p_per_minute integer, p_per_hour integer)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE web.strategy_webhooks SET per_minute = p_per_minute, per_hour = p_per_hour
        WHERE strategy_id = p_strategy;
    UPDATE web.strategy_intake SET version = version + 1 WHERE strategy_id = p_strategy;
$$;

-- The secrets there were stop to work at once.
CREATE FUNCTION web.replace_webhook_secret(p_strategy uuid, p_hash bytea, p_sealed bytea)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE web.strategy_webhooks SET secret_hash = p_hash, secret_sealed = p_sealed
        WHERE strategy_id = p_strategy;
    DELETE FROM web.former_secrets WHERE strategy_id = p_strategy AND kind = 'webhook';
    UPDATE web.strategy_intake SET version = version + 1 WHERE strategy_id = p_strategy;
$$;

CREATE FUNCTION web.end_view_as(p_hash bytea) RETURNS TABLE (tenant_id uuid, person_id uuid)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE web.view_as v SET ended_at = clock_timestamp()
    WHERE v.token_hash = p_hash AND v.ended_at IS NULL RETURNING v.tenant_id, v.person_id
$$;

-- As whom a staff member looks, while both their session and the look are good.
CREATE FUNCTION web.find_view_as(p_hash bytea, p_idle interval)
RETURNS TABLE (person_id uuid, tenant_id uuid, email text, name text, tenant_name text,
               staff_id uuid, staff_email text, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.id, t.id, p.email, p.name, t.name, m.id, m.email, v.expires_at
    FROM web.view_as v
    JOIN web.staff_sessions s ON s.id = v.staff_session_id AND s.revoked_at IS NULL
        AND NOT s.pending AND s.expires_at > now() AND s.last_seen_at > now() - p_idle
    JOIN web.staff m ON m.id = v.staff_id AND m.disabled_at IS NULL
    JOIN web.people p ON p.id = v.person_id
    JOIN web.tenants t ON t.id = v.tenant_id
    WHERE v.token_hash = p_hash AND v.ended_at IS NULL AND v.expires_at > now()
$$;

-- The flags that are on for the current tenant.
CREATE FUNCTION web.flags_on() RETURNS TABLE (key text, is_on boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT f.key, CASE f.mode WHEN 'on' THEN true WHEN 'off' THEN false
        WHEN 'accounts' THEN coalesce(web.current_tenant() = ANY (f.accounts), false)
        ELSE coalesce(mod(abs(hashtextextended(f.key || web.current_tenant()::text, 0)), 100)
                      < f.percent, false) END
    FROM web.flags f WHERE f.expires_at > now()
$$;
"""

HEALTH = """
CREATE FUNCTION web.schema_version() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT version_num FROM public.alembic_version
$$;
"""

STAFF_FUNCTIONS = (
    "schema_version()",
    "find_staff_login(text)",
    "knows_staff_address(text, text)",
    "open_staff_link(bytea, boolean)",
    "open_staff_session(uuid, bytea, uuid, boolean, timestamptz, text, text)",
    "find_staff_session(bytea, interval)",
    "complete_staff_session(bytea, bytea, timestamptz)",
    "close_staff_session(bytea)",
    "decide_staff_request(uuid, text)",
    "throttle_webhook(uuid, integer, integer)",
    "replace_webhook_secret(uuid, bytea, bytea)",
    "end_view_as(bytea)",
)
WEB_FUNCTIONS = ("find_view_as(bytea, interval)", "flags_on()")


def upgrade() -> None:
    for part in (PEOPLE, DOINGS, PLANS, GRANTS):
        op.execute(part)
    for table in ("staff", "staff_links", *TABLES):
        op.execute(f"ALTER TABLE web.{table} ENABLE ROW LEVEL SECURITY")
    for table in TABLES:
        op.execute(
            f"CREATE POLICY staff ON web.{table} TO fillwire_staff USING (true) WITH CHECK (true)"
        )
    op.execute(ISOLATION)
    op.execute(SESSIONS)
    op.execute(ACTS)
    op.execute(HEALTH)
    for functions, role in ((STAFF_FUNCTIONS, "fillwire_staff"), (WEB_FUNCTIONS, "fillwire_web")):
        for function in functions:
            op.execute(f"REVOKE ALL ON FUNCTION web.{function} FROM PUBLIC")
            op.execute(f"GRANT EXECUTE ON FUNCTION web.{function} TO {role}")
