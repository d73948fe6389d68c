"""Checkpoints leave by mail, once a day: a mailbox is a witness that we cannot reach."""

from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from web.audit import lines
from web.mail import service as mail

_DUE = "SELECT chain, address, number, line FROM web.due_checkpoint_mails()"
_SENT = "UPDATE web.checkpoint_mails SET sent_number = %s, sent_at = now() WHERE chain = %s"
# The operator's own: what they set holds, and nothing is where they set nothing.
_SET = """
INSERT INTO web.checkpoint_mails AS m (chain, address) VALUES (%s, %s)
ON CONFLICT (chain) DO UPDATE SET address = excluded.address
WHERE m.address <> excluded.address
"""
_UNSET = "DELETE FROM web.checkpoint_mails WHERE chain = %s"
_BODY = """This is the checkpoint of the audit trail of {chain}.

Keep it where Fillwire cannot reach it: it shows later whether anything up to it was changed. Save
the line below as a file, and check a download of the trail against it:

    python verify_audit.py activity.jsonl this-file

{line}
"""


def send(connection: Connection[TupleRow], operator: str) -> None:
    """Those that are due; `operator` gets the platform's."""
    platform: UUID = lines.PLATFORM
    if operator:
        connection.execute(_SET, (platform, operator))
    else:
        connection.execute(_UNSET, (platform,))
    for chain, address, number, line in connection.execute(_DUE).fetchall():
        with connection.transaction():
            called = lines.name(chain)
            body = _BODY.format(chain=called, line=line)
            mail.post(connection, address, f"Audit checkpoint {number} of {called}", body)
            connection.execute(_SENT, (number, chain))
