"""Protection as an entity of its own; paper accounts at brokers that can do less."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute(
        """
        CREATE INDEX protections_by_trade ON execution.facts (trade_id, seq)
            WHERE kind = 'protection';
        -- Kind, quantities and gaps of what `protection` says; NULL where nothing was asked.
        ALTER TABLE web.trades ADD COLUMN protection_details jsonb;
        -- Placed and linked by us, because the broker does not.
        ALTER TABLE web.orders ADD COLUMN synthetic boolean NOT NULL DEFAULT false;
        ALTER TABLE paper.accounts
            ADD COLUMN no_brackets boolean NOT NULL DEFAULT false,
            ADD COLUMN no_stops boolean NOT NULL DEFAULT false;
        """
    )
