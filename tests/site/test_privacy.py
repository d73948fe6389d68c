"""What is kept of a person as a file, being erased, and checkpoints by mail."""

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest

from protos import ids
from tests.site.conftest import Site, add_signal, csrf
from tests.site.people_kit import Person
from tests.site.privacy_kit import Halts, turn
from tests.site.staff_kit import Member, sign_in

PAGE = "/account/privacy"


@pytest.fixture
def person(site: Site) -> Person:
    return Person(site).sign_up().confirm()


def scalar(site: Site, statement: str, *values: Any) -> Any:
    row = site.owner.execute(statement, values).fetchone()
    return row[0] if row else None


def person_id(site: Site, person: Person) -> Any:
    return scalar(site, "SELECT id FROM web.people WHERE email = %s", person.email)


def tenant_id(site: Site, person: Person) -> Any:
    whose = "SELECT tenant_id FROM web.members WHERE person_id = %s"
    return scalar(site, whose, person_id(site, person))


def due(site: Site, person: Person) -> None:
    site.owner.execute(
        "UPDATE web.erasures SET due_at = now() WHERE person_id = %s", (person_id(site, person),)
    )


def unzipped(raw: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert archive.testzip() is None
        return {
            name.removesuffix(".json"): json.loads(archive.read(name))
            for name in archive.namelist()
            if name.endswith(".json")
        }


def test_a_file_holds_everything_about_its_person_and_no_secret(site: Site, person: Person) -> None:
    person.enrol_totp().add_passkey()
    person.post("/strategies/new", name="Mine alone", asset_class="stocks")
    person.post(f"{PAGE}/file")
    page = person.client.get(PAGE).text
    assert "<progress" in page
    assert person.post(f"{PAGE}/file/download").status_code == 404
    turn(site)
    assert "Download it" in person.client.get(PAGE).text
    taken = person.post(f"{PAGE}/file/download")
    assert taken.headers["Content-Type"] == "application/zip"
    found = unzipped(taken.data)
    assert found["person"][0]["email"] == person.email
    assert [row["name"] for row in found["strategies"]] == ["Mine alone"]
    assert [row["workspace"] for row in found["memberships"]] == ["My workspace"]
    assert found["sessions"][0]["address"] == person.address
    assert found["passkeys"][0]["name"] == "Test key"
    assert found["authenticators"][0]["recovery_codes_left"] == 10
    assert {row["recipient"] for row in found["mails"]} == {person.email}
    events = {row["action"]: row for row in found["audit_events"]}
    assert events["strategy:create"]["after"]["name"] == "Mine alone"
    assert events["session:open"]["origin"]["ip"] == person.address
    raw = json.dumps(found)
    for secret in (person.secret, person.token(), "password_hash", "token_hash", "key_hash"):
        assert secret not in raw
    for other in (site.ours.email, site.theirs.email):
        assert other not in raw


def test_a_file_is_sealed_where_it_lies_and_gone_after_a_day(site: Site, person: Person) -> None:
    person.post(f"{PAGE}/file")
    turn(site)
    stored = bytes(scalar(site, "SELECT sealed FROM web.personal_files WHERE sealed IS NOT NULL"))
    assert not stored.startswith(b"PK")
    assert person.email.encode() not in stored
    site.owner.execute("UPDATE web.personal_files SET ended_at = ended_at - interval '25 hours'")
    turn(site)
    assert "Ask for it" in person.client.get(PAGE).text


def test_nobody_takes_the_file_of_another(site: Site, person: Person) -> None:
    person.post(f"{PAGE}/file")
    turn(site)
    other = Person(site).sign_up()
    assert other.post(f"{PAGE}/file/download").status_code == 404
    assert "Download it" not in other.client.get(PAGE).text


@pytest.mark.parametrize("path", ["file", "file/download", "erase"])
def test_it_is_asked_who_it_is(person: Person, path: str) -> None:
    person.pass_time(timedelta(minutes=11))
    answer = person.post(f"{PAGE}/{path}", email=person.email)
    assert answer.status_code == 403
    assert "proof_password" in answer.text


def test_an_erasure_has_days_of_grace_a_mail_and_a_way_back(site: Site, person: Person) -> None:
    assert "My workspace" in person.client.get(f"{PAGE}/erase").text
    assert person.post(f"{PAGE}/erase", email="other@people.test").status_code == 400
    assert person.post(f"{PAGE}/erase", email=person.email).status_code == 302
    assert person.mails()[0][0] == "You asked us to erase you"
    turn(site)
    assert "You will be erased" in person.client.get(PAGE).text
    person.post(f"{PAGE}/erase/cancel")
    assert person.mails()[0][0] == "You stay"
    site.owner.execute("UPDATE web.erasures SET due_at = now()")
    assert turn(site).halted == []
    assert person.is_in()


def test_who_is_erased_is_out_and_their_workspace_stands_still(site: Site, person: Person) -> None:
    person.post("/strategies/new", name="Ours", asset_class="stocks")
    gone, tenant = person_id(site, person), tenant_id(site, person)
    strategy = scalar(site, "SELECT id FROM web.strategies WHERE tenant_id = %s", tenant)
    add_signal(site.owner, tenant_id=tenant, strategy_id=strategy)
    person.post(f"{PAGE}/erase", email=person.email)
    due(site, person)
    asked = turn(site)
    assert asked.halted == [(tenant, "stop_all", "")]
    assert f"person:{ids.show('person', gone)}" in asked.forgotten
    assert not person.is_in()
    assert person.sign_in().status_code == 401
    name = scalar(site, "SELECT name FROM web.strategies WHERE id = %s", strategy)
    assert name == "Erased strategy"
    hooks = "SELECT count(*) FROM web.strategy_webhooks WHERE tenant_id = %s"
    assert scalar(site, hooks, tenant) == 0
    assert scalar(site, "SELECT body FROM web.signals WHERE tenant_id = %s", tenant) == b""
    assert turn(site).halted == []


def test_execution_away_puts_an_erasure_off(site: Site, person: Person) -> None:
    person.post(f"{PAGE}/erase", email=person.email)
    due(site, person)
    turn(site, Halts(is_away=True))
    assert person.is_in()
    again(site)
    turn(site)
    assert not person.is_in()


def again(site: Site) -> None:
    """The time of the next try has come."""
    site.owner.execute("UPDATE web.erasures SET next_at = now()")


def waits_seconds(site: Site, person: Person) -> float:
    wait = "SELECT extract(epoch FROM next_at - clock_timestamp()) FROM web.erasures"
    return float(scalar(site, f"{wait} WHERE person_id = %s", person_id(site, person)))


@pytest.mark.parametrize("fails_in", ["execution", "the database"])
def test_an_erasure_that_fails_waits_longer_each_time_and_holds_up_no_other(
    site: Site, person: Person, fails_in: str
) -> None:
    other = Person(site).sign_up().confirm()
    for each in (person, other):
        each.post(f"{PAGE}/erase", email=each.email)
    due(site, person)
    due(site, other)
    halts = Halts()
    if fails_in == "execution":
        halts.refused = {tenant_id(site, person)}
    else:
        refuse_in_database(site, person_id(site, person))
    turn(site, halts)
    assert person.is_in()
    assert not other.is_in()
    assert 2 < waits_seconds(site, person) <= 4
    # Not at the next turn.
    assert turn(site, Halts()).halted == []
    for longest in (8, 16, 32):
        again(site)
        turn(site, halts)
        assert longest / 2 < waits_seconds(site, person) <= longest
    staff = sign_in(site, Member(site, "viewer"))
    assert "1 fail again and again" in staff.get("/admin/health/").text
    listed = staff.get("/admin/queues/").text
    assert ids.show("person", person_id(site, person)) in listed
    assert "4 times" in listed
    site.owner.execute("UPDATE web.erasures SET tries = 1000")
    again(site)
    turn(site, halts)
    assert 3500 < waits_seconds(site, person) <= 3600
    refuse_in_database(site, None)
    again(site)
    turn(site)
    assert not person.is_in()
    assert "none fails" in staff.get("/admin/health/").text


def refuse_in_database(site: Site, person: Any) -> None:
    """Nothing of this person can be changed; of none, it can again."""
    site.owner.execute("DROP TRIGGER IF EXISTS refused ON web.people")
    if person is not None:
        site.owner.execute(
            "CREATE OR REPLACE FUNCTION web.refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE 'refused'; END $$"
        )
        site.owner.execute(
            "CREATE TRIGGER refused BEFORE UPDATE ON web.people FOR EACH ROW "
            f"WHEN (OLD.id = '{person}') EXECUTE FUNCTION web.refuse()"
        )


def test_a_stranger_whose_removal_fails_is_tried_later_as_well(site: Site) -> None:
    stranger = Person(site).sign_up()
    site.owner.execute(
        "UPDATE web.people SET created_at = now() - interval '31 days' WHERE email = %s",
        (stranger.email,),
    )
    stranger.pass_time(timedelta(days=31))
    halts = Halts(refused={tenant_id(site, stranger)})
    turn(site, halts)
    turn(site, halts)
    assert scalar(site, "SELECT tries FROM web.erasures") == 1
    again(site)
    turn(site)
    assert person_id(site, stranger) is None


def test_a_workspace_with_others_is_handed_over_first(site: Site, person: Person) -> None:
    tenant, other = tenant_id(site, person), Person(site).sign_up().confirm()
    site.owner.execute(
        "INSERT INTO web.members (tenant_id, person_id, role) VALUES (%s, %s, 'trader')",
        (tenant, person_id(site, other)),
    )
    assert "make somebody else its owner first" in person.client.get(f"{PAGE}/erase").text
    assert person.post(f"{PAGE}/erase", email=person.email).status_code == 409
    site.owner.execute("UPDATE web.members SET role = 'owner' WHERE tenant_id = %s", (tenant,))
    assert person.post(f"{PAGE}/erase", email=person.email).status_code == 302
    # The other is an owner no more when it is time.
    site.owner.execute(
        "UPDATE web.members SET role = 'viewer' WHERE tenant_id = %s AND person_id = %s",
        (tenant, person_id(site, other)),
    )
    due(site, person)
    turn(site)
    assert person.is_in()
    assert person.mails()[0][0] == "You were not erased"
    site.owner.execute("UPDATE web.members SET role = 'owner' WHERE tenant_id = %s", (tenant,))
    person.post(f"{PAGE}/erase", email=person.email)
    due(site, person)
    asked = turn(site)
    assert asked.halted == []
    assert not person.is_in()
    assert other.is_in()


def test_people_who_never_confirmed_nor_traded_are_removed(site: Site) -> None:
    stranger, active, known = (Person(site).sign_up() for _ in range(3))
    known.confirm()
    site.owner.execute(
        "UPDATE web.people SET created_at = now() - interval '31 days' WHERE email = ANY (%s)",
        ([stranger.email, active.email, known.email],),
    )
    stranger.pass_time(timedelta(days=31))
    turn(site)
    assert person_id(site, stranger) is None
    assert active.is_in()
    assert known.is_in()


def test_checkpoints_are_mailed_once_a_day(site: Site) -> None:
    chain = site.ours.tenant_id
    client = site.signed_in(site.ours)
    client.post(
        "/activity/checkpoint-mail", data={"csrf_token": csrf(client, "/activity"), "on": "1"}
    )

    def checkpoint(number: int) -> None:
        site.owner.execute(
            "INSERT INTO web.audit_seals (chain, number, last_seq, line) VALUES (%s, %s, 0, '')",
            (chain, number),
        )
        site.owner.execute(
            "INSERT INTO web.audit_checkpoints (chain, number, line) VALUES (%s, %s, %s)",
            (chain, number, f"line {number}"),
        )

    def sent() -> list[str]:
        rows = site.owner.execute(
            "SELECT body FROM web.mails WHERE recipient = %s AND subject LIKE 'Audit checkpoint%%' "
            "ORDER BY created_at",
            (site.ours.email,),
        ).fetchall()
        return [body.rstrip().splitlines()[-1] for (body,) in rows]

    checkpoint(1001)
    turn(site)
    assert sent() == ["line 1001"]
    checkpoint(1002)
    turn(site)
    assert sent() == ["line 1001"]
    site.owner.execute("UPDATE web.checkpoint_mails SET sent_at = now() - interval '25 hours'")
    checkpoint(1003)
    turn(site)
    assert sent() == ["line 1001", "line 1003"]
    client.post(
        "/activity/checkpoint-mail", data={"csrf_token": csrf(client, "/activity"), "on": ""}
    )
    site.owner.execute("UPDATE web.checkpoint_mails SET sent_at = now() - interval '25 hours'")
    checkpoint(1004)
    turn(site)
    assert sent() == ["line 1001", "line 1003"]
