"""Run the checker against a stack, once everything has come to rest."""

import time

import psycopg

from tests.e2e import checker, evidence
from tests.e2e.sender import History
from tests.e2e.stack import Stack


def settle(stack: Stack, seconds: float) -> float | None:
    """Wait until every signal was handed on and every trade ended; None when too late."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        try:
            with stack.database() as connection:
                if evidence.is_settled(connection):
                    return time.monotonic() - started
        except psycopg.OperationalError:
            pass
        time.sleep(0.1)
    return None


def until_clean(stack: Stack, history: History, *, seconds: float) -> checker.Report:
    """The first report without findings, or the last one within the time."""
    deadline = time.monotonic() + seconds
    settle(stack, seconds)
    while True:
        with stack.database() as connection:
            report = checker.check(evidence.gather(connection, history.attempts))
        if not report.findings or time.monotonic() > deadline:
            return report
        time.sleep(0.3)
