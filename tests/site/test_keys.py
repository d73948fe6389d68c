"""API keys: made with limits, shown once, kept as a hash, refused alike whatever is wrong."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.site.conftest import Site
from tests.site.people_kit import Person
from tests.site.test_key_roles import add_key
from web.accounts import passwords

WANTED = {"name": "Report", "mode": "test", "role": "viewer"}


def make(person: Person, **form: Any) -> str:
    """The new key, as it is shown once."""
    answer = person.post("/developers/keys", page="/account/security", **(WANTED | form))
    found = re.search(r'value="(fw_\w+_[^"]+)"', answer.text)
    assert found is not None, answer.text
    return found[1]


def ask(site: Site, key: str, address: str = "127.0.0.1") -> tuple[int, Any]:
    answer = site.client().get(
        "/api/v1/strategies",
        headers={"Authorization": f"Bearer {key}"},
        environ_base={"REMOTE_ADDR": address},
    )
    return answer.status_code, answer.json


def test_a_key_is_shown_once_and_kept_as_a_hash(site: Site) -> None:
    ann = Person(site).sign_up()
    key = make(ann)
    assert key.startswith("fw_test_")
    assert ask(site, key)[0] == 200
    page = ann.client.get("/developers").text
    assert key not in page
    assert key[:12] in page
    rows = site.owner.execute("SELECT k::text FROM web.api_keys k").fetchall()
    assert not any(key in row for (row,) in rows)
    trail = site.owner.execute(
        "SELECT after FROM web.audit_events WHERE action = 'api_key:create' ORDER BY id DESC"
    ).fetchone()
    assert trail is not None
    assert trail[0]["role"] == "viewer"
    assert key not in str(trail)


def test_a_revoked_key_is_refused_by_the_next_call(site: Site) -> None:
    ann, eve = Person(site).sign_up(), Person(site).sign_up()
    key = make(ann)
    [path] = re.findall(
        r'action="(/developers/keys/[^"]+/revoke)"', ann.client.get("/developers").text
    )
    assert eve.post(path, page="/account/security").status_code == 404
    assert ask(site, key)[0] == 200
    assert ann.post(path, page="/account/security").status_code == 302
    assert ask(site, key)[0] == 401
    assert ann.post(path, page="/account/security").status_code == 404


@pytest.mark.parametrize(
    ("networks", "inside", "outside"),
    [
        ("203.0.113.7", "203.0.113.7", "203.0.113.8"),
        ("203.0.113.0/24\n10.0.0.1", "203.0.113.255", "203.0.114.1"),
        ("203.0.113.7", "::ffff:203.0.113.7", "::ffff:203.0.113.8"),
        ("2001:db8::/48", "2001:db8::1", "2001:db9::1"),
        ("2001:db8::/48", "2001:db8:0:ffff::1", "203.0.113.7"),
        ("203.0.113.7", "203.0.113.7", "nonsense"),
        ("203.0.113.7", "203.0.113.7", ""),
    ],
)
def test_a_key_is_kept_to_its_addresses(
    site: Site, networks: str, inside: str, outside: str
) -> None:
    key = make(Person(site).sign_up(), networks=networks)
    assert ask(site, key, inside)[0] == 200
    assert ask(site, key, outside)[0] == 401


def test_whatever_is_wrong_with_a_key_the_answer_is_the_same(site: Site) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    revoked = add_key(site, site.ours)
    site.owner.execute(
        "UPDATE web.api_keys SET revoked_at = now() WHERE key_hash = %s",
        (passwords.hash_token(revoked),),
    )
    wrong = {
        "unknown": "fw_live_nobody",
        "expired": add_key(site, site.ours, expires_at=past),
        "elsewhere": add_key(site, site.ours, networks=["203.0.113.7/32"]),
        "revoked": revoked,
    }
    told = []
    with site.counted() as statements:
        for key in wrong.values():
            before = len(statements)
            status, problem = ask(site, key)
            del problem["instance"]
            told.append((status, problem, len(statements) - before))
    assert all(each == told[0] for each in told), told
    assert told[0][0] == 401


def test_last_used_is_noted_at_most_once_a_minute(site: Site) -> None:
    key = add_key(site, site.ours)
    read = "SELECT last_used_at, xmin::text FROM web.api_keys WHERE key_hash = %s"

    def row() -> Any:
        return site.owner.execute(read, (passwords.hash_token(key),)).fetchone()

    assert row()[0] is None
    ask(site, key)
    first = row()
    assert first[0] is not None
    ask(site, key)
    assert row() == first
    site.owner.execute(
        "UPDATE web.api_keys SET last_used_at = last_used_at - interval '61 seconds' "
        "WHERE key_hash = %s",
        (passwords.hash_token(key),),
    )
    ask(site, key)
    assert row()[0] >= first[0]


def test_a_live_key_needs_a_confirmed_address_and_a_second_factor(site: Site) -> None:
    ann = Person(site).sign_up()

    def refused() -> str:
        answer = ann.post(
            "/developers/keys", page="/account/security", **(WANTED | {"mode": "live"})
        )
        assert answer.status_code == 403
        return answer.text

    assert "confirmed_address_needed" in refused()
    ann.confirm()
    ann.sign_in()
    assert "second_factor_needed" in refused()
    ann.enrol_totp()
    assert make(ann, mode="live").startswith("fw_live_")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"mode": "paper"},
        {"role": "owner"},
        {"role": "god"},
        {"scopes": "trade"},
        {"role": "admin", "scopes": "members"},
        {"networks": "here"},
        {"networks": "0.0.0.0/0"},
        {"expires": "tomorrow"},
        {"expires": "2020-01-01"},
        {"expires": "9999-12-31"},
    ],
)
def test_a_key_that_cannot_be_so_is_not_made(site: Site, wrong: dict[str, str]) -> None:
    ann = Person(site).sign_up()
    answer = ann.post("/developers/keys", page="/account/security", **(WANTED | wrong))
    assert answer.status_code == 400
    assert "fw_test_" not in answer.text.replace("fw_test_…", "")
    assert "No keys yet" in answer.text


def test_making_a_key_asks_for_a_proof(site: Site) -> None:
    ann = Person(site).sign_up()
    ann.pass_time(timedelta(minutes=11))
    answer = ann.post("/developers/keys", page="/account/security", **WANTED)
    assert answer.status_code == 403
    assert "Is it you?" in answer.text


def test_a_key_ends_with_its_day(site: Site) -> None:
    day = datetime.now(UTC).date()
    key = make(Person(site).sign_up(), expires=day.isoformat())
    assert ask(site, key)[0] == 200
    row = site.owner.execute(
        "SELECT expires_at FROM web.api_keys WHERE key_hash = %s", (passwords.hash_token(key),)
    ).fetchone()
    assert row is not None
    assert row[0] == datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
