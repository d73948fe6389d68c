"""Send what was written: over SMTP, or to the inbox page where no server is set.

A mail is sent at least once: its row is locked while the server has it, and ends only after
the server's answer. A repeat carries the same Message-ID.
"""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import structlog
from psycopg import Connection
from psycopg.rows import TupleRow

from web.db import Pool

TIMEOUT_SECONDS = 10
FIRST_PAUSE_SECONDS = 5
LONGEST_PAUSE_SECONDS = 3600

log = structlog.get_logger()

_DUE = """
SELECT id, recipient, subject, body, created_at, attempts FROM web.mails
WHERE ended_at IS NULL AND due_at <= clock_timestamp()
ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
# What was sent is not kept: it may hold a link that lets somebody in.
_END = (
    "UPDATE web.mails SET ended_at = clock_timestamp(), outcome = %s, error = %s, "
    "body = CASE WHEN %s THEN body ELSE '' END, attempts = attempts + 1 WHERE id = %s"
)
_LATER = (
    "UPDATE web.mails SET due_at = clock_timestamp() + make_interval(secs => %s), error = %s, "
    "attempts = attempts + 1 WHERE id = %s"
)


class BadUrl(Exception):
    """The URL of the mail server cannot be read; the message says why."""


@dataclass(frozen=True)
class Server:
    """Where mail goes: `smtp://`, `smtp+starttls://` or `smtps://user:password@host:port`."""

    scheme: str
    host: str
    port: int
    user: str
    password: str

    @classmethod
    def at(cls, url: str) -> "Server":
        """The server of this URL. Raises BadUrl."""
        parts = urlsplit(url)
        ports = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
        if parts.scheme not in ports or not parts.hostname:
            raise BadUrl("write it as smtp+starttls://user:password@host:587, or smtps://…")
        return cls(
            parts.scheme,
            parts.hostname,
            parts.port or ports[parts.scheme],
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )

    def connect(self) -> smtplib.SMTP:
        """Signed in and ready for a message."""
        if self.scheme == "smtps":
            trust = ssl.create_default_context()
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=TIMEOUT_SECONDS, context=trust
            )
        else:
            smtp = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)
        try:
            if self.scheme == "smtp+starttls":
                smtp.starttls(context=ssl.create_default_context())
            if self.user:
                smtp.login(self.user, self.password)
        except BaseException:
            smtp.close()
            raise
        return smtp


class Mailer:
    """Sends what is due; without a server, to the inbox page if there is one, else it waits."""

    def __init__(self, pool: Pool, server: Server | None, sender: str, *, inbox: bool) -> None:
        self._pool = pool
        self._server = server
        self._sender = sender
        self._inbox = inbox

    def turn(self) -> None:
        """Everything that is due, each mail in a transaction of its own."""
        if self._server is None and not self._inbox:
            return
        with self._pool.connection() as connection:
            more = True
            while more:
                with connection.transaction():
                    more = self._one(connection)

    def _one(self, connection: Connection[TupleRow]) -> bool:
        row = connection.execute(_DUE).fetchone()
        if row is None:
            return False
        mail_id, recipient, subject, body, created_at, attempts = row
        if self._server is None:
            connection.execute(_END, ("inbox", None, True, mail_id))
            return True
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, recipient, subject
        message["Date"] = format_datetime(created_at)
        message["Message-ID"] = f"<{mail_id.hex}@{self._sender.rpartition('@')[2].rstrip('>')}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body)
        try:
            with self._server.connect() as smtp:
                smtp.send_message(message)
        except smtplib.SMTPRecipientsRefused as refused:
            [(code, _)] = refused.recipients.values()
            self._failed(connection, mail_id, attempts, f"recipient {code}", final=code >= 500)
        except (smtplib.SMTPException, OSError) as error:
            # The class and code only: servers quote what they were sent.
            answer = str(getattr(error, "smtp_code", ""))
            self._failed(connection, mail_id, attempts, f"{type(error).__name__} {answer}".strip())
        else:
            connection.execute(_END, ("sent", None, False, mail_id))
        return True

    def _failed(
        self,
        connection: Connection[TupleRow],
        mail_id: object,
        attempts: int,
        error: str,
        *,
        final: bool = False,
    ) -> None:
        log.warning("mail_not_sent", mail=str(mail_id), error=error, final=final)
        if final:
            connection.execute(_END, ("refused", error, False, mail_id))
        else:
            pause = min(FIRST_PAUSE_SECONDS * 2 ** min(attempts, 10), LONGEST_PAUSE_SECONDS)
            connection.execute(_LATER, (pause, error, mail_id))
