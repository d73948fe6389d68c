"""Connectors: the name and token by which Crypto-Arsenal messages find their strategy."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute(
        """
        -- Apart from strategies, as their webhooks are: followers may read those.
        CREATE TABLE web.connectors (
            strategy_id uuid PRIMARY KEY,
            tenant_id uuid NOT NULL,
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
            token_hash bytea NOT NULL,
            token_sealed bytea NOT NULL,
            instrument text NOT NULL CHECK (instrument <> ''),
            market text NOT NULL CHECK (market IN ('spot', 'futures', 'any')),
            mode text NOT NULL CHECK (mode IN ('plain', 'reverse', 'side_sync', 'size_sync',
                                               'multicharts', 'percent', 'sync')),
            leverage_convention text NOT NULL CHECK (leverage_convention IN ('apply', 'ignore')),
            leverage numeric NOT NULL CHECK (leverage BETWEEN 1 AND 200),
            reserve_percent numeric NOT NULL CHECK (reserve_percent >= 0 AND reserve_percent < 100),
            created_at timestamptz NOT NULL DEFAULT now(),
            -- A pair finds one strategy. Names alone may repeat.
            UNIQUE (token_hash, name),
            FOREIGN KEY (tenant_id, strategy_id) REFERENCES web.strategies (tenant_id, id)
        );
        GRANT SELECT, INSERT, UPDATE ON web.connectors TO fillwire_web;

        ALTER TABLE web.connectors ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON web.connectors TO fillwire_web
            USING (tenant_id = web.current_tenant()) WITH CHECK (tenant_id = web.current_tenant());

        -- Where messages with this name and token go.
        CREATE FUNCTION web.find_connector(p_name text, p_token_hash bytea)
        RETURNS TABLE (webhook_uuid uuid)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT w.webhook_uuid FROM web.connectors c
            JOIN web.strategy_webhooks w USING (strategy_id)
            WHERE c.token_hash = p_token_hash AND c.name = p_name
        $$;

        -- How messages to this strategy are read.
        CREATE FUNCTION web.connector_of(p_strategy uuid)
        RETURNS TABLE (name text, token_hash bytea, instrument text, market text, mode text,
                       leverage_convention text, leverage numeric, reserve_percent numeric)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT c.name, c.token_hash, c.instrument, c.market, c.mode, c.leverage_convention,
                   c.leverage, c.reserve_percent
            FROM web.connectors c WHERE c.strategy_id = p_strategy
        $$;

        GRANT EXECUTE ON FUNCTION web.find_connector(text, bytea), web.connector_of(uuid)
            TO fillwire_web;
        """
    )
