"""Secrets of brokers, sealed; the keys that they are wrapped with; the venue's own API keys."""

from alembic import op

revision = "0028"
down_revision = "0027"

CREDENTIALS = """
-- Key-encryption keys by name; the keys themselves are not in the database.
CREATE TABLE execution.keks (
    id text PRIMARY KEY,
    is_current boolean NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    retired_at timestamptz,
    CHECK (NOT (is_current AND retired_at IS NOT NULL))
);
CREATE UNIQUE INDEX ON execution.keks (is_current) WHERE is_current;

-- Never used twice: a version is part of what a record is sealed with.
CREATE SEQUENCE execution.credential_versions;

CREATE TABLE execution.credentials (
    connection_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    broker text NOT NULL,
    environment text NOT NULL,
    account text NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    sealed bytea NOT NULL,
    wrapped_key bytea NOT NULL,
    kek_id text NOT NULL REFERENCES execution.keks,
    -- The last four characters of each field.
    ends jsonb NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    used_at timestamptz,
    -- Why the broker or the seal does not let us in; empty for all is well.
    problem text NOT NULL DEFAULT '',
    problem_text text NOT NULL DEFAULT ''
);
CREATE INDEX ON execution.credentials (account_id);
CREATE INDEX ON execution.credentials (kek_id);

-- What web seals to. One that was replaced opens until it ends.
CREATE TABLE execution.transport_keys (
    id text PRIMARY KEY,
    public_key bytea NOT NULL,
    sealed bytea NOT NULL,
    wrapped_key bytea NOT NULL,
    kek_id text NOT NULL REFERENCES execution.keks,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ends_at timestamptz
);

GRANT SELECT, INSERT, UPDATE ON execution.keks TO fillwire_execution;
GRANT SELECT, INSERT, UPDATE, DELETE ON execution.credentials, execution.transport_keys
    TO fillwire_execution;
GRANT USAGE ON SEQUENCE execution.credential_versions TO fillwire_execution;
"""

PAPER = """
-- Of accounts that ask for a login. Of a secret only what it is checked by.
CREATE TABLE paper.api_keys (
    key_id text PRIMARY KEY,
    account text NOT NULL,
    verifier bytea NOT NULL,
    permissions text[] NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at timestamptz
);
CREATE INDEX ON paper.api_keys (account);
GRANT SELECT, INSERT, UPDATE ON paper.api_keys TO fillwire_paper;
"""

WEB = """
-- Whether brokers let connections in, as the facts say.
GRANT UPDATE (state, reported) ON web.connections TO fillwire_worker;
"""


def upgrade() -> None:
    op.execute(CREDENTIALS)
    op.execute(PAPER)
    op.execute(WEB)
