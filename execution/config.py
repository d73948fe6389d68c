"""What execution reads from the environment, once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from protos import config

VARIABLES = (
    "FILLWIRE_EXECUTION_BIND",
    "FILLWIRE_EXECUTION_DATABASE_URL",
    "FILLWIRE_PAPER_TARGET",
    "FILLWIRE_INSTANCE",
    "REDIS_URL",
    "FILLWIRE_CERTIFICATES",
    "FILLWIRE_PRODUCTION",
)


@dataclass(frozen=True, slots=True)
class Config:
    """Where to listen, where to store, and which venue to reach."""

    bind: str
    database_url: str
    paper_target: str
    # A name that outlives the process says that the predecessor of that name is dead.
    instance: str
    # Lends parts of limits between instances; without it they are divided.
    redis_url: str = ""
    # The folder of our certificate; without it, plain text on the loopback.
    certificates: Path | None = None


def read(environment: Mapping[str, str] = os.environ) -> Config:
    """Read the configuration. Raises KeyError and CannotStart, naming what is missing."""
    return Config(
        bind=environment["FILLWIRE_EXECUTION_BIND"],
        database_url=environment["FILLWIRE_EXECUTION_DATABASE_URL"],
        paper_target=environment["FILLWIRE_PAPER_TARGET"],
        instance=environment.get("FILLWIRE_INSTANCE") or f"execution-{uuid4().hex}",
        redis_url=environment.get("REDIS_URL", ""),
        certificates=config.certificates(environment),
    )
