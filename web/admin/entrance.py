"""The way in for staff: a one-time link at first, then password and second factor every time."""

from flask import (
    Blueprint,
    Response,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from web.accounts import limits, passkeys, passwords, places, totp
from web.accounts.limits import TooMany
from web.accounts.passkeys import BadPasskey
from web.accounts.passwords import WeakPassword
from web.admin import login, sessions
from web.admin.sessions import Staff
from web.audit.declared import not_audited
from web.db import db
from web.errors import Problem

blueprint = Blueprint(login.ENTRANCE, __name__, url_prefix=login.PREFIX)


@blueprint.get("/sign-in")
def sign_in() -> Response:
    """The form."""
    return _sign_in_form(200)


@blueprint.post("/sign-in")
@not_audited("Opens nothing yet; what was refused or let in is noted once it is known whose.")
def open_session() -> Response:
    """Check e-mail and password; neither alone opens anything."""
    email, place = request.form.get("email", "").strip().lower(), places.here()
    try:
        tried = limits.staff(email, place.address)
    except TooMany as many:
        return _sign_in_form(429, many.told, email)
    token = sessions.sign_in(email, request.form.get("password", ""), place)
    if token is None:
        return _sign_in_form(401, "E-mail or password is not right.", email)
    tried.succeeded()
    target = url_for("staff_entrance.second_step", next=request.form.get("next"))
    return login.keep(make_response(redirect(target)), token)


@blueprint.get("/sign-in/second")
def second_step() -> Response:
    """Ask for the second factor."""
    return _second_form(200) if _waiting() else _start_again()


@blueprint.post("/sign-in/second")
def complete() -> Response:
    """A code, or a passkey: they are in."""
    who, token = _waiting(), login.shown_token()
    if who is None or token is None:
        return _start_again()
    try:
        tried = limits.code(str(who.id))
    except TooMany as many:
        return _second_form(429, many.told)
    fresh = sessions.prove(who, token, request.form)
    if fresh is None:
        sessions.refused(who)
        return _second_form(401, "This is not right, or it was used before.")
    tried.succeeded()
    target = login.next_page(request.form.get("next"))
    return login.keep(make_response(redirect(target)), fresh)


@blueprint.post("/passkey/show")
@not_audited("Draws what the browser is to sign.")
def show_passkey() -> Response:
    """To show a passkey of whoever is half way in."""
    who = _waiting()
    return _json(passkeys.asking(who.id)) if who else _start_again()


@blueprint.get("/enrol/<token>")
def enrol(token: str) -> Response:
    """A one-time link: choose a password."""
    found = sessions.whose_link(token, use=False)
    if found is None:
        raise _dead_link()
    return _enrol_form(200, token, found[1])


@blueprint.post("/enrol/<token>")
def choose_password(token: str) -> Response:
    """The password is chosen; on to the second factor."""
    try:
        opened = sessions.begin_with_link(token, request.form.get("password", ""), places.here())
    except WeakPassword as weak:
        found = sessions.whose_link(token, use=False)
        return _enrol_form(400, token, found[1] if found else "", str(weak))
    if opened is None:
        raise _dead_link()
    return login.keep(make_response(redirect(url_for("staff_entrance.factors"))), opened)


@blueprint.get("/second-factor")
def factors() -> ResponseReturnValue:
    """Set up an authenticator or a passkey: without one nobody goes on."""
    who = _enrolling()
    return _factors_page(who) if who else _start_again()


@blueprint.post("/second-factor/totp")
@not_audited("Draws a secret that counts once a code of it was shown, which is noted.")
def begin_totp() -> Response:
    """Draw a secret to show."""
    who = _enrolling()
    if who is None:
        return _start_again()
    totp.begin(who.id)
    db.session.commit()
    return make_response(redirect(url_for("staff_entrance.factors")))


@blueprint.post("/second-factor/totp/confirm")
def confirm_totp() -> ResponseReturnValue:
    """Its first code: they are in."""
    who = _enrolling()
    if who is None:
        return _start_again()
    if not totp.confirm(who.id, "".join(request.form.get("code", "").split())):
        db.session.rollback()
        return _factors_page(who, "This code is not right. Is the clock of your phone?"), 400
    return _enrolled(who, "authenticator")


@blueprint.post("/second-factor/passkey/create")
@not_audited("Draws what the browser is to sign.")
def create_passkey() -> Response:
    """To make a passkey."""
    who = _enrolling()
    return _json(passkeys.creation(who.id, who.email)) if who else _start_again()


@blueprint.post("/second-factor/passkey")
def add_passkey() -> ResponseReturnValue:
    """Keep the passkey that the browser made: they are in."""
    who = _enrolling()
    if who is None:
        return _start_again()
    try:
        passkeys.add(who.id, "Passkey", request.form.get("credential", ""))
    except BadPasskey:
        db.session.rollback()
        return _factors_page(who, "Your browser made no passkey that we can take."), 400
    return _enrolled(who, "passkey")


@blueprint.post("/sign-out")
def close_session() -> Response:
    """End the session here and in the database."""
    who, token = g.get("staff") or login.half_way(), login.shown_token()
    if who is not None and token:
        sessions.sign_out(who, token)
    return login.forget(_start_again())


def _waiting() -> Staff | None:
    who = login.half_way()
    return who if who is not None and not who.enrols else None


def _enrolling() -> Staff | None:
    who = login.half_way()
    return who if who is not None and who.enrols else None


def _enrolled(who: Staff, method: str) -> Response:
    token = login.shown_token()
    fresh = sessions.complete(who, token, method) if token else None
    if fresh is None:
        return _start_again()
    return login.keep(make_response(redirect(f"{login.PREFIX}/")), fresh)


def _start_again() -> Response:
    return make_response(redirect(url_for("staff_entrance.sign_in")))


def _sign_in_form(status: int, error: str | None = None, email: str = "") -> Response:
    target = request.values.get("next", "")
    page = render_template("staff/sign_in.html", error=error, email=email, next=target)
    return make_response(page, status)


def _second_form(status: int, error: str | None = None) -> Response:
    page = render_template(
        "staff/second_step.html",
        error=error,
        next=request.values.get("next", ""),
        party=passkeys.party(),
    )
    return make_response(page, status)


def _enrol_form(status: int, token: str, email: str, error: str | None = None) -> Response:
    page = render_template(
        "staff/enrol.html", token=token, email=email, error=error, least=passwords.MIN_PASSWORD
    )
    return make_response(page, status)


def _factors_page(who: Staff, error: str | None = None) -> str:
    secret = totp.begun_secret(who.id)
    return render_template(
        "staff/factors.html",
        error=error,
        secret=secret,
        picture=totp.picture(secret, who.email) if secret else None,
        party=passkeys.party(),
    )


def _dead_link() -> Problem:
    return Problem(
        404,
        "link_dead",
        "This link opens nothing",
        "It was used, or it is too old.",
        "Ask an owner for another, or make one with `fillwire staff reset`.",
    )


def _json(options: str) -> Response:
    return Response(options, content_type="application/json")
