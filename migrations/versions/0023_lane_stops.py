"""What stops a lane is found again, and may be seen by somebody; who lets an exit go is kept."""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.execute(
        """
        SET LOCAL lock_timeout = '3s';
        CREATE INDEX lanes ON execution.facts (account_id, seq) WHERE kind = 'lane';
        ALTER TABLE execution.switches DROP CONSTRAINT switches_scope_check,
            ADD CONSTRAINT switches_scope_check CHECK (scope IN
                ('platform', 'tenant', 'strategy', 'connection', 'account', 'order'));
        -- Replaying an exit that a person let go has to know that they did.
        GRANT UPDATE (decision) ON web.trades TO fillwire_web;
        """
    )
