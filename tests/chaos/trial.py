"""One trial: a stack of its own, load and faults at the same time, rest, and the checker."""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos import load
from tests.chaos.nemesis import Fault, Nemesis
from tests.chaos.proxy import FaultProxy
from tests.e2e import audit, checker
from tests.e2e.sender import History, Patience, Sender
from tests.e2e.stack import Options, Stack, free_port

# What must run by itself at the end, for nobody restarts anything by hand.
PROCESSES = ("postgres", "redis", "paper", "execution", "live", "relay", "worker", "web")
FILLED_SHARE = 0.95
_BOUGHT = """
    SELECT count(*), count(*) FILTER (WHERE t.state = 'FILLED'),
        extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY filled_at - s.accepted_at)),
        extract(epoch FROM max(filled_at - s.accepted_at))
    FROM web.trades t JOIN web.signals s ON s.id = t.signal_id
    WHERE t.instrument = ANY(%s) AND convert_from(s.body, 'UTF8') LIKE '%%"buy"%%'
"""
# TradingView's patience loses alerts that nobody accepted; a sender of ours goes on for longer.
PATIENCE = Patience(timeout_seconds=3.0, resend_after_seconds=2.0, resends=10)


@dataclass(frozen=True)
class Plan:
    """What a trial is like."""

    name: str
    seed: int = 1
    signals: int = 1000
    rate: float = 12.0
    subscriptions: int = 1
    strategies: int = load.STRATEGIES
    faults: Sequence[Fault] = ()
    executions: int = 2
    horizon: float = 2.0
    settle_seconds: float = 60.0
    within_seconds: float = 0.0
    # Half of the buys fill sooner, whatever is hurt: the sweep alone would take longer.
    median_seconds: float = 1.0


@dataclass
class Result:
    """What came of a trial."""

    plan: Plan
    report: checker.Report
    history: History
    settled_seconds: float | None
    seconds: float
    done: list[tuple[float, str]] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    away: list[str] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """Alerts that nobody ever accepted: not lost, for their sender knows."""
        return len({a.alert for a in self.history.attempts} - {a.alert for a in self.accepted})

    @property
    def accepted(self) -> list[Any]:
        """The attempts that were answered 2xx."""
        return list(self.history.accepted)

    @property
    def ok(self) -> bool:
        """Every promise kept, at rest in time, everybody back."""
        late = 0 < self.plan.within_seconds < self.seconds
        return not (
            self.report.findings
            or self.settled_seconds is None
            or self.away
            or self.broken
            or self.missed
            or late
        )

    def as_data(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "ok": self.ok,
            "name": self.plan.name,
            "seed": self.plan.seed,
            "seconds": round(self.seconds, 1),
            "signals": len({each.signal_id for each in self.accepted}),
            "refused": self.refused,
            "slowest_answer_seconds": round(max((a.seconds for a in self.accepted), default=0), 2),
            "settled_seconds": self.settled_seconds,
            "faults": self.done,
            "missed": self.missed,
            "away": self.away,
            "broken": self.broken,
            **self.told,
            "report": self.report.as_data(),
        }

    def __str__(self) -> str:
        data = self.as_data()
        shown = {key: data[key] for key in data if key not in ("report", "faults")}
        kinds = sorted({what.partition(" for ")[0] for _, what in self.done})
        return "\n".join(
            (
                "\n".join(f"{key}: {value}" for key, value in shown.items()),
                f"{len(self.done)} faults: {', '.join(kinds) or 'none'}",
                str(self.report),
            )
        )


class Trial:
    """A running stack with a fault proxy before its venue, and a sender."""

    def __init__(self, plan: Plan, stack: Stack, proxy: FaultProxy, began: float) -> None:
        self.plan = plan
        self.stack = stack
        self.proxy = proxy
        self.sender = Sender(History(), PATIENCE)
        self.targets = load.targets(stack)
        self.began = began

    def run(self, what: Iterator[load.Message] | None = None) -> Result:
        """Load and faults side by side; then rest, flat positions, and the checker."""
        what = what or load.messages(self.targets)
        nemesis = Nemesis(self.stack, self.proxy, self.plan.faults)
        hurting = nemesis.start()
        load.run(self.sender, what, signals=self.plan.signals, rate=self.plan.rate)
        hurting.join()
        return self.finish(nemesis)

    def finish(self, nemesis: Nemesis | None = None) -> Result:
        """Rest, flat positions, and the checker."""
        nemesis = nemesis or Nemesis(self.stack, self.proxy, ())
        settled = audit.settle(self.stack, self.plan.settle_seconds)
        load.flatten(self.sender, self.targets)
        return self._judge(nemesis, settled)

    def _judge(self, nemesis: Nemesis, settled: float | None) -> Result:
        report = audit.until_clean(self.stack, self.sender.history, seconds=20)
        result = Result(
            plan=self.plan,
            report=report,
            history=self.sender.history,
            settled_seconds=None if settled is None else round(settled, 1),
            seconds=time.monotonic() - self.began,
            done=nemesis.done,
            missed=nemesis.missed,
            away=[] if self._all_back() else [p for p in PROCESSES if not self.stack.pids(p)],
            told=states(self.stack),
        )
        self._count_buys(result)
        return result

    def _count_buys(self, result: Result) -> None:
        """What was bought by one has to fill, but for what was too old when it could."""
        tickers = [each.ticker for each in self.targets if each.shape == "buys"]
        with self.stack.database() as connection:
            row = connection.execute(_BOUGHT, [tickers]).fetchone()
        assert row is not None
        buys, filled, median, longest = row
        result.told |= {"buys": buys, "buys_filled": filled}
        if filled:
            seconds = {"median": round(float(median), 3), "longest": round(float(longest), 1)}
            result.told["seconds_to_fill"] = seconds
            if median > self.plan.median_seconds:
                result.broken.append(f"half of the buys took longer than {median:.1f} s to fill")
        if filled < FILLED_SHARE * buys:
            result.broken.append(f"only {filled} of {buys} buys were filled")

    def _all_back(self) -> bool:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if not self.stack.ended and all(self.stack.pids(each) for each in PROCESSES):
                return True
            time.sleep(0.1)
        return False


def states(stack: Stack) -> dict[str, Any]:
    """How trades ended, with their reasons."""
    with stack.database() as connection:
        rows = connection.execute(
            "SELECT state, coalesce(reason, ''), count(*) FROM web.trades GROUP BY 1, 2 ORDER BY 1"
        ).fetchall()
    return {"trades": {f"{state} {reason}".strip(): number for state, reason, number in rows}}


@contextmanager
def trial(
    plan: Plan, *, keep: bool = False, environ: Mapping[str, str] | None = None
) -> Iterator[Trial]:
    """A stack for a plan; its folder stays where something failed and `keep` was asked."""
    folder = Path(tempfile.mkdtemp(prefix="fillwire_chaos_"))
    folder.chmod(0o711)
    began, venue = time.monotonic(), free_port()
    proxy = FaultProxy(port=free_port(), server_port=venue)
    options = Options(
        strategies=plan.strategies,
        executions=plan.executions,
        environ={
            "FILLWIRE_PAPER_BIND": f"127.0.0.1:{venue}",
            "FILLWIRE_PAPER_TARGET": f"127.0.0.1:{proxy.port}",
            "FILLWIRE_PAPER_VISIBILITY_SECONDS": str(plan.horizon),
            **(environ or {}),
        },
    )
    stack = Stack(folder, options)
    proxy.start()
    try:
        stack.start()
        load.prepare(stack, subscriptions=plan.subscriptions)
        running = Trial(plan, stack, proxy, began)
        yield running
        running.sender.close()
    finally:
        stack.stop()
        proxy.stop()
        if keep:
            print(f"kept {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
