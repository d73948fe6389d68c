"""Positions move without fills: contracts expire, paper accounts begin anew."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE web.position_changes (
            id uuid NOT NULL,
            connection_id uuid NOT NULL REFERENCES web.connections,
            tenant_id uuid NOT NULL REFERENCES web.tenants,
            -- Empty for what concerns the account as a whole.
            instrument text NOT NULL,
            cause text NOT NULL,
            change_qty numeric,
            price numeric,
            cash numeric,
            text text NOT NULL,
            at timestamptz NOT NULL,
            PRIMARY KEY (connection_id, id)
        );
        CREATE INDEX ON web.position_changes (connection_id, at DESC);
        ALTER TABLE web.position_changes ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON web.position_changes FOR SELECT TO fillwire_web
            USING (tenant_id = web.current_tenant());
        CREATE POLICY worker ON web.position_changes TO fillwire_worker
            USING (true) WITH CHECK (true);
        CREATE POLICY staff ON web.position_changes FOR SELECT TO fillwire_staff USING (true);
        GRANT SELECT ON web.position_changes TO fillwire_web, fillwire_staff;
        GRANT SELECT, INSERT ON web.position_changes TO fillwire_worker;

        -- Who takes an account asks which move it heard last.
        CREATE INDEX moves ON execution.facts (account_id, seq) WHERE kind = 'move';
        """
    )
