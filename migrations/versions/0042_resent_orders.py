"""When an order went out again, after the broker was proven not to know it."""

from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.execute(
        "SET LOCAL lock_timeout = '3s'; ALTER TABLE web.orders ADD COLUMN resent_at timestamptz"
    )
