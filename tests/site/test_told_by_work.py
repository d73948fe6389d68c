"""Nobody learns by waiting whether an address is known: the work is the same for both."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.site.conftest import Site
from tests.site.people_kit import Person
from tests.site.staff_kit import Member, given_password
from web.db import STAFF, db


@contextmanager
def work(site: Site) -> Iterator[list[str]]:
    """What the database is asked meanwhile: each statement, and each commit."""
    done: list[str] = []

    def executed(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        done.append(re.sub(r"\s+", " ", statement))

    def committed(_connection: Any) -> None:
        done.append("COMMIT")

    with site.app.app_context():
        engines = [db.engines[None], db.engines[STAFF]]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", executed)
        event.listen(engine, "commit", committed)
    try:
        yield done
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", executed)
            event.remove(engine, "commit", committed)


def alike(site: Site, ask: Callable[[str], int], **emails: str) -> None:
    """Ask for each address; what was done for it, and answered, is the same."""
    done = {}
    for name, email in emails.items():
        with work(site) as asked:
            status = ask(email)
        assert "COMMIT" in asked
        done[name] = (status, asked)
    first = next(iter(done.values()))
    for name, each in done.items():
        assert each == first, name


def posting(site: Site, path: str, **form: str) -> Callable[[str], int]:
    def ask(email: str) -> int:
        # From another address each time, so that nobody waits.
        return Person(site).post(path, email=email, **form).status_code

    return ask


@pytest.fixture
def known(site: Site) -> Person:
    return Person(site).sign_up().confirm()


@pytest.fixture
def named(site: Site) -> Person:
    return Person(site).sign_up()


@pytest.fixture
def disabled(site: Site) -> Person:
    person = Person(site).sign_up().confirm()
    site.owner.execute(
        "UPDATE web.people SET disabled_at = now() WHERE email = %s", (person.email,)
    )
    return person


def test_a_wrong_password(site: Site, known: Person, named: Person, disabled: Person) -> None:
    factor = Person(site).sign_up().confirm().enrol_totp()
    alike(
        site,
        posting(site, "/sign-in", password="not it at all"),
        known=known.email,
        unknown="nobody-yet@people.test",
        named=named.email,
        disabled=disabled.email,
        factor=factor.email,
    )
    assert "Refused" in known.client.get("/account/security").text


def test_nothing_is_kept_of_who_tried_an_unknown_address(site: Site) -> None:
    posting(site, "/sign-in", password="not it at all")("nobody-yet@people.test")
    kept = site.owner.execute(
        "SELECT DISTINCT device, address FROM web.sign_ins s WHERE NOT EXISTS "
        "(SELECT FROM web.people p WHERE p.id = s.person_id)"
    ).fetchall()
    assert kept == [("", "")]


def test_the_right_password_of_who_was_disabled(site: Site, disabled: Person) -> None:
    alike(
        site,
        posting(site, "/sign-in", password=disabled.password),
        unknown="nobody-yet@people.test",
        disabled=disabled.email,
    )


def test_asking_for_a_reset(site: Site, known: Person, named: Person, disabled: Person) -> None:
    alike(
        site,
        posting(site, "/reset"),
        known=known.email,
        unknown="never-here@people.test",
        named=named.email,
        disabled=disabled.email,
    )


def test_signing_up(site: Site, known: Person, named: Person) -> None:
    alike(
        site,
        posting(site, "/signup", password="another four words here", timezone="UTC"),
        taken=known.email,
        named=named.email,
        fresh="fresh-one@people.test",
    )


def test_signing_up_with_a_passkey(site: Site, known: Person) -> None:
    def ask(email: str) -> int:
        person = Person(site)
        options = person.post("/passkeys/sign-up/create", email=email).json
        assert options is not None
        credential = person.passkey.create(options)
        return person.post("/passkeys/sign-up", email=email, credential=credential).status_code

    alike(site, ask, taken=known.email, fresh="fresh-passkey@people.test")


def test_asking_for_another_mail(site: Site, known: Person) -> None:
    people = [Person(site, email=email).sign_up() for email in (known.email, "one@alone.test")]

    def ask(email: str) -> int:
        [person] = [each for each in people if each.email == email]
        return person.post("/confirm").status_code

    alike(site, ask, taken=known.email, alone="one@alone.test")


def test_a_wrong_code(site: Site) -> None:
    """Who knows a password does not learn which second factor is behind it."""
    people = [
        Person(site).sign_up().confirm().enrol_totp(),
        Person(site).sign_up().confirm().add_passkey(),
    ]
    for person in people:
        person.client = person.browser()
        person.sign_in()

    def ask(email: str) -> int:
        [person] = [each for each in people if each.email == email]
        return person.post("/sign-in/second", code="000000").status_code

    alike(site, ask, app=people[0].email, passkey=people[1].email)


def test_a_wrong_password_of_staff(site: Site) -> None:
    members = {
        "known": Member(site, "support"),
        "elsewhere": Member(site, "support", networks=("203.0.113.0/24",)),
        "unknown": Member(site, "support"),
    }
    members["unknown"].email = "nobody@staff.test"

    def ask(email: str) -> int:
        [member] = [each for each in members.values() if each.email == email]
        client = site.client()
        client.environ_base["REMOTE_ADDR"] = Person(site).address
        return given_password(client, member, "not it at all").status_code

    # The first of each has a key made under which the address is kept from then on.
    for member in members.values():
        ask(member.email)
    alike(site, ask, **{name: member.email for name, member in members.items()})
