"""One transaction for whoever asks at the same time.

A commit costs a disk flush and a round trip, whatever is in it. So one exchange with the
database is under way in a process, and the calls that come meanwhile go together in the
next: alone, a call waits for nobody; in a burst, a handful share one commit. Each has an
answer of its own, and hears it only after the commit.
"""

import threading
from collections.abc import Sequence

import psycopg

from web.signals.storage import (
    POOL_SECONDS,
    InDoubt,
    NotStored,
    Parameter,
    Row,
    Statement,
    Storage,
)

# The most that share a transaction: one call a thread of the server, with room.
MOST = 8
# A row that somebody holds longer stops nobody else: its own call waits for it alone.
LOCK_MS = 50


class _Call:
    """One caller: what it asks, and what became of it."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.parameters = parameters
        # Held until there is an answer, or a group to lead.
        self.turn = threading.Lock()
        self.turn.acquire()
        self.group: list[_Call] = []
        self.row: Row | None = None
        self.failure: NotStored | None = None


class GroupCommit:
    """Calls of one database function, shared by a process's threads."""

    def __init__(self, database_url: str, function: str, types: Sequence[str]) -> None:
        self._statements = [_calls(function, types, times) for times in range(1, MOST + 1)]
        self._together = Storage(database_url, size=1, lock_ms=LOCK_MS)
        self._lock = threading.Lock()
        self._waiting: list[_Call] = []
        self._is_busy = False

    def close(self) -> None:
        """Let go of the database."""
        self._together.close()

    def run(self, parameters: Sequence[Parameter], alone: Storage) -> Row:
        """The function's answer to one call, committed. What cannot go along with others,
        because somebody holds its row or the server refuses one of them, goes through `alone`.

        The first parameter is the id of the row it locks. Raises as `Storage.run`.
        """
        mine = _Call(parameters)
        with self._lock:
            leads = not self._is_busy
            self._is_busy = True
            if leads:
                mine.group = [mine]
            else:
                self._waiting.append(mine)
        if not leads:
            self._wait(mine)
        if mine.group:
            try:
                self._exchange(mine.group)
            finally:
                self._pass_on(mine)
        if mine.failure:
            raise type(mine.failure)(str(mine.failure)) from mine.failure
        row = mine.row or alone.run(self._statements[0], parameters)
        assert row is not None
        return row

    def _wait(self, mine: _Call) -> None:
        """Until there is an answer, or a group to lead."""
        if mine.turn.acquire(timeout=POOL_SECONDS):
            return
        with self._lock:
            if mine in self._waiting:
                self._waiting.remove(mine)
                raise NotStored("no turn in time")
        # It is on its way, which has a bound of its own.
        mine.turn.acquire()

    def _exchange(self, group: list[_Call]) -> None:
        # Everybody locks rows in one order, so that two processes never wait for each other.
        group.sort(key=lambda call: call.parameters[0] or b"")
        parameters = [value for call in group for value in call.parameters]
        try:
            rows = self._together.rows(self._statements[len(group) - 1], parameters)
            for call, row in zip(group, rows, strict=True):
                call.row = row
        except NotStored as failure:
            for call in group:
                call.failure = failure
        except psycopg.Error:
            # Nothing was committed: each alone, so that one stops nobody else.
            return
        except BaseException:
            for call in group:
                call.failure = InDoubt("the exchange broke off")
            raise

    def _pass_on(self, mine: _Call) -> None:
        """Have the next group led by its first, and everybody of this one go on."""
        with self._lock:
            following = self._waiting[:MOST]
            del self._waiting[:MOST]
            self._is_busy = bool(following)
        if following:
            following[0].group = following
            following[0].turn.release()
        for call in mine.group:
            if call is not mine:
                call.turn.release()


def _calls(function: str, types: Sequence[str], times: int) -> Statement:
    """So many calls in one statement, made and answered in the order given."""
    width = len(types)
    name = f"{function.replace('.', '_')}_{times}"
    binary = [n for n in range(width * times) if types[n % width] == "bytea"]
    if times == 1:
        holes = ", ".join(f"${n + 1}" for n in range(width))
        return Statement(name, f"SELECT * FROM {function}({holes})", binary=binary)
    columns = ", ".join(f"c{n}" for n in range(width))
    rows = ", ".join(
        "(" + ", ".join(f"${width * row + n + 1}::{types[n]}" for n in range(width)) + ")"
        for row in range(times)
    )
    sql = (
        f"SELECT r.* FROM (VALUES {rows}) AS c({columns}) "
        f"CROSS JOIN LATERAL {function}({columns}) AS r"
    )
    return Statement(name, sql, binary=binary)
