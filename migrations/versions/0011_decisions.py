"""What each trade was decided from, so that it can be decided again."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE web.trades
            -- `web`: what its rules compared and decided. By leg and revision, and `end`: the
            -- steps of execution, each a message of the contract in base64.
            ADD COLUMN decision jsonb NOT NULL DEFAULT '{}';
        """
    )
