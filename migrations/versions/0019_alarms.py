"""What somebody must look at, of whatever kind: web.alarms takes the place of web.attentions."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE web.alarms (
            id uuid PRIMARY KEY,
            tenant_id uuid NOT NULL REFERENCES web.tenants,
            kind text NOT NULL,
            connection_id uuid NOT NULL REFERENCES web.connections,
            -- Empty for what concerns the account as a whole.
            instrument text NOT NULL,
            -- No references: alarms outlive what they tell of.
            trade_id uuid,
            order_id uuid,
            message text NOT NULL,
            numbers jsonb NOT NULL,
            -- While its trade or that trade's protection is in this state, it stands.
            lasts text,
            raised_at timestamptz NOT NULL,
            ended_at timestamptz,
            acknowledged_at timestamptz,
            acknowledged_by text,
            CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL)),
            CHECK (lasts IS NULL OR trade_id IS NOT NULL)
        );
        CREATE INDEX ON web.alarms (tenant_id, raised_at DESC, id DESC);
        CREATE INDEX open_alarms ON web.alarms (tenant_id, raised_at DESC)
            WHERE ended_at IS NULL AND acknowledged_at IS NULL;
        CREATE INDEX alarms_of_trade ON web.alarms (trade_id);
        GRANT SELECT ON web.alarms TO fillwire_web, fillwire_worker, fillwire_staff;
        GRANT UPDATE (acknowledged_at, acknowledged_by) ON web.alarms TO fillwire_web;
        GRANT INSERT ON web.alarms TO fillwire_worker;
        ALTER TABLE web.alarms ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON web.alarms TO fillwire_web
            USING (tenant_id = web.current_tenant());
        CREATE POLICY worker ON web.alarms TO fillwire_worker USING (true) WITH CHECK (true);
        CREATE POLICY staff ON web.alarms FOR SELECT TO fillwire_staff USING (true);

        -- Whoever changes the trade ends what told of the state before.
        CREATE FUNCTION web.end_alarms() RETURNS trigger LANGUAGE plpgsql
            SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
            UPDATE web.alarms SET ended_at = clock_timestamp()
            WHERE trade_id = NEW.id AND ended_at IS NULL
              AND lasts NOT IN (NEW.state, coalesce(NEW.protection, ''));
            RETURN NULL;
        END $$;
        REVOKE ALL ON FUNCTION web.end_alarms() FROM PUBLIC;
        CREATE TRIGGER end_alarms AFTER UPDATE OF state, protection ON web.trades FOR EACH ROW
            WHEN (OLD.state <> NEW.state
                    AND OLD.state IN ('NEEDS_ATTENTION', 'WAITING_APPROVAL', 'BLOCKED')
                OR OLD.protection = 'UNPROTECTED' AND NEW.protection <> OLD.protection)
            EXECUTE FUNCTION web.end_alarms();

        INSERT INTO web.alarms (id, tenant_id, kind, connection_id, instrument, trade_id,
            message, numbers, lasts, raised_at)
        SELECT gen_random_uuid(), t.tenant_id, t.reason, t.connection_id, t.instrument, t.id,
            coalesce(t.message, t.reason), t.numbers, 'NEEDS_ATTENTION',
            coalesce(a.since, t.updated_at)
        FROM web.trades t LEFT JOIN web.attentions a ON a.trade_id = t.id
        WHERE t.state = 'NEEDS_ATTENTION' AND t.reason IN ('not_provable', 'internal_error');

        DROP TRIGGER keep_attentions ON web.trades;
        DROP FUNCTION web.keep_attentions();
        DROP TABLE web.attentions;

        -- Given back to a person as too late, and let go: begun anew.
        ALTER TABLE execution.instructions ADD COLUMN revives boolean NOT NULL DEFAULT false;

        -- An exit that a window holds is BLOCKED: it goes when one opens, or a person lets it go.
        ALTER TABLE web.trades
            DROP CONSTRAINT trades_check,
            DROP CONSTRAINT trades_check1,
            ADD CONSTRAINT trades_asking CHECK (CASE WHEN approval_expires_at IS NULL
                THEN state <> 'WAITING_APPROVAL' ELSE state IN ('WAITING_APPROVAL', 'BLOCKED') END),
            ADD CONSTRAINT trades_timed CHECK (release_at IS NULL
                OR state IN ('DELAYED', 'QUEUED')
                OR (state = 'BLOCKED' AND approval_expires_at IS NOT NULL));

        -- A trade that is let go changes as a trade and as an approval, under one number.
        ALTER TABLE web.changes DROP CONSTRAINT changes_pkey;
        ALTER TABLE web.changes ADD PRIMARY KEY (tenant_id, number, kind, object_id);
        """
    )
