"""The one writer: everything execution does becomes durable here before it happens.

Entries are collected while a transaction commits; the next transaction takes all that
waits, up to a bound, what is to be sent first. An entry of a lost lease is refused alone, and with
it what comes of that lease behind it: whoever takes the account goes on from what was stored last.
When the database goes away the batch is tried again: every row has a key, so doing it twice
changes nothing.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

import structlog

from execution.journal.pressure import Pressure
from execution.journal.rows import Entry, Written
from execution.journal.waiting import Waiting
from protos import faults

log = structlog.get_logger()

MOST_FACTS = 500
RETRY_SECONDS = 0.2


class StoreUnavailable(Exception):
    """The database did not answer; whether it committed is not known."""


class EntryStore(Protocol):
    """Where entries go."""

    async def write(self, entries: Sequence[Entry]) -> Written:
        """Store a batch in one transaction, but for what may not be.

        Raises StoreUnavailable.
        """


class Journal:
    """Collects entries and writes them in batches, each account's in the order they came."""

    def __init__(self, store: EntryStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        # Who wants to know of a commit, and of an account whose lease was lost.
        self.on_commit: Callable[[], None] = _nobody
        self.on_refused: Callable[[UUID, int], None] = _nobody_minds
        self.pressure = Pressure(clock)
        self._waiting = Waiting()
        # The newest lease of each account of which something was not stored.
        self._refused: dict[UUID, int] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def write(self, entry: Entry) -> None:
        """Have an entry stored; its `committed` is called once it is known."""
        if not self._waiting:
            self._idle.clear()
            self._wake.set()
        self._waiting.add(entry)
        self.pressure.see(self._waiting.sends)

    async def drained(self) -> None:
        """Return once nothing waits."""
        await self._idle.wait()

    async def run(self) -> None:
        """Write for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch = self._waiting.take(MOST_FACTS)
                if left := [entry for entry in batch if not self._is_behind(entry)]:
                    await self._write_once(left)
            self._idle.set()

    def _is_behind(self, entry: Entry) -> bool:
        """True behind something of its lease that was not stored."""
        return entry.epoch <= self._refused.get(entry.account_id, -1)

    async def _write_once(self, batch: list[Entry]) -> None:
        sending = any(entry.orders for entry in batch)
        reports = any(not entry.orders for entry in batch)
        _pass_faults(sending, reports, "before_commit")
        written = await self._write_until_known(batch)
        _pass_faults(sending, reports, "after_commit")
        self.on_commit()
        leases = {entry.account_id: entry.epoch for entry in batch}
        lost = leases.keys() - written.held
        for account in lost:
            self._refused[account] = leases[account]
            self.on_refused(account, leases[account])
        for entry in batch:
            if lost and entry.account_id in lost:
                continue
            told = entry.stopped if _is_stopped(entry, written) else entry.committed
            if told is not None:
                _tell(told)

    async def _write_until_known(self, batch: list[Entry]) -> Written:
        while True:
            try:
                return await self._store.write(batch)
            except StoreUnavailable as error:
                log.warning("journal_waits_for_database", cause=error, entries=len(batch))
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                log.exception("journal_batch_refused", entries=len(batch))
                return await self._write_singly(batch)

    async def _write_singly(self, batch: list[Entry]) -> Written:
        """One entry cannot be stored: the others are, and its account is let go, to be
        taken anew from what is stored."""
        if len(batch) == 1:
            return Written()
        held: set[UUID] = set()
        broken: set[UUID] = set()
        stopped: set[UUID] = set()
        for entry in batch:
            if entry.account_id not in broken:
                one = await self._write_until_known([entry])
                (held if one.held else broken).add(entry.account_id)
                stopped |= one.stopped
        return Written(held - broken, stopped)


def _pass_faults(sending: bool, reports: bool, where: str) -> None:
    if sending:
        faults.point(f"sending.{where}")
    if reports:
        faults.point(f"reports.{where}")


def _is_stopped(entry: Entry, written: Written) -> bool:
    if not written.stopped or entry.bound is None:
        return False
    return entry.bound.trade_id in written.stopped


def _nobody() -> None:
    """Until the engine is there."""


def _nobody_minds(account: UUID, epoch: int) -> None:
    """Until the engine is there."""


def _tell(told: Callable[[], None]) -> None:
    try:
        told()
    except Exception:
        log.exception("committed_callback_failed")
