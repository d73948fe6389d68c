"""What execution reads from the environment, once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from protos import config

# Where key-encryption keys are; read by `vault.keks.source`.
KEK_VARIABLES = (
    "FILLWIRE_KEK_SOURCE",
    "FILLWIRE_KEKS",
    "FILLWIRE_PKCS11_MODULE",
    "FILLWIRE_PKCS11_TOKEN",
    "FILLWIRE_PKCS11_PIN",
)
VARIABLES = (
    "FILLWIRE_EXECUTION_BIND",
    "FILLWIRE_EXECUTION_DATABASE_URL",
    "FILLWIRE_PAPER_TARGET",
    "FILLWIRE_INSTANCE",
    "REDIS_URL",
    "FILLWIRE_DATA_DIR",
    *KEK_VARIABLES,
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
    # Files with key-encryption keys; made when the first is needed.
    keys_folder: Path | None = None
    keks: Mapping[str, str] = field(default_factory=dict, repr=False)


def read(environment: Mapping[str, str] = os.environ) -> Config:
    """Read the configuration. Raises KeyError and CannotStart, naming what is missing."""
    folder = environment.get("FILLWIRE_DATA_DIR")
    return Config(
        bind=environment["FILLWIRE_EXECUTION_BIND"],
        database_url=environment["FILLWIRE_EXECUTION_DATABASE_URL"],
        paper_target=environment["FILLWIRE_PAPER_TARGET"],
        instance=environment.get("FILLWIRE_INSTANCE") or f"execution-{uuid4().hex}",
        redis_url=environment.get("REDIS_URL", ""),
        certificates=config.certificates(environment),
        keys_folder=Path(folder) / "keys" if folder else None,
        keks={name: environment.get(name, "") for name in KEK_VARIABLES},
    )
