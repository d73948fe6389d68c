"""Write mails, in the transaction of the change they tell of. The relay sends them."""

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


def _one_line(value: str) -> str:
    """Nothing that a person typed begins another header."""
    return " ".join(value.split())
