"""Mail: written with the change, sent by the relay, never lost."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes

import psycopg
import pytest

from tests.conftest import Database
from web import config, db
from web.app import create_site
from web.db import Pool
from web.mail import service
from web.mail.sending import BadUrl, Mailer, Server
from web.ops import children

SENDER = "Fillwire <fillwire@site.example>"
# A mail server of its own process, that prints what it took.
_SERVER = """
import sys, asyncio
from aiosmtpd.controller import Controller
class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        print(envelope.content.decode().replace("\\r\\n", "\\n") + "\\0", flush=True, end="")
        return "250 taken"
controller = Controller(Handler(), hostname="127.0.0.1", port=int(sys.argv[1]))
controller.start()
print("ready\\0", flush=True, end="")
sys.stdin.read()
"""


class MailServer:
    """A running mail server; `take` reads the next message."""

    def __init__(self, port: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _SERVER, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.take() == "ready"

    def take(self) -> str:
        assert self._process.stdout is not None
        text = ""
        while not text.endswith("\0"):
            each = self._process.stdout.read(1)
            assert each, "the server ended"
            text += each
        return text[:-1]

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


@dataclass
class Post:
    """The site that writes, the relay's pool, and a port for a server."""

    database: Database
    pool: Pool
    owner: psycopg.Connection
    port: int

    def write(self, recipient: str = "ann@people.test", *, keep: bool = True) -> None:
        """As a page does, in a transaction that is kept or not."""
        app = create_site(config.read({"FILLWIRE_WEB_DATABASE_URL": self.database.url("web")}))
        with app.app_context():
            service.write(recipient, "Hello\nBcc: all@evil.example", "Grüße, here is the link.")
            if keep:
                db.db.session.commit()
            db.db.session.remove()
            db.db.engine.dispose()

    def mailer(self, *, inbox: bool = False, server: bool = True) -> Mailer:
        at = Server.at(f"smtp://127.0.0.1:{self.port}") if server else None
        return Mailer(self.pool, at, SENDER, inbox=inbox)

    def rows(self) -> list[tuple[str | None, str, int, bool]]:
        """Outcome, body, attempts and whether it is due within the minute."""
        return self.owner.execute(
            "SELECT outcome, body, attempts, due_at < now() + interval '1 minute' FROM web.mails "
            "ORDER BY created_at"
        ).fetchall()


@pytest.fixture
def post(database: Database) -> Iterator[Post]:
    pool = db.open_pool(database.url("worker"), size=3, name="test")
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        yield Post(database, pool, owner, children.free_port())
    pool.close()


def test_a_mail_is_sent_once_and_its_text_is_not_kept(post: Post) -> None:
    server = MailServer(post.port)
    try:
        post.write()
        post.mailer().turn()
        message = message_from_bytes(server.take().encode())
        assert message["To"] == "ann@people.test"
        assert message["From"] == SENDER
        assert message["Subject"] == "Hello Bcc: all@evil.example"
        assert message["Bcc"] is None
        text = message.get_payload(decode=True)
        assert isinstance(text, bytes)
        assert text.decode().strip() == "Grüße, here is the link."
        post.mailer().turn()
        assert post.rows() == [("sent", "", 1, True)]
    finally:
        server.stop()


def test_what_was_not_committed_is_never_sent(post: Post) -> None:
    post.write(keep=False)
    assert post.rows() == []


def test_while_the_server_is_away_mail_waits_and_then_goes(post: Post) -> None:
    post.write()
    for attempt in range(3):
        post.mailer().turn()
        [(outcome, body, attempts, _)] = post.rows()
        assert (outcome, attempts) == (None, attempt + 1)
        assert body
        post.owner.execute("UPDATE web.mails SET due_at = now()")
    server = MailServer(post.port)
    try:
        post.mailer().turn()
        assert message_from_bytes(server.take().encode())["To"] == "ann@people.test"
        assert [row[0] for row in post.rows()] == ["sent"]
    finally:
        server.stop()


def test_a_recipient_whom_the_server_refuses_holds_nobody_up(post: Post) -> None:
    server = MailServer(post.port)
    try:
        post.write("nobody@people.test")
        post.write("ann@people.test")
        post.mailer().turn()
        assert [row[0] for row in post.rows()] == ["refused", "sent"]
    finally:
        server.stop()


def test_two_relays_send_one_mail_once(post: Post) -> None:
    server = MailServer(post.port)
    try:
        post.write()
        with post.pool.connection() as other, other.transaction():
            other.execute("SELECT FROM web.mails FOR UPDATE")
            post.mailer().turn()
            assert [row[0] for row in post.rows()] == [None]
        post.mailer().turn()
        assert [row[0] for row in post.rows()] == ["sent"]
    finally:
        server.stop()


def test_without_a_server_mail_goes_to_the_inbox_page_or_waits(post: Post) -> None:
    post.write()
    post.mailer(server=False).turn()
    assert [row[0] for row in post.rows()] == [None]
    post.mailer(server=False, inbox=True).turn()
    [(outcome, body, _, _)] = post.rows()
    assert (outcome, body) == ("inbox", "Grüße, here is the link.")


@pytest.mark.parametrize(
    ("environ", "open_"),
    [
        ({}, True),
        ({"FILLWIRE_WEB_URL": "https://fillwire.example"}, False),
        ({"FILLWIRE_SMTP_URL": "smtp://mail.example"}, False),
        (
            {
                "FILLWIRE_PRODUCTION": "1",
                "FILLWIRE_SECRET_KEY": "x",
                "FILLWIRE_SEALING_KEY": "a" * 43 + "=",
            },
            False,
        ),
    ],
)
def test_the_inbox_page_is_for_this_machine_only(environ: dict[str, str], open_: bool) -> None:
    assert config.read(environ).inbox is open_


@pytest.mark.parametrize("url", ["http://mail.example", "smtp://", "mail.example:25"])
def test_a_url_of_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(BadUrl):
        Server.at(url)


def test_a_password_may_hold_any_character() -> None:
    server = Server.at("smtp+starttls://ann%40x:p%3Aw%2F@mail.example")
    assert (server.user, server.password, server.port) == ("ann@x", "p:w/", 587)
