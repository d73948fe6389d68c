"""Whom to tell of a hole, where RFC 9116 has people look: /.well-known/security.txt."""

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, current_app

from web.accounts.access import needs
from web.accounts.rules import Permission
from web.config import Config

blueprint = Blueprint("contact", __name__)

PATH = "/.well-known/security.txt"
# Without a date of its own it holds for as long as somebody looks after this program: from
# its start.
VALID = timedelta(days=180)
_started = datetime.now(UTC)


@blueprint.get(PATH)
@needs(Permission.PUBLIC)
def security_txt() -> Response:
    """The file."""
    config: Config = current_app.extensions["fillwire.config"]
    expires = config.security_expires or _started + VALID
    lines = (
        f"Contact: {config.security_contact}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
        f"Canonical: {config.web_url}{PATH}",
    )
    return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
