"""A transaction whose statements go together: however it ends, none of them or all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from tests.conftest import Database
from web.db import Pool, one_go

Connection = psycopg.Connection[TupleRow]


@contextmanager
def pool(database: Database) -> Iterator[Pool]:
    url = database.owner
    with ConnectionPool(url, min_size=1, max_size=1, kwargs={"autocommit": True}) as opened:
        with opened.connection() as connection:
            connection.execute("CREATE TABLE public.marks (mark int UNIQUE DEFERRABLE)")
        yield opened


def go(opened: Pool, body: Callable[[Connection], object]) -> None:
    """A mark, and what else there is."""
    with opened.connection() as connection, one_go(connection):
        mark(connection)
        body(connection)


def mark(connection: Connection, number: int = 1) -> None:
    connection.execute("INSERT INTO public.marks VALUES (%s)", (number,))


def marks(opened: Pool) -> list[int]:
    with opened.connection() as connection:
        return [row[0] for row in connection.execute("SELECT mark FROM public.marks").fetchall()]


def raises(connection: Connection) -> None:
    raise KeyError


def fetches_and_raises(connection: Connection) -> None:
    assert connection.execute("SELECT 1").fetchone() == (1,)
    raise KeyError


def fails(connection: Connection) -> None:
    connection.execute("SELECT 1 / 0")
    connection.execute("SELECT 1")


def fails_at_its_end(connection: Connection) -> None:
    connection.execute("SET CONSTRAINTS ALL DEFERRED")
    mark(connection)


def breaks(connection: Connection) -> None:
    connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize(
    ("body", "raised"),
    [
        (raises, KeyError),
        (fetches_and_raises, KeyError),
        (fails, psycopg.errors.DivisionByZero),
        (mark, psycopg.errors.UniqueViolation),
        (fails_at_its_end, psycopg.errors.UniqueViolation),
        (breaks, psycopg.OperationalError),
    ],
)
def test_what_goes_wrong_in_it_takes_all_of_it_back(
    database: Database, body: Callable[[Connection], object], raised: type[Exception]
) -> None:
    with pool(database) as opened:
        with pytest.raises(raised):
            go(opened, body)
        assert marks(opened) == []
        go(opened, lambda connection: mark(connection, 2))
        assert marks(opened) == [1, 2]
