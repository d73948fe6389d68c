"""The execution schema (what was promised, sent, heard) and the paper venue's own."""

from alembic import op

revision = "0003"
down_revision = "0002"

EXECUTION = """
CREATE TABLE execution.instances (
    id text PRIMARY KEY,
    target text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Who may write for an account. Writers join their row FOR KEY SHARE and compare the
-- epoch; a takeover locks it FOR UPDATE and raises the epoch.
CREATE TABLE execution.leases (
    account_id uuid PRIMARY KEY,
    broker text NOT NULL,
    environment text NOT NULL,
    account text NOT NULL,
    instance_id text NOT NULL,
    epoch bigint NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (broker, environment, account)
);

-- SubmitTrades as stored: the trade's bytes and a hash of them.
CREATE TABLE execution.instructions (
    id bigint GENERATED ALWAYS AS IDENTITY,
    trade_id uuid PRIMARY KEY,
    content_hash bytea NOT NULL,
    account_id uuid NOT NULL,
    strategy_id uuid NOT NULL,
    trade bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    cancel_reason smallint,
    canceled_at timestamptz,
    done_at timestamptz
);
CREATE INDEX instructions_open ON execution.instructions (account_id, id) WHERE done_at IS NULL;

CREATE TABLE execution.drain_epochs (
    strategy_id uuid PRIMARY KEY,
    epoch bigint NOT NULL
) WITH (fillfactor = 50);

-- Terms are never changed; what happened to the order is in facts.
CREATE TABLE execution.orders (
    id uuid PRIMARY KEY,
    cl_ord_id text NOT NULL UNIQUE,
    trade_id uuid NOT NULL,
    leg text NOT NULL,
    revision integer NOT NULL,
    account_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    parent_id uuid,
    origin text NOT NULL,
    instrument text NOT NULL,
    side text NOT NULL CHECK (side IN ('buy', 'sell')),
    ord_type text NOT NULL,
    time_in_force text NOT NULL,
    order_qty numeric NOT NULL CHECK (order_qty > 0),
    limit_price numeric,
    reference_price numeric,
    created_at timestamptz NOT NULL,
    UNIQUE (trade_id, leg, revision)
);
CREATE INDEX ON execution.orders (account_id, instrument);

-- Append-only. Readers resume by (xid, id), below pg_snapshot_xmin only. `fact` is the
-- protobuf message; the columns beside it are those that execution itself asks for.
CREATE TABLE execution.facts (
    id bigint GENERATED ALWAYS AS IDENTITY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    account_id uuid NOT NULL,
    seq bigint NOT NULL,
    canonical_id text NOT NULL,
    kind text NOT NULL,
    trade_id uuid,
    order_id uuid,
    fact bytea NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (xid, id),
    UNIQUE (account_id, canonical_id)
);
CREATE INDEX ON execution.facts (order_id) WHERE order_id IS NOT NULL;

-- Positions as folded from facts, so that a takeover need not read them all.
CREATE TABLE execution.positions (
    account_id uuid NOT NULL,
    instrument text NOT NULL,
    subscription_id uuid NOT NULL,
    quantity numeric NOT NULL,
    avg_price numeric,
    fact_seq bigint NOT NULL,
    PRIMARY KEY (account_id, instrument, subscription_id)
) WITH (fillfactor = 60);

-- Kill switches and account limits, read in the transaction that writes SENDING.
CREATE TABLE execution.switches (
    scope text NOT NULL CHECK (scope IN ('platform', 'tenant', 'strategy', 'connection', 'account')),
    scope_id text NOT NULL,
    name text NOT NULL,
    value jsonb NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (scope, scope_id, name)
);

GRANT SELECT, INSERT, UPDATE ON execution.instances, execution.leases, execution.instructions,
    execution.drain_epochs, execution.positions, execution.switches TO fillwire_execution;
GRANT SELECT, INSERT ON execution.orders, execution.facts TO fillwire_execution;
"""

PAPER = """
CREATE TABLE paper.accounts (
    account text PRIMARY KEY,
    currency text NOT NULL DEFAULT 'USD',
    cash numeric NOT NULL DEFAULT 100000,
    visibility_horizon_seconds double precision NOT NULL,
    refuses_repeats boolean NOT NULL DEFAULT true,
    faults jsonb NOT NULL DEFAULT '[]',
    faults_counted integer NOT NULL DEFAULT 0,
    report_seq bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 60);

CREATE TABLE paper.orders (
    order_id text PRIMARY KEY,
    account text NOT NULL REFERENCES paper.accounts,
    cl_ord_id text NOT NULL,
    instrument text NOT NULL,
    side text NOT NULL,
    ord_type text NOT NULL,
    time_in_force text NOT NULL,
    order_qty numeric NOT NULL CHECK (order_qty > 0),
    limit_price numeric,
    reference_price numeric,
    ord_status text NOT NULL,
    cum_qty numeric NOT NULL DEFAULT 0,
    avg_px numeric,
    text text NOT NULL DEFAULT '',
    arrived_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX ON paper.orders (account, cl_ord_id);
CREATE INDEX resting ON paper.orders (account) WHERE ord_status IN ('NEW', 'PARTIALLY_FILLED');

CREATE TABLE paper.reports (
    account text NOT NULL,
    report_seq bigint NOT NULL,
    cl_ord_id text NOT NULL,
    report bytea NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (account, report_seq)
);
CREATE INDEX ON paper.reports (account, cl_ord_id);

CREATE TABLE paper.positions (
    account text NOT NULL REFERENCES paper.accounts,
    instrument text NOT NULL,
    quantity numeric NOT NULL,
    avg_price numeric,
    PRIMARY KEY (account, instrument)
) WITH (fillfactor = 60);

-- Fixed shape: the checker reads it. Every new order that reached the venue, and what
-- the venue decided, refused repeats included.
CREATE TABLE paper.arrivals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account text NOT NULL,
    cl_ord_id text NOT NULL,
    arrived_at timestamptz NOT NULL,
    result text NOT NULL CHECK (result IN ('accepted', 'rejected', 'duplicate'))
);

GRANT SELECT, INSERT, UPDATE ON paper.accounts, paper.orders, paper.positions TO fillwire_paper;
GRANT SELECT, INSERT ON paper.reports, paper.arrivals TO fillwire_paper;
"""


def upgrade() -> None:
    op.execute(EXECUTION)
    op.execute(PAPER)
