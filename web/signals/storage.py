"""The intake's way to the database: prepared statements, and never longer than a deadline.

Accepting a signal is one statement on the hottest path there is, so it goes to libpq
directly: psycopg's general machinery costs as much again. A watchdog ends an exchange
that a hanging server would keep waiting, which `statement_timeout` cannot do.
"""

import select
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import psycopg
import structlog
from psycopg import Connection
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from web.db import CONNECT_TIMEOUT_SECONDS, RECONNECT_SECONDS, Pool

# Together less than a second: then the sender hears 503 and comes again.
POOL_SECONDS = 0.3
STORE_SECONDS = 0.5
WATCH_SECONDS = 0.1
# After a failure, others do not wait for the database again before this has passed.
REST_SECONDS = 0.25
SIZE = 8

Parameter = bytes | None
Row = list[str | None]

log = structlog.get_logger()


class NotStored(Exception):
    """The database could not be reached in time; nothing was promised."""


class InDoubt(NotStored):
    """As NotStored, but the statement was sent: it may have been committed."""


class Statement:
    """One statement, prepared once a connection. Parameters are text, or bytea as bytes."""

    def __init__(self, name: str, sql: str, *, binary: Sequence[int] = ()) -> None:
        self.name = name.encode()
        self.sql = sql.encode()
        self.formats = [1 if index in binary else 0 for index in range(sql.count("$"))]


class Storage:
    """Connections of one process, shared by its threads."""

    def __init__(self, database_url: str, *, size: int = SIZE, lock_ms: int = 0) -> None:
        """At most `size` connections; `lock_ms` bounds the wait for a locked row, 0 does not."""
        self._rest_until = 0.0
        self._probe = threading.Lock()
        self._prepared: dict[Connection[TupleRow], set[bytes]] = {}
        self._busy: dict[Connection[TupleRow], float] = {}
        # Taken from the pool and free: handing one on costs nothing here, unless somebody
        # waits at the pool.
        self._idle: deque[Connection[TupleRow]] = deque()
        self._waiting = 0
        self._counting = threading.Lock()
        self._ended = threading.Event()
        self._pool: Pool = ConnectionPool(
            database_url,
            min_size=1,
            max_size=size,
            timeout=POOL_SECONDS,
            reconnect_timeout=RECONNECT_SECONDS,
            name="intake",
            open=True,
            configure=partial(_bound_locks, lock_ms) if lock_ms else None,
            kwargs={
                "autocommit": True,
                "connect_timeout": CONNECT_TIMEOUT_SECONDS,
                "application_name": "fillwire-intake",
            },
        )
        threading.Thread(target=self._watch, name="storage-watch", daemon=True).start()

    def close(self) -> None:
        """Let go of the database."""
        self._ended.set()
        while self._idle:
            self._idle.pop().close()
        self._pool.close()

    def run(self, statement: Statement, parameters: Sequence[Parameter]) -> Row | None:
        """The first row of the answer; None when there is none. Raises as `rows`."""
        found = self.rows(statement, parameters)
        return found[0] if found else None

    def rows(self, statement: Statement, parameters: Sequence[Parameter]) -> list[Row]:
        """The answer, as text.

        Raises InDoubt when the connection was lost on the way, NotStored when there was
        none, psycopg.Error when the server refused the statement.
        """
        connection = self._connection()
        self._busy[connection] = time.monotonic() + STORE_SECONDS
        try:
            found = self._exchange(connection, statement, parameters)
            self._rest_until = 0.0
            return found
        except psycopg.errors.LockNotAvailable:
            raise
        except psycopg.OperationalError as error:
            connection.close()
            self._fail(error)
            raise InDoubt(str(error)) from error
        finally:
            del self._busy[connection]
            if connection.closed:
                self._discard(connection)
            else:
                self._hand_on(connection)

    def _exchange(
        self,
        connection: Connection[TupleRow],
        statement: Statement,
        parameters: Sequence[Parameter],
    ) -> list[Row]:
        wire = connection.pgconn
        prepared = self._prepared.setdefault(connection, set())
        if statement.name not in prepared:
            result = wire.prepare(statement.name, statement.sql)
            if result.status != ExecStatus.COMMAND_OK:
                raise _refusal(wire, result)
            prepared.add(statement.name)
        # None is NULL, which the stub of libpq's call does not know.
        values_in: Any = parameters
        result = wire.exec_prepared(statement.name, values_in, statement.formats)
        if result.status != ExecStatus.TUPLES_OK:
            raise _refusal(wire, result)
        return [_row(result, number) for number in range(result.ntuples)]

    def _connection(self) -> Connection[TupleRow]:
        """A connection, or NotStored at once while the database is known to be away."""
        probing = time.monotonic() < self._rest_until
        if probing and not self._probe.acquire(blocking=False):
            raise NotStored("the database is away")
        try:
            connection = self._take()
        except psycopg.OperationalError as error:
            self._fail(error)
            raise NotStored(str(error)) from error
        finally:
            if probing:
                self._probe.release()
        return connection

    def _take(self) -> Connection[TupleRow]:
        """A connection that the server has not ended, as after its restart.

        Not the pool's own `check`: that sleeps after each broken one.
        """
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._wait()
            if not _has_hung_up(connection):
                return connection
            connection.close()
            self._discard(connection)

    def _wait(self) -> Connection[TupleRow]:
        """One from the pool. Whoever comes free meanwhile goes there, not past us."""
        with self._counting:
            self._waiting += 1
        try:
            with suppress(IndexError):
                return self._idle.pop()
            return self._pool.getconn()
        finally:
            with self._counting:
                self._waiting -= 1

    def _hand_on(self, connection: Connection[TupleRow]) -> None:
        self._idle.append(connection)
        if self._waiting:
            with suppress(IndexError):
                self._pool.putconn(self._idle.pop())

    def _discard(self, connection: Connection[TupleRow]) -> None:
        """Give a broken connection back: the pool makes another."""
        self._prepared.pop(connection, None)
        self._pool.putconn(connection)

    def _fail(self, error: Exception) -> None:
        self._rest_until = time.monotonic() + REST_SECONDS
        log.error("signal_not_stored", error=error)

    def _watch(self) -> None:
        """End exchanges past their deadline, by closing the line under them."""
        while not self._ended.wait(WATCH_SECONDS):
            now = time.monotonic()
            late = [connection for connection, by in list(self._busy.items()) if now > by]
            for connection in late:
                with suppress(OSError, psycopg.OperationalError):
                    line = socket.socket(fileno=socket.dup(connection.fileno()))
                    line.shutdown(socket.SHUT_RDWR)
                    line.close()
            for connection in [known for known in list(self._prepared) if known.closed]:
                del self._prepared[connection]


def _bound_locks(lock_ms: int, connection: Connection[TupleRow]) -> None:
    connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{lock_ms}ms",))


def _row(result: PGresult, number: int) -> Row:
    values = (result.get_value(number, column) for column in range(result.nfields))
    return [None if value is None else value.decode() for value in values]


def _refusal(wire: PGconn, result: PGresult) -> psycopg.Error:
    """What a failed statement means. A lost line has no code of the server's."""
    if wire.status != ConnStatus.OK:
        return psycopg.OperationalError(wire.error_message.decode(errors="replace").strip())
    return psycopg.errors.error_from_result(result)


def _has_hung_up(connection: Connection[TupleRow]) -> bool:
    """An idle server says nothing, so something to read means the end."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
