"""A stranger signs up with somebody's address first: its owner shares nothing with them."""

import pytest

from tests.site.conftest import Site
from tests.site.people_kit import Person
from tests.site.test_invitations import invite, join

OWN = "harbour velvet nickel"


@pytest.fixture
def stranger(site: Site) -> Person:
    """With everything that lets somebody in."""
    stranger = Person(site).sign_up()
    stranger.path = stranger.link()
    return stranger.enrol_totp().add_passkey()


@pytest.fixture
def owner(site: Site, stranger: Person) -> Person:
    """Whose address it is; they have the mailbox, and no account yet."""
    return Person(site, email=stranger.email, password=OWN)


def confirmed(site: Site, email: str) -> list[bool]:
    """Whether the people who named it have shown that it is theirs, the oldest first."""
    rows = site.owner.execute(
        "SELECT confirmed_at IS NOT NULL FROM web.people WHERE email = %s ORDER BY created_at, id",
        (email,),
    ).fetchall()
    return [each for (each,) in rows]


def choose_password(owner: Person) -> None:
    assert owner.post("/reset", email=owner.email).status_code == 200
    assert owner.post(owner.link(), password=OWN).location == "/sign-in"


def is_in_with_a_passkey(stranger: Person) -> bool:
    browser = stranger.browser()
    stranger.post("/passkeys/sign-in", browser, credential=stranger.show_passkey(browser))
    return stranger.is_in(browser)


def test_the_mailed_link_confirms_only_who_is_signed_in_as_who_signed_up(
    site: Site, stranger: Person, owner: Person
) -> None:
    path = stranger.path
    page = owner.client.get(path).text
    assert "Yes, it is mine" not in page
    assert f'href="/sign-in?next={path}' in page
    assert owner.post(path).location.startswith("/sign-in")
    assert confirmed(site, owner.email) == [False]
    other = Person(site).sign_up()
    assert other.post(path).status_code == 409
    assert confirmed(site, owner.email) == [False]
    # In their own session they have shown both: what they made is theirs.
    assert stranger.post(path).status_code == 302
    assert confirmed(site, owner.email) == [True]


def test_a_reset_gives_the_owner_an_account_that_the_stranger_has_no_part_of(
    site: Site, stranger: Person, owner: Person
) -> None:
    choose_password(owner)
    assert confirmed(site, owner.email) == [False, True]
    assert owner.sign_in().location == "/strategies"
    page = owner.client.get("/account/security").text
    assert "not confirmed" not in page
    assert "Test key" not in page
    assert "Set up an authenticator" in page
    # Theirs is an account that nobody's address stands for; it cannot become this one.
    assert stranger.sign_in(stranger.browser()).status_code == 401
    assert is_in_with_a_passkey(stranger)
    assert "not confirmed" in stranger.client.get("/account/security").text
    shared = site.owner.execute(
        "SELECT count(*) FROM web.members a JOIN web.members b USING (tenant_id) "
        "JOIN web.people p ON p.id = a.person_id AND p.email = %s "
        "JOIN web.people q ON q.id = b.person_id AND q.email = p.email AND q.id <> p.id",
        (owner.email,),
    ).fetchone()
    assert shared == (0,)


def test_no_link_of_before_makes_the_address_the_strangers(
    site: Site, stranger: Person, owner: Person
) -> None:
    owner.post("/reset", email=owner.email)
    second = owner.link()
    choose_password(owner)
    assert stranger.post(stranger.path).status_code == 410
    assert owner.post(second, password="walnut ferry pigment").status_code == 410
    assert confirmed(site, owner.email) == [False, True]


def test_an_invitation_to_the_address_lets_the_stranger_into_nothing(
    site: Site, stranger: Person, owner: Person
) -> None:
    ann = Person(site).sign_up()
    ann.post("/account/workspace", page="/strategies", name="Anns")
    path = invite(ann, owner)
    assert owner.post(f"{path}/sign-up", page=path, password=OWN).status_code == 302
    assert ">Anns</summary>" in owner.client.get("/strategies").text
    assert "Anns" not in stranger.client.get("/strategies").text
    assert join(stranger, path).status_code == 410
    assert stranger.sign_in(stranger.browser()).status_code == 401
    assert confirmed(site, owner.email) == [False, True]


def test_a_reset_says_that_a_new_account_begins(site: Site, owner: Person) -> None:
    owner.post("/reset", email=owner.email)
    assert "a new account begins" in owner.client.get(owner.link()).text
    ann = Person(site).sign_up().confirm()
    ann.post("/reset", email=ann.email)
    assert "a new account begins" not in ann.client.get(ann.link()).text
