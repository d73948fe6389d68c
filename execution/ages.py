"""How old a trade's legs are, in the words of a refusal."""

from datetime import datetime, timedelta

from execution.domain.trades import age_limit
from execution.domain.words import Leg
from execution.lanes import Run


def numbers(run: Run, leg: Leg, age: timedelta, stage: str) -> dict[str, str]:
    """The age of a leg beside its limit."""
    limit = age_limit(leg)
    return {
        "age": format(age.total_seconds(), ".1f"),
        "limit": format(limit.total_seconds(), ".0f"),
        "stage": stage,
    }


def rejected_by_sender(run: Run, leg: Leg, now: datetime) -> dict[str, str] | None:
    """The numbers of a trade that its sender wants no more; what is begun is finished. An
    exit begins with taking away what guards the position."""
    until, since = run.trade.reject_at, run.trade.accepted_at
    began = run.tickets or (leg.reduces and (run.canceled or run.canceled_before))
    if until is None or began or now <= until:
        return None
    return {
        "age": format((now - since).total_seconds(), ".1f"),
        "limit": format(max((until - since).total_seconds(), 0.0), ".1f"),
        "stage": "planning",
    }
