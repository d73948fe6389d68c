"""Requests to our own name, forms from our own pages, text that can be stored; no others.

Another name for our address would let another site's script read what we answer to whoever
is not signed in (DNS rebinding). Another site's form carries that site's Origin: refused
before its token is looked at.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

import structlog
from flask import Flask, Request, request

from web import security
from web.config import LOOPBACK
from web.errors import Problem

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
# Asked by load balancers, who know an address only.
ANY_NAME = frozenset(("pages.healthz",))

log = structlog.get_logger()


def install(app: Flask, web_url: str) -> None:
    """Look at each request before anything else does."""
    ours = urlsplit(web_url)
    name = ours.hostname or ""
    names = frozenset(LOOPBACK if name in LOOPBACK else (name,))

    @app.before_request
    def check() -> None:
        if _name(request.host) not in names and request.endpoint not in ANY_NAME:
            raise _refused("host_refused", _ANOTHER_NAME)
        if any("\0" in text for text in _texts(request)):
            raise _NUL
        if request.method in SAFE_METHODS:
            return
        origin = request.headers.get("Origin")
        is_ours = origin is None or _host(origin) in (ours.netloc, request.host)
        if not is_ours or request.headers.get("Sec-Fetch-Site") == "cross-site":
            raise _refused("origin_refused", _ANOTHER_SITE)


def _texts(asked: Request) -> Iterator[str]:
    """What a person may have typed; JSON is looked at where it is read."""
    yield asked.path
    is_api = asked.path.startswith("/api/")
    for given in (asked.args,) if is_api else (asked.args, asked.form):
        for name, values in given.lists():
            yield name
            yield from values


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _refused(event: str, problem: Problem) -> Problem:
    log.warning(event, route=security.where(), method=security.method())
    return problem


_NUL = Problem(
    400,
    "not_text",
    "This is not text",
    "The request has a null character, which no text has.",
    "Remove it.",
)
_ANOTHER_NAME = Problem(
    421,
    "misdirected_request",
    "This is not our name",
    "The request names another host than the one this site is configured for.",
    "Use the address in FILLWIRE_WEB_URL, or set that to the one you use.",
)
_ANOTHER_SITE = Problem(
    403,
    "another_site",
    "This came from another site",
    "A page of another site sent it, so nothing was changed.",
    "Do it on our own pages.",
)
