"""What waits, and what came to a stop: signals, facts, failed jobs, refused mail, erasures."""

import re
from collections.abc import Sequence
from typing import Any

from flask import abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from redis.exceptions import RedisError
from sqlalchemy import Row, text

from web import lists
from web.admin import failed_jobs
from web.admin.base import Page
from web.admin.deeds import deed, record
from web.admin.failed_jobs import Job
from web.config import Config
from web.db import db

MOST = 100
# RQ takes no other for a job's id.
_JOB = re.compile(r"[A-Za-z0-9_-]{1,100}")
_DUE = """
SELECT i.tenant_id, i.strategy_id, s.name, i.seq - i.handed_seq AS waiting, g.accepted_at AS since,
    g.id AS signal_id
FROM web.strategy_intake i JOIN web.strategies s ON s.id = i.strategy_id
LEFT JOIN web.signals g ON g.strategy_id = i.strategy_id AND g.seq = i.handed_seq + 1
WHERE i.handed_seq < i.seq ORDER BY g.accepted_at LIMIT 100
"""
_ASIDE = """
SELECT broker, environment, account, canonical_id, error, at, requeued_at, length(fact) AS bytes
FROM web.quarantined_facts WHERE ended_at IS NULL ORDER BY at DESC LIMIT 100
"""
_MAILS = """
SELECT id, subject, created_at, attempts, error, outcome FROM web.mails
WHERE outcome = 'refused' OR (ended_at IS NULL AND attempts > 0)
ORDER BY created_at DESC LIMIT 100
"""
_ERASURES = """
SELECT person_id, due_at, tries, next_at, error FROM web.erasures WHERE tries > 0
ORDER BY due_at LIMIT 100
"""
_OF = (
    "WHERE broker = :broker AND environment = :environment AND account = :account "
    "AND canonical_id = :canonical AND ended_at IS NULL RETURNING true"
)
_CHANGES = {
    "requeue": f"UPDATE web.quarantined_facts SET requeued_at = now() {_OF}",
    "discard": "UPDATE web.quarantined_facts SET ended_at = now(), outcome = 'discarded' " + _OF,
}


class QueuesView(Page):
    """Everything that waits or stands still."""

    @expose("/")
    def index(self) -> str:
        """One table each."""
        jobs, away = _failed_jobs()
        page: str = self.render(
            "staff/queues.html",
            due=_rows(_DUE),
            aside=_rows(_ASIDE),
            mails=_rows(_MAILS),
            erasures=_rows(_ERASURES),
            jobs=jobs,
            away=away,
        )
        return page

    @expose("/facts/requeue", methods=("POST",))
    @deed("queue", "Work these facts in again")
    def requeue_facts(self, reason: str) -> ResponseReturnValue:
        """The relay tries once more; what cannot be read again is here again."""
        return _facts("requeue", reason)

    @expose("/facts/discard", methods=("POST",))
    @deed("queue", "Discard these facts for good")
    def discard_facts(self, reason: str) -> ResponseReturnValue:
        """They are kept, and nobody tries again."""
        return _facts("discard", reason)

    @expose("/jobs/requeue", methods=("POST",))
    @deed("queue", "Put these jobs back on their queue")
    def requeue_jobs(self, reason: str) -> ResponseReturnValue:
        """The next worker that is free does them."""
        return _jobs("requeue", reason)

    @expose("/jobs/discard", methods=("POST",))
    @deed("queue", "Discard these jobs")
    def discard_jobs(self, reason: str) -> ResponseReturnValue:
        """Forget them; the signals they rang for are in the table above until drained."""
        return _jobs("discard", reason)


def _facts(verb: str, reason: str) -> ResponseReturnValue:
    chosen = request.form.getlist("fact") or abort(400, "Choose at least one.")
    for shown in chosen[:MOST]:
        broker, environment, account, canonical = [*shown.split("|", 3), "", "", ""][:4]
        found = db.session.execute(
            text(_CHANGES[verb]),
            {
                "broker": broker,
                "environment": environment,
                "account": account,
                "canonical": canonical,
            },
        ).one_or_none()
        if found:
            told = {"broker": broker, "account": account}
            record(f"fact:{verb}", canonical, after=told, reason=reason)
    db.session.commit()
    lists.done(f"{verb.capitalize()}: {len(chosen)}.")
    return redirect(url_for("staff_queues.index"))


def _jobs(verb: str, reason: str) -> ResponseReturnValue:
    chosen = request.form.getlist("job")[:MOST]
    if not chosen or not all(map(_JOB.fullmatch, chosen)):
        abort(400, "Choose at least one.")
    # Noted first: a queue cannot be part of the transaction, and doing it twice is harmless.
    for job in chosen:
        record(f"job:{verb}", job, reason=reason)
    db.session.commit()
    act = failed_jobs.put_back if verb == "requeue" else failed_jobs.discard
    try:
        there = sum(act(_redis_url(), job) for job in chosen)
    except (RedisError, OSError) as error:
        lists.failed(f"Redis does not answer: {type(error).__name__}.")
    else:
        gone = f" Gone by themselves meanwhile: {len(chosen) - there}." * (there < len(chosen))
        lists.done(f"{verb.capitalize()}: {there}.{gone}")
    return redirect(url_for("staff_queues.index"))


def _failed_jobs() -> tuple[Sequence[Job], str]:
    """What RQ keeps of failures; why not, when it cannot be asked."""
    try:
        return failed_jobs.listed(_redis_url(), MOST), ""
    except (RedisError, OSError) as error:
        return (), type(error).__name__


def _redis_url() -> str:
    config: Config = current_app.extensions["fillwire.config"]
    return config.redis_url


def _rows(statement: str) -> Sequence[Row[Any]]:
    return db.session.execute(text(statement)).all()
