"""Who of staff visits. Nothing under /admin answers anybody else, the entrance apart."""

from uuid import UUID

from flask import Flask, Response, current_app, g, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from web.accounts.login import back_to
from web.admin import sessions
from web.admin.rules import may
from web.admin.sessions import Staff
from web.db import enter_person, enter_staff

PREFIX = "/admin"
COOKIE = "fillwire_staff"
ENTRANCE = "staff_entrance"


def current() -> Staff:
    """The staff member of this request."""
    found = g.staff
    assert isinstance(found, Staff)
    return found


def half_way() -> Staff | None:
    """Whoever gave a right password and still has to show a second factor."""
    found: Staff | None = g.get("half_staff")
    return found


def install(app: Flask) -> None:
    """Everything under /admin runs as staff's role, for staff."""

    @app.before_request
    def as_staff() -> AnyResponse | None:
        path = request.path
        if path != PREFIX and not path.startswith(f"{PREFIX}/"):
            return None
        enter_staff(True)
        token = shown_token()
        found = sessions.find(token, request.remote_addr or "") if token else None
        g.session_id = found.session_id if found else None
        if found is not None:
            enter_person(found.id)
        g.staff = found if found is not None and not found.pending else None
        g.half_staff = found if found is not None and found.pending else None
        if g.staff is None and request.blueprint != ENTRANCE:
            target = request.full_path if request.method == "GET" else None
            return redirect(url_for(f"{ENTRANCE}.sign_in", next=target))
        return None

    app.jinja_env.globals["staff"] = lambda: g.get("staff")


def looking() -> UUID | None:
    """On customers' pages: the session of the staff member whose browser this is, if they may look
    through others' eyes."""
    token = shown_token()
    enter_staff(True)
    try:
        found = sessions.find(token, request.remote_addr or "") if token else None
    finally:
        enter_staff(False)
    if found is None or found.pending or not may(found.role, "view_as"):
        return None
    return found.session_id


def cookie_name() -> str:
    """The name of staff's cookie."""
    return f"__Host-{COOKIE}" if current_app.config["SESSION_COOKIE_SECURE"] else COOKIE


def shown_token() -> str | None:
    """The token that the browser sent."""
    return request.cookies.get(cookie_name())


def keep(response: Response, token: str) -> Response:
    """Hand the browser its token, under which no form of before is taken."""
    session.clear()
    response.set_cookie(
        cookie_name(),
        token,
        httponly=True,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        samesite="Strict",
    )
    return response


def forget(response: Response) -> Response:
    """Take it back."""
    session.clear()
    response.delete_cookie(
        cookie_name(), secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True
    )
    return response


def next_page(target: str | None) -> str:
    """Where to go after sign-in: a page of staff's own."""
    wanted = back_to(target)
    return wanted if wanted == PREFIX or wanted.startswith(f"{PREFIX}/") else f"{PREFIX}/"
