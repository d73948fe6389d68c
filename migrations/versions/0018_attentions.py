"""Trades that a person has to look at, apart: pages count them without looking through all."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.execute(
        """
        -- Not an index of trades: one that speaks of their state would have every update of a
        -- trade rewrite its indexes.
        CREATE TABLE web.attentions (
            trade_id uuid PRIMARY KEY,
            tenant_id uuid NOT NULL,
            since timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        CREATE INDEX ON web.attentions (tenant_id, since DESC);
        GRANT SELECT ON web.attentions TO fillwire_web, fillwire_worker, fillwire_staff;
        ALTER TABLE web.attentions ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON web.attentions FOR SELECT TO fillwire_web
            USING (tenant_id = web.current_tenant());
        CREATE POLICY worker ON web.attentions FOR SELECT TO fillwire_worker USING (true);
        CREATE POLICY staff ON web.attentions FOR SELECT TO fillwire_staff USING (true);

        CREATE FUNCTION web.keep_attentions() RETURNS trigger LANGUAGE plpgsql
            SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
            IF NEW.state = 'NEEDS_ATTENTION' AND NEW.reason = 'not_provable' THEN
                INSERT INTO web.attentions (trade_id, tenant_id)
                VALUES (NEW.id, NEW.tenant_id) ON CONFLICT DO NOTHING;
            ELSE
                DELETE FROM web.attentions WHERE trade_id = NEW.id;
            END IF;
            RETURN NULL;
        END $$;
        REVOKE ALL ON FUNCTION web.keep_attentions() FROM PUBLIC;
        CREATE TRIGGER keep_attentions AFTER UPDATE OF state ON web.trades FOR EACH ROW
            WHEN (OLD.state = 'NEEDS_ATTENTION' OR NEW.state = 'NEEDS_ATTENTION')
            EXECUTE FUNCTION web.keep_attentions();

        INSERT INTO web.attentions (trade_id, tenant_id)
        SELECT id, tenant_id FROM web.trades
        WHERE state = 'NEEDS_ATTENTION' AND reason = 'not_provable';
        """
    )
