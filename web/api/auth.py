"""Whose key it is. Every route of the API is behind this.

A test key touches paper only. What a route that writes touches stands beside it, and one
that does not say keeps us from starting:

    @blueprint.post("/trades/<shown(trade):trade_id>/approve")
    @needs(Permission.APPROVE)
    @touches(paper.trade)
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Blueprint, Flask, g, request

from web.accounts import keys
from web.accounts.keys import Key
from web.errors import Problem

View = TypeVar("View", bound=Callable[..., Any])

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

_WRITES = {"POST", "PUT", "PATCH", "DELETE"}
_TOUCHES = "touches"


@blueprint.before_request
def authenticate() -> None:
    """Find the key, and with it the tenant.

    Raises Problem.
    """
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        raise _unauthorized("No API key came with the request.")
    key = keys.find(given.strip(), request.remote_addr or "")
    if key is None:
        # Which of these it is, is told on the page of keys, not to whoever holds one.
        raise _unauthorized(
            "This API key opens nothing: it is not known, was revoked, has ended, or is not "
            "taken from your address."
        )
    g.key = key


def key() -> Key:
    """The key of this request."""
    found: Key = g.key
    return found


def touches(is_live: Callable[..., bool]) -> Callable[[View], View]:
    """Test keys go on only where `is_live` finds no live money in what was asked for."""

    def declare(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **values: Any) -> Any:
            if key().mode == "test" and is_live(**values):
                raise test_key()
            return view(*args, **values)

        setattr(guarded, _TOUCHES, is_live)
        return cast(View, guarded)

    return declare


def touched(view: Callable[..., Any]) -> Callable[..., bool] | None:
    """What a view says it touches."""
    found: Callable[..., bool] | None = getattr(view, _TOUCHES, None)
    return found


class Untold(Exception):
    """Routes that write and do not say what they touch."""


def check(app: Flask) -> None:
    """Every route of the API that writes says what it touches. Raises Untold."""
    silent = sorted(
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and _WRITES & (rule.methods or set())
        if touched(app.view_functions[rule.endpoint]) is None
    )
    if silent:
        raise Untold(f"put @touches(…) beside: {', '.join(silent)}")


def test_key() -> Problem:
    """What a test key may not do."""
    return Problem(
        403,
        "test_key",
        "This is a test key",
        "Test keys touch paper only, and this touches live trading.",
        "Use a live key.",
    )


def _unauthorized(detail: str) -> Problem:
    return Problem(
        401,
        "unauthorized",
        "Who is asking?",
        detail,
        "Send `Authorization: Bearer fw_test_…`; look at the keys under API keys.",
    )
