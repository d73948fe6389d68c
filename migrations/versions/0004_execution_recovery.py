"""What a takeover of an account reads: attribution, the newest facts, the last outcomes."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(
        """
        -- Decided at the first trade of a subscription on an instrument; never changed.
        ALTER TABLE execution.positions ADD COLUMN attribution text NOT NULL DEFAULT 'own'
            CHECK (attribution IN ('own', 'account'));
        CREATE INDEX facts_by_account ON execution.facts (account_id, seq);
        CREATE INDEX outcomes_by_trade ON execution.facts (trade_id) WHERE kind = 'outcome';
        """
    )
