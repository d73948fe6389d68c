"""A loop of the relay: files that people asked for, erasures that are due, checkpoints by mail.

Durable facts: the file with its end, the erasure, the mail with how far it told; whatever was
not committed is done again at the next turn. An erasure that fails is tried again later and later,
holds up no other, and is told of on the pages of staff.
"""

import time
from collections.abc import Callable
from uuid import UUID

import psycopg
import structlog
from cryptography.exceptions import InvalidTag
from psycopg import Connection
from psycopg.rows import TupleRow

from web.db import Pool
from web.execution_client import ExecutionDown
from web.mail import service as mail
from web.privacy import checkpoint_mails, erasing, files
from web.privacy.erasing import Orphans, Switches

PRIVACY_SECONDS = 2.0
HOUSE_SECONDS = 60.0
SYSTEM = "system:privacy"

log = structlog.get_logger()

# Taken by one that died, it is taken again.
_TAKE = """
UPDATE web.personal_files f SET begun_at = clock_timestamp(), done = 0, parts = %s
WHERE f.person_id = (SELECT person_id FROM web.personal_files
    WHERE ended_at IS NULL AND (begun_at IS NULL OR begun_at < now() - interval '15 minutes')
    ORDER BY asked_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING f.person_id
"""
_DONE = "UPDATE web.personal_files SET done = %s WHERE person_id = %s"
_END = (
    "UPDATE web.personal_files SET sealed = %s, error = %s, ended_at = clock_timestamp() "
    "WHERE person_id = %s"
)
_FORGET = "DELETE FROM web.personal_files WHERE ended_at < now() - interval '24 hours'"
_DUE = """
SELECT person_id FROM web.erasures WHERE due_at <= now() AND coalesce(next_at, due_at) <= now()
ORDER BY coalesce(next_at, due_at) LIMIT 20
"""
# 4 s after the first failure, twice as long after each further one, at most an hour. Also for
# somebody who did not ask: nobody heard of them for a month.
_FAILED = """
INSERT INTO web.erasures AS e (person_id, due_at, tries, next_at, error)
VALUES (%(person)s, clock_timestamp(), 1, clock_timestamp() + interval '4 seconds', %(error)s)
ON CONFLICT (person_id) DO UPDATE SET tries = e.tries + 1, error = excluded.error,
    next_at = clock_timestamp() + least(
        interval '2 seconds' * power(2, least(e.tries + 1, 20)), interval '1 hour')
RETURNING tries
"""
_STRANGERS = "SELECT web.strangers(now() - interval '30 days')"
_ADDRESS = "SELECT web.personal_rows(%s, 'person') ->> 'email'"


class Privacy:
    """Turn by turn."""

    def __init__(
        self,
        pool: Pool,
        execution: Switches,
        sealing_key: bytes,
        operator: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._execution = execution
        self._sealing_key = sealing_key
        self._operator = operator
        self._clock = clock
        self._house_at = -HOUSE_SECONDS

    def turn(self) -> None:
        """One look."""
        with self._pool.connection() as connection:
            while row := connection.execute(_TAKE, (len(files.PARTS),)).fetchone():
                self._make_file(connection, row[0])
            for (person,) in connection.execute(_DUE).fetchall():
                self._erase(connection, person)
            if self._clock() - self._house_at >= HOUSE_SECONDS:
                self._house_at = self._clock()
                self._keep_house(connection)

    def _make_file(self, connection: Connection[TupleRow], person: UUID) -> None:
        def tell(done: int) -> None:
            connection.execute(_DONE, (done, person))

        try:
            sealed = files.sealed(connection, self._sealing_key, person, tell)
            error = None if sealed is not None else "erased"
        except (ValueError, InvalidTag, psycopg.Error) as problem:
            if connection.closed:
                raise
            sealed, error = None, type(problem).__name__
            log.exception("personal_file_failed", person_id=person.hex)
        connection.execute(_END, (sealed, error, person))

    def _erase(self, connection: Connection[TupleRow], person: UUID) -> None:
        try:
            erasing.erase(connection, self._execution, person, actor=SYSTEM)
            log.info("person_erased", person_id=person.hex)
        except Orphans as orphans:
            with connection.transaction():
                row = connection.execute(_ADDRESS, (person,)).fetchone()
                connection.execute("DELETE FROM web.erasures WHERE person_id = %s", (person,))
                if row is not None:
                    mail.post(connection, row[0], "You were not erased", _told(orphans))
        except (psycopg.Error, ExecutionDown) as error:
            if connection.closed:
                raise
            failed = {"person": person, "error": type(error).__name__}
            row = connection.execute(_FAILED, failed).fetchone()
            tries = row[0] if row is not None else 0
            log.exception("erasure_failed", person_id=person.hex, attempts=tries)

    def _keep_house(self, connection: Connection[TupleRow]) -> None:
        connection.execute(_FORGET)
        for (person,) in connection.execute(_STRANGERS).fetchall():
            self._erase(connection, person)
        checkpoint_mails.send(connection, self._operator)


def _told(orphans: Orphans) -> str:
    return (
        f"You asked us to erase you. These workspaces have other members, and no other owner: "
        f"{orphans}.\n\nMake somebody else there an owner, then ask again.\n"
    )
