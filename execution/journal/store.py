"""PostgreSQL behind the journal, the leases and the facts.

One connection belongs to the journal's writer; a small pool serves everything else.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import DictRow, TupleRow, dict_row, tuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from execution.domain.trades import AccountRef
from execution.journal import images, ringing, statements
from execution.journal.journal import StoreUnavailable
from execution.journal.rows import AccountImage, Entry, InstructionRow, PastTrade, Stored, Written
from protos.postgres import BY_ID

TTL_SECONDS = 6
# The pool's pauses between attempts double; it gives up instead, and the next who asks for a
# connection has it try again.
RECONNECT_SECONDS = 0.25
# By then the holder of an account has found what others stored for it.
FOUND_SECONDS = 10
# A connection that was of use so short a time ago is used again unasked: one that broke since
# fails its statement, as one would that breaks right after it was asked.
FRESH_SECONDS = 0.5
_json = msgspec.json.Encoder()


class Connection(psycopg.AsyncConnection[DictRow]):
    """One of the pool's, which knows when it was taken last."""

    taken_at = 0.0


_CONNECT: dict[str, Any] = {
    "autocommit": True,
    "row_factory": dict_row,
    "connect_timeout": 3,
    "options": BY_ID,
}


class Known(msgspec.Struct, frozen=True):
    """A trade that was stored before. It waits when nobody ended or withdrew it: perhaps
    the call that stored it broke off before the engine heard of it."""

    content_hash: bytes
    instruction_id: int
    waits: bool


class Accepted(msgspec.Struct, frozen=True):
    """What became of SubmitTrades: `stored` maps new trades to their instruction."""

    fresh_strategies: set[UUID]
    stored: dict[UUID, int]
    known: dict[UUID, Known]
    # Open trades of these accounts, with their account, that another instance may have taken.
    earlier: dict[UUID, UUID] = msgspec.field(default_factory=dict)


class OpenTrade(msgspec.Struct, frozen=True):
    """A trade without an outcome that this instance may take."""

    trade_id: UUID
    account_id: UUID
    withdrawn: int
    declared: dict[str, str]


class Page(msgspec.Struct, frozen=True):
    """Facts as stored, and the cursor after them."""

    facts: list[bytes]
    cursor: str


class Store:
    """All SQL of execution."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            database_url,
            connection_class=Connection,
            kwargs=_CONNECT,
            min_size=1,
            max_size=4,
            timeout=3,
            reconnect_timeout=RECONNECT_SECONDS,
            open=False,
            check=_check,
        )
        self._writer: Connection | None = None

    async def open(self) -> None:
        """Connect; the pool goes on trying in the background."""
        await self._pool.open()

    async def close(self) -> None:
        """Let go of every connection."""
        await self._pool.close()
        if self._writer is not None:
            await self._writer.close()

    async def write(self, entries: Sequence[Entry]) -> Written:
        """Store a batch in one transaction, but for what may not be.

        Raises StoreUnavailable; the batch may be given again.
        """
        leases = {entry.account_id: entry.epoch for entry in entries}
        bound = [entry.bound for entry in entries if entry.bound is not None]
        parameters = {
            "bound": to_rows(bound) if bound else None,
            "seen": min((row.seen for row in bound), default=None),
            "leases": to_rows({"account_id": a, "epoch": e} for a, e in leases.items()),
            "orders": to_rows(row for entry in entries for row in entry.orders),
            "facts": to_rows(row for entry in entries for row in entry.facts),
            "positions": to_rows(_newest_positions(entries)),
            "done": to_rows(_newest_ends(entries)),
        }
        statement, again = statements.WRITE_NEW, statements.WRITE
        if own := [row for entry in entries for row in entry.instructions]:
            statement = again = statements.WRITE_AND_STORE
            parameters["instructions"] = to_rows(own)
        try:
            if self._writer is None or self._writer.closed:
                async with asyncio.timeout(3):
                    self._writer = await self._connect()
            cursor = self._writer.cursor(row_factory=tuple_row)
            try:
                await cursor.execute(statement, parameters)
            except psycopg.errors.UniqueViolation:
                await cursor.execute(again, parameters)
            told = await cursor.fetchall()
            held = {row[0] for row in told if not row[1]}
            return Written(held, {row[0] for row in told if row[1]})
        except (psycopg.OperationalError, TimeoutError) as error:
            if self._writer is not None:
                await self._writer.close()
            raise StoreUnavailable(str(error)) from error

    async def accept(
        self, instance: str, groups: Sequence[tuple[UUID, int]], trades: Sequence[InstructionRow]
    ) -> Accepted:
        """Store instructions, once each. Raises StoreUnavailable."""
        parameters = {
            "groups": to_rows({"strategy_id": s, "epoch": e} for s, e in groups),
            "trades": to_rows(trades),
            "instance": instance,
            "ttl": TTL_SECONDS,
            "found": FOUND_SECONDS,
        }
        told = await self.ask(statements.ACCEPT, parameters)
        earlier = {row["key"]: row["earlier_of"] for row in told if row["earlier_of"] is not None}
        rows = [row for row in told if row["earlier_of"] is None]
        stored = {row["key"]: row["id"] for row in rows if row["id"] is not None}
        fresh = {row["key"] for row in rows if row["id"] is None}
        missing = [t.trade_id for t in trades if t.trade_id not in stored]
        known: dict[UUID, Known] = {}
        if missing and fresh:
            for row in await self.ask(statements.KNOWN, (missing,)):
                content_hash = bytes(row["content_hash"])
                known[row["trade_id"]] = Known(content_hash, row["id"], row["waits"])
        return Accepted(fresh, stored, known, earlier)

    async def withdraw(self, trades: Sequence[UUID], reason: int) -> set[UUID]:
        """Mark trades as withdrawn; those that exist. Raises StoreUnavailable."""
        rows = await self.ask(statements.WITHDRAW, {"trades": list(trades), "reason": reason})
        return {row["trade_id"] for row in rows}

    async def heartbeat(self, instance: str, target: str) -> datetime:
        """Say that this instance lives; the database's time. Raises StoreUnavailable."""
        rows = await self.ask(statements.HEARTBEAT, {"id": instance, "target": target})
        at = rows[0]["clock_timestamp"]
        assert isinstance(at, datetime)
        return at

    async def still_held(self, instance: str, epochs: Mapping[UUID, int]) -> set[UUID]:
        """The accounts that nobody took since these epochs, nor is taking. Raises
        StoreUnavailable."""
        held = {"accounts": list(epochs), "epochs": list(epochs.values()), "instance": instance}
        return {row["account_id"] for row in await self.ask(statements.STILL_HELD, held)}

    async def depart(self, instance: str) -> None:
        """Say that this instance lives no more. Raises StoreUnavailable."""
        await self.ask(statements.DEPART, (instance,))

    async def take(
        self, instance: str, accounts: Mapping[UUID, AccountRef], arriving: Sequence[UUID] = ()
    ) -> dict[UUID, AccountImage]:
        """Take the leases that are free and read those accounts; ring for the others. One that
        nobody held before has perhaps trades from before those that arrive now.

        Raises StoreUnavailable."""
        epochs = await self._take_leases(instance, accounts)
        taken = {
            account: AccountImage(account, accounts[account], epoch)
            for account, epoch in epochs.items()
        }
        await images.fill(self.ask, [image for image in taken.values() if image.epoch > 1])
        fresh = [image.account_id for image in taken.values() if image.epoch == 1]
        earlier = (fresh, list(arriving))
        for row in await self.ask(statements.IMAGE_EARLIER, earlier) if fresh else ():
            taken[row["account_id"]].open.append(images.stored(row))
        return taken

    async def open_trades(self, instance: str, settled_seconds: float) -> list[OpenTrade]:
        """Open trades of accounts that are ours or nobody's. Raises StoreUnavailable."""
        rows = await self.ask(
            statements.OPEN_TRADES,
            {"instance": instance, "ttl": TTL_SECONDS, "settled": settled_seconds},
        )
        return [
            OpenTrade(
                row["trade_id"], row["account_id"], row["cancel_reason"] or 0, row["declared"] or {}
            )
            for row in rows
        ]

    async def trades(self, trade_ids: Sequence[UUID]) -> list[Stored]:
        """Those of the trades that are open, in the order they were stored."""
        return [images.stored(row) for row in await self.ask(statements.TRADES, (list(trade_ids),))]

    async def past(self, cl_ord_ids: Sequence[str]) -> list[PastTrade]:
        """The trades that these orders belong to. Raises StoreUnavailable."""
        return await images.past(self.ask, cl_ord_ids)

    async def recorded(self, reports: Sequence[tuple[UUID, str]]) -> set[str]:
        """Those of some accounts' reports that are on record. Raises StoreUnavailable."""
        accounts = [account for account, _ in reports]
        rows = await self.ask(statements.RECORDED, (accounts, [name for _, name in reports]))
        return {row["canonical_id"] for row in rows}

    async def facts_after(self, cursor: str, most: int) -> Page:
        """One page of facts. Raises StoreUnavailable, and ValueError for a bad cursor."""
        rows, cursor = await self._after(statements.FACTS_AFTER, cursor, most)
        return Page([fact for _, _, fact in rows], cursor)

    async def numbered_after(self, cursor: str, most: int) -> tuple[list[TupleRow], str]:
        """The same facts, each as account, seq and bytes, and the cursor after them."""
        rows, cursor = await self._after(statements.NUMBERED_AFTER, cursor, most)
        return [row[2:] for row in rows], cursor

    async def numbered_between(
        self, account: UUID, first: int, last: int, most: int
    ) -> list[TupleRow]:
        """Facts of an account by their seq, each as seq and bytes. Raises StoreUnavailable."""
        return await self._ask_plainly(statements.NUMBERED_BETWEEN, (account, first, last, most))

    async def _after(self, statement: str, cursor: str, most: int) -> tuple[list[TupleRow], str]:
        xid, _, last = (cursor or "0-0").partition("-")
        parameters = {"xid": str(int(xid)), "id": int(last), "most": most}
        rows = await self._ask_plainly(statement, parameters)
        return rows, f"{rows[-1][0]}-{rows[-1][1]}" if rows else cursor

    async def images(self, accounts: Mapping[UUID, AccountRef]) -> Mapping[UUID, AccountImage]:
        """What is known of accounts, whoever holds them. Raises StoreUnavailable."""
        found = {account: AccountImage(account, ref, 0) for account, ref in accounts.items()}
        await images.fill(self.ask, list(found.values()))
        return found

    async def account_image(self, account_id: UUID, ref: AccountRef) -> AccountImage | None:
        """What is known of an account, whoever holds it; None when it was never used."""
        if not await self.ask(statements.FIND_ACCOUNT, (account_id,)):
            return None
        return (await self.images({account_id: ref}))[account_id]

    async def held_instruments(self) -> list[str]:
        """Everything that any account holds. Raises StoreUnavailable."""
        return [row["instrument"] for row in await self.ask(statements.HELD_INSTRUMENTS, ())]

    async def holders(self, instruments: Sequence[str]) -> list[AccountRef]:
        """The accounts that hold one of these. Raises StoreUnavailable."""
        rows = await self.ask(statements.HOLDERS, (list(instruments),))
        return [AccountRef(row["broker"], row["environment"], row["account"]) for row in rows]

    async def _take_leases(
        self, instance: str, accounts: Mapping[UUID, AccountRef]
    ) -> dict[UUID, int]:
        rows = to_rows(
            {
                "account_id": a,
                "broker": r.broker,
                "environment": r.environment,
                "account": r.account,
            }
            for a, r in accounts.items()
        )
        new = await self.ask(statements.NEW_LEASES, {"instance": instance, "accounts": rows})
        epochs = {row["account_id"]: 1 for row in new}
        rest = [account for account in accounts if account not in epochs]
        if rest:
            epochs |= await self._take_free(instance, rest)
        return epochs

    async def _take_free(self, instance: str, accounts: list[UUID]) -> dict[UUID, int]:
        async with self.transaction() as connection:
            asked = {"instance": instance, "accounts": accounts, "ttl": TTL_SECONDS}
            free = await connection.execute(statements.FREE_LEASES, asked)
            ids = [row["account_id"] for row in await free.fetchall()]
            if others := set(accounts).difference(ids):
                await connection.execute(ringing.RING, (list(others),))
            taken = await connection.execute(statements.TAKE_LEASES, asked | {"accounts": ids})
            return {row["account_id"]: row["epoch"] for row in await taken.fetchall()}

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in a transaction. Raises StoreUnavailable."""
        try:
            async with self._pool.connection() as connection, connection.transaction():
                yield connection
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise StoreUnavailable(str(error)) from error

    async def ask(self, statement: str, parameters: Any) -> list[DictRow]:
        """One statement of its own. Raises StoreUnavailable."""
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(statement, parameters)
                return await cursor.fetchall()
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise StoreUnavailable(str(error)) from error

    async def _ask_plainly(self, statement: str, parameters: Any) -> list[TupleRow]:
        """The same of very many rows, their bytes as they are. Raises StoreUnavailable."""
        try:
            async with (
                self._pool.connection() as connection,
                connection.cursor(binary=True, row_factory=tuple_row) as cursor,
            ):
                return await (await cursor.execute(statement, parameters)).fetchall()
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise StoreUnavailable(str(error)) from error

    async def _connect(self) -> Connection:
        return await Connection.connect(self._url, **_CONNECT)


async def _check(connection: Connection) -> None:
    """A round trip, where it was idle for a while. Raises OperationalError when it broke."""
    now = asyncio.get_running_loop().time()
    idle, connection.taken_at = now - connection.taken_at, now
    if idle > FRESH_SECONDS:
        await AsyncConnectionPool.check_connection(connection)


def to_rows(rows: Any) -> str:
    """Rows as one JSON parameter."""
    return _json.encode(list(rows)).decode()


def _newest_ends(entries: Sequence[Entry]) -> list[Any]:
    newest = {trade: (entry, over) for entry in entries for trade, over in entry.done.items()}
    return [
        {"account_id": entry.account_id, "trade_id": trade, "is_over": over}
        for trade, (entry, over) in newest.items()
    ]


def _newest_positions(entries: Sequence[Entry]) -> list[Any]:
    newest = {
        (row.account_id, row.instrument, row.subscription_id): row
        for entry in entries
        for row in entry.positions
    }
    return list(newest.values())
