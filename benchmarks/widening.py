"""A workspace that is wide, not long: thousands of each thing it may have."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from benchmarks import seed
from protos import ids
from web.strategies import secrets

Owner = psycopg.Connection[Any]

# Of them so many are halted by themselves, wait for somebody, or have an order in doubt.
HALTED, WAITING, DOUBTFUL = 500, 2_000, 500
# Other strategies and members; keys are no more than these.
BESIDE, KEYS = 2_000, 40

# One trade of the signal for each new subscription, its filled order, and the stop that works.
_TRADES = """
INSERT INTO web.trades
SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(),
    'subscription_id', s.id, 'connection_id', s.connection_id, 'state', CASE
        WHEN s.nth <= %(waiting)s THEN 'WAITING_APPROVAL'
        WHEN s.nth > %(count)s - %(doubtful)s THEN 'NEEDS_ATTENTION'
        WHEN s.nth %% 20 = 7 THEN 'REJECTED' ELSE t.state END,
    'reason', CASE WHEN s.nth <= %(waiting)s THEN NULL
        WHEN s.nth > %(count)s - %(doubtful)s THEN 'not_provable'
        WHEN s.nth %% 20 = 7 THEN 'buying_power' END,
    'approval_expires_at', CASE WHEN s.nth <= %(waiting)s THEN now() + interval '1 day' END))).*
FROM web.trades t, (SELECT *, row_number() OVER (ORDER BY id) AS nth FROM web.subscriptions
    WHERE strategy_id = %(strategy)s AND enabled) s
WHERE t.id = %(template)s
"""
_ORDERS = """
INSERT INTO web.orders
SELECT (jsonb_populate_record(o, jsonb_build_object('id', n.id, 'trade_id', n.trade_id,
    'connection_id', n.connection_id, 'cl_ord_id', left(replace(n.id::text, '-', ''), 22))
    || n.more)).*
FROM web.orders o, (
    SELECT gen_random_uuid() AS id, t.id AS trade_id, t.connection_id, m.more
    FROM web.trades t CROSS JOIN (VALUES ('{}'::jsonb), (jsonb_build_object('leg', 'stop',
        'side', 'sell', 'ord_type', 'stop', 'cum_qty', 0, 'ord_status', 'NEW'))) AS m (more)
    WHERE t.strategy_id = %(strategy)s AND t.signal_id = %(signal)s AND t.id <> %(template)s
        AND t.state NOT IN ('WAITING_APPROVAL', 'REJECTED')) n
WHERE o.id = %(order)s
"""
_HELD = """
INSERT INTO web.positions (connection_id, instrument, tenant_id, quantity, avg_price, own,
    fact_seq, updated_at)
SELECT connection_id, 'AAPL', tenant_id, 2, 228.4,
    jsonb_build_object('sub_' || replace(id::text, '-', ''), '2'), 0, now()
FROM web.subscriptions WHERE strategy_id = %(strategy)s AND enabled
ON CONFLICT DO NOTHING;
INSERT INTO web.position_changes (connection_id, id, tenant_id, instrument, cause, change_qty,
    text, at)
SELECT connection_id, gen_random_uuid(), tenant_id, 'AAPL', 'external', 1, 'traded there', now()
FROM web.subscriptions WHERE strategy_id = %(strategy)s AND enabled;
INSERT INTO web.alarms (id, tenant_id, kind, connection_id, instrument, trade_id, message, numbers,
    raised_at)
SELECT gen_random_uuid(), tenant_id, CASE state WHEN 'NEEDS_ATTENTION' THEN 'not_provable'
    ELSE 'flip_timeout' END, connection_id, 'AAPL', id, 'Look at AAPL.', '{}', now()
FROM web.trades WHERE signal_id = %(signal)s AND state <> 'WAITING_APPROVAL';
INSERT INTO web.switches (scope, scope_id, tenant_id, mode, why, set_by, set_at, version)
SELECT 'connection', connection_id, tenant_id, 'stop_all', '', 'person:bench', now(), 0
FROM web.subscriptions WHERE strategy_id = %(strategy)s AND enabled
ORDER BY id LIMIT %(halted)s;
"""
_BESIDE = """
CREATE TEMP TABLE beside AS
SELECT n, id FROM unnest(%(beside)s::uuid[]) WITH ORDINALITY AS b (id, n);
INSERT INTO web.strategies (id, tenant_id, name, asset_class)
SELECT id, %(tenant)s, 'Beside ' || n, 'stocks' FROM beside;
INSERT INTO web.strategy_intake (strategy_id, tenant_id) SELECT id, %(tenant)s FROM beside;
INSERT INTO web.people (id, email, confirmed_at)
SELECT id, 'beside' || n || '@bench.example', now() FROM beside;
INSERT INTO web.members (tenant_id, person_id, role) SELECT %(tenant)s, id, 'trader' FROM beside;
INSERT INTO web.api_keys (id, tenant_id, name, prefix, key_hash, mode, role, created_by)
SELECT id, %(tenant)s, 'Beside ' || n, 'fw_test_', sha256(id::text::bytea), 'test', 'trader', id
FROM beside WHERE n <= %(keys)s;
DROP TABLE beside
"""


def widen(owner: Owner, strategy: UUID, signal_id: UUID, *, count: int, sealing_key: bytes) -> None:
    """Give a strategy so many subscriptions, each on a connection of its own that holds something,
    each with a trade of this filled signal; and the workspace thousands of what else there is."""
    seed.subscribe(owner, [strategy], each=count)
    one = owner.execute(
        "SELECT t.tenant_id, t.id, o.id FROM web.trades t JOIN web.orders o ON o.trade_id = t.id "
        "WHERE t.signal_id = %s",
        [signal_id],
    ).fetchone()
    assert one is not None, "the signal was not filled"
    beside = [ids.new() for _ in range(min(BESIDE, count))]
    given = {
        "strategy": strategy,
        "signal": signal_id,
        "count": count,
        "halted": min(HALTED, count // 2),
        "waiting": min(WAITING, count // 5),
        "doubtful": min(DOUBTFUL, count // 5),
        "beside": beside,
        "keys": KEYS,
    } | dict(zip(("tenant", "template", "order"), one, strict=True))
    with owner.transaction():
        owner.execute("SET LOCAL statement_timeout = 0")
        for statement in f"{_TRADES};{_ORDERS};{_HELD}{_BESIDE}".split(";\n"):
            if statement.strip():
                owner.execute(statement, given)
        _webhooks(owner, one[0], beside, sealing_key)
    owner.execute("VACUUM ANALYZE")


def _webhooks(owner: Owner, tenant: UUID, strategies: Sequence[UUID], key: bytes) -> None:
    """Sealed as the site seals them, for its lists show their addresses."""
    with (
        owner.cursor() as cursor,
        cursor.copy(
            "COPY web.strategy_webhooks (strategy_id, tenant_id, webhook_uuid, secret_hash, "
            "secret_sealed) FROM STDIN"
        ) as copy,
    ):
        for each in strategies:
            secret = secrets.draw()
            sealed = secrets.seal(key, each, secret)
            copy.write_row((each, tenant, ids.new(), secrets.digest(secret), sealed))
