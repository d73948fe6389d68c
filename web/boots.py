"""Boots: a web process says that it lives, so that its death can be told from a pause.

A boot holds an advisory lock for as long as its process lives; the kernel closes the
connection, and so frees the lock, the moment it dies. `web.answer_in_doubt` reads both.
"""

import os
import threading
from collections import deque
from time import monotonic
from uuid import UUID

import psycopg
import structlog

from protos import ids
from web.db import CONNECT_TIMEOUT_SECONDS

BEAT_SECONDS = 0.5
# As long as `web.accept_signal` takes equal bytes for a repeat.
DOUBT_SECONDS = 20.0

log = structlog.get_logger()


class Boot:
    """This process's life, kept by a thread of its own with a connection of its own."""

    def __init__(self, database_url: str, process: str) -> None:
        self.id: UUID = ids.new()
        self._url = database_url
        self._process = process
        self._pid = os.getpid()
        self._stop = threading.Event()
        self._wake = threading.Event()
        # Strategy, body hash, when: answers of unknown outcome not yet written down.
        self._doubts: deque[tuple[UUID, bytes, float]] = deque(maxlen=10_000)
        self._recent: dict[tuple[UUID, bytes], float] = {}
        self._thread = threading.Thread(target=self._live, name="boot", daemon=True)

    def start(self) -> None:
        """Begin to beat; returns at once, whatever state the database is in."""
        self._thread.start()

    def end(self) -> None:
        """Say that the process ends cleanly: every request it took was answered."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout=2)

    def doubt(self, strategy_id: UUID, body_hash: bytes) -> None:
        """Remember an answer that was given without knowing the outcome of its commit."""
        now = monotonic()
        self._recent = {key: at for key, at in self._recent.items() if at > now - DOUBT_SECONDS}
        self._recent[strategy_id, body_hash] = now
        self._doubts.append((strategy_id, body_hash, now))
        self._wake.set()

    def is_in_doubt(self, strategy_id: UUID, body_hash: bytes) -> bool:
        """Was an answer to these bytes given here lately, without knowing the outcome?"""
        at = self._recent.get((strategy_id, body_hash)) if self._recent else None
        return at is not None and at > monotonic() - DOUBT_SECONDS

    def _live(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(
                    self._url,
                    autocommit=True,
                    connect_timeout=CONNECT_TIMEOUT_SECONDS,
                    application_name="fillwire-boot",
                ) as connection:
                    self._hold(connection)
            except psycopg.Error as error:
                log.warning("boot_interrupted", boot_id=str(self.id), error=error)
                self._stop.wait(0.2)

    def _hold(self, connection: psycopg.Connection) -> None:
        connection.execute(
            "SELECT pg_advisory_lock(hashtextextended(%s::text, 0))", (str(self.id),)
        )
        connection.execute(
            "INSERT INTO web.boots (id, process, pid) VALUES (%s, %s, %s) "
            "ON CONFLICT (id) DO UPDATE SET last_seen_at = clock_timestamp(), ended_at = NULL",
            (self.id, self._process, self._pid),
        )
        while not self._stop.is_set():
            self._write_doubts(connection)
            connection.execute(
                "UPDATE web.boots SET last_seen_at = clock_timestamp() WHERE id = %s", (self.id,)
            )
            self._wake.wait(BEAT_SECONDS)
            self._wake.clear()
        connection.execute(
            "UPDATE web.boots SET ended_at = clock_timestamp(), clean = true WHERE id = %s",
            (self.id,),
        )

    def _write_doubts(self, connection: psycopg.Connection) -> None:
        while self._doubts:
            strategy_id, body_hash, at = self._doubts[0]
            connection.execute(
                "INSERT INTO web.doubts (strategy_id, body_hash, at) "
                "VALUES (%s, %s, clock_timestamp() - make_interval(secs => %s))",
                (strategy_id, body_hash, monotonic() - at),
            )
            self._doubts.popleft()
