"""Every route of the site, with an address that leads somewhere; and what the tables hold."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask
from flask.testing import FlaskClient

from tests.site.conftest import Site
from web import config
from web.app import create_site
from web.db import db

_OTHERS = {"uuid": "00000000-0000-4000-8000-000000000000"}
SAFE = {"GET", "HEAD", "OPTIONS"}
# Kept by asking alone: when somebody was last seen, how often somebody tried.
BY_ASKING = {"boots", "sessions", "tries", "sign_ins", "api_keys"}


@dataclass(frozen=True)
class Way:
    """A method on a route, with an address of our workspace's own objects."""

    endpoint: str
    method: str
    path: str


def ways(site: Site, app: Flask | None = None) -> list[Way]:
    """All of them, in the order of their endpoints."""
    kinds = ("strategy", "subscription", "connection", "signal", "trade", "alarm")
    values = {f"{kind}_id": site.ours.shown(kind) for kind in kinds}
    values |= {"verb": "approve", "mode": "stop_all", "scope": "tenant", "hashed_name": "no.css"}
    found = []
    for rule in (app or site.app).url_map.iter_rules():
        path = re.sub(
            r"<(?:([^:<>]+):)?(\w+)>",
            lambda found: values.get(found[2], _OTHERS.get(found[1], "0")),
            rule.rule,
        )
        for method in sorted(rule.methods or ()):
            found.append(Way(rule.endpoint, method, path))
    return sorted(found, key=lambda way: (way.endpoint, way.method, way.path))


def contents(site: Site) -> dict[str, str | None]:
    """A digest of each table of the site."""
    names = site.owner.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'web' ORDER BY 1"
    ).fetchall()
    found = {}
    for (name,) in names:
        if name not in BY_ASKING:
            row = site.owner.execute(
                f'SELECT md5(string_agg(t::text, $$,$$ ORDER BY t::text)) FROM web."{name}" t'
            ).fetchone()
            assert row is not None
            found[name] = row[0]
    return found


@contextmanager
def another(site: Site, web_url: str) -> Iterator[Flask]:
    """The same site under another configuration, on the same database."""
    app = create_site(
        config.read(
            {
                "FILLWIRE_WEB_DATABASE_URL": site.database.url("web"),
                "REDIS_URL": "redis://127.0.0.1:1/0",
                "FILLWIRE_WEB_URL": web_url,
                "FILLWIRE_LIVE_URL": f"{web_url}:8443",
                "FILLWIRE_SEALING_KEY": urlsafe_b64encode(b"k" * 32).decode(),
            }
        )
    )
    try:
        yield app
    finally:
        with app.app_context():
            db.engine.dispose()


def keyed(site: Site) -> FlaskClient:
    """A program with our workspace's key."""
    client = site.client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {site.ours.key}"
    return client
