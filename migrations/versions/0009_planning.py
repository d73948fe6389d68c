"""The terms that stops need, and what each order was decided from."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE execution.orders
            ADD COLUMN stop_price numeric,
            ADD COLUMN trail_amount numeric,
            ADD COLUMN trail_percent numeric,
            ADD COLUMN decided_from jsonb NOT NULL DEFAULT '{}';
        ALTER TABLE paper.orders
            ADD COLUMN stop_price numeric,
            ADD COLUMN trail_amount numeric,
            ADD COLUMN trail_percent numeric,
            -- The best price since a trailing stop came in.
            ADD COLUMN best_price numeric,
            -- Of a target or stop: the ClOrdID of its entry.
            ADD COLUMN parent text NOT NULL DEFAULT '',
            ADD COLUMN is_triggered boolean NOT NULL DEFAULT false;
        """
    )
