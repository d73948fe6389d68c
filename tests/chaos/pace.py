"""Trials of pace: a connection that is slow holds up nobody else's orders, and one that is asked
for ten times its limit passes the exits within it. Times are those of the venue's log."""

import argparse
import itertools
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString

import psycopg

from tests.chaos import load, venue
from tests.chaos.load import Message, Target
from tests.chaos.trial import Result, Trial
from tests.e2e.sender import Attempt

Given = argparse.Namespace

ANSWER_SECONDS = 30
# What a slow neighbour may cost: half as much again, or ten milliseconds.
MOST_TIMES, MOST_MORE = 1.5, 0.010
# By then an order without an answer is asked about, and found.
SOONEST_SECONDS = 4.0
# One message in so many goes to the slow connection.
SLOW_SHARE = 20
WINDOW = timedelta(minutes=1)
EXIT_SECONDS = 2.0

_ACCOUNT = """
SELECT b.account FROM web.subscriptions s JOIN web.connections c ON c.id = s.connection_id
JOIN web.broker_accounts b ON b.id = c.broker_account_id
JOIN web.strategies t ON t.id = s.strategy_id JOIN web.strategy_webhooks w ON w.strategy_id = t.id
WHERE %s LIKE '%%/' || w.webhook_uuid || '/%%'
"""
_WAITED = """
SELECT extract(epoch FROM min(a.arrived_at) - min(t.accepted_at))
FROM web.trades t JOIN web.orders o ON o.trade_id = t.id
JOIN paper.arrivals a ON a.cl_ord_id = o.cl_ord_id
WHERE 'sig_' || replace(t.signal_id::text, '-', '') = ANY(%s) GROUP BY t.id
"""
_KNOWN = """
SELECT extract(epoch FROM updated_at - accepted_at) FROM web.trades
WHERE 'sig_' || replace(signal_id::text, '-', '') = ANY(%s) AND state = 'FILLED'
"""
_HELD = """
SELECT instrument FROM web.positions WHERE quantity <> 0 AND NOT instrument = ANY(%s)
ORDER BY instrument LIMIT 1
"""


def slow(trial: Trial, given: Given) -> Result:
    """Rounds with and without a connection that answers after 30 s, in turn."""
    victim, others = trial.targets[0], trial.targets[1:]
    account = _account(trial, victim)
    what = _among(others, victim)
    sent: dict[bool, list[Attempt]] = {False: [], True: []}
    struck: list[Attempt] = []
    _round(trial, what, given)  # Whatever is done only once is not counted.
    for _ in range(given.rounds):
        for is_slow in (False, True):
            venue.answer_late(trial.stack, account, ANSWER_SECONDS if is_slow else 0)
            attempts = _round(trial, what, given)
            sent[is_slow] += [each for each in attempts if each.url != victim.webhook]
            if is_slow:
                struck += [each for each in attempts if each.url == victim.webhook]
        venue.answer_late(trial.stack, account, 0)
        # The quiet ones are quiet: nothing is asked about any more.
        time.sleep(ANSWER_SECONDS + 3)
    result = trial.finish()
    quiet, loud = _waited(trial, sent[False]), _waited(trial, sent[True])
    result.told |= {"quiet": _told(quiet), "slow": _told(loud)}
    if min(len(quiet), len(loud)) < 0.99 * min(len(sent[False]), len(sent[True])):
        result.broken.append("not every order of the others arrived")
    known = sorted(_seconds(trial, _KNOWN, struck))
    result.told["the_slow_one"] = {"orders": len(known), "soonest_known_seconds": known[:1]}
    if not known or known[0] < SOONEST_SECONDS:
        result.broken.append("the slow one was not slow")
    most = max(MOST_TIMES * p99(quiet), p99(quiet) + MOST_MORE)
    if p99(loud) > most:
        told = f"{1000 * p99(loud):.1f} ms beside a slow one, {1000 * p99(quiet):.1f} ms alone"
        result.broken.append(f"the others' p99: {told}")
    return result


def overload(trial: Trial, given: Given) -> Result:
    """Ten times what the limit takes, with an exit now and then."""
    [target] = trial.targets
    account = _account(trial, target)
    venue.limit(trial.stack, account, given.limit, horizon=trial.plan.horizon)
    time.sleep(1.0)
    with trial.stack.database() as connection:
        what = _entries_and_exits(
            connection, target, every=round(trial.plan.rate * 60 / given.exits)
        )
        sent = load.run(trial.sender, what, signals=trial.plan.signals, rate=trial.plan.rate)
    result = trial.finish()
    exits = [each for each in sent if each.accepted and b'"exit"' in each.body]
    waited = _waited(trial, exits)
    with trial.stack.database() as connection:
        rows = connection.execute(
            "SELECT arrived_at FROM paper.arrivals WHERE account = %s ORDER BY 1", [account]
        ).fetchall()
        [[refused]] = connection.execute("SELECT count(*) FROM execution.penalties").fetchall()
    arrived = [row[0] for row in rows]
    over = windows_over(arrived, given.limit)
    result.told |= {
        "arrived": len(arrived),
        "fullest_window": fullest(arrived),
        "windows_over": over,
        "refused_by_the_venue": refused,
        "exits": _told(waited),
    }
    if over or refused:
        result.broken.append(f"{over} windows over the limit, {refused} refusals of the venue")
    if len(waited) < len(exits) or len(exits) < given.seconds * given.exits / 60 / 2:
        result.broken.append(f"only {len(waited)} of {len(exits)} exits arrived")
    if waited and p99(waited) > EXIT_SECONDS:
        result.broken.append(f"exits' p99 {p99(waited):.2f} s")
    return result


def p99(seconds: Sequence[float]) -> float:
    """What 99 of 100 are not above."""
    ordered = sorted(seconds)
    return ordered[max(-(-len(ordered) * 99 // 100) - 1, 0)] if ordered else 0.0


def fullest(arrived: Sequence[datetime]) -> int:
    """The most arrivals within any stretch as long as the window."""
    most = start = 0
    for number, at in enumerate(arrived):
        while at - arrived[start] >= WINDOW:
            start += 1
        most = max(most, number - start + 1)
    return most


def windows_over(arrived: Sequence[datetime], limit: int) -> int:
    """How many arrivals are one too many within the window that they end."""
    pairs = zip(arrived, arrived[limit:], strict=False)
    return sum(later - earlier < WINDOW for earlier, later in pairs)


def _round(trial: Trial, what: Iterator[Message], given: Given) -> list[Attempt]:
    signals = int(given.seconds * trial.plan.rate)
    return load.run(trial.sender, what, signals=signals, rate=trial.plan.rate)


def _among(others: list[Target], victim: Target) -> Iterator[Message]:
    """Buys of something else each time, a few of them to the victim."""
    for number, (url, message) in enumerate(load.strangers(others)):
        yield victim.webhook if number % SLOW_SHARE == 0 else url, message


def _entries_and_exits(
    connection: psycopg.Connection[Any], target: Target, *, every: int
) -> Iterator[Message]:
    """Entries of something else each time; every so often an exit of what is held."""
    left: list[str] = []
    entries = load.strangers([target])
    for number in itertools.count(1):
        row = None
        if number % every == 0:
            row = connection.execute(_HELD, [left]).fetchone()
            connection.commit()
        if row is None:
            yield next(entries)
            continue
        left.append(row[0])
        yield target.webhook, {"ticker": row[0], "price": load.PRICE, "action": "exit"}


def _account(trial: Trial, target: Target) -> str:
    with trial.stack.database() as connection:
        [[account]] = connection.execute(_ACCOUNT, [target.webhook]).fetchall()
    return str(account)


def _waited(trial: Trial, sent: Sequence[Attempt]) -> list[float]:
    """From acceptance to the venue, of those that got there."""
    return _seconds(trial, _WAITED, sent)


def _seconds(trial: Trial, query: LiteralString, sent: Sequence[Attempt]) -> list[float]:
    signals = [each.signal_id for each in sent if each.accepted]
    with trial.stack.database() as connection:
        return [float(row[0]) for row in connection.execute(query, [signals]).fetchall()]


def _told(seconds: Sequence[float]) -> dict[str, Any]:
    ordered = sorted(seconds)
    half = ordered[len(ordered) // 2] if ordered else 0.0
    most = ordered[-1] if ordered else 0.0
    return {
        "orders": len(ordered),
        "p50_ms": round(1000 * half, 1),
        "p99_ms": round(1000 * p99(ordered), 1),
        "most_ms": round(1000 * most, 1),
    }
