"""Dangerous actions ask again who it is, when the last proof is some time ago.

The decorator stands beside the route. Its page sends what was asked along with the proof;
once that is right the browser is told to send it to the action itself (307), so nothing has
to be typed or pressed twice, with script or without.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Response, make_response, render_template, request
from sqlalchemy import text

from web.accounts import factors, limits, login, passwords, places, sessions
from web.accounts.limits import TooMany
from web.accounts.passkeys import party
from web.accounts.service import Visitor
from web.db import db

LIFE = timedelta(minutes=10)
# Fields of the page's own begin with this; all others are the action's.
_OWN = "proof_"

View = TypeVar("View", bound=Callable[..., Any])


def proof_required(what: str, when: Callable[..., bool] | None = None) -> Callable[[View], View]:
    """Only within ten minutes after a proof; else ask for one, saying `what` it is for.

    `when` takes what the view takes and says whether this very request needs it.
    """

    def declare(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **values: Any) -> Any:
            needed = when is None or when(*args, **values)
            if not needed or is_fresh(login.visitor()):
                return view(*args, **values)
            return ask(what, request.path, 403)

        return cast(View, guarded)

    return declare


def is_fresh(visitor: Visitor) -> bool:
    """Whether they proved a moment ago who they are."""
    return visitor.proved_at is not None and datetime.now(UTC) - visitor.proved_at < LIFE


def ask(
    what: str,
    action: str,
    status: int,
    error: str | None = None,
    kept: Sequence[tuple[str, str]] | None = None,
) -> Response:
    """The page that asks, and keeps what was asked for; or what is given instead."""
    if kept is None:
        kept = [
            (name, value)
            for name, value in request.form.items(multi=True)
            if not name.startswith(_OWN) and name != "csrf_token"
        ]
    page = render_template(
        "accounts/prove.html", what=what, action=action, kept=kept, error=error, party=party()
    )
    return make_response(page, status)


def prove() -> Response:
    """Check what was shown; then on to the action."""
    visitor, place, token = login.visitor(), places.here(), login.shown_token()
    what, action = request.form.get("proof_what", ""), request.form.get("proof_action", "")
    try:
        tried = limits.code(str(visitor.person_id))
    except TooMany as many:
        return ask(what, action, 429, many.told)
    method = _method(visitor)
    fresh = sessions.prove(token, visitor.person_id, method, place) if method and token else None
    if method is None or fresh is None:
        sessions.note(visitor.person_id, "proof", "wrong", place)
        db.session.commit()
        return ask(what, action, 401, "This is not right, or it was used before.")
    db.session.commit()
    tried.succeeded()
    response = Response(status=307, headers={"Location": login.back_to(action)})
    return login.keep(response, fresh)


def _method(visitor: Visitor) -> str | None:
    """How they proved it: with a second factor; by their password while they have none."""
    if visitor.has_second_factor:
        shown = {name: request.form.get(f"{_OWN}{name}", "") for name in ("code", "credential")}
        return factors.check(visitor.person_id, shown)
    right = knows_password(request.form.get("proof_password", ""))
    return "password" if right else None


def knows_password(password: str) -> bool:
    """Whether it is the password of whoever visits."""
    stored = db.session.scalar(text("SELECT password_hash FROM web.own_login()"))
    return passwords.is_right(stored, password)
