"""Bugs between processes: a whole stack is hurt where each would show, and the checker of
`tests/e2e` has to find something that it does not find without the bug."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from protos import faults
from protos.faults import POINTS
from tests.e2e import audit, checker, evidence
from tests.e2e.conftest import ticker_for
from tests.e2e.lane import PRICE, Lane
from tests.e2e.sender import EAGER, History, Sender
from tests.e2e.stack import ROOT, Options, Stack
from tests.plants import inside

# What is not done by then is not done: the slowest cure, the sweep, takes two seconds.
PATIENCE_SECONDS = 5.0
# Those that no later cure can take back are caught at once.
FOR_GOOD = {"lost_signal", "alert_twice"}
_RAISED = (
    "intake.after_commit",
    "store.before_commit",
    "drain.before_commit",
    "project.before_commit",
)
_INDEX = "ALTER TABLE execution.instructions DROP CONSTRAINT instructions_pkey"
_INDEX_AGAIN = "ALTER TABLE execution.instructions ADD PRIMARY KEY (trade_id)"


@dataclass(frozen=True)
class Bug:
    """One bug, the layer that catches it (chaos, or a fault point), and what is done to see it."""

    name: str
    does: str
    layer: str
    hurt: Callable[["Field", Lane], None]


class Field:
    """A stack with every bug asleep in it, and the sender whose history counts."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.sender = Sender(History(), EAGER)
        self._known: set[tuple[str, str]] = set()

    def close(self) -> None:
        """Let go of the sender."""
        self.sender.close()

    def catch(self, bug: Bug) -> str:
        """Hurt without the bug, then with it; what was found of it, or nothing.

        Raises AssertionError when something is found without it.
        """
        healthy, sick = self._lanes(bug)
        bug.hurt(self, healthy)
        audit.settle(self.stack, PATIENCE_SECONDS)
        assert not (found := self._found(until_clean=True)), f"without the bug: {found}"
        switch = inside.switch(self.stack.data_dir, bug.name)
        switch.parent.mkdir(exist_ok=True)
        switch.touch()
        try:
            bug.hurt(self, sick)
            found = self._found(until_clean=False)
        finally:
            switch.unlink()
            self._restore()
        self._known |= {(each.kind, each.subject) for each in found}
        return "; ".join(sorted({each.kind for each in found}))

    # -- hurting

    def trade(self, lane: Lane) -> None:
        """A buy, to be followed by an exit."""
        for action in ("buy", "exit"):
            message = {"ticker": lane.ticker, "action": action, "price": PRICE, "quantity": 1}
            assert self.sender.deliver(lane.webhook, message).accepted
            time.sleep(0.15)

    def raise_at(self, point: str, lane: Lane) -> None:
        """An exception there, while there is something to do."""
        mark = faults.mark(self.stack.data_dir / "faults", _spec(point))
        mark.unlink()
        self.trade(lane)
        self.stack.until(mark.exists, 15, f"passage of {point}")

    def drop_the_index(self, lane: Lane) -> None:
        """As a migration would, while trades come; the bug is that it is not made again."""
        with self.stack.database() as connection:
            connection.execute(_INDEX)
            self.trade(lane)
            if not inside.switch(self.stack.data_dir, "drop_a_unique_index").exists():
                connection.execute(_INDEX_AGAIN)

    # -- looking

    def _lanes(self, bug: Bug) -> list[Lane]:
        """Two of its own: a strategy that failed is left alone for a while."""
        at = 2 * BUGS.index(bug)
        webhooks = self.stack.webhooks()[at : at + 2]
        return [Lane(self.stack, each, ticker_for(each, self.stack)) for each in webhooks]

    def _found(self, *, until_clean: bool) -> list[checker.Finding]:
        """What is found and was not known: at once, or still so after a while."""
        deadline = time.monotonic() + (3 if until_clean else 1) * PATIENCE_SECONDS
        while True:
            with self.stack.database() as connection:
                report = checker.check(evidence.gather(connection, self.sender.history.attempts))
            found = [f for f in report.findings if (f.kind, f.subject) not in self._known]
            is_certain = not found if until_clean else any(f.kind in FOR_GOOD for f in found)
            if is_certain or time.monotonic() > deadline:
                return found
            time.sleep(0.2)

    def _restore(self) -> None:
        with self.stack.database() as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_constraint WHERE conname = 'instructions_pkey'"
            ).fetchone()
            if row == (0,):
                connection.execute(_INDEX_AGAIN)


def _kill_web_behind_an_answer(field: Field, lane: Lane) -> None:
    field.trade(lane)
    # As a machine that loses power does: nobody may finish anything.
    field.stack.restart("web")


BUGS = (
    Bug(
        "answer_before_commit",
        "the sender hears yes while its signal is on its way to the database",
        "C",
        _kill_web_behind_an_answer,
    ),
    Bug(
        "double_projector",
        "two follow the facts, each with a cursor and ids of its own",
        "C",
        Field.trade,
    ),
    Bug(
        "forget_what_failed_behind_the_commit",
        "a failure behind the commit is answered as one before it",
        "D",
        lambda field, lane: field.raise_at("intake.after_commit", lane),
    ),
    Bug(
        "drop_a_unique_index",
        "nothing but the code says that a trade is stored once",
        "C",
        Field.drop_the_index,
    ),
    Bug(
        "take_silence_for_stored",
        "what execution did not answer is taken for handed over",
        "D",
        lambda field, lane: field.raise_at("store.before_commit", lane),
    ),
    Bug(
        "trust_the_bell",
        "nobody looks for what no ring told of",
        "D",
        lambda field, lane: field.raise_at("drain.before_commit", lane),
    ),
    Bug(
        "move_the_cursor_first",
        "facts are called read before what they come to is stored",
        "D",
        lambda field, lane: field.raise_at("project.before_commit", lane),
    ),
)
QUICK = BUGS[:3]


def _spec(point: str) -> str:
    return f"{POINTS[point][0]}:{point}:1:raise"


def _disarm(data_dir: Path) -> None:
    folder = data_dir / "faults"
    folder.mkdir(parents=True)
    for point in _RAISED:
        faults.mark(folder, _spec(point)).touch()


OPTIONS = Options(
    strategies=2 * len(BUGS),
    environ={
        "FILLWIRE_FAULT": ",".join(map(_spec, _RAISED)),
        "PYTHONPATH": f"{ROOT / 'tests' / 'plants' / 'site'}:{ROOT}",
    },
    prepare=_disarm,
)
