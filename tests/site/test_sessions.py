"""Sessions: listed, ended, bounded; tries that get slower; pages of one's own."""

import re
from datetime import timedelta

from tests.site.conftest import Site
from tests.site.people_kit import Person
from web.accounts.login import COOKIE


def test_sessions_are_listed_with_device_and_address_and_one_is_ended(site: Site) -> None:
    ann = Person(site).sign_up()
    other = ann.browser("10.1.2.3")
    ann.sign_in(other)
    page = ann.client.get("/account/security").text
    assert "10.1.2.3" in page
    assert "Chrome on Linux" in page
    [path] = re.findall(r'action="(/account/security/sessions/[0-9a-f-]+/revoke)"', page)
    assert ann.post(path).status_code == 302
    assert not ann.is_in(other)
    assert ann.is_in()
    assert ann.audited()[-1] == "session:revoke"
    assert ann.post(path).status_code == 404


def test_nobody_ends_a_session_of_somebody_else(site: Site) -> None:
    ann, bob = Person(site).sign_up(), Person(site).sign_up()
    found = site.owner.execute(
        "SELECT s.id FROM web.sessions s JOIN web.people p ON p.id = s.person_id "
        "WHERE p.email = %s",
        (ann.email,),
    ).fetchone()
    assert found is not None
    assert bob.post(f"/account/security/sessions/{found[0]}/revoke").status_code == 404
    assert ann.is_in()


def test_all_others_are_ended_at_once(site: Site) -> None:
    ann = Person(site).sign_up()
    others = [ann.browser() for _ in range(3)]
    for other in others:
        ann.sign_in(other)
    ann.post("/account/security/sessions/revoke-others")
    assert [ann.is_in(other) for other in others] == [False] * 3
    assert ann.is_in()


def test_signing_in_again_ends_the_session_before_and_its_token_is_new(site: Site) -> None:
    ann = Person(site).sign_up()
    before = ann.token()
    ann.sign_in()
    assert ann.token() != before
    thief = ann.browser()
    thief.set_cookie(COOKIE, before)
    assert not ann.is_in(thief)


def test_a_token_that_somebody_planted_is_not_taken_up(site: Site) -> None:
    ann = Person(site).sign_up()
    ann.client = ann.browser()
    ann.client.set_cookie(COOKIE, "planted-by-somebody")
    ann.sign_in()
    assert ann.token() != "planted-by-somebody"
    assert ann.is_in()


def test_an_idle_session_is_over_and_so_is_an_old_one(site: Site) -> None:
    ann = Person(site).sign_up()
    ann.pass_time(timedelta(hours=11))
    assert ann.is_in()
    ann.pass_time(timedelta(hours=13))
    assert not ann.is_in()
    ann.sign_in()
    for _ in range(14 * 3):
        ann.pass_time(timedelta(hours=8))
        ann.client.get("/strategies")
    assert not ann.is_in()


def test_a_disabled_person_is_out_at_once(site: Site) -> None:
    ann = Person(site).sign_up()
    site.owner.execute("UPDATE web.people SET disabled_at = now() WHERE email = %s", (ann.email,))
    assert not ann.is_in()
    assert ann.sign_in().status_code == 401


def test_tries_get_slower_but_the_owner_is_not_shut_out(site: Site) -> None:
    ann = Person(site).sign_up()
    ann.sign_in()
    thief = ann.browser("10.66.0.1")
    form = {"email": ann.email, "password": "not it at all"}
    answers = [ann.post("/sign-in", thief, **form).status_code for _ in range(12)]
    assert answers == [401] * 10 + [429] * 2
    # From many addresses no more than fifteen reach the password at all.
    spread = [
        ann.post("/sign-in", ann.browser(f"10.66.1.{each}"), **form).status_code
        for each in range(1, 12)
    ]
    assert spread.count(401) == 5
    assert ann.sign_in(ann.browser("10.66.2.1")).status_code == 429
    # From where they signed in before, the owner gets in.
    assert ann.sign_in(ann.browser()).status_code == 302
    page = ann.client.get("/account/security").text
    assert "Refused" in page
    assert "10.66.0.1" in page


def test_the_inbox_page_shows_only_what_the_relay_put_there(site: Site) -> None:
    ann = Person(site).sign_up()
    local = ann.browser("127.0.0.1")
    assert ann.email not in local.get("/inbox").text
    site.owner.execute(
        "UPDATE web.mails SET outcome = 'inbox', ended_at = now() WHERE recipient = %s",
        (ann.email,),
    )
    assert ann.email in local.get("/inbox").text
    assert ann.client.get("/inbox").status_code == 404
