"""Silences that venues asked for, orders by time, and limits of paper accounts."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute(
        """
        -- What a venue was last told not to get, by whom it counts. Old rows mean nothing.
        CREATE TABLE execution.penalties (
            broker text NOT NULL,
            environment text NOT NULL,
            scope text NOT NULL CHECK (scope IN ('account', 'connection', 'app', 'address')),
            scope_id text NOT NULL,
            until timestamptz NOT NULL,
            level integer NOT NULL CHECK (level > 0),
            PRIMARY KEY (broker, environment, scope, scope_id)
        );
        GRANT SELECT, INSERT, UPDATE ON execution.penalties TO fillwire_execution;
        -- How many orders went out in a limit's last window: asked for at a takeover only.
        CREATE INDEX orders_by_time ON execution.orders USING brin (created_at);

        ALTER TABLE paper.accounts
            -- So many orders and cancels in any minute; 0 for no limit.
            ADD COLUMN requests_per_minute integer NOT NULL DEFAULT 0
                CHECK (requests_per_minute >= 0);
        """
    )
