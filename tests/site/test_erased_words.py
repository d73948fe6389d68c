"""Words about a person that others wrote go with them."""

from typing import Any

from protos import ids
from tests.site.conftest import Site
from tests.site.people_kit import Person
from tests.site.privacy_kit import Halts, turn
from tests.site.staff_kit import Member, do, sign_in

SAID = "Zoe Plantreason asked by mail"
NOTED = "Zoe Plantnote called twice"
PAGE = "/account/privacy"


def column(site: Site, statement: str, *values: Any) -> list[Any]:
    return [row[0] for row in site.owner.execute(statement, values).fetchall()]


def erased(site: Site, person: Person) -> Halts:
    person.post(f"{PAGE}/erase", email=person.email)
    site.owner.execute(
        "UPDATE web.erasures SET due_at = now() WHERE person_id = "
        "(SELECT id FROM web.people WHERE email = %s)",
        (person.email,),
    )
    asked = turn(site)
    assert not person.is_in()
    return asked


def test_what_staff_say_of_a_workspace_is_read_until_it_is_erased(site: Site) -> None:
    person = Person(site).sign_up().confirm()
    [tenant] = column(
        site,
        "SELECT m.tenant_id FROM web.members m JOIN web.people p ON p.id = m.person_id "
        "WHERE p.email = %s",
        person.email,
    )
    shown = ids.show("tenant", tenant)
    staff = sign_in(site, Member(site, "owner"))
    account = f"/admin/accounts/{shown}"
    assert do(staff, f"{account}/note", NOTED).status_code == 302
    assert do(staff, f"{account}/plan", SAID, plan="starter").status_code == 302
    [whose] = column(site, "SELECT id FROM web.people WHERE email = %s", person.email)
    asked = do(staff, f"{account}/reset", SAID, person_id=ids.show("person", whose))
    assert asked.status_code == 302
    assert column(site, "SELECT reason FROM web.staff_requests") == [SAID]
    pages = (account, f"/admin/audit/?chain={shown}", "/admin/audit/?action=tenant:note")
    for page, word in zip(pages, (SAID, SAID, NOTED), strict=True):
        assert word in staff.get(page, follow_redirects=True).text
    assert SAID in person.client.get("/activity").text

    erased(site, person)

    for page in pages:
        told = staff.get(page, follow_redirects=True).text
        assert "Plant" not in told
        assert page == account or "erased" in told
    for table in ("audit_events", "staff_notes", "staff_requests"):
        assert column(site, f"SELECT x::text FROM web.{table} x WHERE x::text ~ 'Plant'") == []


def test_reasons_at_switches_go_by_what_they_are_of(site: Site) -> None:
    person = Person(site).sign_up().confirm()
    person.post("/strategies/new", name="Mine", asset_class="stocks")
    [strategy] = column(site, "SELECT id FROM web.strategies WHERE name = 'Mine'")
    assert strategy in erased(site, person).forgotten_of


def test_a_mail_that_names_an_erased_workspace_is_removed(site: Site) -> None:
    person = Person(site).sign_up().confirm()
    friend = Person(site)
    site.owner.execute(
        "UPDATE web.tenants SET name = 'Plantplace' WHERE id IN (SELECT m.tenant_id FROM "
        "web.members m JOIN web.people p ON p.id = m.person_id WHERE p.email = %s)",
        (person.email,),
    )
    at = "/account/members"
    person.post(f"{at}/invitations", page=at, email=friend.email, role="viewer")
    sent = "SELECT subject FROM web.mails WHERE recipient = %s"
    assert column(site, sent, friend.email) == ["Join Plantplace at Fillwire"]
    # The mailer keeps the subject of what it sent, and not the body.
    site.owner.execute("UPDATE web.mails SET body = '', ended_at = now(), outcome = 'sent'")
    erased(site, person)
    assert column(site, sent, friend.email) == []
