"""A member of each role in our workspace."""

from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from tests.site.conftest import PASSWORD, Site, csrf
from web.accounts import passwords
from web.accounts.rules import ROLES


def add_member(site: Site, role: str) -> str:
    """Somebody with this role in our workspace; returns their address."""
    person, email = uuid4(), f"{role}-{uuid4().hex[:8]}@roles.test"
    site.owner.execute(
        "INSERT INTO web.people (id, email, password_hash, confirmed_at) "
        "VALUES (%s, %s, %s, now())",
        (person, email, passwords.hash_password(PASSWORD)),
    )
    site.owner.execute(
        "INSERT INTO web.members (tenant_id, person_id, role) VALUES (%s, %s, %s)",
        (site.ours.tenant_id, person, role),
    )
    return email


def signed_in(site: Site, email: str) -> FlaskClient:
    """A browser of theirs."""
    client = site.client()
    form = {"email": email, "password": PASSWORD, "csrf_token": csrf(client, "/sign-in")}
    assert client.post("/sign-in", data=form).status_code == 302
    return client


@pytest.fixture(scope="module")
def browsers(site: Site) -> dict[str, FlaskClient]:
    """One for each role."""
    return {role: signed_in(site, add_member(site, role)) for role in ROLES}
