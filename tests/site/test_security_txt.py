"""Where people look whom to tell of a hole."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.site.conftest import Site
from web import config


def fields(site: Site) -> dict[str, str]:
    answer = site.client().get("/.well-known/security.txt")
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    return dict(line.split(": ", 1) for line in answer.text.splitlines())


def test_anybody_finds_whom_to_tell_and_until_when_that_holds(site: Site) -> None:
    said = fields(site)
    assert said["Contact"] == "mailto:fillwire@localhost"
    assert said["Canonical"] == "http://localhost/.well-known/security.txt"
    expires = datetime.fromisoformat(said["Expires"])
    now = datetime.now(UTC)
    assert now < expires < now + timedelta(days=366)


def test_contact_and_end_are_what_is_configured() -> None:
    read = config.read(
        {
            "FILLWIRE_SECURITY_CONTACT": "https://fillwire.example/holes",
            "FILLWIRE_SECURITY_EXPIRES": "2027-06-30T02:00:00+02:00",
        }
    )
    assert read.security_contact == "https://fillwire.example/holes"
    assert read.security_expires == datetime(2027, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FILLWIRE_SECURITY_CONTACT", "me"),
        ("FILLWIRE_SECURITY_CONTACT", "mailto:a@b.test\nPolicy: https://evil.example"),
        ("FILLWIRE_SECURITY_EXPIRES", "soon"),
    ],
)
def test_a_contact_that_is_none_is_told_at_the_start(name: str, value: str) -> None:
    with pytest.raises(config.BadConfig, match=name):
        config.read({name: value})
