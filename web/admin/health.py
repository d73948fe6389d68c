"""How everything is: the doctor's list and what only a running installation can tell, each line
green, amber or red, with the cure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import current_app
from flask_admin import expose
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Row, text

from protos.execution.v1 import execution_pb2 as pb
from web.admin.base import Page
from web.config import Config
from web.db import db
from web.execution_client import ExecutionClient, ExecutionDown
from web.ops import doctor

# The slowest takes its row once a minute.
LOOPS = ("sweep", "timers", "switches", "mail", "projector", "seals", "checkpoints", "privacy")
_ASK_SECONDS = 2.0
MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations" / "versions"
_SEEN = """
SELECT clock_timestamp() AS now, current_setting('server_version') AS version,
    web.schema_version() AS migration,
    (SELECT min(g.accepted_at) FROM web.strategy_intake i JOIN web.signals g
     ON g.strategy_id = i.strategy_id AND g.seq = i.handed_seq + 1 WHERE i.handed_seq < i.seq)
     AS oldest_due,
    (SELECT min(created_at) FROM web.mails WHERE ended_at IS NULL) AS oldest_mail,
    (SELECT count(*) FROM web.mails WHERE outcome = 'refused'
     AND ended_at > now() - interval '1 day') AS refused_mails,
    (SELECT count(*) FROM web.quarantined_facts WHERE ended_at IS NULL) AS quarantined,
    (SELECT count(*) FROM web.erasures WHERE tries >= 3) AS stuck_erasures,
    (SELECT count(*) FROM web.boots WHERE ended_at IS NULL
     AND last_seen_at > clock_timestamp() - interval '3 seconds') AS webs,
    (SELECT array_agg(name) FROM web.relay_loops
     WHERE expires_at > clock_timestamp() - interval '90 seconds') AS loops,
    (SELECT count(*) FROM web.audit_heads WHERE sealed_seq < seq) AS unsealed
"""


@dataclass(frozen=True)
class Line:
    """One thing looked at."""

    tone: str
    what: str
    detail: str
    fix: str = ""


class HealthView(Page):
    """Workers, lag, RPC, clock, migrations, mail."""

    @expose("/")
    def index(self) -> str:
        """Everything, looked at now."""
        page: str = self.render("staff/health.html", lines=list(examine()))
        return page


def examine() -> Iterator[Line]:
    """Look at everything."""
    config: Config = current_app.extensions["fillwire.config"]
    before = datetime.now(UTC)
    row = db.session.execute(text(_SEEN)).one()
    yield from _database(row, before)
    yield from _loops(row)
    yield from _mail(row, config)
    yield _redis(config)
    yield _execution()
    for finding in doctor.examine(config.data_dir):
        tone = "good" if finding.fine else "bad"
        yield Line(tone, finding.what, finding.detail, "" if finding.fine else "`fillwire doctor`")


def _database(row: Row[Any], before: datetime) -> Iterator[Line]:
    newest = max(path.name[:4] for path in MIGRATIONS.glob("[0-9]*.py"))
    yield Line("good", "Database", f"PostgreSQL {row.version}")
    yield Line(
        "good" if row.migration == newest else "bad",
        "Migrations",
        f"the database is at {row.migration}, this program at {newest}",
        "" if row.migration == newest else "Run `fillwire migrate`.",
    )
    off = abs((row.now - before).total_seconds())
    yield Line(
        "good" if off < 1 else "warn" if off < 5 else "bad",
        "Clock",
        f"{off * 1000:.0f} ms between this machine and the database",
        "" if off < 1 else "Let both follow the same time server.",
    )
    yield Line("good" if row.webs else "bad", "Web processes", f"{row.webs} take signals")
    wait = (row.now - row.oldest_due).total_seconds() if row.oldest_due else 0.0
    yield Line(
        "good" if wait < 5 else "warn" if wait < 30 else "bad",
        "Queue",
        f"the oldest signal waits {wait:.1f} s" if wait else "nothing waits",
        "" if wait < 5 else "See worker and relay in their logs; the relay drains by itself.",
    )
    yield Line(
        "good" if not row.quarantined else "bad",
        "Facts put aside",
        str(row.quarantined),
        "" if not row.quarantined else "Look at them under Queues: requeue or discard.",
    )
    yield Line(
        "good" if not row.stuck_erasures else "bad",
        "Erasures",
        f"{row.stuck_erasures} fail again and again" if row.stuck_erasures else "none fails",
        "" if not row.stuck_erasures else "See Queues, and `erasure_failed` in the relay's log.",
    )
    yield Line(
        "good" if row.unsealed < 50 else "warn", "Audit", f"{row.unsealed} chains to be sealed"
    )


def _loops(row: Row[Any]) -> Iterator[Line]:
    missing = [name for name in LOOPS if name not in (row.loops or ())]
    yield Line(
        "bad" if missing else "good",
        "Relay",
        f"not running: {', '.join(missing)}" if missing else "all loops run",
        "Start `fillwire relay`; see its log." if missing else "",
    )


def _mail(row: Row[Any], config: Config) -> Iterator[Line]:
    wait = (row.now - row.oldest_mail).total_seconds() if row.oldest_mail else 0.0
    how = "sent by SMTP" if config.smtp_url else "shown on the inbox page" if config.inbox else ""
    tone = "bad" if wait > 600 or not how else "warn" if wait > 60 or row.refused_mails else "good"
    waits = f", the oldest waits {wait:.0f} s" if wait else ""
    yield Line(
        tone,
        "Mail",
        f"{how or 'nowhere to go'}{waits}, {row.refused_mails} refused since yesterday",
        "" if tone == "good" else "Set FILLWIRE_SMTP_URL; see mail under Queues.",
    )


def _redis(config: Config) -> Line:
    try:
        with Redis.from_url(config.redis_url, socket_timeout=_ASK_SECONDS) as redis:
            redis.ping()
    except (RedisError, OSError) as error:
        fix = "Nothing is lost without it, only slower. Start it again."
        return Line("warn", "Redis", type(error).__name__, fix)
    return Line("good", "Redis", "answers")


def _execution() -> Line:
    execution: ExecutionClient = current_app.extensions["fillwire.execution"]
    try:
        answer = execution.list_switches()
    except ExecutionDown as down:
        return Line("bad", "Execution", str(down), "Start `fillwire execution`; see its log.")
    on = sum(switch.mode != pb.SWITCH_MODE_OFF for switch in answer.switches)
    return Line("good", "Execution", f"answers; {on} switches are on")
