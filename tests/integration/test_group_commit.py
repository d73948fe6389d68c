"""Calls made at the same time share a commit, and nothing else."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest

from tests.conftest import Database
from web.signals import group_commit
from web.signals.group_commit import GroupCommit
from web.signals.storage import InDoubt, NotStored, Row, Storage

# Stores a row and counts it, and waits for the lock that the test may hold on its number.
SCHEMA = """
CREATE SCHEMA test;
CREATE TABLE test.rows (id integer PRIMARY KEY, calls integer NOT NULL DEFAULT 0, at xid8);
INSERT INTO test.rows SELECT generate_series(0, 20);
CREATE FUNCTION test.count(p_id integer, p_by integer) RETURNS TABLE (id integer, calls integer)
LANGUAGE sql AS $$
    UPDATE test.rows r SET calls = r.calls + 10 / p_by, at = pg_current_xact_id()
    WHERE r.id = p_id RETURNING r.id, r.calls
$$;
GRANT EXECUTE ON FUNCTION test.count TO fillwire_web;
GRANT USAGE ON SCHEMA test TO fillwire_web;
GRANT SELECT, UPDATE ON test.rows TO fillwire_web;
"""


class Callers:
    """Threads that call, and a first call that keeps the others waiting."""

    def __init__(self, url: str, pool: ThreadPoolExecutor) -> None:
        self.calls = GroupCommit(url, "test.count", ("integer", "integer"))
        self.alone = Storage(url)
        self.pool = pool

    def call(self, number: int, by: int = 1) -> Row:
        return self.calls.run((b"%d" % number, b"%d" % by), self.alone)

    def begin(self, number: int, by: int = 1) -> "Future[Row]":
        return self.pool.submit(self.call, number, by)

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        for _ in range(5000):
            if is_so():
                return
            threading.Event().wait(0.001)
        raise AssertionError("it did not come to that")


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.url("owner"), autocommit=True) as connection:
        connection.execute(SCHEMA)
        yield connection


@pytest.fixture
def callers(
    database: Database, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callers]:
    # Time enough for a slow machine's threads to gather.
    monkeypatch.setattr(group_commit, "LOCK_MS", 250)
    with ThreadPoolExecutor(12) as pool:
        made = Callers(database.url("web"), pool)
        assert made.call(0) == ["0", "10"]
        yield made
    made.calls.close()
    made.alone.close()


@pytest.fixture
def holder(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.url("owner")) as connection:
        yield connection


def gather(
    callers: Callers, holder: psycopg.Connection, numbers: list[tuple[int, int]]
) -> tuple["Future[Row]", list["Future[Row]"]]:
    """Somebody holds row 1; a call for it goes first, and the others gather behind it."""
    holder.execute("SELECT FROM test.rows WHERE id = 1 FOR UPDATE")
    first = callers.begin(1)
    callers.wait_until(lambda: callers.calls._is_busy)
    others = [callers.begin(number, by) for number, by in numbers]
    callers.wait_until(lambda: len(callers.calls._waiting) == len(others))
    return first, others


def test_who_comes_meanwhile_shares_a_commit_and_a_held_row_stops_nobody_else(
    callers: Callers, holder: psycopg.Connection, owner: psycopg.Connection
) -> None:
    first, others = gather(callers, holder, [(number, 1) for number in (5, 4, 3, 2)])
    assert [other.result(5) for other in others] == [[n, "10"] for n in "5432"]
    assert not first.done()
    holder.rollback()
    assert first.result(5) == ["1", "10"]
    found = owner.execute("SELECT count(DISTINCT at) FROM test.rows WHERE id IN (2, 3, 4, 5)")
    assert found.fetchall() == [(1,)]


def test_equal_calls_in_one_group_are_each_made(
    callers: Callers, holder: psycopg.Connection
) -> None:
    _, others = gather(callers, holder, [(7, 1)] * 4)
    holder.rollback()
    assert sorted(str(other.result(5)[1]) for other in others) == ["10", "20", "30", "40"]


def test_a_call_that_the_server_refuses_takes_nobody_with_it(
    callers: Callers, holder: psycopg.Connection, owner: psycopg.Connection
) -> None:
    _, (good, bad, fine) = gather(callers, holder, [(2, 1), (3, 0), (4, 1)])
    holder.rollback()
    assert (good.result(5), fine.result(5)) == (["2", "10"], ["4", "10"])
    with pytest.raises(psycopg.errors.DivisionByZero):
        bad.result(5)
    assert owner.execute("SELECT calls FROM test.rows WHERE id = 3").fetchall() == [(0,)]


def test_more_than_one_group_may_gather(callers: Callers, holder: psycopg.Connection) -> None:
    _, others = gather(callers, holder, [(number, 1) for number in range(2, 12)])
    holder.rollback()
    assert [other.result(5)[1] for other in others] == ["10"] * 10


def test_a_lost_line_leaves_the_whole_group_in_doubt(
    callers: Callers, holder: psycopg.Connection, owner: psycopg.Connection
) -> None:
    holder.execute("LOCK TABLE test.rows")
    first = callers.begin(1)
    callers.wait_until(lambda: callers.calls._is_busy)
    owner.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE usename = 'fillwire_web' AND state = 'active'"
    )
    with pytest.raises(InDoubt):
        first.result(5)


def test_who_has_no_turn_in_time_was_promised_nothing(callers: Callers, database: Database) -> None:
    slow = GroupCommit(database.url("web"), "pg_sleep", ("double precision",))
    first = callers.pool.submit(slow.run, (b"0.45",), callers.alone)
    callers.wait_until(lambda: slow._is_busy)
    with pytest.raises(NotStored) as refused:
        slow.run((b"0",), callers.alone)
    assert refused.type is NotStored
    assert first.result(5) == [""]
    assert slow.run((b"0",), callers.alone) == [""]
    slow.close()
