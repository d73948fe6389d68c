"""The relay: independent loops that make sure nothing stays undone.

Each loop runs in one process at a time, guarded by its own row in `web.relay_loops` on
the database clock. Under the supervisor a restarted relay has its predecessor's name and
goes on at once; elsewhere another takes over when the row expires.

- sweep: drains itself what stayed due for over a second: a dead Redis costs latency only;
- timers: ends or lets go what waited long enough; removes what nobody needs any more;
- switches: brings what execution says of kill switches;
- mail: sends what was written down for sending;
- projector: turns execution's facts into read models;
- seals: closes what the audit trail got into its chains;
- checkpoints: signs the newest seals and sends that away;
- privacy: makes the files that people asked for, erases whom it is time for.
"""

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import structlog

from protos import certificates, faults, ids, memory
from protos import log as lines
from web import config, db, jobs, mirror, timers
from web.audit import checkpoints, sealing
from web.audit.checkpoints import Signer, Witness
from web.audit.sealing import Sealer
from web.config import Config
from web.db import Pool
from web.execution_client import ExecutionClient, ExecutionDown
from web.mail.sending import Mailer, Server
from web.privacy.loop import PRIVACY_SECONDS, Privacy
from web.projector import Projector, Superseded
from web.queue import Bell
from web.trades.service import Drain

LEASE_SECONDS = 5
SWEEP_SECONDS = 1.0
TIMERS_SECONDS = 1.0
SWITCHES_SECONDS = 1.0
MAIL_SECONDS = 1.0
RETRY_SECONDS = 0.25

log = structlog.get_logger()

_TAKE = """
INSERT INTO web.relay_loops AS l (name, owner, expires_at)
VALUES (%(name)s, %(owner)s, clock_timestamp() + make_interval(secs => %(lease)s))
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
WHERE l.owner = excluded.owner OR l.expires_at < clock_timestamp()
RETURNING true
"""


@dataclass(frozen=True)
class Loop:
    """One turn after another, `pause_seconds` apart, while this process owns the row."""

    name: str
    turn: Callable[[], object]
    pause_seconds: float


def run() -> None:
    """Run all loops until told to stop."""
    settings = config.read(secrets=[config.SEALING])
    lines.configure("relay")
    faults.arm("relay")
    pool = db.open_pool(settings.worker_database_url, size=8, name="relay")
    execution = ExecutionClient(settings.execution_target, certificates.at(settings.certificates))
    bell = Bell(settings.redis_url)
    drain = Drain(pool, execution)
    server = Server.at(settings.smtp_url) if settings.smtp_url else None
    mailer = Mailer(pool, server, settings.mail_from, inbox=settings.inbox)
    stop = threading.Event()
    owner = settings.instance or ids.new().hex
    sealer = Sealer(pool, facts=execution)
    privacy = Privacy(pool, execution, settings.sealing_key, settings.checkpoint_mail)
    signer = Signer(pool, config.audit_key(settings), _witnesses(settings))
    projector = Projector(pool, execution, bell, still_mine=lambda: _take(pool, "projector", owner))

    def sweep() -> None:
        more = True
        while more and not stop.is_set():
            more, changed = drain.drain_due(older_than_seconds=SWEEP_SECONDS)
            bell.announce(changed)

    loops = (
        Loop("sweep", sweep, SWEEP_SECONDS),
        Loop("timers", lambda: bell.announce(timers.turn(pool, bell.ring)), TIMERS_SECONDS),
        Loop("switches", lambda: bell.announce(mirror.turn(pool, execution)), SWITCHES_SECONDS),
        Loop("mail", mailer.turn, MAIL_SECONDS),
        Loop("projector", lambda: projector.follow(stop), RETRY_SECONDS),
        Loop("seals", sealer.turn, sealing.SEAL_SECONDS),
        Loop("checkpoints", signer.turn, checkpoints.CHECKPOINT_SECONDS),
        Loop("privacy", privacy.turn, PRIVACY_SECONDS),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    memory.settle()
    for loop in loops:
        threading.Thread(
            target=_keep, args=(loop, pool, owner, stop), name=loop.name, daemon=True
        ).start()
    jobs.beat(settings)
    stop.wait()
    pool.close()
    # The projector may sit in a call without end; it holds nothing that must be closed.
    os._exit(0)


def _witnesses(settings: Config) -> list[Witness]:
    """Who takes checkpoints away."""
    return [checkpoints.folder(settings.checkpoints)] if settings.checkpoints else []


def _keep(loop: Loop, pool: Pool, owner: str, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            if _take(pool, loop.name, owner):
                loop.turn()
        except ExecutionDown as error:
            log.warning("execution_away", loop=loop.name, error=error)
        except psycopg.OperationalError as error:
            log.warning("database_away", loop=loop.name, error=error)
        except Superseded:
            log.info("projector_superseded")
        except Exception:
            log.exception("loop_failed", loop=loop.name)
        stop.wait(loop.pause_seconds)


def _take(pool: Pool, name: str, owner: str) -> bool:
    """Own the loop for the next LEASE_SECONDS, if nobody else does."""
    with pool.connection() as connection:
        row = connection.execute(
            _TAKE, {"name": name, "owner": owner, "lease": LEASE_SECONDS}
        ).fetchone()
    return row is not None
