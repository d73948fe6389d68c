"""Members: roles that hold at once, the last owner, leaving, and going between workspaces."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.site.conftest import Site, csrf
from tests.site.people_kit import Person
from tests.site.test_invitations import MEMBERS, first_tenant, invite, join, roles


@pytest.fixture
def pair(site: Site) -> tuple[Person, Person]:
    """An owner, and somebody whom they invited as a trader."""
    ann, bob = Person(site).sign_up(), Person(site).sign_up()
    join(bob, invite(ann, bob, "trader"))
    return ann, bob


def id_of(person: Person) -> Any:
    row = person.site.owner.execute(
        "SELECT id FROM web.people WHERE email = %s", (person.email,)
    ).fetchone()
    assert row is not None
    return row[0]


def set_role(by: Person, whom: Person, role: str) -> int:
    path = f"{MEMBERS}/{id_of(whom)}/role"
    return by.post(path, page="/account/security", role=role).status_code


def remove(by: Person, whom: Person) -> int:
    path = f"{MEMBERS}/{id_of(whom)}/remove"
    return by.post(path, page="/account/security").status_code


def may_make_strategies(person: Person) -> bool:
    return person.client.get("/strategies/new").status_code == 200


def test_another_role_holds_with_the_next_request_of_a_running_session(
    pair: tuple[Person, Person],
) -> None:
    ann, bob = pair
    assert not may_make_strategies(bob)
    assert set_role(ann, bob, "admin") == 302
    assert may_make_strategies(bob)
    assert set_role(ann, bob, "viewer") == 302
    assert not may_make_strategies(bob)
    assert "Your role was changed" in [subject for subject, _ in bob.mails()]


def test_a_viewer_who_was_invited_cannot_trade(site: Site) -> None:
    ann, bob = Person(site).sign_up(), Person(site).sign_up()
    join(bob, invite(ann, bob, "viewer"))
    for path in ("/positions/close", "/halt/tenant/stop_all", "/connections", "/strategies/new"):
        assert bob.post(path, page="/account/security").status_code == 403, path
    assert bob.client.get("/strategies").status_code == 200


def test_who_was_removed_is_refused_by_the_next_request(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    assert remove(ann, bob) == 302
    for path in ("/strategies", MEMBERS, "/account/security", "/live/ticket"):
        answer = bob.client.get(path)
        assert answer.status_code == 403, path
        assert "no member" in answer.text
        assert ann.email not in answer.text
    assert "You were removed from a workspace" in [subject for subject, _ in bob.mails()]
    own = first_tenant(bob.site, bob)
    token = re.search(r'name="csrf_token" value="([^"]+)"', bob.client.get("/strategies").text)
    assert token is not None
    form = {"csrf_token": token[1], "workspace": str(own)}
    assert bob.client.post("/account/workspaces/switch", data=form).status_code == 302
    assert bob.is_in()


def test_the_last_owner_stays(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    assert set_role(ann, ann, "admin") == 409
    assert remove(ann, ann) == 409
    assert ann.post(f"{MEMBERS}/leave", page="/account/security", sure="1").status_code == 409
    assert roles(ann.site, ann) == {ann.email: "owner", bob.email: "trader"}
    set_role(ann, bob, "owner")
    assert ann.post(f"{MEMBERS}/leave", page="/account/security", sure="1").status_code == 302
    assert set_role(bob, bob, "viewer") == 409


def test_two_owners_who_step_down_at_once_leave_one(site: Site) -> None:
    for _ in range(5):
        ann, bob = Person(site).sign_up(), Person(site).sign_up()
        tenant = first_tenant(site, ann)
        join(bob, invite(ann, bob, "owner"))
        asked = [(each, csrf(each.client, "/account/security"), id_of(each)) for each in (ann, bob)]

        def step_down(one: tuple[Person, str, Any]) -> int:
            person, token, person_id = one
            form = {"csrf_token": token, "role": "viewer"}
            return person.client.post(f"{MEMBERS}/{person_id}/role", data=form).status_code

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(step_down, asked)) == [302, 409]
        left = site.owner.execute(
            "SELECT count(*) FROM web.members WHERE tenant_id = %s AND role = 'owner'", (tenant,)
        ).fetchone()
        assert left == (1,)


def test_an_admin_touches_no_owner_and_makes_none(site: Site) -> None:
    ann, bob, eve = (Person(site).sign_up() for _ in range(3))
    join(bob, invite(ann, bob, "admin"))
    join(eve, invite(ann, eve, "viewer"))
    assert set_role(bob, ann, "viewer") == 403
    assert remove(bob, ann) == 403
    assert set_role(bob, eve, "owner") == 403
    assert set_role(bob, bob, "owner") == 403
    answer = bob.post(
        f"{MEMBERS}/invitations", page="/account/security", email="x@y.test", role="owner"
    )
    assert answer.status_code == 403
    assert set_role(bob, eve, "trader") == 302
    assert remove(bob, eve) == 302


def test_nobody_changes_members_of_another_workspace(pair: tuple[Person, Person]) -> None:
    _, bob = pair
    eve = Person(bob.site).sign_up()
    assert set_role(eve, bob, "viewer") == 404
    assert remove(eve, bob) == 404


def test_a_role_that_is_none_changes_nothing(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    assert set_role(ann, bob, "god") == 400
    assert roles(ann.site, ann)[bob.email] == "trader"


@pytest.mark.parametrize("path", ["/role", "/remove", "leave", "invitations"])
def test_what_changes_people_asks_for_a_proof(pair: tuple[Person, Person], path: str) -> None:
    ann, bob = pair
    ann.pass_time(timedelta(minutes=11))
    where = f"{MEMBERS}/{id_of(bob)}{path}" if path.startswith("/") else f"{MEMBERS}/{path}"
    answer = ann.post(where, page="/account/security", role="viewer", email="x@y.test", sure="1")
    assert answer.status_code == 403
    assert "Is it you?" in answer.text
    assert roles(ann.site, ann) == {ann.email: "owner", bob.email: "trader"}


def test_leaving_goes_to_another_workspace(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    assert bob.post(f"{MEMBERS}/leave", page="/account/security").status_code == 400
    assert bob.post(f"{MEMBERS}/leave", page="/account/security", sure="1").status_code == 302
    assert bob.is_in()
    assert roles(ann.site, ann) == {ann.email: "owner"}


def test_whoever_has_no_workspace_left_gets_one_when_they_sign_in(
    pair: tuple[Person, Person],
) -> None:
    ann, bob = pair
    set_role(ann, bob, "owner")
    ann.post(f"{MEMBERS}/leave", page="/account/security", sure="1")
    assert not ann.is_in()
    assert ann.sign_in().status_code == 302
    assert ann.is_in()
    assert roles(ann.site, ann) == {ann.email: "owner"}


def test_one_goes_between_workspaces_and_sees_each_by_itself(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    ann.post("/strategies/new", page="/strategies", name="Anns strategy", asset_class="stocks")
    assert "Anns strategy" in bob.client.get("/strategies").text
    anns, own = first_tenant(bob.site, ann), first_tenant(bob.site, bob)
    before = bob.token()
    switch = "/account/workspaces/switch"
    assert bob.post(switch, page="/strategies", workspace=str(own)).status_code == 302
    assert "Anns strategy" not in bob.client.get("/strategies").text
    assert bob.token() != before
    assert bob.post(switch, page="/strategies", workspace=str(anns)).status_code == 302
    assert "Anns strategy" in bob.client.get("/strategies").text


def test_nobody_goes_to_a_workspace_that_is_not_theirs(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    eve = Person(bob.site).sign_up()
    for workspace in (str(first_tenant(bob.site, ann)), "nonsense"):
        answer = eve.post("/account/workspaces/switch", page="/strategies", workspace=workspace)
        assert answer.status_code == 404
    assert "Anns" not in eve.client.get("/strategies").text
    nobody = Person(bob.site)
    answer = nobody.post("/account/workspaces/switch", workspace=str(first_tenant(bob.site, bob)))
    assert answer.headers["Location"].startswith("/sign-in")


def test_a_further_workspace_is_ones_own_and_empty(site: Site) -> None:
    ann = Person(site).sign_up()
    assert ann.post("/account/workspaces", page="/strategies", name="Second").status_code == 302
    page = ann.client.get("/strategies").text
    assert ">Second</summary>" in page
    assert "No strategies yet" in page
    assert ann.post("/account/workspaces", page="/strategies", name=" ").status_code == 302
    rows = site.owner.execute(
        "SELECT t.name FROM web.tenants t JOIN web.members m ON m.tenant_id = t.id "
        "JOIN web.people p ON p.id = m.person_id WHERE p.email = %s ORDER BY t.name",
        (ann.email,),
    ).fetchall()
    assert [name for (name,) in rows] == ["My workspace", "Second"]


def test_one_owns_no_more_than_twenty(site: Site) -> None:
    ann = Person(site).sign_up()
    for number in range(21):
        ann.post("/account/workspaces", page="/account/security", name=f"W {number}")
    row = site.owner.execute(
        "SELECT count(*) FROM web.members m JOIN web.people p ON p.id = m.person_id "
        "WHERE p.email = %s",
        (ann.email,),
    ).fetchone()
    assert row == (20,)


def movers(person: Person) -> str:
    """What the page says before the table of members."""
    page = person.client.get(MEMBERS).text.partition("Who can move money here")[2]
    return page.partition("<table")[0]


def test_the_page_says_who_can_move_money(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    page = movers(ann)
    assert ann.email in page
    assert bob.email in page
    assert "No second factor" in page
    set_role(ann, bob, "publisher")
    page = movers(ann)
    assert bob.email not in page


def test_only_who_may_invite_sees_who_is_invited(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    eve = Person(ann.site)
    invite(ann, eve)
    assert eve.email in ann.client.get(MEMBERS).text
    assert eve.email not in bob.client.get(MEMBERS).text


def test_a_page_asks_the_database_no_more_than_before(site: Site) -> None:
    """The role and the other workspaces come with the session."""
    ann = Person(site).sign_up()
    with site.counted() as one:
        assert ann.client.get("/strategies").status_code == 200
    for number in range(3):
        ann.post("/account/workspaces", page="/account/security", name=f"More {number}")
    ann.client.get("/strategies")
    with site.counted() as several:
        assert ann.client.get("/strategies").status_code == 200
    assert len(several) == len(one)
    assert sum("find_session" in statement for statement in several) == 1
    assert not any("web.members" in statement for statement in several)
