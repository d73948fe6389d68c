"""The trials by name: what each is like, and what is judged beside the checker."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.chaos import load, nemesis, pace, person, venue, waited
from tests.chaos.nemesis import Fault
from tests.chaos.trial import Plan, Result, Trial

Given = argparse.Namespace
RESOLVED_SECONDS = 45


@dataclass(frozen=True)
class Kind:
    """One trial: its words for the command line, its plan, and how it is run."""

    name: str
    help: str
    plan: Callable[[Given], Plan]
    run: Callable[[Trial, Given], Result] = lambda trial, _: trial.run()
    numbers: Mapping[str, tuple[int | float, str]] = field(default_factory=dict)


def _killed(given: Given, *, within: float, horizon: float) -> Plan:
    faults = nemesis.schedule(given.seed, kills=given.kills, gap=given.gap)
    return Plan(
        name=given.trial,
        seed=given.seed,
        signals=given.signals,
        rate=given.signals / (given.kills * given.gap + 2),
        subscriptions=given.subs,
        faults=faults,
        executions=given.executions,
        horizon=horizon,
        within_seconds=within,
    )


def _timed(
    given: Given,
    kind: str,
    victim: str = "",
    *,
    seconds: float = 0,
    horizon: float = 2,
    median: float = 1,
) -> Plan:
    faults = [Fault(2 + n * given.gap, kind, victim, seconds=seconds) for n in range(given.times)]
    return Plan(
        name=given.trial,
        seed=given.seed,
        signals=int(given.rate * (given.times * given.gap + 2)),
        rate=given.rate,
        faults=faults,
        executions=given.executions,
        horizon=horizon,
        median_seconds=median,
    )


def _ambiguous(trial: Trial, given: Given) -> Result:
    """Orders that wait for nobody, so that each one's doubt is its own."""
    venue.misbehave(trial.stack, venue.AMBIGUOUS, seed=given.seed)
    result = trial.run(load.strangers(trial.targets))
    struck = venue.struck(trial.stack)
    with trial.stack.database() as connection:
        took = waited.seconds(connection, struck)
    resolved = sum(seconds is not None and seconds <= RESOLVED_SECONDS for seconds in took)
    result.told["ambiguous"] = len(took)
    result.told["resolved"] = resolved
    result.told["longest_seconds"] = round(max(filter(None, took), default=0.0), 1)
    if len(took) < given.signals / 5:
        result.broken.append(f"only {len(took)} orders were ambiguous")
    if resolved < 0.99 * len(took):
        result.broken.append(f"{resolved} of {len(took)} resolved in {RESOLVED_SECONDS} s")
    return result


def _pauses(trial: Trial, given: Given) -> Result:
    if not given.forgetful:
        return trial.run()
    venue.forget_ids(trial.stack, horizon=trial.plan.horizon)
    with person.looking(trial.stack) as declared:
        result = trial.run()
    result.told["declared_absent"] = len(declared)
    return result


TRIALS = (
    Kind(
        "short",
        "1,000 signals and 25 kills within 120 s, with a venue that is sure after 2 s",
        lambda given: _killed(given, within=120, horizon=2),
        numbers={
            "signals": (1000, "signals"),
            "subs": (2, "subscriptions a strategy"),
            "kills": (25, "processes killed; between them other faults"),
            "gap": (3.0, "seconds between two kills"),
        },
    ),
    Kind(
        "full",
        "10,000 signals and 200 kills within 40 minutes, with the venue's real horizon",
        lambda given: _killed(given, within=2400, horizon=35),
        numbers={
            "signals": (10000, "signals"),
            "subs": (3, "subscriptions a strategy"),
            "kills": (200, "processes killed; between them other faults"),
            "gap": (8.0, "seconds between two kills"),
        },
    ),
    Kind(
        "flushall",
        "Valkey forgets everything every 2 s for a minute",
        lambda given: _timed(given, "flushall"),
        numbers={
            "times": (30, "how often"),
            "gap": (2.0, "seconds between"),
            "rate": (20.0, "signals a second"),
        },
    ),
    Kind(
        "database",
        "PostgreSQL is killed 20 times under load",
        # A busy machine takes long to recover.
        lambda given: _timed(given, "kill", "postgres", median=5),
        numbers={
            "times": (20, "how often"),
            "gap": (6.0, "seconds between"),
            "rate": (10.0, "signals a second"),
        },
    ),
    Kind(
        "ambiguous",
        "1,000 orders of which 30 in a hundred are taken late, unanswered or never arrive",
        lambda given: Plan(
            name=given.trial,
            seed=given.seed,
            signals=given.signals,
            rate=given.rate,
            executions=given.executions,
            horizon=35,
        ),
        _ambiguous,
        numbers={"signals": (1000, "orders"), "rate": (20.0, "signals a second")},
    ),
    Kind(
        "pauses",
        "Whoever holds the leases stands still for 20 s, again and again",
        lambda given: _timed(given, "pause", nemesis.HOLDER, seconds=20, horizon=35),
        _pauses,
        numbers={
            "times": (5, "how often"),
            "gap": (30.0, "seconds between"),
            "rate": (5.0, "signals a second"),
            "forgetful": (0, "1: a venue that takes a repeated id for another order"),
        },
    ),
    Kind(
        "slow",
        "One connection of 100 answers after 30 s; the others' orders are as fast as without it",
        lambda given: Plan(
            name=given.trial,
            seed=given.seed,
            rate=given.rate,
            strategies=given.connections,
            executions=given.executions,
            horizon=2,
            settle_seconds=90,
        ),
        pace.slow,
        numbers={
            "connections": (100, "strategies, each with a connection of its own"),
            "rounds": (3, "rounds of each kind, in turn"),
            "seconds": (15.0, "how long a round sends"),
            "rate": (20.0, "signals a second"),
        },
    ),
    Kind(
        "overload",
        "Ten times as many orders as the broker takes: no window over the limit, exits in 2 s",
        lambda given: Plan(
            name=given.trial,
            seed=given.seed,
            signals=int(given.seconds * given.times * given.limit / 60),
            rate=given.times * given.limit / 60,
            strategies=1,
            executions=given.executions,
            horizon=2,
            # Entries may wait for their turn until they are too old.
            settle_seconds=150,
        ),
        pace.overload,
        numbers={
            "limit": (60, "requests a minute that the broker takes"),
            "times": (10.0, "how many times that is offered"),
            "exits": (10, "exits a minute among it"),
            "seconds": (150.0, "how long it is offered"),
        },
    ),
)
BY_NAME = {each.name: each for each in TRIALS}
