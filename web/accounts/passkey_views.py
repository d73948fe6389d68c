"""What the script of a page asks for passkeys, and signing up and in with one."""

from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, request, session

from protos import ids
from web import flags
from web.accounts import limits, login, passkeys, places, sessions, signing_up
from web.accounts.access import needs
from web.accounts.limits import TooMany
from web.accounts.login import visitor
from web.accounts.passkeys import BadPasskey
from web.accounts.rules import Permission
from web.accounts.signing_up import BadEmail
from web.accounts.signing_up_views import BAD_EMAIL, sign_up_form, welcome
from web.accounts.views import sign_in_form
from web.audit.declared import not_audited
from web.db import act_as, db

blueprint = Blueprint("passkeys", __name__, url_prefix="/passkeys")

_NEW = "passkey_person"


@blueprint.post("/create")
@needs(Permission.ACCOUNT)
@not_audited("Draws what the browser is to sign.")
def create() -> Response:
    """To make one, of whoever is signed in."""
    return _json(passkeys.creation(visitor().person_id, visitor().email))


@blueprint.post("/show")
@needs(Permission.PUBLIC)
@not_audited("Draws what the browser is to sign.")
def show() -> Response:
    """To show one: of whoever is in or half way in; else of anybody."""
    person = None
    token = login.shown_token()
    if request.form.get("known") and token:
        row = sessions.find(db.session, token, request.remote_addr or "")
        if row is not None:
            act_as(row.person_id, row.tenant_id)
            person = row.person_id
    return _json(passkeys.asking(person))


@blueprint.post("/sign-in")
@needs(Permission.PUBLIC)
def sign_in() -> Response:
    """They showed one: they are in, with both factors at once."""
    place = places.here()
    try:
        tried = limits.passkey(place.address)
        known = passkeys.find(request.form.get("credential", ""))
    except TooMany as many:
        return sign_in_form(429, many.told)
    except BadPasskey:
        db.session.rollback()
        return sign_in_form(401, "This passkey opens no account here.")
    opened = sessions.open_for(known.person_id, known.tenant_id, place, "passkey")
    db.session.commit()
    tried.succeeded()
    target = login.back_to(request.form.get("next"))
    return login.enter(make_response(redirect(target)), opened.token)


@blueprint.post("/sign-up/create")
@needs(Permission.PUBLIC)
@not_audited("Draws what the browser is to sign.")
def begin_sign_up() -> Response:
    """To make one, of somebody who is new."""
    person = ids.new()
    try:
        options = passkeys.creation(person, signing_up.address_of(request.form.get("email", "")))
    except BadEmail:
        return Response(BAD_EMAIL, 400, content_type="text/plain; charset=utf-8")
    session[_NEW] = person.hex
    return _json(options)


@blueprint.post("/sign-up")
@needs(Permission.PUBLIC)
def sign_up() -> Response:
    """A new account that has a passkey and no password."""
    flags.require("sign_up")
    form, place = request.form, places.here()
    kept = session.pop(_NEW, "")
    try:
        if not kept:
            raise BadPasskey()
        email = signing_up.address_of(form.get("email", ""))
        limits.mail(email, place.address)
        person, tenant = signing_up.sign_up(email, None, form.get("timezone", ""), UUID(kept))
        passkeys.add(person, "Passkey", form.get("credential", ""))
    except BadEmail:
        return sign_up_form(400, BAD_EMAIL)
    except TooMany as many:
        return sign_up_form(429, many.told)
    except BadPasskey:
        db.session.rollback()
        return sign_up_form(400, "Your browser made no passkey that we can take. Try it again.")
    opened = sessions.open_for(person, tenant, place, "sign_up")
    db.session.commit()
    return welcome(opened.token)


@blueprint.errorhandler(BadPasskey)
def unavailable(_error: BadPasskey) -> Response:
    """At an address of digits browsers know no passkeys."""
    told = "Passkeys need a name instead of an address of digits: open this site as localhost."
    return Response(told, 409, content_type="text/plain; charset=utf-8")


def _json(options: str) -> Response:
    return Response(options, content_type="application/json")
