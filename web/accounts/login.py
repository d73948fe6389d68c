"""Flask-Login on our own sessions: the browser's token decides who is there."""

import re

from flask import Flask, Response, current_app, g, request, session, url_for
from flask_login import LoginManager, current_user

from web.accounts import service, sessions
from web.accounts.service import NoMember, Visitor

# With https it is bound to this very host.
COOKIE = "fillwire_session"


def visitor() -> Visitor:
    """Who is signed in. Only on routes that need somebody."""
    found = current_user._get_current_object()
    assert isinstance(found, Visitor)
    return found


def install(app: Flask) -> None:
    """Find the visitor of each request that asks for one."""
    # Without its context processor: that would look the visitor up for every template,
    # and an error page must not need the database.
    manager = LoginManager()
    manager.init_app(app, add_context_processor=False)
    app.jinja_env.globals["current_user"] = current_user

    def load(_request: object) -> Visitor | None:
        token = shown_token()
        try:
            found = service.find_visitor(token, request.remote_addr or "") if token else None
        except NoMember as gone:
            found, g.no_member = None, gone
        g.session_id = found.session_id if found else None
        return found

    manager.request_loader(load)


def ask() -> Response:
    """To the way in, and from there back. Raises NoMember for whoever was let go of."""
    if "no_member" in g:
        raise g.no_member
    target = request.full_path if request.method == "GET" else None
    return Response(status=302, headers={"Location": url_for("accounts.sign_in", next=target)})


def cookie_name() -> str:
    """The name of the cookie that holds the token."""
    return f"__Host-{COOKIE}" if current_app.config["SESSION_COOKIE_SECURE"] else COOKIE


def shown_token() -> str | None:
    """The token that the browser sent."""
    return request.cookies.get(cookie_name())


def keep(response: Response, token: str) -> Response:
    """Hand the browser its token."""
    response.set_cookie(
        cookie_name(),
        token,
        max_age=int(sessions.LIFE.total_seconds()),
        httponly=True,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        samesite="Lax",
    )
    return response


def enter(response: Response, token: str) -> Response:
    """Hand it over at sign-in: nothing of whoever was here before stays."""
    before = shown_token()
    if before:
        sessions.sign_out(before, request.remote_addr or "")
    session.clear()
    return keep(response, token)


def forget(response: Response) -> Response:
    """Take it back, and whatever else the browser keeps of us."""
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    response.delete_cookie(
        cookie_name(), secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True
    )
    return response


def back_to(target: str | None) -> str:
    """Where to go after sign-in: a path of this site, never another host."""
    # Browsers read a backslash as a slash, and drop tabs and line ends before they read.
    if target and re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", target):
        return target.rstrip("?")
    return url_for("strategies.index")
