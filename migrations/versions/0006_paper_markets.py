"""The paper venue keeps exchange hours where asked, and remembers prices that clients named."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE paper.accounts ADD COLUMN exchange_hours boolean NOT NULL DEFAULT false;
        ALTER TABLE paper.positions ADD COLUMN seen_px numeric;
        """
    )
