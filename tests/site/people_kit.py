"""People at the site: sign up, sign in, read their mail, hold second factors."""

import re
import time
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pyotp
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.site.conftest import Site, csrf
from tests.soft_passkey import SoftPasskey
from web.accounts.login import COOKIE

PASSWORD = "liberty plank oyster"
_numbers = count(1)


@dataclass
class Person:
    """Somebody with a browser, an address of their own, and what they hold."""

    site: Site
    email: str = field(default_factory=lambda: f"p{next(_numbers)}@people.test")
    password: str = PASSWORD
    client: FlaskClient = field(init=False)
    secret: str = ""
    codes: list[str] = field(default_factory=list)
    # Somebody they work with, and what a mail or a page led them to.
    mate: "Person" = field(init=False)
    path: str = field(init=False, default="")
    passkey: SoftPasskey = field(default_factory=lambda: SoftPasskey("http://localhost"))

    def __post_init__(self) -> None:
        number = next(_numbers)
        self.address = f"10.9.{number // 250}.{number % 250}"
        self.client = self.browser()

    def browser(self, address: str = "") -> FlaskClient:
        """Another browser of theirs."""
        client = self.site.client()
        client.environ_base["REMOTE_ADDR"] = address or self.address
        client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (X11; Linux) Chrome/156.0 Safari/5"
        return client

    def post(
        self, path: str, client: Any = None, page: str = "/reset", **form: Any
    ) -> TestResponse:
        """Send a form, with the token that a page holds."""
        browser: FlaskClient = client or self.client
        return browser.post(path, data={"csrf_token": csrf(browser, page), **form})

    def sign_up(self) -> "Person":
        answer = self.post(
            "/signup", email=self.email, password=self.password, timezone="Asia/Tokyo"
        )
        assert answer.status_code == 302, answer.text
        return self

    def confirm(self) -> "Person":
        path = self.link()
        assert self.post(path).status_code == 302
        return self

    def sign_in(self, client: FlaskClient | None = None, **more: str) -> TestResponse:
        form = {"email": self.email, "password": self.password, **more}
        return self.post("/sign-in", client, **form)

    def link(self) -> str:
        """The path of the link in their newest mail."""
        found = re.search(r"http://localhost(/\S+)", self.mails()[0][1])
        assert found is not None
        return found[1]

    def mails(self) -> list[tuple[str, str]]:
        """Subject and body, the newest first."""
        return self.site.owner.execute(
            "SELECT subject, body FROM web.mails WHERE recipient = %s ORDER BY created_at DESC",
            (self.email,),
        ).fetchall()

    def enrol_totp(self) -> "Person":
        self.post("/account/security/totp")
        page = self.client.get("/account/security").text
        found = re.search(r'id="totp-secret">(\w+)<', page)
        assert found is not None
        self.secret = found[1]
        shown = self.post("/account/security/totp/confirm", code=self.code()).text
        self.codes = _codes(shown) or self.codes
        return self

    def code(self, steps: int = 0) -> str:
        """The code of the present half minute, or of one so many later."""
        return pyotp.TOTP(self.secret).at(int(time.time()) + 30 * steps)

    def add_passkey(self) -> "Person":
        options = self.post("/passkeys/create").json
        assert options is not None
        form = {"credential": self.passkey.create(options), "name": "Test key"}
        self.codes = _codes(self.post("/account/security/passkeys", **form).text) or self.codes
        return self

    def show_passkey(self, client: FlaskClient | None = None, **form: str) -> str:
        """What the browser sends after it asked for the passkey."""
        options = self.post("/passkeys/show", client, **form).json
        assert options is not None
        return self.passkey.show(options)

    def is_in(self, client: FlaskClient | None = None) -> bool:
        return (client or self.client).get("/strategies").status_code == 200

    def token(self) -> str:
        cookie = self.client.get_cookie(COOKIE)
        assert cookie is not None
        return cookie.value

    def pass_time(self, by: timedelta) -> None:
        """As if that much had passed for their sessions."""
        self.site.owner.execute(
            "UPDATE web.sessions s SET last_seen_at = s.last_seen_at - %(by)s, "
            "proved_at = s.proved_at - %(by)s, expires_at = s.expires_at - %(by)s "
            "FROM web.people p WHERE p.id = s.person_id AND p.email = %(email)s",
            {"by": by, "email": self.email},
        )

    def audited(self) -> list[str]:
        """The actions noted of them, in order."""
        rows = self.site.owner.execute(
            "SELECT a.action FROM web.audit_events a JOIN web.members m USING (tenant_id) "
            "JOIN web.people p ON p.id = m.person_id WHERE p.email = %s ORDER BY a.id",
            (self.email,),
        ).fetchall()
        return [action for (action,) in rows]


def _codes(page: str) -> list[str]:
    found = re.search(r'id="recovery-codes">([^<]+)<', page)
    return found[1].split() if found else []
