"""What a subscription remembers of an instrument, to follow a sender's position."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE execution.positions
            -- The account's balance at the first look, and when last without a position.
            ADD COLUMN initial_balance numeric,
            ADD COLUMN flat_balance numeric,
            -- The sender was flat at least once since.
            ADD COLUMN is_in_step boolean NOT NULL DEFAULT false,
            -- The sender's position that was last acted on.
            ADD COLUMN followed numeric;
        """
    )
