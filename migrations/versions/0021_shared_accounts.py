"""Whether a broker account that one trades is another tenant's as well."""

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.execute(
        """
        -- Of the accounts of this tenant's connections those that others are connected to: that
        -- it is so, not to whom.
        CREATE FUNCTION web.accounts_of_others() RETURNS SETOF uuid
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT DISTINCT mine.broker_account_id
            FROM web.connections mine
            JOIN web.connections theirs USING (broker_account_id)
            WHERE mine.tenant_id = web.current_tenant() AND theirs.tenant_id <> mine.tenant_id
        $$;
        REVOKE ALL ON FUNCTION web.accounts_of_others() FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION web.accounts_of_others() TO fillwire_web;
        """
    )
