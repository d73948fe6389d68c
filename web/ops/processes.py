"""The one table of processes; supervisor, ready-file, compose file and doctor follow it."""

import sys
from dataclasses import dataclass
from enum import StrEnum


class Ready(StrEnum):
    """How a process shows that it does its work."""

    SERVER = "accepts a connection"
    HTTP = "GET /healthz answers 200"
    GRPC = "standard health check says SERVING"
    FILE = "touches run/<instance>.ready"


@dataclass(frozen=True)
class Process:
    """One row: what it is, what it needs, how it is started and checked."""

    name: str
    does: str
    module: tuple[str, ...]
    needs: tuple[str, ...]
    ready: Ready
    variables: tuple[str, ...] = ()
    address: str = ""  # the variable that says where it listens
    scalable: bool = False
    stop_seconds: float = 2.0

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", *self.module]


_ANY = ("FILLWIRE_DATA_DIR", "FILLWIRE_INSTANCE", "FILLWIRE_FAULT", "FILLWIRE_PRODUCTION")
# What each shows the others; live calls nobody.
_SHOWN = ("FILLWIRE_CERTIFICATES",)
# Who signs tickets with it, and who reads them; where each is found by browsers.
_PAGES = (
    "REDIS_URL",
    "FILLWIRE_WEB_URL",
    "FILLWIRE_LIVE_URL",
    "FILLWIRE_SECRET_KEY",
    "FILLWIRE_WEB_DATABASE_URL",
)
# Both drain.
_DRAINS = ("REDIS_URL", "FILLWIRE_EXECUTION_TARGET", "FILLWIRE_WORKER_DATABASE_URL")
# Without a server, web shows on a page what the relay would have sent.
_MAIL = ("FILLWIRE_SMTP_URL", "FILLWIRE_MAIL_FROM")
# Where execution has the keys around brokers' secrets; files of the data folder, unless said.
_KEKS = (
    "FILLWIRE_KEK_SOURCE",
    "FILLWIRE_KEKS",
    "FILLWIRE_PKCS11_MODULE",
    "FILLWIRE_PKCS11_TOKEN",
    "FILLWIRE_PKCS11_PIN",
)

# In the order of starting; stopping goes the other way round.
PROCESSES = (
    Process(
        name="postgres",
        does="the only truth",
        module=(),
        needs=(),
        ready=Ready.SERVER,
        stop_seconds=5,
    ),
    Process(name="redis", does="bells and fan-out", module=(), needs=(), ready=Ready.SERVER),
    Process(
        name="paper",
        does="the paper venue",
        module=("execution.paper",),
        needs=("postgres",),
        ready=Ready.GRPC,
        variables=(
            *_ANY,
            *_SHOWN,
            "FILLWIRE_PAPER_DATABASE_URL",
            "FILLWIRE_PAPER_BIND",
            "FILLWIRE_PAPER_VISIBILITY_SECONDS",
            "FILLWIRE_PAPER_SEED",
        ),
        address="FILLWIRE_PAPER_BIND",
    ),
    Process(
        name="execution",
        does="orders, fills, positions at the brokers",
        module=("execution",),
        needs=("postgres",),
        ready=Ready.GRPC,
        variables=(
            *_ANY,
            *_SHOWN,
            "FILLWIRE_EXECUTION_DATABASE_URL",
            "FILLWIRE_EXECUTION_BIND",
            "FILLWIRE_PAPER_TARGET",
            "REDIS_URL",
            *_KEKS,
        ),
        stop_seconds=8,
        address="FILLWIRE_EXECUTION_BIND",
        scalable=True,
    ),
    Process(
        name="live",
        does="streams changes to open pages",
        module=("web.serve", "live"),
        needs=("postgres",),
        ready=Ready.HTTP,
        variables=(*_ANY, *_PAGES, "FILLWIRE_LIVE_BIND"),
        address="FILLWIRE_LIVE_BIND",
        scalable=True,
        stop_seconds=1,
    ),
    Process(
        name="relay",
        does="sweeps, timers, projector, seals, erasures",
        module=("web.cli", "relay"),
        needs=("postgres",),
        ready=Ready.FILE,
        variables=(
            *_ANY,
            *_DRAINS,
            *_SHOWN,
            *_MAIL,
            "FILLWIRE_WEB_URL",
            "FILLWIRE_SEALING_KEY",
            "FILLWIRE_AUDIT_KEY",
            "FILLWIRE_CHECKPOINTS",
            "FILLWIRE_CHECKPOINT_MAIL",
        ),
        scalable=True,
    ),
    Process(
        name="worker",
        does="drains due strategies when the bell rings",
        module=("web.cli", "worker"),
        needs=("postgres", "redis"),
        ready=Ready.FILE,
        variables=(*_ANY, *_DRAINS, *_SHOWN),
        scalable=True,
    ),
    Process(
        name="web",
        does="webhooks, pages, API",
        module=("web.serve", "web"),
        needs=("postgres",),
        ready=Ready.HTTP,
        variables=(
            *_ANY,
            *_PAGES,
            *_SHOWN,
            *_MAIL,
            "FILLWIRE_STAFF_DATABASE_URL",
            "FILLWIRE_EXECUTION_TARGET",
            "FILLWIRE_SEALING_KEY",
            "FILLWIRE_WEB_BIND",
            "FILLWIRE_WEBHOOK_LIMITS",
            "FILLWIRE_TRUSTED_PROXIES",
            "FILLWIRE_SECURITY_CONTACT",
            "FILLWIRE_SECURITY_EXPIRES",
        ),
        address="FILLWIRE_WEB_BIND",
        scalable=True,
        stop_seconds=3,
    ),
)
BY_NAME = {process.name: process for process in PROCESSES}
PROGRAMS = tuple(process for process in PROCESSES if process.module)

# What the environment of `fillwire up` may say; anything else of ours is not passed on.
KNOWN = tuple(sorted({name for process in PROGRAMS for name in process.variables}))
