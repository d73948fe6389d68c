"""Write mails, in the transaction of the change they tell of. The relay sends them."""

from psycopg import Connection
from psycopg.rows import TupleRow
from sqlalchemy import text

from protos import ids
from web.db import db

_WRITE = text(
    "INSERT INTO web.mails (id, recipient, subject, body, ended_at, outcome) VALUES (:id, "
    ":recipient, :subject, :body, CASE WHEN :nobody THEN now() END, "
    "CASE WHEN :nobody THEN 'nobody' END)"
)


def write(recipient: str, subject: str, body: str, *, to_nobody: bool = False) -> None:
    """One mail. To nobody: the same work, and nothing is sent or kept of it."""
    db.session.execute(
        _WRITE,
        {
            "id": ids.new(),
            "recipient": "" if to_nobody else _one_line(recipient),
            "subject": _one_line(subject),
            "body": "" if to_nobody else body,
            "nobody": to_nobody,
        },
    )


def post(connection: Connection[TupleRow], recipient: str, subject: str, body: str) -> None:
    """One mail, in a transaction of the relay."""
    connection.execute(
        "INSERT INTO web.mails (id, recipient, subject, body) VALUES (%s, %s, %s, %s)",
        (ids.new(), _one_line(recipient), _one_line(subject), body),
    )


def _one_line(value: str) -> str:
    """Nothing that a person typed begins another header."""
    return " ".join(value.split())
