"""Orders that nobody here placed: of no trade, and seen at each connection to their account; and
fills that were taken back."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE web.orders ALTER COLUMN trade_id DROP NOT NULL;
        ALTER TABLE web.fills ALTER COLUMN trade_id DROP NOT NULL;
        -- What others name their orders is theirs, and each connection shows the same one.
        ALTER TABLE web.orders DROP CONSTRAINT orders_cl_ord_id_key;
        CREATE UNIQUE INDEX ours ON web.orders (cl_ord_id) WHERE trade_id IS NOT NULL;

        -- What a broker took back or corrected of a fill.
        ALTER TABLE web.fills ADD COLUMN is_busted boolean NOT NULL DEFAULT false,
            ADD COLUMN amended_at timestamptz;

        -- The positions page asks for the last change of each.
        CREATE INDEX ON web.position_changes (connection_id, instrument, at DESC);

        -- Who takes an account asks where to resume.
        CREATE INDEX externals ON execution.facts (account_id, seq) WHERE kind = 'external';
        """
    )
