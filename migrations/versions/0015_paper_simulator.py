"""Paper accounts have a trading model and a plan of misdeeds; fills come in parts."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE paper.accounts
            ADD COLUMN model jsonb NOT NULL DEFAULT '{}',
            -- The fault plan with what it has counted; null without one.
            -- In place of `faults` and `faults_counted`, which go with a later release.
            ADD COLUMN plan jsonb;
        ALTER TABLE paper.orders
            -- Of a target or stop: what there is to close.
            ADD COLUMN may_fill numeric,
            ADD COLUMN parts_left integer NOT NULL DEFAULT 1;
        UPDATE paper.orders AS g SET may_fill = coalesce((
            SELECT p.cum_qty FROM paper.orders AS p
            WHERE p.account = g.account AND p.cl_ord_id = g.parent
            ORDER BY p.arrived_at DESC LIMIT 1), 0)
        WHERE g.parent <> '' AND g.ord_status = 'NEW';

        CREATE TABLE paper.misdeeds (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            account text NOT NULL,
            cl_ord_id text NOT NULL,
            kind text NOT NULL,
            delay_ms integer NOT NULL,
            at timestamptz NOT NULL
        );
        CREATE INDEX ON paper.misdeeds (account, id);

        CREATE TABLE paper.recordings (
            account text PRIMARY KEY REFERENCES paper.accounts DEFERRABLE INITIALLY DEFERRED,
            began_at timestamptz NOT NULL,
            content bytea NOT NULL
        );
        GRANT SELECT, INSERT, UPDATE ON paper.recordings TO fillwire_paper;
        GRANT SELECT, INSERT ON paper.misdeeds TO fillwire_paper;
        """
    )
