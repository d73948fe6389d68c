"""Make a tenant with one person from the command line, as the database's owner."""

import json
import os
from pathlib import Path

import psycopg

from web.accounts import owners


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
    if url := os.environ.get("DATABASE_URL"):
        return url
    if url := _listed(folder, "database_url"):
        return url
    raise CannotAdd("start the stack, or set DATABASE_URL to the URL of the database's owner")


def site_url(folder: Path) -> str | None:
    """Where the running stack's site is."""
    return _listed(folder, "web_url")


def _listed(folder: Path, name: str) -> str | None:
    running = folder / "run" / "up.json"
    if not running.exists():
        return None
    listed: dict[str, str] = json.loads(running.read_text())
    return listed[name]
