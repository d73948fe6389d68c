"""The limit of intake: a Flask route that makes one row durable, under the same server.

`python -m benchmarks.bare` serves it, with Granian set as for `web`. It finds its
database in BARE_DATABASE_URL and its address in BARE_BIND.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from flask import Flask, request
from granian.log import LogLevels
from granian.server import Server
from psycopg_pool import ConnectionPool

from web.serve import PROGRAMS

TABLE = """
CREATE SCHEMA IF NOT EXISTS benchmark;
CREATE TABLE IF NOT EXISTS benchmark.bodies (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    body bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""
START_SECONDS = 20


def create() -> Flask:
    """The application: one route, one durable insert."""
    pool = ConnectionPool(
        os.environ["BARE_DATABASE_URL"],
        min_size=2,
        max_size=8,
        kwargs={"autocommit": True},
        open=True,
    )
    app = Flask(__name__)

    @app.post("/bare/<name>")
    def store(name: str) -> tuple[dict[str, object], int]:
        with pool.connection() as connection:
            row = connection.execute(
                "INSERT INTO benchmark.bodies (body) VALUES (%b) RETURNING id",
                (request.get_data(),),
                prepare=True,
            ).fetchone()
        return {"success": True, "id": row[0] if row else None}, 200

    return app


@contextmanager
def running(database_url: str) -> Iterator[str]:
    """Serve it beside the stack; yields its base URL."""
    with psycopg.connect(database_url) as connection:
        connection.execute(TABLE)
    port = free_port()
    environ = {**os.environ, "BARE_DATABASE_URL": database_url, "BARE_BIND": f"127.0.0.1:{port}"}
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.bare"], env=environ)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}/bare"
    finally:
        process.terminate()
        process.wait(10)


def main() -> None:
    """Serve until SIGTERM."""
    host, _, port = os.environ["BARE_BIND"].rpartition(":")
    web = PROGRAMS["web"]
    Server(
        "benchmarks.bare:create",
        factory=True,
        address=host,
        port=int(port),
        interface=web.interface,
        workers=web.workers,
        blocking_threads=web.blocking_threads,
        backpressure=web.backpressure,
        websockets=False,
        workers_kill_timeout=2,
        log_level=LogLevels.warning,
    ).serve()


def wait_for(port: int) -> None:
    """Return once something listens."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
