"""The web schema: who trades what, and the read models of what happened."""

from alembic import op

revision = "0002"
down_revision = "0001"

# Every table that a tenant's own session may see through its tenant_id.
TENANT_TABLES = (
    "members",
    "api_keys",
    "strategies",
    "strategy_webhooks",
    "strategy_intake",
    "connections",
    "subscriptions",
    "subscription_spans",
    "settings_versions",
    "signals",
    "refusals",
    "trades",
    "orders",
    "fills",
    "positions",
    "tenant_changes",
    "changes",
    "audit_events",
)

TABLES = """
CREATE TABLE web.tenants (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A login. It may be a member of several tenants.
CREATE TABLE web.people (
    id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE CHECK (email = lower(email)),
    name text NOT NULL DEFAULT '',
    password_hash text NOT NULL,
    disabled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE web.members (
    tenant_id uuid NOT NULL REFERENCES web.tenants,
    person_id uuid NOT NULL REFERENCES web.people,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'trader', 'approver', 'publisher', 'viewer')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, person_id)
);
CREATE INDEX ON web.members (person_id);

CREATE TABLE web.sessions (
    token_hash bytea PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES web.people,
    tenant_id uuid NOT NULL REFERENCES web.tenants,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);

CREATE TABLE web.api_keys (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES web.tenants,
    name text NOT NULL,
    prefix text NOT NULL,
    key_hash bytea NOT NULL UNIQUE,
    mode text NOT NULL CHECK (mode IN ('test', 'live')),
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at timestamptz
);

CREATE TABLE web.strategies (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES web.tenants,
    name text NOT NULL CHECK (name <> ''),
    asset_class text NOT NULL CHECK (asset_class IN ('stocks', 'options', 'futures', 'crypto')),
    enabled boolean NOT NULL DEFAULT true,
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id)
);

-- Apart from strategies, because followers may read those.
CREATE TABLE web.strategy_webhooks (
    strategy_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    webhook_uuid uuid NOT NULL UNIQUE,
    secret_hash bytea NOT NULL,
    secret_sealed bytea NOT NULL,
    per_minute integer NOT NULL DEFAULT 60 CHECK (per_minute > 0),
    per_hour integer NOT NULL DEFAULT 500 CHECK (per_hour > 0),
    dedupe_seconds integer NOT NULL DEFAULT 0 CHECK (dedupe_seconds BETWEEN 0 AND 300),
    FOREIGN KEY (tenant_id, strategy_id) REFERENCES web.strategies (tenant_id, id)
);

-- The row that every accepted signal updates. A signal is drained once its trades are
-- stored (drained_seq) and handed on once execution has stored those (handed_seq).
CREATE TABLE web.strategy_intake (
    strategy_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    seq bigint NOT NULL DEFAULT 0,
    drained_seq bigint NOT NULL DEFAULT 0,
    handed_seq bigint NOT NULL DEFAULT 0,
    drain_epoch bigint NOT NULL DEFAULT 0,
    last_accepted_at timestamptz,
    minute_from timestamptz NOT NULL DEFAULT '-infinity',
    minute_count integer NOT NULL DEFAULT 0,
    hour_from timestamptz NOT NULL DEFAULT '-infinity',
    hour_count integer NOT NULL DEFAULT 0,
    reserve_from timestamptz NOT NULL DEFAULT '-infinity',
    reserve_count integer NOT NULL DEFAULT 0,
    FOREIGN KEY (tenant_id, strategy_id) REFERENCES web.strategies (tenant_id, id),
    CHECK (handed_seq <= drained_seq AND drained_seq <= seq)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX strategy_intake_due ON web.strategy_intake (strategy_id) WHERE handed_seq < seq;

-- An account at a broker. It has no tenant; one sees it through one's own connection.
CREATE TABLE web.broker_accounts (
    id uuid PRIMARY KEY,
    broker text NOT NULL,
    environment text NOT NULL,
    account text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (broker, environment, account)
);

CREATE TABLE web.connections (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES web.tenants,
    broker_account_id uuid NOT NULL REFERENCES web.broker_accounts,
    name text NOT NULL CHECK (name <> ''),
    mode text NOT NULL CHECK (mode IN ('paper', 'live')),
    state text NOT NULL DEFAULT 'ok' CHECK (state IN ('ok', 'limited', 'needs_login', 'down', 'closed')),
    reported jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id)
);
CREATE INDEX ON web.connections (broker_account_id);

-- (strategy_tenant_id, strategy_id) is the one foreign key that may cross tenants.
CREATE TABLE web.subscriptions (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES web.tenants,
    strategy_tenant_id uuid NOT NULL,
    strategy_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    enabled boolean NOT NULL DEFAULT false,
    settings jsonb NOT NULL DEFAULT '{}',
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    UNIQUE (strategy_id, connection_id),
    FOREIGN KEY (strategy_tenant_id, strategy_id) REFERENCES web.strategies (tenant_id, id),
    FOREIGN KEY (tenant_id, connection_id) REFERENCES web.connections (tenant_id, id)
);
CREATE INDEX ON web.subscriptions (connection_id);

CREATE TABLE web.subscription_spans (
    subscription_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    enabled_at timestamptz NOT NULL,
    disabled_at timestamptz,
    PRIMARY KEY (subscription_id, enabled_at),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES web.subscriptions (tenant_id, id),
    CHECK (disabled_at >= enabled_at)
);
CREATE UNIQUE INDEX one_open_span ON web.subscription_spans (subscription_id) WHERE disabled_at IS NULL;

CREATE TABLE web.settings_versions (
    subscription_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    version integer NOT NULL,
    settings jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subscription_id, version),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES web.subscriptions (tenant_id, id)
);

-- Each web process: which one answered a signal, and when it died.
CREATE TABLE web.boots (
    id uuid PRIMARY KEY,
    process text NOT NULL,
    pid integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    clean boolean NOT NULL DEFAULT false
);

-- Rows come only from accept_signal, which takes tenant and seq from the intake row; a
-- foreign key would check that again for each.
CREATE TABLE web.signals (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    strategy_id uuid NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    dialect text NOT NULL,
    content_type text NOT NULL,
    body bytea NOT NULL,
    body_hash bytea NOT NULL,
    parsed jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    accepted_at timestamptz NOT NULL,
    boot_id uuid NOT NULL,
    duplicates integer NOT NULL DEFAULT 0,
    UNIQUE (strategy_id, seq)
);
CREATE INDEX ON web.signals (tenant_id, accepted_at DESC);

CREATE TABLE web.signal_keys (
    strategy_id uuid NOT NULL,
    key text NOT NULL,
    signal_id uuid NOT NULL,
    body_hash bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (strategy_id, key)
);

-- Messages whose answer was a 5xx after a commit of unknown outcome.
CREATE TABLE web.doubts (
    strategy_id uuid NOT NULL,
    body_hash bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON web.doubts (strategy_id, body_hash);

-- What was not accepted: one row a strategy, code and minute, with the last body.
CREATE TABLE web.refusals (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    strategy_id uuid NOT NULL,
    code text NOT NULL,
    minute timestamptz NOT NULL,
    count integer NOT NULL DEFAULT 1,
    field text,
    message text NOT NULL,
    fix text,
    body bytea NOT NULL,
    last_at timestamptz NOT NULL,
    UNIQUE (strategy_id, code, minute),
    FOREIGN KEY (tenant_id, strategy_id) REFERENCES web.strategies (tenant_id, id)
);

-- Owned by the follower's tenant. signal_id is a value, not a foreign key: the
-- follower never reads the publisher's signals, so the trade has its own copy. Rows come
-- only from the drain, which reads the subscriptions in the same transaction: a foreign key
-- would look each of 10,000 up once more.
CREATE TABLE web.trades (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    signal_id uuid NOT NULL,
    signal_seq bigint NOT NULL,
    strategy_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    mode text NOT NULL CHECK (mode IN ('paper', 'live')),
    state text NOT NULL,
    reason text,
    message text,
    numbers jsonb NOT NULL DEFAULT '{}',
    instrument text NOT NULL,
    signal jsonb NOT NULL,
    settings jsonb NOT NULL,
    settings_version integer NOT NULL,
    protection text,
    sent_at timestamptz,
    received_at timestamptz NOT NULL,
    accepted_at timestamptz NOT NULL,
    dequeued_at timestamptz NOT NULL,
    planned_at timestamptz,
    approved_at timestamptz,
    submitted_at timestamptz,
    acknowledged_at timestamptz,
    first_fill_at timestamptz,
    filled_at timestamptz,
    approval_expires_at timestamptz,
    fact_seq bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (signal_id, subscription_id)
) WITH (fillfactor = 60);
CREATE INDEX ON web.trades (tenant_id, accepted_at DESC);
CREATE INDEX ON web.trades (strategy_id, subscription_id) WHERE approval_expires_at IS NOT NULL;

CREATE TABLE web.orders (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    trade_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    cl_ord_id text NOT NULL UNIQUE,
    broker_order_id text,
    leg text NOT NULL,
    revision integer NOT NULL,
    origin text NOT NULL,
    instrument text NOT NULL,
    side text NOT NULL,
    ord_type text NOT NULL,
    time_in_force text NOT NULL,
    order_qty numeric NOT NULL CHECK (order_qty > 0),
    cum_qty numeric NOT NULL DEFAULT 0,
    avg_px numeric,
    limit_price numeric,
    stop_price numeric,
    ord_status text NOT NULL,
    reason text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 60);
CREATE INDEX ON web.orders (trade_id);
CREATE INDEX ON web.orders (tenant_id, created_at DESC);

CREATE TABLE web.fills (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    trade_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    exec_id text NOT NULL,
    instrument text NOT NULL,
    side text NOT NULL,
    qty numeric NOT NULL CHECK (qty > 0),
    price numeric NOT NULL,
    fee numeric NOT NULL DEFAULT 0,
    at timestamptz NOT NULL
);
CREATE INDEX ON web.fills (order_id);
CREATE INDEX ON web.fills (tenant_id, at DESC);

CREATE TABLE web.positions (
    connection_id uuid NOT NULL,
    instrument text NOT NULL,
    tenant_id uuid NOT NULL,
    quantity numeric NOT NULL,
    avg_price numeric,
    own jsonb NOT NULL DEFAULT '{}',
    fact_seq bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (connection_id, instrument)
) WITH (fillfactor = 60);
CREATE INDEX ON web.positions (tenant_id);

CREATE TABLE web.fact_cursor (
    name text PRIMARY KEY,
    cursor text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE web.quarantined_facts (
    broker text NOT NULL,
    environment text NOT NULL,
    account text NOT NULL,
    canonical_id text NOT NULL,
    fact bytea NOT NULL,
    error text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (broker, environment, account, canonical_id)
);

-- Which process runs which loop of the relay; database clock.
CREATE TABLE web.relay_loops (
    name text PRIMARY KEY,
    owner text NOT NULL,
    expires_at timestamptz NOT NULL
);

-- What live pages resume from: a number that grows with every commit of a tenant.
CREATE TABLE web.tenant_changes (
    tenant_id uuid PRIMARY KEY REFERENCES web.tenants,
    number bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE web.changes (
    tenant_id uuid NOT NULL,
    number bigint NOT NULL,
    kind text NOT NULL,
    object_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, number, object_id)
);
CREATE INDEX ON web.changes (at);

CREATE TABLE web.audit_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    before jsonb,
    after jsonb,
    reason text
);
CREATE INDEX ON web.audit_events (tenant_id, id);
"""

AUDIT = """
CREATE FUNCTION web.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are only added' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_events_rows BEFORE UPDATE OR DELETE ON web.audit_events
    FOR EACH ROW EXECUTE FUNCTION web.refuse_change();
CREATE TRIGGER audit_events_table BEFORE TRUNCATE ON web.audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION web.refuse_change();
"""

GRANTS = """
GRANT SELECT ON web.tenants TO fillwire_web;
GRANT SELECT, INSERT ON web.members, web.strategies, web.strategy_webhooks, web.connections,
    web.subscriptions, web.subscription_spans, web.settings_versions, web.api_keys TO fillwire_web;
GRANT UPDATE ON web.strategies, web.strategy_webhooks, web.connections, web.subscriptions,
    web.subscription_spans, web.api_keys, web.members TO fillwire_web;
GRANT SELECT (id, email, name, disabled_at, created_at) ON web.people TO fillwire_web;
GRANT SELECT, INSERT ON web.strategy_intake TO fillwire_web;
GRANT UPDATE (version) ON web.strategy_intake TO fillwire_web;
GRANT SELECT ON web.signals, web.refusals, web.orders, web.fills, web.positions,
    web.changes TO fillwire_web;
GRANT SELECT ON web.trades TO fillwire_web;
GRANT UPDATE (state, reason, message, approved_at, approval_expires_at, updated_at) ON web.trades
    TO fillwire_web;
GRANT SELECT, INSERT, UPDATE ON web.tenant_changes TO fillwire_web;
GRANT INSERT ON web.changes TO fillwire_web;
GRANT SELECT, INSERT ON web.broker_accounts TO fillwire_web;
GRANT SELECT, INSERT ON web.audit_events TO fillwire_web, fillwire_worker, fillwire_staff;
GRANT SELECT, INSERT, UPDATE ON web.boots TO fillwire_web;
GRANT INSERT ON web.doubts TO fillwire_web;

GRANT SELECT ON web.tenants, web.strategies, web.connections, web.broker_accounts,
    web.subscriptions, web.subscription_spans, web.settings_versions, web.signals TO fillwire_worker;
GRANT SELECT ON web.strategy_intake TO fillwire_worker;
GRANT UPDATE (drained_seq, handed_seq, drain_epoch) ON web.strategy_intake TO fillwire_worker;
GRANT SELECT, INSERT, UPDATE ON web.trades, web.orders, web.fills, web.positions, web.fact_cursor,
    web.quarantined_facts, web.relay_loops, web.tenant_changes, web.changes TO fillwire_worker;
GRANT SELECT, DELETE ON web.changes, web.doubts, web.signal_keys TO fillwire_worker;
GRANT SELECT, UPDATE, DELETE ON web.boots TO fillwire_worker;

GRANT SELECT ON ALL TABLES IN SCHEMA web TO fillwire_staff;
REVOKE SELECT ON web.people, web.sessions, web.api_keys, web.strategy_webhooks FROM fillwire_staff;
GRANT SELECT (id, email, name, disabled_at, created_at) ON web.people TO fillwire_staff;
"""

ISOLATION = """
CREATE FUNCTION web.current_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(current_setting('app.tenant_id', true), '')::uuid $$;
GRANT EXECUTE ON FUNCTION web.current_tenant() TO fillwire_web, fillwire_worker, fillwire_staff;

ALTER TABLE web.tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON web.tenants FOR SELECT TO fillwire_web USING (id = web.current_tenant());
CREATE POLICY worker ON web.tenants FOR SELECT TO fillwire_worker USING (true);
CREATE POLICY staff ON web.tenants FOR SELECT TO fillwire_staff USING (true);

ALTER TABLE web.people ENABLE ROW LEVEL SECURITY;
CREATE POLICY fellow_members ON web.people FOR SELECT TO fillwire_web
    USING (EXISTS (SELECT FROM web.members m WHERE m.person_id = people.id));
CREATE POLICY staff ON web.people FOR SELECT TO fillwire_staff USING (true);

-- Reached only through the functions below.
ALTER TABLE web.sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE web.signal_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker ON web.signal_keys TO fillwire_worker USING (true);

-- A broker account shows through one's own connections; anyone may name a new one.
ALTER TABLE web.broker_accounts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON web.broker_accounts FOR SELECT TO fillwire_web
    USING (EXISTS (SELECT FROM web.connections c WHERE c.broker_account_id = broker_accounts.id));
CREATE POLICY add ON web.broker_accounts FOR INSERT TO fillwire_web WITH CHECK (true);
CREATE POLICY worker ON web.broker_accounts FOR SELECT TO fillwire_worker USING (true);
CREATE POLICY staff ON web.broker_accounts FOR SELECT TO fillwire_staff USING (true);

-- A follower reads the strategy it subscribes to, not its webhook, intake or signals.
CREATE POLICY follower ON web.strategies FOR SELECT TO fillwire_web
    USING (EXISTS (SELECT FROM web.subscriptions s WHERE s.strategy_id = strategies.id));
"""

FUNCTIONS = """
-- Is the answer that this boot gave to a signal accepted at `p_accepted` in doubt? Yes
-- when the process died within 2 s after it without ending cleanly. A living process
-- holds the advisory lock of its boot; the kernel frees it the moment it dies.
CREATE FUNCTION web.answer_in_doubt(p_boot uuid, p_accepted timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    b web.boots%ROWTYPE;
BEGIN
    SELECT * INTO b FROM web.boots WHERE id = p_boot;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF b.ended_at IS NULL THEN
        IF NOT pg_try_advisory_xact_lock_shared(hashtextextended(p_boot::text, 0)) THEN
            RETURN false;
        END IF;
        UPDATE web.boots SET ended_at = last_seen_at WHERE id = p_boot AND ended_at IS NULL;
        b.ended_at := b.last_seen_at;
    END IF;
    RETURN NOT b.clean AND p_accepted >= b.ended_at - interval '2 seconds';
END $$;

-- Store one signal, in one round trip: checks that the caller's cached strategy is the
-- current one, finds repeats, enforces the limits, takes the next seq, inserts.
--   NEW       stored; signal_id, seq
--   SAME      an earlier signal is this one; its signal_id, seq
--   CONFLICT  the key was used for another body
--   LIMITED   too many; retry_after_seconds
--   STALE     the strategy changed since p_version: look it up again
CREATE FUNCTION web.accept_signal(
    p_strategy uuid, p_version bigint, p_signal uuid, p_dialect text, p_content_type text,
    p_body bytea, p_body_hash bytea, p_parsed jsonb, p_key text, p_reserved boolean,
    p_per_minute integer, p_per_hour integer, p_dedupe_seconds integer,
    p_boot uuid, p_received timestamptz, p_now timestamptz DEFAULT NULL,
    OUT outcome text, OUT signal_id uuid, OUT seq bigint, OUT accepted_at timestamptz,
    OUT retry_after_seconds integer
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    i web.strategy_intake%ROWTYPE;
    k web.signal_keys%ROWTYPE;
    v_at timestamptz := coalesce(p_now, clock_timestamp());
    v_tenant uuid;
BEGIN
    -- The usual case: no key, no window, inside the limits, and no process or commit that
    -- left an answer in doubt in the last 20 s, so that no earlier signal need be looked at.
    IF p_key IS NULL AND p_dedupe_seconds = 0 AND NOT EXISTS (
        SELECT FROM web.boots b WHERE b.id <> p_boot AND NOT b.clean AND (
            b.ended_at > v_at - interval '22 seconds' OR (
                b.ended_at IS NULL
                AND pg_try_advisory_xact_lock_shared(hashtextextended(b.id::text, 0))))
        UNION ALL
        SELECT FROM web.doubts d WHERE d.at > v_at - interval '22 seconds'
    ) THEN
        UPDATE web.strategy_intake s SET seq = s.seq + 1,
            last_accepted_at = greatest(v_at, s.last_accepted_at),
            minute_from = CASE WHEN s.minute_from > v_at - interval '1 minute' THEN s.minute_from ELSE v_at END,
            minute_count = CASE WHEN s.minute_from > v_at - interval '1 minute' THEN s.minute_count ELSE 0 END + 1,
            hour_from = CASE WHEN s.hour_from > v_at - interval '1 hour' THEN s.hour_from ELSE v_at END,
            hour_count = CASE WHEN s.hour_from > v_at - interval '1 hour' THEN s.hour_count ELSE 0 END + 1
        WHERE s.strategy_id = p_strategy AND s.version = p_version
          AND (s.minute_count < p_per_minute OR s.minute_from <= v_at - interval '1 minute')
          AND (s.hour_count < p_per_hour OR s.hour_from <= v_at - interval '1 hour')
        RETURNING s.seq, s.last_accepted_at, s.tenant_id INTO seq, accepted_at, v_tenant;
    END IF;

    IF seq IS NULL THEN
        SELECT * INTO i FROM web.strategy_intake s WHERE s.strategy_id = p_strategy FOR UPDATE;
        IF NOT FOUND OR i.version <> p_version THEN
            outcome := 'STALE';
            RETURN;
        END IF;
        IF p_now IS NULL THEN
            v_at := clock_timestamp();
        END IF;
        IF p_key IS NOT NULL THEN
            SELECT * INTO k FROM web.signal_keys s
                WHERE s.strategy_id = p_strategy AND s.key = p_key AND s.expires_at > v_at;
            IF FOUND AND k.body_hash <> p_body_hash THEN
                outcome := 'CONFLICT';
                RETURN;
            END IF;
            signal_id := k.signal_id;
        ELSE
            signal_id := web.earlier_signal(p_strategy, i.seq, p_body_hash, p_dedupe_seconds, v_at);
        END IF;
        IF signal_id IS NOT NULL THEN
            UPDATE web.signals s SET duplicates = s.duplicates + 1 WHERE s.id = signal_id
                RETURNING 'SAME', s.seq, s.accepted_at INTO outcome, seq, accepted_at;
            RETURN;
        END IF;

        IF i.minute_from <= v_at - interval '1 minute' THEN
            i.minute_from := v_at; i.minute_count := 0;
        END IF;
        IF i.hour_from <= v_at - interval '1 hour' THEN
            i.hour_from := v_at; i.hour_count := 0;
        END IF;
        IF i.minute_count < p_per_minute AND i.hour_count < p_per_hour THEN
            i.minute_count := i.minute_count + 1;
            i.hour_count := i.hour_count + 1;
        ELSE
            IF i.reserve_from <= v_at - interval '1 minute' THEN
                i.reserve_from := v_at; i.reserve_count := 0;
            END IF;
            IF NOT p_reserved OR i.reserve_count >= 60 THEN
                outcome := 'LIMITED';
                retry_after_seconds := ceil(greatest(1, extract(epoch FROM CASE
                    WHEN p_reserved THEN i.reserve_from + interval '1 minute' - v_at
                    WHEN i.hour_count >= p_per_hour THEN i.hour_from + interval '1 hour' - v_at
                    ELSE i.minute_from + interval '1 minute' - v_at END)));
                RETURN;
            END IF;
            i.reserve_count := i.reserve_count + 1;
        END IF;
        UPDATE web.strategy_intake s SET seq = i.seq + 1,
            last_accepted_at = greatest(v_at, s.last_accepted_at),
            minute_from = i.minute_from, minute_count = i.minute_count,
            hour_from = i.hour_from, hour_count = i.hour_count,
            reserve_from = i.reserve_from, reserve_count = i.reserve_count
            WHERE s.strategy_id = p_strategy
            RETURNING s.seq, s.last_accepted_at, s.tenant_id INTO seq, accepted_at, v_tenant;
        IF p_key IS NOT NULL THEN
            INSERT INTO web.signal_keys AS s (strategy_id, key, signal_id, body_hash, expires_at)
                VALUES (p_strategy, p_key, p_signal, p_body_hash, v_at + interval '7 days')
                ON CONFLICT (strategy_id, key) DO UPDATE SET signal_id = excluded.signal_id,
                    body_hash = excluded.body_hash, expires_at = excluded.expires_at;
        END IF;
    END IF;

    INSERT INTO web.signals (id, tenant_id, strategy_id, seq, dialect, content_type, body, body_hash,
                             parsed, received_at, accepted_at, boot_id)
        VALUES (p_signal, v_tenant, p_strategy, accept_signal.seq, p_dialect, p_content_type, p_body,
                p_body_hash, p_parsed, least(p_received, accept_signal.accepted_at),
                accept_signal.accepted_at, p_boot);
    outcome := 'NEW';
    signal_id := p_signal;
END $$;

-- The signal that these bytes repeat: any within the strategy's own window, or one within
-- 20 s whose answer is in doubt.
CREATE FUNCTION web.earlier_signal(
    p_strategy uuid, p_seq bigint, p_body_hash bytea, p_dedupe_seconds integer, p_now timestamptz
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e record;
BEGIN
    SELECT s.id, s.accepted_at, s.boot_id INTO e FROM web.signals s
    WHERE s.strategy_id = p_strategy AND s.seq > p_seq - 1000 AND s.body_hash = p_body_hash
      AND s.accepted_at > p_now - make_interval(secs => greatest(20, p_dedupe_seconds))
    ORDER BY s.seq DESC LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
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
END $$;

-- Count a message that was not accepted; returns the id of its row.
CREATE FUNCTION web.record_refusal(
    p_id uuid, p_strategy uuid, p_code text, p_field text, p_message text, p_fix text, p_body bytea
) RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO web.refusals AS r (id, tenant_id, strategy_id, code, minute, field, message, fix, body, last_at)
    SELECT p_id, s.tenant_id, s.id, p_code, date_trunc('minute', clock_timestamp()), p_field, p_message,
           p_fix, p_body, clock_timestamp()
    FROM web.strategies s WHERE s.id = p_strategy
    ON CONFLICT (strategy_id, code, minute) DO UPDATE SET count = r.count + 1, field = excluded.field,
        message = excluded.message, fix = excluded.fix, body = excluded.body, last_at = excluded.last_at
    RETURNING r.id
$$;

CREATE FUNCTION web.find_webhook(p_uuid uuid)
RETURNS TABLE (strategy_id uuid, tenant_id uuid, secret_hash bytea, version bigint, asset_class text,
               per_minute integer, per_hour integer, dedupe_seconds integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT w.strategy_id, w.tenant_id, w.secret_hash, i.version, s.asset_class,
           w.per_minute, w.per_hour, w.dedupe_seconds
    FROM web.strategy_webhooks w
    JOIN web.strategy_intake i USING (strategy_id)
    JOIN web.strategies s ON s.id = w.strategy_id
    WHERE w.webhook_uuid = p_uuid
$$;

-- Whoever changes what a strategy's signals mean bumps its version, which empties the
-- caches of web and worker. A follower may, for the strategies it subscribes to.
CREATE FUNCTION web.bump_strategy_version(p_strategy uuid) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE web.strategy_intake i SET version = i.version + 1
    WHERE i.strategy_id = p_strategy AND (
        i.tenant_id = web.current_tenant() OR EXISTS (
            SELECT FROM web.subscriptions s
            WHERE s.strategy_id = p_strategy AND s.tenant_id = web.current_tenant()))
    RETURNING i.version
$$;

CREATE FUNCTION web.find_login(p_email text)
RETURNS TABLE (person_id uuid, password_hash text, disabled boolean, tenant_ids uuid[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.id, p.password_hash, p.disabled_at IS NOT NULL,
           ARRAY(SELECT m.tenant_id FROM web.members m WHERE m.person_id = p.id ORDER BY m.created_at)
    FROM web.people p WHERE p.email = lower(p_email)
$$;

CREATE FUNCTION web.open_session(p_hash bytea, p_person uuid, p_tenant uuid, p_expires timestamptz)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO web.sessions (token_hash, person_id, tenant_id, expires_at)
    SELECT p_hash, m.person_id, m.tenant_id, p_expires FROM web.members m
    WHERE m.person_id = p_person AND m.tenant_id = p_tenant
$$;

CREATE FUNCTION web.find_session(p_hash bytea)
RETURNS TABLE (person_id uuid, tenant_id uuid, email text, name text, role text, tenant_name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.person_id, s.tenant_id, p.email, p.name, m.role, t.name
    FROM web.sessions s
    JOIN web.people p ON p.id = s.person_id AND p.disabled_at IS NULL
    JOIN web.members m ON m.person_id = s.person_id AND m.tenant_id = s.tenant_id
    JOIN web.tenants t ON t.id = s.tenant_id
    WHERE s.token_hash = p_hash AND s.revoked_at IS NULL AND s.expires_at > now()
$$;

CREATE FUNCTION web.close_session(p_hash bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE web.sessions SET revoked_at = now() WHERE token_hash = p_hash AND revoked_at IS NULL
$$;

CREATE FUNCTION web.find_api_key(p_hash bytea) RETURNS TABLE (key_id uuid, tenant_id uuid, mode text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE web.api_keys k SET last_used_at = now()
    WHERE k.key_hash = p_hash AND k.revoked_at IS NULL
      AND (k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute');
    SELECT k.id, k.tenant_id, k.mode FROM web.api_keys k
    WHERE k.key_hash = p_hash AND k.revoked_at IS NULL
$$;

-- The next change number of each tenant given, in tenant order so that writers never
-- deadlock; the numbers of a tenant are therefore in commit order.
CREATE FUNCTION web.record_changes(p_tenants uuid[], p_kinds text[], p_objects uuid[])
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tenant uuid;
    v_number bigint;
BEGIN
    FOR v_tenant IN SELECT DISTINCT t FROM unnest(p_tenants) t ORDER BY t LOOP
        INSERT INTO web.tenant_changes AS c (tenant_id, number) VALUES (v_tenant, 1)
            ON CONFLICT (tenant_id) DO UPDATE SET number = c.number + 1
            RETURNING c.number INTO v_number;
        INSERT INTO web.changes (tenant_id, number, kind, object_id)
            SELECT DISTINCT v_tenant, v_number, n.kind, n.object_id
            FROM unnest(p_tenants, p_kinds, p_objects) AS n(tenant_id, kind, object_id)
            WHERE n.tenant_id = v_tenant
            ON CONFLICT DO NOTHING;
    END LOOP;
END $$;

GRANT EXECUTE ON FUNCTION
    web.accept_signal(uuid, bigint, uuid, text, text, bytea, bytea, jsonb, text, boolean, integer,
                      integer, integer, uuid, timestamptz, timestamptz),
    web.record_refusal(uuid, uuid, text, text, text, text, bytea),
    web.find_webhook(uuid), web.bump_strategy_version(uuid), web.find_login(text),
    web.open_session(bytea, uuid, uuid, timestamptz), web.find_session(bytea),
    web.close_session(bytea), web.find_api_key(bytea)
    TO fillwire_web;
GRANT EXECUTE ON FUNCTION web.record_changes(uuid[], text[], uuid[]) TO fillwire_web, fillwire_worker;
"""


def upgrade() -> None:
    for part in (TABLES, AUDIT, GRANTS, ISOLATION):
        op.execute(part)
    for table in TENANT_TABLES:
        op.execute(
            f"""
            ALTER TABLE web.{table} ENABLE ROW LEVEL SECURITY;
            CREATE POLICY own ON web.{table} TO fillwire_web
                USING (tenant_id = web.current_tenant()) WITH CHECK (tenant_id = web.current_tenant());
            CREATE POLICY worker ON web.{table} TO fillwire_worker USING (true) WITH CHECK (true);
            CREATE POLICY staff ON web.{table} FOR SELECT TO fillwire_staff USING (true);
            """
        )
    op.execute(FUNCTIONS)
