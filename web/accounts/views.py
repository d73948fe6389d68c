"""Sign in and out."""

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask import session as form_session
from flask_login import current_user

from web.accounts import factors, limits, login, places, sessions
from web.accounts.access import needs
from web.accounts.limits import TooMany
from web.accounts.passkeys import party
from web.accounts.rules import Permission
from web.db import db

blueprint = Blueprint("accounts", __name__)


@blueprint.get("/sign-in")
@needs(Permission.PUBLIC)
def sign_in() -> Response:
    """The form; whoever is in already goes on."""
    if current_user.is_authenticated:
        return make_response(redirect(login.back_to(request.args.get("next"))))
    return sign_in_form(200)


@blueprint.post("/sign-in")
@needs(Permission.PUBLIC)
def open_session() -> Response:
    """Check e-mail and password. The answer does not tell which of them was wrong."""
    email, place = request.form.get("email", "").strip().lower(), places.here()
    try:
        tried = limits.sign_in(email, place.address)
    except TooMany as many:
        return sign_in_form(429, many.told, email)
    opened = sessions.sign_in(email, request.form.get("password", ""), place)
    if opened is None:
        return sign_in_form(401, "E-mail or password is not right.", email)
    tried.succeeded()
    target = request.form.get("next")
    if opened.pending:
        return login.enter(
            make_response(redirect(url_for("accounts.second_step", next=target))), opened.token
        )
    return login.enter(make_response(redirect(login.back_to(target))), opened.token)


@blueprint.get("/sign-in/second")
@needs(Permission.PUBLIC)
def second_step() -> Response:
    """Ask for the second factor of whoever gave the right password."""
    token = login.shown_token()
    pending = sessions.find_pending(token, request.remote_addr or "") if token else None
    db.session.rollback()
    if pending is None:
        return make_response(redirect(url_for("accounts.sign_in")))
    return _second_form(200)


@blueprint.post("/sign-in/second")
@needs(Permission.PUBLIC)
def complete() -> Response:
    """A code, or a passkey: they are in."""
    token, place = login.shown_token(), places.here()
    pending = sessions.find_pending(token, place.address) if token else None
    if pending is None or token is None:
        return make_response(redirect(url_for("accounts.sign_in")))
    db.session.rollback()
    try:
        tried = limits.code(str(pending.person_id))
    except TooMany as many:
        return _second_form(429, many.told)
    method = factors.check(pending.person_id, request.form)
    if method is None:
        sessions.note(pending.person_id, "second factor", "wrong", place)
        db.session.commit()
        return _second_form(401, "This is not right, or it was used before.")
    opened = sessions.complete(token, pending, method, place)
    db.session.commit()
    if opened is None:
        return make_response(redirect(url_for("accounts.sign_in")))
    tried.succeeded()
    form_session.clear()
    target = login.back_to(request.form.get("next"))
    return login.keep(make_response(redirect(target)), opened.token)


@blueprint.post("/sign-out")
@needs(Permission.PUBLIC)
def close_session() -> Response:
    """End the session here and in the database."""
    token = login.shown_token()
    if token:
        sessions.sign_out(token, request.remote_addr or "")
    form_session.clear()
    return login.forget(make_response(redirect(url_for("accounts.sign_in"))))


def sign_in_form(status: int, error: str | None = None, email: str = "") -> Response:
    """The way in, with what went wrong before."""
    target = request.values.get("next", "")
    return make_response(
        render_template(
            "accounts/sign_in.html", error=error, email=email, next=target, party=party()
        ),
        status,
    )


def _second_form(status: int, error: str | None = None) -> Response:
    target = request.values.get("next", "")
    page = render_template("accounts/second_step.html", error=error, next=target, party=party())
    return make_response(page, status)
