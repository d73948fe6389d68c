"""Who comes to the demo with the tools: somebody signed in, staff, a program with a key."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx

from tests.e2e.stack import Stack
from tests.security.gate import Visitor
from web.accounts import passwords

PERSON, STAFF = "fillwire_session", "fillwire_staff"
FORM = "fillwire_form"

_OPEN = {
    # Proved for long, so that steps that ask for it again are tried as well.
    PERSON: "INSERT INTO web.sessions (token_hash, person_id, tenant_id, expires_at, proved_at) "
    "SELECT %(token)s, person_id, tenant_id, now() + interval '1 day', now() + interval '1 day' "
    "FROM web.members JOIN web.people p ON p.id = person_id WHERE p.email = %(email)s "
    "LIMIT 1",
    STAFF: "INSERT INTO web.staff_sessions (id, token_hash, staff_id, expires_at, pending, enrols, "
    "device, address) SELECT %(id)s, %(token)s, id, now() + interval '1 day', false, false, "
    "'a scanner', '127.0.0.1' FROM web.staff ORDER BY created_at LIMIT 1",
}


class People:
    """Visitors of one demo."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        demo, page = stack.ready["demo"], stack.page("/sign-in")
        self.token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
        form = httpx.Cookies(page.cookies).get(FORM)
        self._form = f"{FORM}={form}"
        self._email = demo["email"]
        self.nobody = Visitor({"Cookie": self._form}, unknown=True)
        self.person = Visitor(renew=self._session(PERSON))
        self.staff = Visitor(renew=self._session(STAFF))
        self.key = Visitor({"Authorization": f"Bearer {demo['api_key']}"})
        self.sender = Visitor(unknown=True)

    def _session(self, cookie: str) -> Callable[[], dict[str, str]]:
        def open_one() -> dict[str, str]:
            token = passwords.new_token()
            with self._stack.database() as owner:
                given: dict[str, Any] = {"id": uuid4(), "email": self._email}
                given["token"] = passwords.hash_token(token)
                made = owner.execute(_OPEN[cookie].encode(), given)
                assert made.rowcount == 1, cookie
            return {"Cookie": f"{cookie}={token}; {self._form}"}

        return open_one
