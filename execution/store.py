"""PostgreSQL behind the journal, the leases and the facts.

One connection belongs to the journal's writer; a small pool serves everything else.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import DictRow, dict_row, tuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from execution import messages, statements, told
from execution.domain.orders import Order, Overfilled
from execution.domain.positions import Attribution, Position
from execution.domain.sync import Ledger
from execution.domain.trades import AccountRef
from execution.journal import StoreUnavailable
from execution.rows import (
    AccountImage,
    Entry,
    Held,
    InstructionRow,
    PastTrade,
    Stored,
    Written,
)
from protos.execution.v1 import execution_pb2 as pb
from protos.postgres import BY_ID

TTL_SECONDS = 6
_json = msgspec.json.Encoder()
Connection = psycopg.AsyncConnection[DictRow]
_CONNECT: dict[str, Any] = {
    "autocommit": True,
    "row_factory": dict_row,
    "connect_timeout": 3,
    "options": BY_ID,
}


@dataclass(frozen=True, slots=True)
class Known:
    """A trade that was stored before. It waits when nobody ended or withdrew it: perhaps
    the call that stored it broke off before the engine heard of it."""

    content_hash: bytes
    instruction_id: int
    waits: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of SubmitTrades: `stored` maps new trades to their instruction."""

    fresh_strategies: set[UUID]
    stored: dict[UUID, int]
    known: dict[UUID, Known]


@dataclass(frozen=True, slots=True)
class OpenTrade:
    """A trade without an outcome that this instance may take."""

    trade_id: UUID
    account_id: UUID
    withdrawn: int


@dataclass(frozen=True, slots=True)
class Page:
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
            open=False,
            check=AsyncConnectionPool.check_connection,
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
            "done": to_rows(
                {"account_id": entry.account_id, "trade_id": trade}
                for entry in entries
                for trade in entry.done
            ),
        }
        try:
            if self._writer is None or self._writer.closed:
                self._writer = await asyncio.wait_for(self._connect(), 3)
            cursor = self._writer.cursor(row_factory=tuple_row)
            await cursor.execute(statements.WRITE, parameters)
            told = await cursor.fetchall()
            held = {row[0] for row in told if not row[1]}
            return Written(held, {row[0] for row in told if row[1]})
        except (psycopg.OperationalError, TimeoutError) as error:
            if self._writer is not None:
                await self._writer.close()
            raise StoreUnavailable(str(error)) from error

    async def accept(
        self, groups: Sequence[tuple[UUID, int]], trades: Sequence[InstructionRow]
    ) -> Accepted:
        """Store instructions, once each. Raises StoreUnavailable."""
        parameters = {
            "groups": to_rows({"strategy_id": s, "epoch": e} for s, e in groups),
            "trades": to_rows(trades),
        }
        rows = await self.ask(statements.ACCEPT, parameters)
        stored = {row["key"]: row["id"] for row in rows if row["id"] is not None}
        fresh = {row["key"] for row in rows if row["id"] is None}
        missing = [t.trade_id for t in trades if t.trade_id not in stored]
        known: dict[UUID, Known] = {}
        if missing and fresh:
            for row in await self.ask(statements.KNOWN, (missing,)):
                content_hash = bytes(row["content_hash"])
                known[row["trade_id"]] = Known(content_hash, row["id"], row["waits"])
        return Accepted(fresh, stored, known)

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

    async def take(
        self, instance: str, accounts: Mapping[UUID, AccountRef]
    ) -> dict[UUID, AccountImage]:
        """Take the leases that are free and read those accounts. Raises StoreUnavailable."""
        epochs = await self._take_leases(instance, accounts)
        images = {
            account: AccountImage(account, accounts[account], epoch)
            for account, epoch in epochs.items()
        }
        await self._fill([i for i in images.values() if i.epoch > 1])
        return images

    async def open_trades(self, instance: str, settled_seconds: float) -> list[OpenTrade]:
        """Open trades of accounts that are ours or nobody's. Raises StoreUnavailable."""
        rows = await self.ask(
            statements.OPEN_TRADES,
            {"instance": instance, "ttl": TTL_SECONDS, "settled": settled_seconds},
        )
        return [
            OpenTrade(row["trade_id"], row["account_id"], row["cancel_reason"] or 0) for row in rows
        ]

    async def trades(self, trade_ids: Sequence[UUID]) -> list[Stored]:
        """Those of the trades that are open, in the order they were stored."""
        return [_stored(row) for row in await self.ask(statements.TRADES, (list(trade_ids),))]

    async def past(self, cl_ord_ids: Sequence[str]) -> list[PastTrade]:
        """The trades that these orders belong to. Raises StoreUnavailable."""
        rows = await self.ask(statements.PAST_TRADES, (list(cl_ord_ids),))
        past = {row["trade_id"]: PastTrade(_stored(row)) for row in rows}
        for row in await self.ask(statements.IMAGE_ORDERS, (list(past),)):
            past[row["trade_id"]].orders.append(Order(messages.read_terms(row)))
        await self._add_reports([order for trade in past.values() for order in trade.orders])
        for row in await self.ask(statements.IMAGE_OUTCOMES, (list(past),)):
            trade = past[row["trade_id"]]
            trade.outcome = told.outcome(bytes(row["fact"]), trade.outcome)
        for row in await self.ask(statements.IMAGE_RESOLVED, (list(past),)):
            past[row["trade_id"]].resolved = told.resolved(bytes(row["fact"]))
        return list(past.values())

    async def facts_after(self, cursor: str, most: int) -> Page:
        """One page of facts. Raises StoreUnavailable, and ValueError for a bad cursor."""
        xid, _, last = (cursor or "0-0").partition("-")
        parameters = {"xid": str(int(xid)), "id": int(last), "most": most}
        rows = await self.ask(statements.FACTS_AFTER, parameters)
        if rows:
            cursor = f"{rows[-1]['xid']}-{rows[-1]['id']}"
        return Page([bytes(row["fact"]) for row in rows], cursor)

    async def images(self, accounts: Mapping[UUID, AccountRef]) -> Mapping[UUID, AccountImage]:
        """What is known of accounts, whoever holds them. Raises StoreUnavailable."""
        images = {account: AccountImage(account, ref, 0) for account, ref in accounts.items()}
        await self._fill(list(images.values()))
        return images

    async def account_image(self, account_id: UUID, ref: AccountRef) -> AccountImage | None:
        """What is known of an account, whoever holds it; None when it was never used."""
        if not await self.ask(statements.FIND_ACCOUNT, (account_id,)):
            return None
        return (await self.images({account_id: ref}))[account_id]

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
            free = await connection.execute(
                statements.FREE_LEASES,
                {"instance": instance, "accounts": accounts, "ttl": TTL_SECONDS},
            )
            ids = [row["account_id"] for row in await free.fetchall()]
            taken = await connection.execute(
                statements.TAKE_LEASES, {"instance": instance, "accounts": ids}
            )
            return {row["account_id"]: row["epoch"] for row in await taken.fetchall()}

    async def _fill(self, images: list[AccountImage]) -> None:
        if not images:
            return
        by_id = {image.account_id: image for image in images}
        accounts = list(by_id)
        for row in await self.ask(statements.IMAGE_POSITIONS, (accounts,)):
            position = Position(row["quantity"], row["avg_price"])
            by_id[row["account_id"]].positions.append(
                Held(
                    row["instrument"],
                    row["subscription_id"],
                    position,
                    Attribution(row["attribution"]),
                    _ledger(row),
                    row["result_day"],
                    row["result"],
                )
            )
        for row in await self.ask(statements.IMAGE_SEQUENCES, (accounts,)):
            image = by_id[row["account_id"]]
            image.last_seq = row["seq"]
            image.heard_seq = max((told.broker_seq(fact) for fact in row["reports"]), default=0)
        for row in await self.ask(statements.IMAGE_SENT, (accounts,)):
            by_id[row["account_id"]].sent += told.sent(bytes(row["fact"]))
        trades: dict[UUID, AccountImage] = {}
        for row in await self.ask(statements.IMAGE_OPEN, (accounts,)):
            image = by_id[row["account_id"]]
            image.open.append(_stored(row))
            trades[row["trade_id"]] = image
        await self._fill_trades(trades)

    async def _fill_trades(self, trades: Mapping[UUID, AccountImage]) -> None:
        if not trades:
            return
        rows = await self.ask(statements.IMAGE_ORDERS, (list(trades),))
        orders = [Order(messages.read_terms(row)) for row in rows]
        await self._add_reports(orders)
        for order in orders:
            trade = order.terms.trade_id
            trades[trade].orders.setdefault(trade, []).append(order)
        for row in await self.ask(statements.IMAGE_OUTCOMES, (list(trades),)):
            outcomes = trades[row["trade_id"]].outcomes
            before = outcomes.get(row["trade_id"])
            outcomes[row["trade_id"]] = told.outcome(bytes(row["fact"]), before)
        for row in await self.ask(statements.IMAGE_PROTECTIONS, (list(trades),)):
            said = told.protection(bytes(row["fact"]), row["count"])
            trades[row["trade_id"]].protections[row["trade_id"]] = said
        for row in await self.ask(statements.IMAGE_RESOLVED, (list(trades),)):
            found = told.resolved(bytes(row["fact"]))
            trades[row["trade_id"]].resolved[row["trade_id"]] = found

    async def _add_reports(self, orders: Sequence[Order]) -> None:
        if not orders:
            return
        by_id = {order.terms.order_id: order for order in orders}
        for row in await self.ask(statements.IMAGE_REPORTS, (list(by_id),)):
            report = messages.read_report(pb.Fact.FromString(bytes(row["fact"])))
            with suppress(Overfilled):
                by_id[row["order_id"]].add(report)

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

    async def _connect(self) -> Connection:
        return await Connection.connect(self._url, **_CONNECT)


def to_rows(rows: Any) -> str:
    """Rows as one JSON parameter."""
    return _json.encode(list(rows)).decode()


def _newest_positions(entries: Sequence[Entry]) -> list[Any]:
    newest = {
        (row.account_id, row.instrument, row.subscription_id): row
        for entry in entries
        for row in entry.positions
    }
    return list(newest.values())


def _stored(row: DictRow) -> Stored:
    return Stored(row["id"], row["trade_id"], bytes(row["trade"]), row["withdrawn"])


def _ledger(row: DictRow) -> Ledger:
    return Ledger(row["initial_balance"], row["flat_balance"], row["is_in_step"], row["followed"])
