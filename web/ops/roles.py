"""The six database roles: who they are, their passwords and their URLs."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

OWNER = "fillwire_owner"
DATABASE = "fillwire"
ROOT = Path(__file__).resolve().parents[2]

# Short name: the database role, and the variable that carries its URL.
RUNTIME = {
    "web": ("fillwire_web", "FILLWIRE_WEB_DATABASE_URL"),
    "worker": ("fillwire_worker", "FILLWIRE_WORKER_DATABASE_URL"),
    "staff": ("fillwire_staff", "FILLWIRE_STAFF_DATABASE_URL"),
    "execution": ("fillwire_execution", "FILLWIRE_EXECUTION_DATABASE_URL"),
    "paper": ("fillwire_paper", "FILLWIRE_PAPER_DATABASE_URL"),
}


class MigrationFailed(Exception):
    """Alembic stopped; the message is what it said."""


def ensure_owner(super_url: str, password: str, database: str = DATABASE) -> None:
    """Create the owner role and its database where they are missing."""
    with psycopg.connect(super_url, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone()
        if not known:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB").format(sql.Identifier(OWNER))
            )
        _set_password(connection, OWNER, password)
        known = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [database]
        ).fetchone()
        if not known:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(database), sql.Identifier(OWNER)
                )
            )


def upgrade(owner_url: str) -> None:
    """Bring the schema to the newest revision, in a process of its own.

    A process of its own, so that the supervisor does not carry SQLAlchemy for ever.
    """
    command = [sys.executable, "-m", "alembic", "-c", "migrations/alembic.ini", "upgrade", "head"]
    environment = {**os.environ, "DATABASE_URL": owner_url}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise MigrationFailed(done.stderr.strip() or done.stdout.strip())


def let_in(owner_url: str, passwords: Mapping[str, str]) -> None:
    """Let the runtime roles log in with these passwords, by short name.

    Raises MigrationFailed when the owner may not.
    """
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for name, password in passwords.items():
            try:
                _set_password(connection, RUNTIME[name][0], password)
            except psycopg.errors.InsufficientPrivilege as refusal:
                raise MigrationFailed(
                    f"the owner may not give {RUNTIME[name][0]} a password: {refusal}"
                    f"Give the owner CREATEROLE, or set {RUNTIME[name][1]} yourself"
                ) from None


def url_for(owner_url: str, role: str, password: str) -> str:
    """The owner's URL with another role in it."""
    parts = urlsplit(owner_url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(password, safe='')}@{host}"))


def runtime_urls(owner_url: str, passwords: Mapping[str, str]) -> dict[str, str]:
    """The URL of each runtime role, by variable."""
    return {
        RUNTIME[name][1]: url_for(owner_url, RUNTIME[name][0], password)
        for name, password in passwords.items()
    }


def passwords_in(environment: Mapping[str, str]) -> dict[str, str]:
    """The passwords that the runtime roles' own URLs hold, by short name."""
    found = {}
    for name, (role, variable) in RUNTIME.items():
        parts = urlsplit(environment.get(variable, ""))
        if parts.username == role and parts.password:
            found[name] = unquote(parts.password)
    return found


def _set_password(
    connection: psycopg.Connection[tuple[object, ...]], role: str, password: str
) -> None:
    # Hashed here, so that the password itself never reaches the server's log.
    hashed = connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    ).decode()
    connection.execute(
        sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(hashed))
    )
