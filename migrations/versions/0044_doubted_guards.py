"""What a person says of orders in doubt, by their ids; and an alarm that lasts while what guards
or closes a position is one of them."""

from alembic import op

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    op.execute(
        """
        SET LOCAL lock_timeout = '3s';
        ALTER TABLE execution.instructions ADD COLUMN declared jsonb;
        -- A word that was not believed yet is asked for again: nobody knows which orders it meant.
        UPDATE execution.instructions SET cancel_reason = NULL, canceled_at = NULL
        WHERE cancel_reason IN (170, 171) AND done_at IS NULL;

        CREATE OR REPLACE FUNCTION web.end_alarms() RETURNS trigger LANGUAGE plpgsql
            SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
            UPDATE web.alarms SET ended_at = clock_timestamp()
            WHERE trade_id = NEW.id AND ended_at IS NULL
              AND lasts NOT IN (NEW.state, coalesce(NEW.protection, ''),
                  CASE WHEN NEW.protection_details->>'doubted' IS NULL THEN '' ELSE 'DOUBTED' END);
            RETURN NULL;
        END $$;
        DROP TRIGGER end_alarms ON web.trades;
        CREATE TRIGGER end_alarms AFTER UPDATE OF state, protection, protection_details
            ON web.trades FOR EACH ROW
            WHEN (OLD.state <> NEW.state
                    AND OLD.state IN ('NEEDS_ATTENTION', 'WAITING_APPROVAL', 'BLOCKED')
                OR OLD.protection = 'UNPROTECTED' AND NEW.protection <> OLD.protection
                OR OLD.protection_details->>'doubted' IS NOT NULL
                    AND NEW.protection_details->>'doubted' IS NULL)
            EXECUTE FUNCTION web.end_alarms();
        """
    )
