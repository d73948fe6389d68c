"""Make a tenant with one person from the command line, as the database's owner."""

import json
import os
from pathlib import Path

import psycopg

from protos import certificates
from web.accounts import owners
from web.execution_client import ExecutionClient


class CannotAdd(Exception):
    """It was not made; the message says why."""


def add(folder: Path, *, email: str, password: str, tenant: str) -> None:
    """Make the person and the tenant they own; a person who exists gets the password.

    Raises CannotAdd when there is no database to add to or the password is too short.
    """
    with psycopg.connect(owner_url(folder)) as owner:
        try:
            owners.add_account(owner, email=email, password=password, tenant_name=tenant)
        except owners.AlreadyThere:
            owners.set_password(owner, email=email, password=password)
        except owners.WeakPassword as problem:
            raise CannotAdd(str(problem)) from None


def owner_url(folder: Path) -> str:
    """The owner's database: DATABASE_URL, or the running stack's. Raises CannotAdd."""
    return _running(folder, "DATABASE_URL", "database_url")


def execution(folder: Path) -> ExecutionClient:
    """Execution, asked by an operator: FILLWIRE_EXECUTION_TARGET, or the running stack's.

    Raises CannotAdd.
    """
    target = _running(folder, "FILLWIRE_EXECUTION_TARGET", "grpc_target")
    shown = os.environ.get("FILLWIRE_CERTIFICATES")
    if shown is None and "FILLWIRE_EXECUTION_TARGET" not in os.environ:
        shown = _running(folder, "FILLWIRE_CERTIFICATES", "certificates")
    return ExecutionClient(target, certificates.at(Path(shown) if shown else None))


def _running(folder: Path, variable: str, name: str) -> str:
    if said := os.environ.get(variable):
        return said
    running = folder / "run" / "up.json"
    if not running.exists():
        raise CannotAdd(f"start the stack, or set {variable}")
    listed: dict[str, str | None] = json.loads(running.read_text())
    return listed.get(name) or ""
