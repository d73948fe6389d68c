"""The drain when a statement of its own fails or takes long: nobody else is stopped, and nothing
stays locked."""

import threading
import time
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from tests import factories
from tests.integration.road_kit import Road
from web.execution_client import ExecutionClient, ExecutionDown
from web.trades import handing
from web.trades.service import Drain

_FAIL = """
CREATE FUNCTION web.fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$;
CREATE TRIGGER fail BEFORE {when} FOR EACH ROW WHEN ({whose}) EXECUTE FUNCTION web.fail();
"""
_MEND = "DROP FUNCTION web.fail CASCADE"
_WAIT = """
CREATE FUNCTION web.wait() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END $$;
CREATE TRIGGER wait BEFORE INSERT ON web.trades FOR EACH ROW EXECUTE FUNCTION web.wait();
"""
_STEPS = {
    "trades": ("INSERT ON web.trades", "NEW.strategy_id = '{strategy}'"),
    "drained": ("UPDATE OF drained_seq ON web.strategy_intake", "NEW.strategy_id = '{strategy}'"),
    "handed": ("UPDATE OF handed_seq ON web.strategy_intake", "NEW.strategy_id = '{strategy}'"),
    "told": ("INSERT ON web.changes", "NEW.tenant_id = '{tenant}'"),
}


def fail(road: Road, step: str, strategy: factories.Strategy, code: str) -> None:
    """From here on this statement fails where it is about this strategy."""
    when, whose = _STEPS[step]
    named = whose.format(strategy=strategy.id, tenant=strategy.tenant_id)
    road.owner.execute(_FAIL.format(code=code, when=when, whose=named))


def held(road: Road) -> list[tuple[Any, ...]]:
    """Every lock of a strategy, whoever has it; a session that is left ends within moments."""
    until = time.monotonic() + 2
    while True:
        query = "SELECT pid FROM pg_locks WHERE locktype = 'advisory'"
        found = road.owner.execute(query).fetchall()
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.01)


@pytest.mark.parametrize("step", sorted(_STEPS))
def test_what_fails_for_one_strategy_stops_no_other(road: Road, step: str) -> None:
    broken, sound = factories.strategy(road.owner), factories.strategy(road.owner)
    for strategy in (broken, sound):
        factories.subscription(road.owner, strategy)
        road.signal(strategy)
    fail(road, step, broken, "22012")
    found = []

    def meanwhile() -> None:
        # All together and each alone: whoever hands over holds what they hand over.
        found.append(Drain(road.pool, ExecutionClient(road.target)).drain_due())

    road.store.meanwhile += [meanwhile] * 2
    assert road.drain.drain_due(slice_seconds=60)[0] is False
    assert found and set(map(str, found)) == {"(False, set())"}
    handed = "SELECT handed_seq FROM web.strategy_intake WHERE strategy_id = %s"
    assert road.owner.execute(handed, (sound.id,)).fetchall() == [(1,)]
    assert road.owner.execute(handed, (broken.id,)).fetchall() == [(0,)]
    assert held(road) == []
    road.owner.execute(_MEND)
    Drain(road.pool, ExecutionClient(road.target)).drain_due()
    assert road.owner.execute(handed, (broken.id,)).fetchall() == [(1,)]
    assert len(road.store.trades) == 2


@pytest.mark.parametrize("step", sorted(_STEPS))
def test_what_the_database_refuses_is_let_go_and_done_later(road: Road, step: str) -> None:
    strategy = factories.strategy(road.owner)
    factories.subscription(road.owner, strategy)
    road.signal(strategy)
    fail(road, step, strategy, "40P01")
    for _ in range(2):
        with pytest.raises(psycopg.errors.DeadlockDetected):
            road.drain.drain_due()
        assert held(road) == []
    road.owner.execute(_MEND)
    road.drain.drain_due()
    assert road.watermarks() == (1, 1, 1) and len(road.store.trades) == 1


def test_pages_hear_of_what_the_database_lost_with_the_hand_over(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    factories.subscription(road.owner, strategy, auto_submit=False)
    signal_id = road.signal(strategy)
    road.drain.drain_due()
    told = "SELECT kind, object_id FROM web.changes"
    first = set(road.owner.execute(told).fetchall())
    assert first == {("signal", signal_id), ("approval", road.trades("id")[0][0])}
    # What a crash does to a commit that had not reached the disk.
    road.owner.execute("DELETE FROM web.changes")
    road.owner.execute("UPDATE web.strategy_intake SET handed_seq = 0")
    road.drain.drain_due()
    assert set(road.owner.execute(told).fetchall()) >= first
    assert road.watermarks() == (1, 1, 1)


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("messages.terms", SystemExit),
        ("ExecutionClient.begin", ExecutionDown),
        ("ExecutionClient.begin", ZeroDivisionError),
    ],
)
def test_a_hand_over_that_ends_in_the_midst_of_what_is_stored_keeps_no_connection(
    road: Road, monkeypatch: pytest.MonkeyPatch, where: str, error: type[BaseException]
) -> None:
    strategies = [factories.strategy(road.owner) for _ in range(2)]
    for strategy in strategies:
        for _ in range(handing.FIRST_BATCH):
            factories.subscription(road.owner, strategy)
        road.signal(strategy)
    road.lose()
    ended = []

    def interrupted(*_given: object, **_by: object) -> None:
        raise error

    def drain() -> None:
        with suppress(ExecutionDown, SystemExit):
            road.drain.drain_due()
        ended.append(held(road))

    with monkeypatch.context() as patched:
        patched.setattr(f"web.trades.handing.{where}", interrupted)
        job = threading.Thread(target=drain, daemon=True)
        job.start()
        job.join(10)
    assert ended == [[]]
    Drain(road.pool, ExecutionClient(road.target)).drain_due(slice_seconds=60)
    assert len(road.store.trades) == 2 * handing.FIRST_BATCH


def test_a_webhook_does_not_wait_while_trades_are_written(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    factories.subscription(road.owner, strategy)
    road.signal(strategy)
    road.owner.execute(_WAIT)
    road.owner.execute("SELECT pg_advisory_lock(1)")
    job = threading.Thread(target=road.drain.drain_due, daemon=True)
    job.start()
    waits = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    until = time.monotonic() + 10
    while not road.owner.execute(waits).fetchall():
        assert time.monotonic() < until
        time.sleep(0.01)
    numbering = "SELECT seq FROM web.strategy_intake WHERE strategy_id = %s FOR UPDATE NOWAIT"
    assert road.owner.execute(numbering, (strategy.id,)).fetchall() == [(1,)]
    road.owner.execute("SELECT pg_advisory_unlock(1)")
    job.join(10)
    assert road.watermarks() == (1, 1, 1)
