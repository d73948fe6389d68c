"""The one writer: takes all that waits, matches it, stores it, and only then answers.

While a batch is stored the next one gathers; there is no timer. When storing fails, what
memory says is worth nothing: the accounts are dropped and every session is ended, so that
clients come back and ask. What then waited is thrown away with its session: nothing is
taken in after its client has given up.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
import structlog

from execution.paper import jobs, store
from execution.paper.book import Moment
from execution.paper.desk import Desk
from execution.paper.jobs import (
    Asked,
    AskOptions,
    AskPositions,
    Batch,
    Bust,
    Configure,
    Expire,
    Frame,
    Late,
    Look,
    Rematch,
    Reset,
    Transfer,
    Work,
)
from execution.paper.sessions import Session
from protos import faults
from protos.paper.v1 import paper_pb2 as pb

log = structlog.get_logger()

# Orders in one transaction; the rest forms the next one.
BATCH_ORDERS = 1000
FIRST_RETRY_SECONDS = 0.05
LAST_RETRY_SECONDS = 1.0
REMATCH_SECONDS = 1.0
# How often expired contracts are looked for.
EXPIRE_SECONDS = 60.0


class Unavailable(Exception):
    """The database cannot be reached, or did not confirm; sessions were ended."""


@dataclass
class Writer:
    """Owns the database connection, and with it the truth about every account."""

    desk: Desk
    database_url: str
    clock: Callable[[], datetime]
    is_connected: bool = False
    # Set once the venue has been able to serve.
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    _waiting: deque[Work] = field(default_factory=deque)
    _taken: list[Work] = field(default_factory=list)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, work: Work) -> None:
        """Queue work for the next batch. Raises Unavailable without a database."""
        if not self.is_connected:
            raise Unavailable
        self._waiting.append(work)
        self._arrived.set()

    async def run(self) -> None:
        """Connect and serve batches, again and again, until canceled."""
        while True:
            connection = await self._connect()
            try:
                self.is_connected = True
                self.ready.set()
                await self._serve(connection)
            except Unavailable:
                log.warning("venue_database_lost")
            except Exception:
                log.exception("venue_batch_failed")
            finally:
                self._drop_everything()
                await connection.close()

    async def tick(self) -> None:
        """Match resting orders against the feed once a second, until canceled."""
        loop = asyncio.get_running_loop()
        expires_at = loop.time()
        while True:
            await asyncio.sleep(min(REMATCH_SECONDS, EXPIRE_SECONDS))
            self.desk.sessions.tell_missing()
            if self.is_connected and loop.time() >= expires_at:
                expires_at = loop.time() + EXPIRE_SECONDS
                self.offer(Expire())
            if self.is_connected and any(a.open for a in self.desk.accounts.values()):
                self.offer(Rematch())

    async def look(self, account: str) -> pb.GetAccountResponse:
        """An account as stored. Raises Unavailable."""
        answer: asyncio.Future[pb.GetAccountResponse] = asyncio.Future()
        self.offer(Look(account, answer))
        return await answer

    async def reset(self, account: str) -> pb.ResetAccountResponse:
        """Begin an account anew. Raises Unavailable."""
        answer: asyncio.Future[pb.ResetAccountResponse] = asyncio.Future()
        self.offer(Reset(account, answer))
        return await answer

    async def options(self, accounts: Sequence[str]) -> pb.GetOptionsResponse:
        """How accounts are set up. Raises Unavailable."""
        answer: asyncio.Future[pb.GetOptionsResponse] = asyncio.Future()
        self.offer(AskOptions(accounts, answer))
        return await answer

    async def positions(self, accounts: Sequence[str]) -> pb.GetPositionsResponse:
        """What accounts hold, as stored. Raises Unavailable."""
        answer: asyncio.Future[pb.GetPositionsResponse] = asyncio.Future()
        self.offer(AskPositions(accounts, answer))
        return await answer

    async def transfer(self, request: pb.TransferPositionRequest) -> pb.TransferPositionResponse:
        """Move a part of a position in or out. Raises Unavailable, Refused."""
        answer: asyncio.Future[pb.TransferPositionResponse] = asyncio.Future()
        self.offer(Transfer(request, answer))
        return await answer

    async def bust(self, request: pb.BustFillRequest) -> pb.BustFillResponse:
        """Take a fill back, or correct it. Raises Unavailable, Refused."""
        answer: asyncio.Future[pb.BustFillResponse] = asyncio.Future()
        self.offer(Bust(request, answer))
        return await answer

    async def configure(self, request: pb.ConfigureAccountRequest) -> pb.ConfigureAccountResponse:
        """Change an account's options or fault plan. Raises Unavailable, Refused."""
        answer: asyncio.Future[pb.ConfigureAccountResponse] = asyncio.Future()
        self.offer(Configure(request, answer))
        return await answer

    async def _connect(self) -> store.Connection:
        wait = FIRST_RETRY_SECONDS
        while True:
            try:
                connection = await store.connect(self.database_url)
                await self._load_resting(connection)
            except psycopg.Error as error:
                log.warning("venue_database_unreachable", error=error)
            else:
                return connection
            await asyncio.sleep(wait)
            wait = min(2 * wait, LAST_RETRY_SECONDS)

    async def _load_resting(self, connection: store.Connection) -> None:
        await self._load(connection, await store.accounts_with_resting_orders(connection))

    async def _load(self, connection: store.Connection, names: Iterable[str]) -> None:
        """Have accounts in memory, those that they follow too; opens what is new."""
        accounts = self.desk.accounts
        while unknown := [name for name in names if name not in accounts]:
            loaded = await store.load(connection, unknown)
            for name in unknown:
                if name in loaded:
                    self.desk.add(loaded[name])
                else:
                    self.desk.open(name)
            names = {each.model.followed for each in loaded.values() if each.model.followed}

    async def _serve(self, connection: store.Connection) -> None:
        while True:
            await self._wait_for_work(connection)
            works = self._taken = self._take_waiting()
            batch = await self._prepare(connection, works)
            for work in works:
                self.desk.apply(work, batch)
            faults.point("venue.before_commit")
            if batch.changes:
                await store.save(connection, batch.changes)
                for account in batch.changes.accounts.values():
                    account.is_stored = True
            faults.point("venue.after_commit")
            self._tell(batch)

    async def _wait_for_work(self, connection: store.Connection) -> None:
        """Wait; an idle connection that becomes readable has been closed by the other side,
        and to notice before anything is sent spares the clients a doubt."""
        if self._arrived.is_set():
            return
        loop = asyncio.get_running_loop()
        loop.add_reader(connection.fileno(), self._notice_loss)
        try:
            await self._arrived.wait()
        finally:
            loop.remove_reader(connection.fileno())
        if not self.is_connected:
            raise Unavailable

    def _notice_loss(self) -> None:
        self.is_connected = False
        self._arrived.set()

    def _give_up_on_stale(self) -> None:
        """An order that waited for half the horizon might be proven absent before it is
        stored, so it is not taken in: its session ends, and its client asks."""
        stale: set[Session] = set()
        oldest = asyncio.get_running_loop().time() - self.desk.visibility_seconds / 2
        for work in self._waiting:
            if isinstance(work, Frame) and work.arrived < oldest:
                stale.add(work.session)
        if stale:
            log.warning("venue_too_slow", sessions=len(stale))
            self._waiting = deque(
                work
                for work in self._waiting
                if not (isinstance(work, Frame) and work.session in stale)
            )
            for session in stale:
                self.desk.sessions.close(session)

    def _take_waiting(self) -> list[Work]:
        self._give_up_on_stale()
        works: list[Work] = []
        orders = 0
        while self._waiting and orders < BATCH_ORDERS:
            work = self._waiting.popleft()
            orders += jobs.size(work)
            works.append(work)
        if not self._waiting:
            self._arrived.clear()
        return works

    async def _prepare(self, connection: store.Connection, works: Sequence[Work]) -> Batch:
        for work in works:
            if isinstance(work, Expire):
                work.accounts = await self._with_expired(connection)
            if isinstance(work, Bust):
                work.order, work.fill = await store.fill(connection, work.request)
        await self._load(connection, {name for work in works for name in jobs.accounts_of(work)})
        batch = Batch(Moment.of(self.clock()))
        ended = {order_id for work in works for order_id in self.desk.ended_orders(work)}
        if ended:
            batch.ended = await store.orders_by_id(connection, ended)
        for work in works:
            if isinstance(work, Frame) and work.request.attach:
                await self._replay(connection, work)
        return batch

    async def _with_expired(self, connection: store.Connection) -> list[str]:
        """The accounts, in memory or not, that hold what is over."""
        now = self.clock()
        held = await store.held_instruments(connection)
        over = [symbol for symbol in held if self.desk.market.instrument(symbol).is_expired(now)]
        return await store.holders(connection, over) if over else []

    async def _replay(self, connection: store.Connection, frame: Frame) -> None:
        behind = [
            (attach.account, attach.after_report_seq)
            for attach in frame.request.attach
            if attach.account in self.desk.accounts
            and self.desk.accounts[attach.account].report_seq > attach.after_report_seq
        ]
        if behind:
            frame.session.replay(await store.reports_after(connection, behind))
            frame.session.flush()

    def _tell(self, batch: Batch) -> None:
        self.desk.sessions.say(batch.said)
        for answer in batch.answers:
            answer()
        loop = asyncio.get_running_loop()
        for seconds, order in batch.late:
            loop.call_later(seconds, self._offer_late, order)

    def _offer_late(self, order: pb.NewOrder) -> None:
        if self.is_connected:
            self.offer(Late(order))

    def _drop_everything(self) -> None:
        self.is_connected = False
        self.desk.sessions.close_all()
        self.desk.accounts.clear()
        unanswered = (*self._taken, *self._waiting)
        self._waiting.clear()
        self._arrived.clear()
        for work in unanswered:
            if isinstance(work, Asked) and not work.answer.done():
                work.answer.set_exception(Unavailable())
