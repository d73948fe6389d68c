"""In which order entries become durable: an order to be sent does not stand behind reports."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from execution.journal.journal import Journal
from execution.journal.rows import Entry, FactRow, OrderRow, Written
from execution.journal.waiting import Waiting

NOBODY, NOON = UUID(int=0), datetime(2026, 1, 5, 12, tzinfo=UTC)
# What is in them does not matter.
FACT = FactRow(NOBODY, 1, "", "", None, None, b"", NOON)
ORDER = OrderRow(
    id=NOBODY, cl_ord_id="", trade_id=NOBODY, leg="", revision=0, account_id=NOBODY,
    subscription_id=NOBODY, origin="", instrument="", side="", ord_type="", time_in_force="",
    order_qty=Decimal(1), decided_from={}, created_at=NOON,
)  # fmt: skip


def sends(account: int, epoch: int = 1) -> Entry:
    """An order of an account, about to be written down."""
    return Entry(UUID(int=account), epoch, [FACT], [ORDER])


def heard(account: int, epoch: int = 1) -> Entry:
    """A report of an account."""
    return Entry(UUID(int=account), epoch, [FACT])


def waiting(*entries: Entry) -> Waiting:
    found = Waiting()
    for entry in entries:
        found.add(entry)
    return found


def test_what_is_to_be_sent_goes_ahead_of_what_was_heard_of_others() -> None:
    report, order = heard(1), sends(2)
    assert waiting(report, order).take(500) == [order, report]


def test_an_accounts_own_entries_keep_their_order() -> None:
    first, filled, second = sends(1), heard(1), sends(1)
    assert waiting(first, filled, second).take(500) == [first, filled, second]


def test_once_its_reports_are_stored_an_account_goes_ahead_again() -> None:
    both = waiting(heard(1))
    both.take(500)
    order, report = sends(1), heard(2)
    both.add(report)
    both.add(order)
    assert both.take(500) == [order, report]


def test_however_much_is_to_be_sent_something_heard_goes_along() -> None:
    orders, reports = [sends(n) for n in range(20)], [heard(100 + n) for n in range(20)]
    batch = waiting(*orders, *reports).take(10)
    assert batch == [*orders[:8], *reports[:2]]


def test_a_batch_is_filled_with_what_there_is() -> None:
    orders, reports = [sends(n) for n in range(20)], [heard(100 + n) for n in range(20)]
    assert waiting(*orders).take(10) == orders[:10]
    assert waiting(*reports).take(10) == reports[:10]


@pytest.mark.parametrize("kind", [sends, heard], ids=["sends", "heard"])
def test_two_leases_of_an_account_are_never_stored_together(
    kind: Callable[..., Entry],
) -> None:
    old, other, new = sends(1, epoch=1), heard(2), kind(1, epoch=2)
    three = waiting(old, other, new)
    batches = [three.take(500), three.take(500)]
    assert old in batches[0] and new in batches[1] and not three


def test_a_journal_is_pressed_while_many_orders_wait() -> None:
    journal = Journal(Nowhere())
    for account in range(100):
        assert not journal.pressure.is_high()
        journal.write(sends(account))
    assert journal.pressure.is_high()


async def test_behind_what_was_refused_nothing_of_its_lease_is_stored() -> None:
    store, refused = Particular(), list[tuple[UUID, int]]()
    journal = Journal(store)
    journal.on_refused = lambda account, epoch: refused.append((account, epoch))
    bad, others, anew = heard(1), [heard(1), sends(1), sends(2), heard(2)], heard(1, epoch=2)
    store.refuses = bad
    writing = asyncio.create_task(journal.run())
    journal.write(bad)
    await store.is_asked.wait()
    for entry in (*others, anew):
        journal.write(entry)
    store.answers.set()
    await journal.drained()
    writing.cancel()
    assert refused[0] == (UUID(int=1), 1)
    assert sorted((e.account_id.int, e.epoch) for e in store.stored) == [(1, 2), (2, 1), (2, 1)]


class Particular:
    """Stores everything but one entry, which it never will."""

    def __init__(self) -> None:
        self.refuses: Entry | None = None
        self.stored: list[Entry] = []
        self.is_asked, self.answers = asyncio.Event(), asyncio.Event()

    async def write(self, entries: Sequence[Entry]) -> Written:
        self.is_asked.set()
        await self.answers.wait()
        if self.refuses in entries:
            raise ValueError("not this one")
        self.stored += entries
        return Written({entry.account_id for entry in entries})


class Nowhere:
    """Nothing is written."""

    async def write(self, entries: object) -> Written:
        return Written()
