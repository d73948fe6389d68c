"""What waits to be stored, in the order in which it will be. Pure.

An order is sent once it is written down, so what is to be sent goes ahead of what was heard of
others. Each account's entries keep the order they came in: its facts are numbered.
"""

from collections import Counter, deque
from uuid import UUID

from execution.journal.rows import Entry

# Of a batch, so much is left for what was heard, should there be any.
HEARD_SHARE = 0.2


class Waiting:
    """Entries, those with orders first."""

    def __init__(self) -> None:
        self._sending: deque[Entry] = deque()
        self._others: deque[Entry] = deque()
        # How many of the others are of an account: what follows of it stands behind them.
        self._behind: Counter[UUID] = Counter()

    def __len__(self) -> int:
        return len(self._sending) + len(self._others)

    @property
    def sends(self) -> int:
        """How many that have orders go ahead."""
        return len(self._sending)

    def add(self, entry: Entry) -> None:
        """Have one wait."""
        if entry.orders and entry.account_id not in self._behind:
            self._sending.append(entry)
        else:
            self._others.append(entry)
            self._behind[entry.account_id] += 1

    def take(self, most_facts: int) -> list[Entry]:
        """The next batch, of so many facts or a few more; never two leases of one account
        together."""
        batch: list[Entry] = []
        epochs: dict[UUID, int] = {}
        facts = 0
        left = most_facts * HEARD_SHARE if self._others else 0
        for queue, most in ((self._sending, most_facts - left), (self._others, most_facts)):
            while queue and facts < most:
                entry = queue[0]
                if epochs.setdefault(entry.account_id, entry.epoch) != entry.epoch:
                    return batch
                facts += len(entry.facts)
                batch.append(queue.popleft())
                if queue is self._others:
                    self._leave(entry.account_id)
        return batch

    def _leave(self, account: UUID) -> None:
        self._behind[account] -= 1
        if not self._behind[account]:
            del self._behind[account]
