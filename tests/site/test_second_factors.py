"""Second factors and step-up: each proof once, and the dangerous asks again."""

from datetime import timedelta

import pytest

from tests.site.conftest import PASSWORD as SITE_PASSWORD
from tests.site.conftest import Site
from tests.site.people_kit import Person
from tests.soft_passkey import SoftPasskey


def half_in(person: Person) -> None:
    """A fresh browser with the right password."""
    person.client = person.browser()
    assert person.sign_in().location.startswith("/sign-in/second")
    assert not person.is_in()


def test_a_code_of_the_app_is_asked_for_and_taken_once(site: Site) -> None:
    ann = Person(site).sign_up().confirm().enrol_totp()
    half_in(ann)
    # The code that turned it on was used.
    assert ann.post("/sign-in/second", code=ann.code()).status_code == 401
    code = ann.code(1)
    before = ann.token()
    assert ann.post("/sign-in/second", code=code).location == "/strategies"
    assert ann.is_in()
    assert ann.token() != before
    half_in(ann)
    assert ann.post("/sign-in/second", code=code).status_code == 401
    assert not ann.is_in()


def test_a_recovery_code_lets_in_once(site: Site) -> None:
    ann = Person(site).sign_up().confirm().enrol_totp()
    assert len(set(ann.codes)) == 10
    half_in(ann)
    assert ann.post("/sign-in/second", code=ann.codes[0].upper()).location == "/strategies"
    assert "9 of 10 unused" in ann.client.get("/account/security").text
    half_in(ann)
    assert ann.post("/sign-in/second", code=ann.codes[0]).status_code == 401
    assert ann.post("/sign-in/second", code=ann.codes[1]).location == "/strategies"


def test_new_recovery_codes_end_the_old_ones(site: Site) -> None:
    ann = Person(site).sign_up().confirm().enrol_totp()
    shown = ann.post("/account/security/recovery").text
    assert 'id="recovery-codes"' in shown
    assert 'id="recovery-codes"' not in ann.client.get("/account/security").text
    half_in(ann)
    assert ann.post("/sign-in/second", code=ann.codes[0]).status_code == 401


def test_codes_cannot_be_guessed_in_a_row(site: Site) -> None:
    ann = Person(site).sign_up().confirm().enrol_totp()
    half_in(ann)
    answers = [ann.post("/sign-in/second", code="000000").status_code for _ in range(7)]
    assert answers == [401] * 5 + [429] * 2
    # Not from another browser either, and not with the right one.
    half_in(ann)
    assert ann.post("/sign-in/second", code=ann.code(1)).status_code == 429


def test_a_passkey_signs_in_without_anything_else(site: Site) -> None:
    ann = Person(site).sign_up().confirm().add_passkey()
    assert len(ann.codes) == 10
    ann.client = ann.browser()
    answer = ann.post("/passkeys/sign-in", credential=ann.show_passkey())
    assert answer.location == "/strategies"
    assert ann.is_in()
    assert "Passkey" in ann.client.get("/account/security").text


def test_a_passkey_is_a_second_step_too(site: Site) -> None:
    ann = Person(site).sign_up().confirm().add_passkey()
    half_in(ann)
    credential = ann.show_passkey(known="1")
    assert ann.post("/sign-in/second", credential=credential).location == "/strategies"


def test_a_challenge_is_good_once(site: Site) -> None:
    ann = Person(site).sign_up().confirm().add_passkey()
    ann.client = ann.browser()
    credential = ann.show_passkey()
    kept = ann.client.get_cookie("fillwire_form")
    assert kept is not None
    assert ann.post("/passkeys/sign-in", credential=credential).status_code == 302
    other = ann.browser()
    other.set_cookie("fillwire_form", kept.value)
    ann.passkey.count += 1
    assert ann.post("/passkeys/sign-in", other, credential=credential).status_code == 401
    assert not ann.is_in(other)


def test_a_copied_passkey_is_known_by_its_counter(site: Site) -> None:
    ann = Person(site).sign_up().confirm().add_passkey()
    ann.passkey.count = 5
    assert ann.post("/passkeys/sign-in", ann.browser(), credential="{}").status_code == 401
    first = ann.browser()
    assert (
        ann.post("/passkeys/sign-in", first, credential=ann.show_passkey(first)).status_code == 302
    )
    ann.passkey.count = 2
    second = ann.browser()
    credential = ann.show_passkey(second)
    assert ann.post("/passkeys/sign-in", second, credential=credential).status_code == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost.evil.example"])
def test_a_passkey_of_another_site_is_refused(site: Site, origin: str) -> None:
    ann = Person(site).sign_up().confirm().add_passkey()
    ann.passkey.origin = origin
    browser = ann.browser()
    credential = ann.show_passkey(browser)
    assert ann.post("/passkeys/sign-in", browser, credential=credential).status_code == 401


def test_somebody_elses_passkey_is_no_second_step(site: Site) -> None:
    ann = Person(site).sign_up().confirm().add_passkey()
    bob = Person(site).sign_up().confirm().add_passkey()
    half_in(ann)
    options = ann.post("/passkeys/show", known="1").json
    assert options is not None
    credential = bob.passkey.show(options)
    assert ann.post("/sign-in/second", credential=credential).status_code == 401
    assert not ann.is_in()


def test_an_account_can_do_without_a_password(site: Site) -> None:
    ann = Person(site)
    options = ann.post("/passkeys/sign-up/create", email=ann.email).json
    assert options is not None
    form = {"email": ann.email, "timezone": "UTC", "credential": ann.passkey.create(options)}
    assert ann.post("/passkeys/sign-up", **form).location == "/strategies"
    assert ann.is_in()
    assert ann.sign_in(ann.browser(), password="").status_code == 401
    browser = ann.browser()
    credential = ann.show_passkey(browser)
    assert ann.post("/passkeys/sign-in", browser, credential=credential).location == "/strategies"


def test_passkeys_are_named_and_removed_by_their_owner_only(site: Site) -> None:
    ann, bob = (Person(site).sign_up().confirm().add_passkey() for _ in range(2))
    found = site.owner.execute(
        "SELECT k.id FROM web.passkeys k JOIN web.people p ON p.id = k.person_id "
        "WHERE p.email = %s",
        (ann.email,),
    ).fetchone()
    assert found is not None
    path = f"/account/security/passkeys/{found[0]}"
    assert bob.post(f"{path}/name", name="Mine now").status_code == 404
    assert bob.post(f"{path}/remove").status_code == 404
    ann.post(f"{path}/name", name="Blue key")
    assert "Blue key" in ann.client.get("/account/security").text
    ann.post(f"{path}/remove")
    browser = ann.browser()
    credential = ann.show_passkey(browser)
    assert ann.post("/passkeys/sign-in", browser, credential=credential).status_code == 401
    assert "passkey:remove" in ann.audited()
    assert ann.mails()[0][0] == "A passkey was removed"


def test_the_dangerous_asks_again_after_ten_minutes_and_then_goes_on(site: Site) -> None:
    ann = Person(site).sign_up().confirm().enrol_totp()
    ann.pass_time(timedelta(minutes=11))
    before = ann.token()
    asked = ann.post("/account/security/password", password="harbour velvet nickel")
    assert asked.status_code == 403
    assert "change your password" in asked.text
    form = {
        "proof_action": "/account/security/password",
        "proof_what": "change your password",
        "password": "harbour velvet nickel",
    }
    wrong = ann.post("/account/security/prove", **form, proof_code="000000")
    assert wrong.status_code == 401
    assert "harbour velvet nickel" in wrong.text
    assert ann.sign_in(ann.browser()).status_code == 302
    right = ann.post("/account/security/prove", **form, proof_code=ann.code(1))
    assert (right.status_code, right.location) == (307, "/account/security/password")
    assert ann.token() != before
    assert ann.post(right.location, password=form["password"]).status_code == 302
    assert ann.sign_in(ann.browser()).status_code == 401
    assert "person:change_password" in ann.audited()


def test_without_a_second_factor_the_password_is_the_proof(site: Site) -> None:
    ann = Person(site).sign_up().confirm()
    ann.pass_time(timedelta(minutes=11))
    assert ann.post("/account/security/totp").status_code == 403
    form = {"proof_action": "/account/security/totp", "proof_what": "set up an authenticator"}
    assert ann.post("/account/security/prove", **form, proof_password="no").status_code == 401
    proved = ann.post("/account/security/prove", **form, proof_password=ann.password)
    assert proved.status_code == 307
    assert ann.post(proved.location).status_code == 302


@pytest.mark.parametrize("target", ["https://evil.example/x", "//evil.example"])
def test_a_proof_leads_to_this_site_only(site: Site, target: str) -> None:
    ann = Person(site).sign_up().confirm()
    form = {"proof_action": target, "proof_password": ann.password}
    assert ann.post("/account/security/prove", **form).location == "/strategies"


def test_a_second_passkey_for_one_account_needs_a_challenge_of_its_own(site: Site) -> None:
    ann = Person(site).sign_up().confirm().add_passkey()
    stray = SoftPasskey("http://localhost")
    options = ann.post("/passkeys/show").json
    assert options is not None
    credential = stray.create({"rp": {"id": "localhost"}, "challenge": options["challenge"]})
    answer = ann.post("/account/security/passkeys", credential=credential)
    assert answer.status_code == 400


def test_live_money_needs_a_second_factor_and_a_fresh_proof_of_it(site: Site) -> None:
    ann = Person(site, email=site.ours.email, password=SITE_PASSWORD)
    ann.sign_in()
    path = f"/subscriptions/{site.ours.shown('subscription')}/enabled"
    limits = f"/halt/limits/{site.ours.shown('connection')}"
    ann.post(path, enabled="0")
    live = "UPDATE web.connections SET mode = %s WHERE id = %s"
    site.owner.execute(live, ("live", site.ours.connection_id))
    try:
        refused = ann.post(path, enabled="1")
        assert refused.status_code == 403
        assert "second_factor_needed" in refused.text
        ann.enrol_totp()
        ann.pass_time(timedelta(minutes=11))
        asked = ann.post(path, enabled="1", accept_foreign="1")
        assert asked.status_code == 403
        assert "enable trading with live money" in asked.text
        assert 'name="accept_foreign" value="1"' in asked.text
        assert ann.post(limits, max_position="5").status_code == 403
        # Pausing asks nothing.
        assert ann.post(path, enabled="0").status_code == 302
        proved = ann.post(
            "/account/security/prove", proof_action=path, enabled="1", proof_code=ann.code(1)
        )
        assert proved.location == path
        assert ann.post(proved.location, enabled="1", accept_foreign="1").status_code == 302
    finally:
        site.owner.execute(live, ("paper", site.ours.connection_id))


def test_live_money_needs_a_confirmed_address(site: Site) -> None:
    ann = Person(site, email=site.theirs.email, password=SITE_PASSWORD)
    ann.sign_in()
    live = "UPDATE web.connections SET mode = %s WHERE id = %s"
    site.owner.execute(live, ("live", site.theirs.connection_id))
    unconfirmed = "UPDATE web.people SET confirmed_at = %s WHERE email = %s"
    site.owner.execute(unconfirmed, (None, ann.email))
    try:
        answer = ann.post(
            f"/subscriptions/{site.theirs.shown('subscription')}/enabled", enabled="1"
        )
        assert "confirmed_address_needed" in answer.text
    finally:
        site.owner.execute(live, ("paper", site.theirs.connection_id))
        site.owner.execute(unconfirmed, ("2026-11-20", ann.email))


def test_a_held_session_does_not_finish_an_authenticator_that_was_begun(site: Site) -> None:
    ann = Person(site).sign_up()
    ann.post("/account/security/totp")
    assert 'id="totp-secret"' in ann.client.get("/account/security").text
    ann.pass_time(timedelta(minutes=11))
    assert 'id="totp-secret"' not in ann.client.get("/account/security").text
    answer = ann.post("/account/security/totp/confirm", code="000000")
    assert answer.status_code == 403
    assert "proof_password" in answer.text
