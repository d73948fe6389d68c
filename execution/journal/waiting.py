"""What waits to be stored, in two lines: what is to be sent, and what was heard. Pure.

An order is sent once it is written down, so it does not stand behind what was heard of others.
Each account's entries keep the order they came in, whichever line they are in, and none of it is
written by both at once: its facts are numbered.
"""

from collections import Counter, deque
from collections.abc import Iterable
from uuid import UUID

from execution.journal.rows import Entry


class Line:
    """Entries in the order they came, and how many of each account wait or are being stored."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.accounts: Counter[UUID] = Counter()

    def add(self, entry: Entry) -> None:
        """Have one wait."""
        self.entries.append(entry)
        self.accounts[entry.account_id] += 1

    def take(self, most_facts: int, others: "Line") -> list[Entry]:
        """The next batch, of so many facts or one entry more, up to an account that stands in
        the other line; never two leases of one account together."""
        batch: list[Entry] = []
        epochs: dict[UUID, int] = {}
        facts = 0
        while self.entries and facts < most_facts:
            entry = self.entries[0]
            if entry.account_id in others.accounts:
                break
            if epochs.setdefault(entry.account_id, entry.epoch) != entry.epoch:
                break
            facts += len(entry.facts)
            batch.append(self.entries.popleft())
        return batch

    def end(self, batch: Iterable[Entry]) -> None:
        """These are stored."""
        for entry in batch:
            self.accounts[entry.account_id] -= 1
            if not self.accounts[entry.account_id]:
                del self.accounts[entry.account_id]


class Waiting:
    """Both lines."""

    def __init__(self) -> None:
        self.heard = Line()
        self.sending = Line()

    def __bool__(self) -> bool:
        """False once everything is stored."""
        return bool(self.sending.accounts or self.heard.accounts)

    def add(self, entry: Entry) -> None:
        """Have one wait."""
        goes_ahead = entry.orders and entry.account_id not in self.heard.accounts
        (self.sending if goes_ahead else self.heard).add(entry)

    def take(self, line: Line, most_facts: int) -> list[Entry]:
        """The next batch of a line. What was heard of an account waits for its orders: those
        stand in their line only where nothing of it stood in the other."""
        return line.take(most_facts, self.sending if line is self.heard else _NOTHING)


_NOTHING = Line()
