"""What the tickers of trades turned out to mean."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute(
        """
        CREATE INDEX resolved_by_trade ON execution.facts (trade_id) WHERE kind = 'resolved';
        -- NULL where the ticker means just what it says.
        ALTER TABLE web.trades ADD COLUMN contract jsonb;
        """
    )
