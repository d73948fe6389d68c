"""Whose key it is. Every route of the API is behind this."""

from flask import Blueprint, g, request

from web.accounts import service
from web.accounts.service import Key
from web.errors import Problem

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")


@blueprint.before_request
def authenticate() -> None:
    """Find the key, and with it the tenant.

    Raises Problem.
    """
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        raise _unauthorized("No API key came with the request.")
    key = service.find_key(given.strip())
    if key is None:
        raise _unauthorized("This API key is not known, or was revoked.")
    g.key = key


def key() -> Key:
    """The key of this request."""
    found: Key = g.key
    return found


def _unauthorized(detail: str) -> Problem:
    return Problem(
        401,
        "unauthorized",
        "Who is asking?",
        detail,
        "Send `Authorization: Bearer fw_test_…`.",
    )
