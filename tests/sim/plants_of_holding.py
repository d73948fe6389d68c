"""Bugs put in on purpose: in who may act on an account, and on what may be at its broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from execution.accounts import doubt
from execution.accounts.dispatch import Dispatch
from execution.accounts.standing import Standing
from execution.engine import engine
from execution.journal.journal import Journal
from execution.journal.rows import Written
from execution.journal.store import Store


def ignore_the_epoch() -> Any:
    """A writer takes the lease's epoch for its own."""

    async def write(self: Any, entries: Any) -> Any:
        leases = self._database.tables.leases
        for entry in entries:
            entry.epoch = leases[entry.account_id]["epoch"]
        return await real(self, entries)

    real = Store.write
    return patch.object(Store, "write", write)


@contextmanager
def act_without_the_lease() -> Iterator[None]:
    """What waits for a commit is told of it, whoever holds the lease, and nobody looks again
    before the socket."""

    async def until_known(self: Any, batch: Any) -> Any:
        await real(self, batch)
        return Written({entry.account_id for entry in batch})

    real = Journal._write_until_known
    told = patch.object(Journal, "_write_until_known", until_known)
    with told, send_what_others_may_have_taken():
        yield


def ask_about_nothing_that_rests() -> Any:
    """What the broker took in is there until it says something else."""
    return patch.object(Dispatch, "_watch", lambda *_: None)


def resend_unproven() -> Any:
    """What cannot be found is sent again, wherever."""

    def not_found(self: Any, account: Any, ticket: Any, able: Any, asked_at: Any) -> None:
        proves = replace(able, refuses_repeats=True, looks_up_by_cl_ord_id=True)
        real(self, account, ticket, proves, asked_at)

    real = doubt.Doubts._not_found
    return patch.object(doubt.Doubts, "_not_found", not_found)


def resend_at_once() -> Any:
    """What cannot be found is proven absent, before the venue's horizon."""

    def not_found(self: Any, account: Any, ticket: Any, able: Any, asked_at: Any) -> None:
        self._found.absent(account, ticket)

    return patch.object(doubt.Doubts, "_not_found", not_found)


def forget_what_is_in_doubt_at_takeover() -> Any:
    """A new holder takes what was not answered for what is on its way."""

    def prepare(self: Any, account: Any, tickets: Any) -> None:
        real(self, account, tickets)
        for ticket in tickets:
            ticket.in_doubt = False

    real = engine.Engine.prepare
    return patch.object(engine.Engine, "prepare", prepare)


def send_what_others_may_have_taken() -> Any:
    """Who wakes up goes on, and learns later that its accounts are others'."""
    return patch.object(Standing, "is_sure", lambda *_: True)
