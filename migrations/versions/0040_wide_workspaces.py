"""Workspaces of thousands of connections: their lists are read a page at a time."""

from alembic import op

revision = "0040"
down_revision = "0037"

WEB = """
SET LOCAL lock_timeout = '3s';
CREATE INDEX connections_oldest ON web.connections (tenant_id, created_at, id);
CREATE INDEX strategies_oldest ON web.strategies (tenant_id, created_at, id);
CREATE INDEX subscriptions_newest ON web.subscriptions (tenant_id, created_at, id);
CREATE INDEX subscriptions_of_strategy ON web.subscriptions (strategy_id, created_at, id);

-- In place of the one by tenant alone; what changes of a position is in neither.
CREATE INDEX positions_of_tenant ON web.positions (tenant_id, connection_id, instrument);
DROP INDEX web.positions_tenant_id_idx;

-- What guards a position: of its orders the stops, by what never changes of them.
CREATE INDEX orders_stops ON web.orders (connection_id, instrument) WHERE leg = 'stop';

-- Every page tells what is halted: few of what ever was.
CREATE INDEX switches_on ON web.switches (tenant_id) WHERE mode <> 'off';
-- And how many orders in doubt somebody has to look at, of however many alarms there were.
CREATE INDEX alarms_of_doubt ON web.alarms (tenant_id)
    WHERE kind = 'not_provable' AND ended_at IS NULL;

-- Of these accounts those that others are connected to: that it is so, not to whom; and only of
-- accounts that this tenant is connected to itself.
CREATE FUNCTION web.accounts_of_others(p_accounts uuid[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT mine.broker_account_id
    FROM web.connections mine
    JOIN web.connections theirs USING (broker_account_id)
    WHERE mine.broker_account_id = ANY (p_accounts)
        AND mine.tenant_id = web.current_tenant() AND theirs.tenant_id <> mine.tenant_id
$$;
REVOKE ALL ON FUNCTION web.accounts_of_others(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION web.accounts_of_others(uuid[]) TO fillwire_web;
DROP FUNCTION web.accounts_of_others();
"""


def upgrade() -> None:
    op.execute(WEB)
