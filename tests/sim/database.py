"""PostgreSQL as execution sees it, in memory: the statements of `execution.journal.statements`,
with their locks, conflicts and promises, behind what looks like a pool and its connections.

The real `execution.journal.store.Store` runs on it. A statement is carried out at one instant some
time after it was asked; its answer comes later, or never.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import msgspec
import psycopg
from psycopg_pool import PoolTimeout

from execution.journal import statements
from execution.journal.store import Store
from protos import ids
from tests.sim.tables import Tables
from tests.sim.world import InstanceLoop, World

_json = msgspec.json.Decoder()


@dataclass
class Faults:
    """What the database does wrong, while it may."""

    away_until: float = -1.0
    # Of each statement: that it is lost before it is carried out, and its answer after.
    lost_before: float = 0.0
    lost_after: float = 0.0


@dataclass
class Database:
    """The server: one for all instances."""

    world: World
    faults: Faults = field(default_factory=Faults)
    # Told of what an instance just did: a good moment to kill it.
    poke: Callable[[InstanceLoop], None] = lambda _loop: None

    def __post_init__(self) -> None:
        self.tables = Tables(self.world)
        # Lease rows that an open transaction holds, and who waits for them.
        self._locks: dict[UUID, Connection] = {}
        self._waiting: list[tuple[Connection, str, Any, Any]] = []

    @property
    def is_away(self) -> bool:
        """Nobody can connect."""
        return self.world.seconds < self.faults.away_until

    def ask(self, connection: "Connection", statement: str, parameters: Any, answer: Any) -> None:
        """A statement is on its way."""
        delay = self.world.dice.uniform(0.0003, 0.004)
        self.world.after(delay, self._carry_out, connection, statement, parameters, answer)

    def _carry_out(
        self, connection: "Connection", statement: str, parameters: Any, answer: Any
    ) -> None:
        dice = self.world.dice
        is_lost = self.is_away or dice.random() < self.faults.lost_before
        if connection.loop.is_dead and (connection.is_in_transaction or dice.random() < 0.5):
            return
        if is_lost:
            self._break(connection, answer)
            return
        if self._must_wait(connection, statement, parameters):
            self._waiting.append((connection, statement, parameters, answer))
            return
        try:
            result = self.tables.carry_out(connection.loop.name, statement, parameters)
        except psycopg.Error as error:
            self._reply(connection, answer, error)
            return
        if statement == statements.STILL_HELD:
            # It skips what others have locked.
            result = [row for row in result if row["account_id"] not in self._locks]
        if connection.is_in_transaction:
            for row in result:
                self._locks[row["account_id"]] = connection
        self.poke(connection.loop)
        if dice.random() < self.faults.lost_after:
            self._break(connection, answer)
        else:
            self._reply(connection, answer, result)

    def end(self, connection: "Connection") -> None:
        """A transaction is over, or its connection is."""
        connection.is_in_transaction = False
        for row in [row for row, owner in self._locks.items() if owner is connection]:
            del self._locks[row]
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            self.world.after(0.0002, self._carry_out, *each)

    def died(self, loop: InstanceLoop) -> None:
        """An instance is gone: the server notices, and rolls back what it left open."""
        for connection in {id(c): c for c in self._locks.values() if c.loop is loop}.values():
            self.world.after(0.001, self.end, connection)

    def _must_wait(self, connection: "Connection", statement: str, parameters: Any) -> bool:
        """True when it needs a lease row that another transaction holds."""
        if not self._locks:
            return False
        rows: list[UUID] = []
        if statement in _WRITES:
            rows = [ids.from_hex(row["account_id"]) for row in _json.decode(parameters["leases"])]
        elif statement in _OF_LEASES:
            rows = parameters["accounts"]
        return any(self._locks.get(row, connection) is not connection for row in rows)

    def _break(self, connection: "Connection", answer: Any) -> None:
        connection.closed = True
        self.end(connection)
        self._reply(connection, answer, psycopg.OperationalError("the connection is lost"))

    def _reply(self, connection: "Connection", answer: Any, result: Any) -> None:
        delay = int(self.world.dice.uniform(200, 3000))
        self.world.schedule(connection.loop, delay, self._give, (connection, answer, result))

    def _give(self, connection: "Connection", answer: Any, result: Any) -> None:
        if answer.done():
            return
        if isinstance(result, Exception):
            answer.set_exception(result)
        else:
            answer.set_result(result)
        self.poke(connection.loop)


_OF_LEASES = (statements.FREE_LEASES, statements.TAKE_LEASES)
_WRITES = (statements.WRITE, statements.WRITE_NEW, statements.WRITE_AND_STORE)


@dataclass(eq=False)
class Connection:
    """One connection of an instance: as much of psycopg's as the store uses."""

    database: Database
    loop: InstanceLoop
    closed: bool = False
    is_in_transaction: bool = False

    def cursor(self, **_options: Any) -> "Cursor":
        return Cursor(self, as_tuples=True)

    def execute(self, statement: str, parameters: Any = None) -> Awaitable["Cursor"]:
        return Cursor(self).execute(statement, parameters)

    def transaction(self) -> "Transaction":
        return Transaction(self)

    async def __aenter__(self) -> "Connection":
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Back to its pool."""

    async def close(self) -> None:
        self.closed = True


class Transaction:
    """One on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def __aenter__(self) -> None:
        self._connection.is_in_transaction = True

    async def __aexit__(self, *_error: object) -> None:
        # Committed or rolled back: the only writer in a transaction is its last statement.
        self._connection.database.end(self._connection)


class Cursor:
    """The rows of a statement."""

    def __init__(self, connection: Connection, *, as_tuples: bool = False) -> None:
        self._connection = connection
        self._as_tuples = as_tuples
        self._rows: list[dict[str, Any]] = []

    async def execute(self, statement: str, parameters: Any = None) -> "Cursor":
        if self._connection.closed:
            raise psycopg.OperationalError("the connection is closed")
        answer = self._connection.loop.create_future()
        self._connection.database.ask(self._connection, statement, parameters, answer)
        self._rows = await answer
        return self

    async def fetchall(self) -> list[Any]:
        return [tuple(row.values()) for row in self._rows] if self._as_tuples else self._rows


class Pool:
    """Connections for everything but the journal."""

    def __init__(self, database: Database, loop: InstanceLoop) -> None:
        self._database = database
        self._loop = loop

    def connection(self) -> Connection:
        if self._database.is_away:
            raise PoolTimeout("no connection")
        return Connection(self._database, self._loop)


class MemoryStore(Store):
    """The real store, with its statements carried out in memory."""

    def __init__(self, database: Database, loop: InstanceLoop) -> None:
        self._database = database
        self._loop = loop
        self._pool = cast(Any, Pool(database, loop))
        self._writer = None

    async def _connect(self) -> Any:
        if self._database.is_away:
            raise psycopg.OperationalError("no connection")
        return Connection(self._database, self._loop)
