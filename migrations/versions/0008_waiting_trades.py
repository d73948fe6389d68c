"""Trades that wait for a person or for their time, and their way to execution once let go."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE web.trades
            -- When a delayed or queued trade goes on by itself.
            ADD COLUMN release_at timestamptz,
            -- When it was let go, by its time or by a person: its age clock starts here.
            ADD COLUMN released_at timestamptz,
            -- It was let go, and execution has not confirmed that it stored it.
            ADD COLUMN handover_due boolean NOT NULL DEFAULT false,
            -- Who approved, rejected or canceled it.
            ADD COLUMN decided_by text,
            ADD CHECK ((approval_expires_at IS NOT NULL) = (state = 'WAITING_APPROVAL')),
            ADD CHECK (release_at IS NULL OR state IN ('DELAYED', 'QUEUED')),
            ADD CHECK (NOT handover_due OR released_at IS NOT NULL);

        -- None of these speaks of a column that the projector changes, so its updates stay
        -- within the page, and a trade that never waits is in none of them.
        DROP INDEX web.trades_strategy_id_subscription_id_idx;
        CREATE INDEX trades_held ON web.trades (strategy_id, subscription_id)
            WHERE approval_expires_at IS NOT NULL OR release_at IS NOT NULL OR handover_due;
        CREATE INDEX trades_handover_due ON web.trades (strategy_id) WHERE handover_due;
        CREATE INDEX trades_release_at ON web.trades (release_at) WHERE release_at IS NOT NULL;
        CREATE INDEX trades_approval_expires_at ON web.trades (approval_expires_at)
            WHERE approval_expires_at IS NOT NULL;
        CREATE INDEX trades_waiting_of_tenant ON web.trades (tenant_id, accepted_at DESC)
            WHERE approval_expires_at IS NOT NULL OR release_at IS NOT NULL;

        GRANT UPDATE (release_at, released_at, handover_due, decided_by) ON web.trades
            TO fillwire_web;
        """
    )
