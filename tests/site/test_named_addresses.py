"""Whoever only named an address gets nothing of its owner's: no mail, no say, no freer tries."""

from typing import Any

import pytest

from tests.site.conftest import Site
from tests.site.people_kit import Person
from tests.site.privacy_kit import turn
from tests.site.staff_kit import Member, sign_in
from tests.site.test_invitations import first_tenant, invite
from tests.site.test_privacy import PAGE, scalar, unzipped


@pytest.fixture
def owner(site: Site) -> Person:
    return Person(site).sign_up().confirm()


@pytest.fixture
def namesake(site: Site, owner: Person) -> Person:
    return Person(site, email=owner.email, password="walnut ferry pigment").sign_up()


def erased(site: Site, person: Person) -> None:
    """They asked, and the days are over."""
    assert person.post(f"{PAGE}/erase", email=person.email).status_code == 302
    site.owner.execute("UPDATE web.erasures SET due_at = now()")
    turn(site)
    assert not person.is_in()


def count(site: Site, statement: str, *values: Any) -> Any:
    return scalar(site, f"SELECT count(*) FROM {statement}", *values)


def test_a_namesake_reads_no_mail_of_the_owner(site: Site, owner: Person, namesake: Person) -> None:
    owner.post("/reset", email=owner.email)
    link = owner.link()
    assert link.startswith("/reset/")
    namesake.post(f"{PAGE}/file")
    turn(site)
    found = unzipped(namesake.post(f"{PAGE}/file/download").data)
    assert found["person"][0]["email"] == owner.email
    assert found["mails"] == []


def test_the_erasure_of_a_namesake_leaves_what_is_the_owners(
    site: Site, owner: Person, namesake: Person
) -> None:
    ann = Person(site).sign_up().confirm()
    path = invite(ann, owner)
    owner.post("/activity/checkpoint-mail", on="1")
    # What was mailed when the namesake signed up, that the address was named again, goes.
    theirs = [mail for mail in owner.mails() if "has an account already" not in mail[1]]
    erased(site, namesake)
    assert len(theirs) == 2 and set(theirs) <= set(owner.mails())
    assert owner.client.get(path).status_code == 200
    assert count(site, "web.checkpoint_mails WHERE address = %s", owner.email) == 1
    assert owner.is_in()


def test_staff_who_are_customers_too_are_erased_as_customers_only(site: Site) -> None:
    staff = Member(site, "viewer")
    sign_in(site, staff)
    erased(site, Person(site, email=staff.email).sign_up().confirm())
    assert count(site, "web.staff WHERE id = %s", staff.id) == 1


def test_mail_to_an_address_that_ends_alike_stays(site: Site) -> None:
    ann = Person(site, email="ann@alike.test").sign_up().confirm()
    short = Person(site, email="n@alike.test").sign_up().confirm()
    mails = len(ann.mails())
    assert mails
    erased(site, short)
    assert short.mails() == []
    assert len(ann.mails()) == mails


def test_who_is_erased_has_invited_nobody(site: Site, owner: Person) -> None:
    other, whom = Person(site).sign_up().confirm(), Person(site).sign_up()
    path = invite(owner, whom, "admin")
    site.owner.execute(
        "INSERT INTO web.members (tenant_id, person_id, role) "
        "SELECT %s, id, 'owner' FROM web.people WHERE email = %s",
        (first_tenant(site, owner), other.email),
    )
    erased(site, owner)
    assert whom.client.get(path).status_code == 410


def test_signing_up_with_an_address_frees_nobody_of_its_slowing(
    site: Site, owner: Person, namesake: Person
) -> None:
    knows = "SELECT web.knows_address(%s, %s)"
    assert scalar(site, knows, owner.email, owner.address) is True
    assert scalar(site, knows, owner.email, namesake.address) is False


def test_words_of_staff_are_not_forgotten_with_a_workspace_they_halted(
    site: Site, owner: Person
) -> None:
    tenant = first_tenant(site, owner)
    site.owner.execute(
        "INSERT INTO web.switches (scope, scope_id, tenant_id, mode, why, set_by, set_at, version) "
        "VALUES ('tenant', %s, %s, 'stop_all', 'abuse', 'staff:stf_1', now(), 1)",
        (tenant, tenant),
    )
    owner.post(f"{PAGE}/erase", email=owner.email)
    site.owner.execute("UPDATE web.erasures SET due_at = now()")
    asked = turn(site)
    assert len(asked.forgotten) == 1
    assert asked.forgotten[0].startswith("person:")
