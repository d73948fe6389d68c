"""What people do with their own accounts leaves an event too."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.site.conftest import Site
from tests.site.people_kit import Person
from tests.site.test_invitations import MEMBERS, first_tenant, invite, join
from tests.site.test_members import id_of
from tests.site.trail import transactions

Do = Callable[[Person], Any]
SECURITY = "/account/security"


@dataclass(frozen=True)
class Deed:
    """What a person did before, what they do through one route, and what the trail says."""

    before: Do
    do: Do
    action: str


def post(path: str, **form: str) -> Do:
    return lambda person: person.post(path, **form)


def signed_up(person: Person) -> Person:
    return person.sign_up()


def half_in(person: Person) -> None:
    person.sign_up().confirm().enrol_totp()
    person.client = person.browser()
    person.sign_in()


def fresh_browser(person: Person) -> None:
    person.sign_up().add_passkey()
    person.client = person.browser()


def new_passkey(person: Person) -> dict[str, str]:
    """Options first: they are drawn by another route."""
    options = person.post("/passkeys/sign-up/create", email=person.email).json
    assert options is not None
    return {"credential": person.passkey.create(options), "email": person.email}


def asked_for_a_link(person: Person) -> None:
    person.sign_up().confirm()
    person.post("/reset", email=person.email)


def begun_totp(person: Person) -> None:
    person.sign_up().post(f"{SECURITY}/totp")
    found = re.search(r'id="totp-secret">(\w+)<', person.client.get(SECURITY).text)
    assert found is not None
    person.secret = found[1]


def passkey_path(person: Person, end: str) -> str:
    page = person.client.get(SECURITY).text
    found = re.search(rf'action="({SECURITY}/passkeys/[^"]+/{end})"', page)
    assert found is not None
    return found[1]


def other_session(person: Person) -> None:
    person.sign_up().sign_in(person.browser())


def session_path(person: Person) -> str:
    page = person.client.get(SECURITY).text
    found = re.search(rf'action="({SECURITY}/sessions/[0-9a-f-]+/revoke)"', page)
    assert found is not None
    return found[1]


def boss_and_mate(person: Person) -> None:
    """They own a workspace in which somebody else works too."""
    person.sign_up()
    person.mate = Person(person.site).sign_up()
    join(person.mate, invite(person, person.mate, "trader"))


def boss_and_invited(person: Person) -> None:
    person.sign_up()
    person.mate = Person(person.site).sign_up()
    person.path = invite(person, person.mate)


def of_mate(end: str, **form: str) -> Do:
    return lambda p: p.post(f"{MEMBERS}/{id_of(p.mate)}/{end}", page=SECURITY, **form)


def invited_somewhere(person: Person) -> None:
    person.sign_up()
    person.path = invite(Person(person.site).sign_up(), person)


def invited_and_new(person: Person) -> None:
    person.path = invite(Person(person.site).sign_up(), person)


def withdraw_path(person: Person) -> str:
    page = person.client.get(MEMBERS).text
    found = re.search(rf'action="({MEMBERS}/invitations/[0-9a-f-]+/withdraw)"', page)
    assert found is not None
    return found[1]


def with_two_workspaces(person: Person) -> None:
    person.sign_up()
    person.path = str(first_tenant(person.site, person))
    person.post("/account/workspaces", page=SECURITY, name="Second")


def made_key(person: Person) -> None:
    person.sign_up()
    new_key(person)


def new_key(person: Person) -> Any:
    given = {"name": "k", "mode": "test", "role": "viewer"}
    return person.post("/developers/keys", page=SECURITY, **given)


def key_path(person: Person) -> str:
    found = re.search(
        r'action="(/developers/keys/[^"]+/revoke)"', person.client.get("/developers").text
    )
    assert found is not None
    return found[1]


DEEDS = {
    "members.invite": Deed(
        signed_up, lambda p: invite(p, Person(p.site).sign_up()), "invitation:create"
    ),
    "members.withdraw": Deed(
        boss_and_invited, lambda p: p.post(withdraw_path(p), page=SECURITY), "invitation:withdraw"
    ),
    "members.change_role": Deed(boss_and_mate, of_mate("role", role="viewer"), "member:role"),
    "members.remove": Deed(boss_and_mate, of_mate("remove"), "member:remove"),
    "members.leave": Deed(
        boss_and_mate,
        lambda p: [
            of_mate("role", role="owner")(p),
            p.mate.post(f"{MEMBERS}/leave", page=SECURITY, sure="1"),
        ],
        "member:leave",
    ),
    "members.rename": Deed(
        signed_up, post("/account/workspace", page=SECURITY, name="New"), "tenant:rename"
    ),
    "members.create": Deed(
        signed_up, post("/account/workspaces", page=SECURITY, name="New"), "tenant:create"
    ),
    "members.switch": Deed(
        with_two_workspaces,
        lambda p: p.post("/account/workspaces/switch", page=SECURITY, workspace=p.path),
        "session:switch",
    ),
    "invitations.accept": Deed(
        invited_somewhere, lambda p: p.post(p.path, page=SECURITY), "invitation:accept"
    ),
    "invitations.sign_up": Deed(
        invited_and_new,
        lambda p: p.post(f"{p.path}/sign-up", password=p.password),
        "invitation:accept",
    ),
    "developers.create": Deed(signed_up, new_key, "api_key:create"),
    "developers.revoke": Deed(
        made_key, lambda p: p.post(key_path(p), page=SECURITY), "api_key:revoke"
    ),
    "signing_up.create": Deed(lambda person: None, signed_up, "person:sign_up"),
    "signing_up.confirmed": Deed(signed_up, lambda p: p.post(p.link()), "person:confirm"),
    "signing_up.choose": Deed(
        asked_for_a_link,
        lambda p: p.post(p.link(), password="copper violin harbor"),
        "person:reset_password",
    ),
    "passkeys.sign_up": Deed(
        lambda person: None,
        lambda p: p.post("/passkeys/sign-up", **new_passkey(p)),
        "person:sign_up",
    ),
    "passkeys.sign_in": Deed(
        fresh_browser,
        lambda p: p.post("/passkeys/sign-in", credential=p.show_passkey()),
        "session:open",
    ),
    "accounts.complete": Deed(
        half_in, lambda p: p.post("/sign-in/second", code=p.code(1)), "session:open"
    ),
    "account_security.prove": Deed(
        signed_up,
        lambda p: p.post(f"{SECURITY}/prove", proof_password=p.password, proof_action="/"),
        "session:prove",
    ),
    "account_security.password": Deed(
        signed_up,
        post(f"{SECURITY}/password", password="copper violin harbor"),
        "person:change_password",
    ),
    "account_security.begin_totp": Deed(signed_up, post(f"{SECURITY}/totp"), "totp:begin"),
    "account_security.confirm_totp": Deed(
        begun_totp, lambda p: p.post(f"{SECURITY}/totp/confirm", code=p.code()), "totp:add"
    ),
    "account_security.remove_totp": Deed(
        lambda p: p.sign_up().enrol_totp(), post(f"{SECURITY}/totp/remove"), "totp:remove"
    ),
    "account_security.draw_codes": Deed(
        signed_up, post(f"{SECURITY}/recovery"), "recovery_codes:draw"
    ),
    "account_security.add_passkey": Deed(signed_up, lambda p: p.add_passkey(), "passkey:add"),
    "account_security.name_passkey": Deed(
        lambda p: p.sign_up().add_passkey(),
        lambda p: p.post(passkey_path(p, "name"), name="Blue"),
        "passkey:rename",
    ),
    "account_security.remove_passkey": Deed(
        lambda p: p.sign_up().add_passkey(),
        lambda p: p.post(passkey_path(p, "remove")),
        "passkey:remove",
    ),
    "account_security.revoke": Deed(
        other_session, lambda p: p.post(session_path(p)), "session:revoke"
    ),
    "account_security.revoke_others": Deed(
        other_session, post(f"{SECURITY}/sessions/revoke-others"), "session:revoke"
    ),
}
# Kept apart from what it is about: counted tries, what was drawn to be signed, what was seen.
BESIDE = ("count_try", "forgive_tries", "keep_challenge", "take_challenge", "web.sign_ins")


@pytest.mark.parametrize("endpoint", sorted(DEEDS))
def test_what_a_person_does_leaves_an_event_in_the_same_transaction(
    site: Site, endpoint: str
) -> None:
    deed, person = DEEDS[endpoint], Person(site)
    deed.before(person)
    person.pass_time(timedelta(0))
    before = person.audited()
    with transactions(site) as done:
        deed.do(person)
    assert deed.action in person.audited()[len(before) :]
    for statements in done:
        assert any("web.audit_events" in each for each in statements), statements
