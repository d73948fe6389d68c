"""What the link of an invitation opens: join as who is signed in, or sign up."""

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from web import lists
from web.accounts import invitations, limits, login, passwords, places, sessions
from web.accounts.access import needs
from web.accounts.invitations import AlreadyThere
from web.accounts.limits import TooMany
from web.accounts.links import BadLink
from web.accounts.passwords import WeakPassword
from web.accounts.rules import Permission, told
from web.db import db

blueprint = Blueprint("invitations", __name__, url_prefix="/invitations")


@blueprint.get("/<token>")
@needs(Permission.PUBLIC)
def page(token: str) -> Response:
    """Who asks, to which workspace, as what; buttons, since programs open links of mails too."""
    return _page(token, 200)


@blueprint.post("/<token>")
@needs(Permission.ACCOUNT)
def accept(token: str) -> Response:
    """They join, and go there."""
    shown, who = login.shown_token(), login.visitor()
    try:
        tenant = invitations.accept(token, who.person_id)
    except BadLink:
        db.session.rollback()
        return _page(token, 409, "This invitation is for another address than yours.")
    assert shown is not None
    fresh = sessions.switch(shown, request.remote_addr or "", tenant)
    db.session.commit()
    assert fresh is not None
    lists.done("You have joined.")
    return login.keep(make_response(redirect(url_for("strategies.index"))), fresh)


@blueprint.post("/<token>/sign-up")
@needs(Permission.PUBLIC)
def sign_up(token: str) -> Response:
    """Somebody new: an account, and they have joined."""
    place = places.here()
    try:
        limits.sign_up(place.address)
        zone = request.form.get("timezone", "")
        person, tenant = invitations.sign_up(token, request.form.get("password", ""), zone)
    except BadLink:
        db.session.rollback()
        return _dead()
    except AlreadyThere:
        db.session.rollback()
        return _page(token, 409, "This address has an account. Sign in with it, then join.")
    except WeakPassword as weak:
        db.session.rollback()
        return _page(token, 400, str(weak))
    except TooMany as many:
        return _page(token, 429, many.told)
    opened = sessions.open_for(person, tenant, place, "sign_up")
    db.session.commit()
    response = login.enter(make_response(redirect(url_for("strategies.index"))), opened.token)
    lists.done("Welcome. You have joined, and your address is confirmed.")
    return response


def _page(token: str, status: int, error: str | None = None) -> Response:
    try:
        invited = invitations.look(token)
    except BadLink:
        return _dead()
    finally:
        db.session.rollback()
    mine = current_user.is_authenticated and current_user.email == invited.email
    page = render_template(
        "accounts/invitation.html",
        invited=invited,
        token=token,
        mine=mine,
        words=told(invited.role),
        error=error,
        least=passwords.MIN_PASSWORD,
    )
    return make_response(page, status)


def _dead() -> Response:
    return make_response(render_template("accounts/dead_link.html", purpose="invite"), 410)
