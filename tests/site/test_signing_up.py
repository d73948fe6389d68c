"""Signing up, confirming, resetting: nobody learns who has an account."""

import re
import statistics
import time
from datetime import timedelta

from argon2 import PasswordHasher

from tests.site.conftest import PASSWORD, Site, hashed_by
from tests.site.people_kit import Person


def test_whoever_signs_up_is_in_at_once_as_the_owner_of_a_workspace(site: Site) -> None:
    ann = Person(site).sign_up()
    assert ann.is_in()
    found = site.owner.execute(
        "SELECT m.role, p.timezone, p.confirmed_at FROM web.people p JOIN web.members m "
        "ON m.person_id = p.id WHERE p.email = %s",
        (ann.email,),
    ).fetchall()
    assert found == [("owner", "Asia/Tokyo", None)]
    assert ann.audited() == ["person:sign_up", "session:open"]


def test_a_link_confirms_once_and_only_when_its_button_is_pressed(site: Site) -> None:
    ann = Person(site).sign_up()
    path = ann.link()
    for _ in range(2):
        assert ann.client.get(path).status_code == 200
    assert "not confirmed" in ann.client.get("/account/security").text
    assert ann.post(path).status_code == 302
    assert "not confirmed" not in ann.client.get("/account/security").text
    assert ann.post(path).status_code == 410
    assert ann.client.get(path).status_code == 410


def test_a_forged_or_old_link_opens_nothing(site: Site) -> None:
    ann = Person(site).sign_up()
    path = ann.link()
    forged = path[:-5] + ("A" if path[-5] != "A" else "B") + path[-4:]
    assert ann.client.get(forged).status_code == 410
    assert ann.client.get(path.replace("/confirm/", "/reset/")).status_code == 410
    site.owner.execute("UPDATE web.links SET expires_at = now() - interval '1 second'")
    assert ann.post(path).status_code == 410


def test_signing_up_with_a_known_address_looks_the_same_and_tells_its_owner(site: Site) -> None:
    ann = Person(site).sign_up().confirm()
    other = Person(site, email=ann.email, password="another four words here")
    fresh = Person(site)
    answers = [
        each.post("/signup", email=each.email, password=each.password, timezone="UTC")
        for each in (other, fresh)
    ]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert answers[0].location == answers[1].location
    pages = [each.client.get("/account/security").text for each in (other, fresh)]
    blank = [
        re.sub(r"p\d+@|value=\"[^\"]*\"|nonce=\"[^\"]*\"|[\d:.-]+", "", page) for page in pages
    ]
    assert blank[0] == blank[1]
    assert "has an account already" in ann.mails()[0][1]
    # What was made then opens nothing of the owner's, and the address is still theirs.
    assert ann.sign_in(ann.browser()).location == "/strategies"
    assert other.sign_in(other.browser()).status_code == 401


def test_resetting_is_answered_alike_for_known_and_unknown(site: Site) -> None:
    ann, nobody = Person(site).sign_up().confirm(), Person(site)
    answers = [each.post("/reset", each.browser(), email=each.email).text for each in (ann, nobody)]
    blank = [re.sub(r"value=\"[^\"]*\"|nonce=\"[^\"]*\"", "", answer) for answer in answers]
    assert blank[0] == blank[1]
    assert ann.mails()[0][0] == "Choose a new password"
    assert nobody.mails() == []
    work = site.owner.execute("SELECT count(*) FROM web.mails WHERE outcome = 'nobody'").fetchone()
    assert work is not None and work[0] >= 1


def test_signing_in_takes_as_long_for_unknown_addresses(site: Site) -> None:
    def took(email: str) -> float:
        client = ann.browser(f"10.8.{len(email)}.{int(time.monotonic() * 1000) % 250}")
        begun = time.process_time()
        ann.post("/sign-in", client, email=email, password="not it at all")
        return time.process_time() - begun

    with hashed_by(PasswordHasher()):
        ann = Person(site).sign_up().confirm()
        known = statistics.median(took(ann.email) for _ in range(5))
        unknown = statistics.median(took(f"x{each}@people.test") for each in range(5))
    # Both hash once; without it the answer would be ten times as fast.
    assert 0.5 < known / unknown < 2


def test_a_reset_ends_every_session_and_every_other_link(site: Site) -> None:
    ann = Person(site).sign_up().confirm()
    second = ann.browser()
    ann.sign_in(second)
    assert ann.is_in(second)
    paths = []
    for _ in range(2):
        ann.post("/reset", ann.browser(), email=ann.email)
        paths.append(ann.link())
    wanted = "harbour velvet nickel"
    assert ann.post(paths[0], password="short").status_code == 400
    assert ann.post(paths[0], password=wanted).location == "/sign-in"
    assert not ann.is_in(second)
    assert not ann.is_in()
    assert ann.post(paths[1], password=wanted).status_code == 410
    assert ann.sign_in(ann.browser()).status_code == 401
    ann.password = wanted
    assert ann.sign_in(ann.browser()).location == "/strategies"
    assert ann.mails()[0][0] == "Your password was changed"
    assert "person:reset_password" in ann.audited()


def test_a_reset_does_not_replace_the_second_factor(site: Site) -> None:
    ann = Person(site).sign_up().confirm().enrol_totp()
    ann.post("/reset", ann.browser(), email=ann.email)
    ann.password = "harbour velvet nickel"
    ann.post(ann.link(), password=ann.password)
    again = ann.browser()
    assert ann.sign_in(again).location.startswith("/sign-in/second")
    assert not ann.is_in(again)


def test_weak_passwords_and_bad_addresses_are_refused_with_the_reason(site: Site) -> None:
    ann = Person(site)
    for email, password, told in (
        (ann.email, "short", "at least 12"),
        (ann.email, "Password2026!", "tried first"),
        (ann.email, "people.2026.people", "tried first"),
        ("nobody", PASSWORD, "not an e-mail address"),
        ("a@b.c\nBcc: x@y.z", PASSWORD, "not an e-mail address"),
    ):
        answer = ann.post("/signup", email=email, password=password)
        assert answer.status_code == 400
        assert told in answer.text
    assert ann.mails() == []


def test_too_many_mails_to_one_address_have_to_wait(site: Site) -> None:
    victim = "victim@people.test"
    answers = [Person(site).post("/reset", email=victim).status_code for _ in range(7)]
    assert answers == [200] * 5 + [429] * 2


def test_an_unconfirmed_person_asks_for_another_mail(site: Site) -> None:
    ann = Person(site).sign_up()
    ann.post("/confirm")
    assert len(ann.mails()) == 2
    ann.confirm()
    ann.pass_time(timedelta(minutes=1))
    assert ann.is_in()


def test_the_secrets_of_people_are_nowhere_in_the_clear(site: Site) -> None:
    ann = Person(site).sign_up().confirm().enrol_totp()
    rows = "".join(
        str(row)
        for table in ("people", "sessions", "totp", "recovery_codes", "links", "tries")
        for row in site.owner.execute(f"SELECT t::text FROM web.{table} t").fetchall()
    )
    for secret in (ann.password, ann.secret, ann.token(), *ann.codes):
        assert secret not in rows
