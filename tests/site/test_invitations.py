"""Invitations: for one address, for one use, for seven days; and who has joined works here."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.site.conftest import Site, csrf
from tests.site.people_kit import Person

MEMBERS = "/account/members"


def invite(by: Person, whom: Person, role: str = "viewer") -> str:
    """The path of the link that came by mail."""
    answer = by.post(f"{MEMBERS}/invitations", page="/strategies", email=whom.email, role=role)
    assert answer.status_code == 302, answer.text
    return whom.link()


def join(whom: Person, path: str) -> Any:
    return whom.post(path, page="/account/security")


def roles(site: Site, of: Person) -> dict[str, str]:
    """By address, in the first workspace of somebody."""
    rows = site.owner.execute(
        "SELECT p.email, m.role FROM web.members m JOIN web.people p ON p.id = m.person_id "
        "WHERE m.tenant_id = %s",
        (first_tenant(site, of),),
    ).fetchall()
    return {email: role for email, role in rows}


def first_tenant(site: Site, of: Person) -> Any:
    row = site.owner.execute(
        "SELECT m.tenant_id FROM web.members m JOIN web.people p ON p.id = m.person_id "
        "WHERE p.email = %s ORDER BY m.created_at LIMIT 1",
        (of.email,),
    ).fetchone()
    assert row is not None
    return row[0]


def test_somebody_who_is_in_joins_and_works_there_at_once(site: Site) -> None:
    ann, bob = Person(site).sign_up(), Person(site).sign_up()
    ann.post("/account/workspace", page="/strategies", name="Ann & Co")
    path = invite(ann, bob, "trader")
    shown = bob.client.get(path).text
    assert "Ann &amp; Co" in shown
    assert ann.email in shown
    assert join(bob, path).status_code == 302
    assert roles(site, ann) == {ann.email: "owner", bob.email: "trader"}
    page = bob.client.get("/strategies").text
    assert "Ann &amp; Co" in page
    assert "My workspace" in page


def test_joining_shows_that_mail_reaches_them(site: Site) -> None:
    ann, bob = Person(site).sign_up(), Person(site).sign_up()
    path = invite(ann, bob)
    assert "not confirmed" in bob.client.get("/account/security").text
    join(bob, path)
    assert "not confirmed" not in bob.client.get("/account/security").text


def test_somebody_new_signs_up_by_the_link_and_needs_no_other_mail(site: Site) -> None:
    ann, new = Person(site).sign_up(), Person(site)
    path = invite(ann, new, "approver")
    page = new.client.get(path).text
    assert new.email in page
    answer = new.post(f"{path}/sign-up", page=path, password=new.password, timezone="UTC")
    assert answer.status_code == 302
    assert "You have joined, and your address is confirmed." in new.client.get("/strategies").text
    assert roles(site, ann)[new.email] == "approver"
    assert len(new.mails()) == 1
    assert "not confirmed" not in new.client.get("/account/security").text


def test_signing_in_begins_where_one_was_last(site: Site) -> None:
    ann, new = Person(site).sign_up(), Person(site)
    ann.post("/account/workspace", page="/strategies", name="Anns")
    path = invite(ann, new)
    new.post(f"{path}/sign-up", page=path, password=new.password)
    other = new.browser()
    assert new.sign_in(other).status_code == 302
    assert ">Anns</summary>" in other.get("/strategies").text


def test_a_weak_password_leaves_the_invitation_open(site: Site) -> None:
    ann, new = Person(site).sign_up(), Person(site)
    path = invite(ann, new)
    assert new.post(f"{path}/sign-up", page=path, password="short").status_code == 400
    assert new.client.get(path).status_code == 200
    assert new.email not in roles(site, ann)


def test_an_address_that_has_an_owner_signs_in_instead(site: Site) -> None:
    ann, bob = Person(site).sign_up(), Person(site).sign_up().confirm()
    path = invite(ann, bob)
    stranger = Person(site)
    answer = stranger.post(f"{path}/sign-up", password=stranger.password)
    assert answer.status_code == 409
    assert bob.email not in roles(site, ann)
    assert not stranger.is_in()


def test_it_works_for_seven_days(site: Site) -> None:
    ann, bob = Person(site).sign_up(), Person(site).sign_up()
    path = invite(ann, bob)
    move = "UPDATE web.invitations SET expires_at = expires_at - interval '7 days' + %s::interval"
    site.owner.execute(f"{move} WHERE email = %s", ("1 minute", bob.email))
    assert bob.client.get(path).status_code == 200
    site.owner.execute(
        "UPDATE web.invitations SET expires_at = expires_at - interval '1 minute' WHERE email = %s",
        (bob.email,),
    )
    assert bob.client.get(path).status_code == 410
    assert join(bob, path).status_code == 410
    assert "Expired" in ann.client.get(MEMBERS).text
    assert bob.email not in roles(site, ann)


def test_it_works_once(site: Site) -> None:
    ann, bob = Person(site).sign_up(), Person(site).sign_up()
    path = invite(ann, bob)
    join(bob, path)
    assert bob.client.get(path).status_code == 410
    assert join(bob, path).status_code == 410


def test_it_is_for_nobody_else(site: Site) -> None:
    ann, bob, eve = (Person(site).sign_up() for _ in range(3))
    path = invite(ann, bob, "owner")
    assert join(eve, path).status_code == 409
    assert roles(site, ann) == {ann.email: "owner"}
    assert join(bob, path).status_code == 302


def test_a_later_invitation_replaces_an_earlier_one(site: Site) -> None:
    ann, bob = Person(site).sign_up(), Person(site).sign_up()
    first = invite(ann, bob, "admin")
    second = invite(ann, bob, "viewer")
    assert join(bob, first).status_code == 410
    assert join(bob, second).status_code == 302
    assert roles(site, ann)[bob.email] == "viewer"


def test_who_is_a_member_already_keeps_their_role_and_the_trail_says_which(site: Site) -> None:
    ann, bob = Person(site).sign_up(), Person(site).sign_up()
    path = invite(ann, bob, "admin")
    site.owner.execute(
        "INSERT INTO web.members (tenant_id, person_id, role) "
        "SELECT %s, id, 'viewer' FROM web.people WHERE email = %s",
        (first_tenant(site, ann), bob.email),
    )
    assert join(bob, path).status_code == 302
    assert roles(site, ann)[bob.email] == "viewer"
    noted = site.owner.execute(
        "SELECT after->>'role' FROM web.audit_events "
        "WHERE tenant_id = %s AND action = 'invitation:accept'",
        (first_tenant(site, ann),),
    ).fetchall()
    assert noted == [("viewer",)]


def test_a_withdrawn_one_opens_nothing(site: Site) -> None:
    ann, bob = Person(site).sign_up(), Person(site).sign_up()
    path = invite(ann, bob)
    row = site.owner.execute(
        "SELECT id FROM web.invitations WHERE email = %s", (bob.email,)
    ).fetchone()
    assert row is not None
    withdraw = f"{MEMBERS}/invitations/{row[0]}/withdraw"
    assert bob.post(withdraw, page="/strategies").status_code == 404
    assert ann.post(withdraw, page="/strategies").status_code == 302
    assert join(bob, path).status_code == 410
    assert ann.post(withdraw, page="/strategies").status_code == 404


def test_who_is_let_go_has_invited_nobody(site: Site) -> None:
    ann, bob, eve = (Person(site).sign_up() for _ in range(3))
    join(bob, invite(ann, bob, "admin"))
    path = invite(bob, eve, "admin")
    person = site.owner.execute(
        "SELECT id FROM web.people WHERE email = %s", (bob.email,)
    ).fetchone()
    assert person is not None
    ann.post(f"{MEMBERS}/{person[0]}/remove", page="/strategies")
    assert join(eve, path).status_code == 410


@pytest.mark.parametrize("link", ["x", "x.y", "WyJ4Il0.abc"])
def test_a_forged_link_opens_nothing(site: Site, link: str) -> None:
    assert site.client().get(f"/invitations/{link}").status_code == 410


def test_nobody_is_told_whether_an_address_is_known_elsewhere(site: Site) -> None:
    ann, known, unknown = Person(site).sign_up(), Person(site).sign_up().confirm(), Person(site)
    told = []
    for each in (known, unknown):
        invite(ann, each)
        told.append(ann.client.get(MEMBERS).text.count(each.email))
    assert told[0] == told[1]


def test_several_who_accept_at_once_make_one_member(site: Site) -> None:
    ann, bob = Person(site).sign_up(), Person(site).sign_up()
    path = invite(ann, bob, "trader")
    browsers = [bob.browser() for _ in range(6)]
    for browser in browsers:
        bob.sign_in(browser)
    tokens = [csrf(browser, "/account/security") for browser in browsers]

    def accept(number: int) -> int:
        form = {"csrf_token": tokens[number]}
        return browsers[number].post(path, data=form).status_code

    with ThreadPoolExecutor(len(browsers)) as pool:
        answers = sorted(pool.map(accept, range(len(browsers))))
    assert answers == [302, *[410] * 5]
    assert roles(site, ann)[bob.email] == "trader"


def test_what_was_invited_is_kept_no_longer_than_needed(site: Site) -> None:
    ann, bob = Person(site).sign_up(), Person(site).sign_up()
    join(bob, invite(ann, bob))
    found = site.owner.execute(
        "SELECT count(*) FROM web.invitations WHERE email = %s", (bob.email,)
    ).fetchone()
    assert found == (0,)
