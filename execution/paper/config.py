"""What the venue reads from the environment, once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from protos import config


@dataclass(frozen=True, slots=True)
class Config:
    """Where to listen, where to store, and how new accounts are opened."""

    bind: str
    database_url: str
    visibility_seconds: float
    seed: int
    # The folder of our certificate; without it, plain text on the loopback.
    certificates: Path | None = None


def read(environment: Mapping[str, str] = os.environ) -> Config:
    """Read the configuration. Raises KeyError and CannotStart, naming what is missing."""
    return Config(
        bind=environment["FILLWIRE_PAPER_BIND"],
        database_url=environment["FILLWIRE_PAPER_DATABASE_URL"],
        visibility_seconds=float(environment.get("FILLWIRE_PAPER_VISIBILITY_SECONDS", "35")),
        seed=int(environment.get("FILLWIRE_PAPER_SEED", "1")),
        certificates=config.certificates(environment),
    )
