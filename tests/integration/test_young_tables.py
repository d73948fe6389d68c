"""A new installation: statements are planned while its tables are empty, and soon they are not."""

import psycopg

from protos.postgres import BY_ID
from tests import factories
from tests.conftest import Database
from tests.integration.road_kit import Road
from web import timers

SIGNALS, STRATEGIES = 3000, 100

# Long handed over, all of them, and of one strategy.
_MANY = """
WITH i AS (UPDATE web.strategy_intake SET seq = seq + %(n)s, drained_seq = seq + %(n)s,
    handed_seq = seq + %(n)s WHERE strategy_id = %(s)s RETURNING seq - %(n)s AS before)
INSERT INTO web.signals (id, tenant_id, strategy_id, seq, dialect, content_type, body, body_hash,
    parsed, received_at, accepted_at, boot_id)
SELECT gen_random_uuid(), %(t)s, %(s)s, before + n, 'traderspost', '', '', '', '{}', now(), now(),
    gen_random_uuid()
FROM i, generate_series(1, %(n)s) AS n
"""
_LOOK = "SELECT strategy_id FROM web.lock_due(0, '{}', 100, 20)"
_READ = """
SELECT coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0) FROM pg_stat_xact_all_tables
WHERE schemaname = 'web' AND relname = 'signals'
"""
_PAGES = "SELECT relpages FROM pg_class WHERE oid = 'web.signals'::regclass"


def many_signals(road: Road) -> factories.Strategy:
    """A strategy that has had thousands of signals."""
    strategy = factories.strategy(road.owner)
    values = {"n": SIGNALS, "s": strategy.id, "t": strategy.tenant_id}
    road.owner.execute(_MANY, values)
    return strategy


def test_a_look_for_what_is_due_does_not_read_what_is_done(road: Road, database: Database) -> None:
    with psycopg.connect(database.url("worker"), options=BY_ID) as worker:
        for _ in range(STRATEGIES):
            factories.strategy(road.owner)
        road.owner.execute("ANALYZE web.strategy_intake")
        # Planned now, with more strategies than signals, once for all.
        worker.execute(_LOOK)
        worker.commit()
        strategy = many_signals(road)
        road.signal(strategy)
        assert worker.execute(_LOOK).fetchall() == [(strategy.id,)]
        row = worker.execute(_READ).fetchone()
        assert row is not None and row[0] <= 10


def test_a_table_that_grew_is_measured_in_the_next_turn(road: Road) -> None:
    many_signals(road)
    before = road.owner.execute(_PAGES).fetchone()
    assert before is not None and before[0] < 10
    timers.turn(road.pool, lambda: None)
    after = road.owner.execute(_PAGES).fetchone()
    assert after is not None and after[0] > 50
    # And once is enough.
    with road.pool.connection() as connection:
        assert connection.execute("SELECT web.measure_young()").fetchone() == (None,)
