"""Who may send to a webhook: former secrets that still work, addresses, signatures."""

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE web.strategy_webhooks
            ADD COLUMN senders text NOT NULL DEFAULT 'anyone'
                CHECK (senders IN ('anyone', 'tradingview', 'trendspider', 'addresses')),
            ADD COLUMN addresses text[] NOT NULL DEFAULT '{}'
                CHECK (cardinality(addresses) <= 100),
            -- What messages are signed with; without one they need no signature.
            ADD COLUMN signing_sealed bytea,
            ADD CHECK (senders <> 'addresses' OR cardinality(addresses) > 0);

        -- Secrets that were replaced and still work for a while. A signature is computed, so
        -- its secret is kept sealed; the others are compared by their hash.
        CREATE TABLE web.former_secrets (
            strategy_id uuid NOT NULL,
            tenant_id uuid NOT NULL,
            kind text NOT NULL CHECK (kind IN ('webhook', 'connector', 'signing')),
            secret_hash bytea NOT NULL,
            sealed bytea,
            until timestamptz NOT NULL,
            PRIMARY KEY (strategy_id, kind, secret_hash),
            CHECK ((kind = 'signing') = (sealed IS NOT NULL)),
            FOREIGN KEY (tenant_id, strategy_id) REFERENCES web.strategies (tenant_id, id)
        );
        CREATE INDEX former_connector_tokens ON web.former_secrets (secret_hash)
            WHERE kind = 'connector';
        GRANT SELECT, INSERT, DELETE ON web.former_secrets TO fillwire_web;
        ALTER TABLE web.former_secrets ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON web.former_secrets TO fillwire_web
            USING (tenant_id = web.current_tenant()) WITH CHECK (tenant_id = web.current_tenant());

        CREATE FUNCTION web.former_secrets_of(p_strategy uuid) RETURNS jsonb
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                'kind', f.kind, 'hash', encode(f.secret_hash, 'hex'),
                'sealed', encode(f.sealed, 'hex'), 'until', extract(epoch FROM f.until))))
            FROM web.former_secrets f WHERE f.strategy_id = p_strategy AND f.until > now()
        $$;

        -- As find_webhook, which the release before asks, with what `admits` has beyond the
        -- secret; null where that is nothing.
        CREATE FUNCTION web.webhook_at(p_uuid uuid)
        RETURNS TABLE (strategy_id uuid, tenant_id uuid, secret_hash bytea, version bigint,
                       asset_class text, per_minute integer, per_hour integer,
                       dedupe_seconds integer, admits jsonb)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT w.strategy_id, w.tenant_id, w.secret_hash, i.version, s.asset_class,
                   w.per_minute, w.per_hour, w.dedupe_seconds,
                   nullif(jsonb_strip_nulls(jsonb_build_object(
                       'senders', nullif(w.senders, 'anyone'),
                       'addresses', CASE WHEN w.senders = 'addresses' THEN to_jsonb(w.addresses) END,
                       'signing', encode(w.signing_sealed, 'hex'),
                       'formers', web.former_secrets_of(w.strategy_id))), '{}')
            FROM web.strategy_webhooks w
            JOIN web.strategy_intake i USING (strategy_id)
            JOIN web.strategies s ON s.id = w.strategy_id
            WHERE w.webhook_uuid = p_uuid
        $$;

        -- Where messages with this name and token go. A token of today goes before a former one.
        CREATE OR REPLACE FUNCTION web.find_connector(p_name text, p_token_hash bytea)
        RETURNS TABLE (webhook_uuid uuid)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT w.webhook_uuid FROM (
                SELECT c.strategy_id, 1 AS rank FROM web.connectors c
                WHERE c.token_hash = p_token_hash AND c.name = p_name
                UNION ALL
                SELECT c.strategy_id, 2 FROM web.former_secrets f
                JOIN web.connectors c USING (strategy_id)
                WHERE f.kind = 'connector' AND f.secret_hash = p_token_hash AND f.until > now()
                  AND c.name = p_name
            ) AS found
            JOIN web.strategy_webhooks w USING (strategy_id)
            ORDER BY found.rank LIMIT 1
        $$;

        -- As connector_of, with the former tokens.
        CREATE FUNCTION web.connector_at(p_strategy uuid)
        RETURNS TABLE (name text, token_hash bytea, instrument text, market text, mode text,
                       leverage_convention text, leverage numeric, reserve_percent numeric,
                       formers jsonb)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT c.name, c.token_hash, c.instrument, c.market, c.mode, c.leverage_convention,
                   c.leverage, c.reserve_percent, web.former_secrets_of(c.strategy_id)
            FROM web.connectors c WHERE c.strategy_id = p_strategy
        $$;

        -- A token that still works elsewhere is taken: whoever knows it could have the
        -- messages that its owner's senders send until they know the new one.
        CREATE FUNCTION web.refuse_former_token() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
            IF EXISTS (SELECT FROM web.former_secrets f
                       WHERE f.kind = 'connector' AND f.secret_hash = NEW.token_hash
                         AND f.until > now() AND f.strategy_id <> NEW.strategy_id) THEN
                RAISE unique_violation USING MESSAGE = 'the token still works elsewhere';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER refuse_former_token BEFORE INSERT OR UPDATE OF token_hash ON web.connectors
            FOR EACH ROW EXECUTE FUNCTION web.refuse_former_token();

        REVOKE ALL ON FUNCTION web.former_secrets_of(uuid), web.webhook_at(uuid),
            web.connector_at(uuid), web.refuse_former_token() FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION web.webhook_at(uuid), web.connector_at(uuid) TO fillwire_web;
        """
    )
