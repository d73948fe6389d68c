"""A workspace with a long history: one real signal, its trade, order and fill, a hundred thousand
times over, and what stands beside them."""

from typing import Any
from uuid import UUID

import psycopg

Owner = psycopg.Connection[Any]

# One line for each signal that is made: newest last, evenly over so many days.
_PLAN = """
CREATE TEMP TABLE plan AS
SELECT n, gen_random_uuid() AS signal, gen_random_uuid() AS trade, gen_random_uuid() AS "order",
    gen_random_uuid() AS fill, u.strategy_id, u.id AS subscription, u.connection_id,
    u.tenant_id, i.seq + n / u.strategies + 1 AS seq,
    now() - make_interval(secs => (%(count)s - n) * %(days)s * 86400.0 / %(count)s) AS at
FROM generate_series(0, %(count)s - 1) AS n
JOIN (SELECT s.*, row_number() OVER (ORDER BY s.strategy_id) - 1 AS nth,
          count(*) OVER () AS strategies
      FROM web.subscriptions s WHERE s.enabled AND s.strategy_id = ANY(%(strategies)s)) u
    ON u.nth = n %% u.strategies
JOIN web.strategy_intake i ON i.strategy_id = u.strategy_id
"""
# The template's row again, with other values where they are named and its times shifted.
_AGAIN = """
INSERT INTO web.{table}
SELECT (jsonb_populate_record(t, jsonb_build_object({values}) || {shifted})).*
FROM plan p, web.{table} t WHERE t.id = %(template)s
"""
_TIMES = {
    "signals": ("received_at", "accepted_at"),
    "trades": (
        "received_at", "accepted_at", "dequeued_at", "planned_at", "submitted_at",
        "acknowledged_at", "first_fill_at", "filled_at", "released_at",
    ),
    "orders": ("created_at", "updated_at"),
    "fills": ("at",),
}  # fmt: skip
_OWN = {
    "signals": "'id', p.signal, 'strategy_id', p.strategy_id, 'tenant_id', p.tenant_id, "
    "'seq', p.seq",
    "trades": "'id', p.trade, 'signal_id', p.signal, 'signal_seq', p.seq, "
    "'strategy_id', p.strategy_id, 'subscription_id', p.subscription, "
    "'connection_id', p.connection_id, 'tenant_id', p.tenant_id, "
    "'state', CASE p.n % 20 WHEN 7 THEN 'REJECTED' WHEN 13 THEN 'SKIPPED' ELSE t.state END, "
    "'reason', CASE p.n % 20 WHEN 7 THEN 'buying_power' WHEN 13 THEN 'no_position' END",
    "orders": """'id', p."order", 'trade_id', p.trade, 'connection_id', p.connection_id, """
    """'tenant_id', p.tenant_id, 'cl_ord_id', left(replace(p."order"::text, '-', ''), 22)""",
    "fills": """'id', p.fill, 'order_id', p."order", 'trade_id', p.trade, """
    "'connection_id', p.connection_id, 'tenant_id', p.tenant_id, 'exec_id', p.fill::text",
}
# What stands beside them, of the tenant's own strategies and connections.
_BESIDE = """
INSERT INTO web.refusals (id, tenant_id, strategy_id, code, minute, message, body, last_at)
SELECT gen_random_uuid(), tenant_id, strategy_id, 'invalid-action', date_trunc('minute', at),
    'There is no such action.', '{}', at FROM plan WHERE n % 5 = 0
ON CONFLICT DO NOTHING;
INSERT INTO web.alarms (id, tenant_id, kind, connection_id, instrument, trade_id, message, numbers,
    raised_at, acknowledged_at, acknowledged_by)
SELECT gen_random_uuid(), tenant_id, 'flip_timeout', connection_id, 'AAPL', trade,
    'Look at AAPL.', '{}', at, at, 'person:bench' FROM plan WHERE n % 20 = 0;
INSERT INTO web.position_changes (connection_id, id, tenant_id, instrument, cause, change_qty,
    text, at)
SELECT connection_id, fill, tenant_id, 'AAPL', 'external', 1, 'traded there', at
FROM plan WHERE n % 20 = 0;
UPDATE web.strategy_intake i SET seq = p.seq, drained_seq = p.seq, handed_seq = p.seq
FROM (SELECT strategy_id, max(seq) AS seq FROM plan GROUP BY strategy_id) p
WHERE p.strategy_id = i.strategy_id;
"""
# A chain's head is written again for each of its events: few in one transaction.
_EVENTS = """
INSERT INTO web.audit_events (tenant_id, actor, action, subject)
SELECT tenant_id, 'person:bench', 'strategy:update', 'str_' || replace(strategy_id::text, '-', '')
FROM plan WHERE n %% 5 = 0 AND n / 5 %% %(parts)s = %(part)s
"""
_PARTS = 100


def fill(owner: Owner, strategies: list[UUID], signal_id: UUID, *, count: int, days: float) -> None:
    """Write a history of so many signals, made of one that was filled, into these strategies'
    first subscriptions."""
    one = owner.execute(
        "SELECT s.id, t.id, o.id, f.id FROM web.signals s JOIN web.trades t ON t.signal_id = s.id "
        "JOIN web.orders o ON o.trade_id = t.id JOIN web.fills f ON f.order_id = o.id "
        "WHERE s.id = %s LIMIT 1",
        [signal_id],
    ).fetchone()
    assert one is not None, "the signal was not filled"
    templates = dict(zip(_OWN, one, strict=True))
    with owner.transaction():
        # Rows of the past are what no rule would make today.
        owner.execute("SET LOCAL statement_timeout = 0")
        owner.execute(_PLAN, {"count": count, "days": days, "strategies": strategies})
        for table, own in _OWN.items():
            at = "t.at" if table == "fills" else f"t.{_TIMES[table][0]}"
            shifts = ", ".join(f"'{name}', t.{name} + (p.at - {at})" for name in _TIMES[table])
            statement = _AGAIN.format(
                table=table,
                values=own.replace("%", "%%"),
                shifted=f"jsonb_strip_nulls(jsonb_build_object({shifts}))",
            )
            owner.execute(statement, {"template": templates[table]})
        for statement in _BESIDE.split(";\n"):
            if statement.strip():
                owner.execute(statement)
    for part in range(_PARTS):
        owner.execute(_EVENTS, {"part": part, "parts": _PARTS})
    owner.execute("DROP TABLE plan")
    owner.execute("VACUUM ANALYZE")
