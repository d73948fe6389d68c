"""Pages of signing up, confirming the address, and choosing another password."""

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from web import flags, lists
from web.accounts import limits, links, login, passwords, places, sessions, signing_up
from web.accounts.access import needs
from web.accounts.limits import TooMany
from web.accounts.links import BadLink
from web.accounts.passkeys import party
from web.accounts.passwords import WeakPassword
from web.accounts.rules import Permission
from web.accounts.signing_up import BadEmail, NotYours
from web.audit.declared import not_audited
from web.db import db

blueprint = Blueprint("signing_up", __name__)

BAD_EMAIL = "This is not an e-mail address. Write it as name@example.com."


@blueprint.get("/signup")
@needs(Permission.PUBLIC)
def sign_up() -> Response:
    """The form for a new account."""
    return sign_up_form(200)


@blueprint.post("/signup")
@needs(Permission.PUBLIC)
def create() -> Response:
    """Make the account, and let them in: an address in use is answered in the same way."""
    flags.require("sign_up")
    email, password = request.form.get("email", ""), request.form.get("password", "")
    zone, place = request.form.get("timezone", ""), places.here()
    try:
        passwords.check(password, signing_up.address_of(email))
        limits.mail(email.strip().lower(), place.address)
        person, tenant = signing_up.sign_up(email, password, zone)
    except BadEmail:
        return sign_up_form(400, BAD_EMAIL)
    except WeakPassword as weak:
        return sign_up_form(400, str(weak))
    except TooMany as many:
        return sign_up_form(429, many.told)
    opened = sessions.open_for(person, tenant, place, "sign_up")
    db.session.commit()
    return welcome(opened.token)


def welcome(token: str) -> Response:
    """They are in, for the first time."""
    response = login.enter(make_response(redirect(url_for("strategies.index"))), token)
    lists.done("Welcome. We sent you a mail: confirm your address when it is there.")
    return response


@blueprint.get("/confirm/<token>")
@needs(Permission.PUBLIC)
def confirm(token: str) -> Response:
    """A button: programs that look at mails open links, and must not confirm."""
    return _confirm_page(token, 200)


@blueprint.post("/confirm/<token>")
@needs(Permission.ACCOUNT)
def confirmed(token: str) -> Response:
    """The address is theirs."""
    try:
        signing_up.confirm(token, login.visitor().person_id)
    except NotYours:
        db.session.rollback()
        return _confirm_page(token, 409)
    except BadLink:
        db.session.rollback()
        return _dead("confirm")
    lists.done("Your address is confirmed.")
    return make_response(redirect(url_for("accounts.sign_in")))


@blueprint.post("/confirm")
@needs(Permission.ACCOUNT)
@not_audited("Sends another mail and changes nothing.")
def ask_again() -> Response:
    """Another mail to confirm."""
    visitor = login.visitor()
    try:
        limits.mail(visitor.email, request.remote_addr or "")
    except TooMany as many:
        lists.failed(many.told)
    else:
        signing_up.ask_again(visitor.person_id, visitor.email)
        lists.done("We sent you another mail.")
    return make_response(redirect(url_for("account_security.page")))


@blueprint.get("/reset")
@needs(Permission.PUBLIC)
def forgotten() -> Response:
    """Who asks for a new password?"""
    return make_response(render_template("accounts/forgotten.html", sent=False, error=None))


@blueprint.post("/reset")
@needs(Permission.PUBLIC)
@not_audited("Sends a mail; the change comes with its link.")
def ask_reset() -> Response:
    """Send the link, if there is anybody; the answer is the same."""
    error, status = None, 200
    try:
        email = signing_up.address_of(request.form.get("email", ""))
        limits.mail(email, request.remote_addr or "")
        signing_up.ask_reset(email)
    except BadEmail:
        error, status = BAD_EMAIL, 400
    except TooMany as many:
        error, status = many.told, 429
    page = render_template("accounts/forgotten.html", sent=error is None, error=error)
    return make_response(page, status)


@blueprint.get("/reset/<token>")
@needs(Permission.PUBLIC)
def reset(token: str) -> Response:
    """The form for the new password."""
    return _reset_form(token, 200)


@blueprint.post("/reset/<token>")
@needs(Permission.PUBLIC)
def choose(token: str) -> Response:
    """Keep it; whoever was in is out."""
    try:
        signing_up.reset(token, request.form.get("password", ""))
    except WeakPassword as weak:
        db.session.rollback()
        return _reset_form(token, 400, str(weak))
    except BadLink:
        db.session.rollback()
        return _dead("reset")
    lists.done("Your password is set and no session is open. Sign in with it.")
    return login.forget(make_response(redirect(url_for("accounts.sign_in"))))


@blueprint.get("/terms")
@needs(Permission.PUBLIC)
def terms() -> str:
    """What one agrees to."""
    return render_template("accounts/terms.html")


def sign_up_form(status: int, error: str | None = None) -> Response:
    """The form, with what went wrong before."""
    if current_user.is_authenticated and request.method == "GET":
        return make_response(redirect(url_for("strategies.index")))
    page = render_template(
        "accounts/sign_up.html",
        error=error,
        email=request.form.get("email", ""),
        least=passwords.MIN_PASSWORD,
        party=party(),
    )
    return make_response(page, status)


def _confirm_page(token: str, status: int) -> Response:
    try:
        linked = links.look("confirm", token)
    except BadLink:
        return _dead("confirm")
    finally:
        db.session.rollback()
    mine = current_user.is_authenticated and current_user.person_id == linked.person_id
    page = render_template("accounts/confirm.html", email=linked.email, mine=mine)
    return make_response(page, status)


def _reset_form(token: str, status: int, error: str | None = None) -> Response:
    try:
        linked = links.look("reset", token)
        begins_anew = signing_up.begins_anew(linked)
    except BadLink:
        return _dead("reset")
    finally:
        db.session.rollback()
    page = render_template(
        "accounts/reset.html",
        email=linked.email,
        begins_anew=begins_anew,
        error=error,
        least=passwords.MIN_PASSWORD,
    )
    return make_response(page, status)


def _dead(purpose: str) -> Response:
    return make_response(render_template("accounts/dead_link.html", purpose=purpose), 410)
