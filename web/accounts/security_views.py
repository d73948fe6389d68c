"""Account, security: password, second factors, sessions, and who signed in."""

from uuid import UUID

from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from protos import ids
from web import lists
from web.accounts import passkeys, passwords, proof, recovery, sessions, signing_up, totp
from web.accounts.access import needs
from web.accounts.login import visitor
from web.accounts.passwords import WeakPassword
from web.accounts.proof import proof_required
from web.accounts.rules import Permission
from web.audit import service as audit
from web.db import db
from web.mail import service as mail

blueprint = Blueprint("account_security", __name__, url_prefix="/account/security")


@blueprint.get("")
@needs(Permission.ACCOUNT)
def page() -> str:
    """All of it on one page."""
    return _page()


@blueprint.post("/prove")
@needs(Permission.ACCOUNT)
def prove() -> Response:
    """The proof that a dangerous action asked for."""
    return proof.prove()


@blueprint.post("/password")
@needs(Permission.ACCOUNT)
@proof_required("change your password")
def password() -> ResponseReturnValue:
    """Another password; the other sessions are over."""
    who, wanted = visitor(), request.form.get("password", "")
    try:
        passwords.check(wanted, who.email)
    except WeakPassword as weak:
        return _page(error=str(weak)), 400
    hashed = passwords.hash_password(wanted)
    signing_up.store_password(who.person_id, who.email, hashed, "person:change_password")
    ended = sessions.revoke_others(who.person_id, who.session_id)
    db.session.commit()
    lists.done(f"Your password is changed. Other sessions ended: {ended}.")
    return _back()


@blueprint.post("/totp")
@needs(Permission.ACCOUNT)
@proof_required("set up an authenticator")
def begin_totp() -> ResponseReturnValue:
    """Draw a secret and show it, until a code of it was given."""
    if totp.state(visitor().person_id) == "on":
        lists.failed("An authenticator is set up already. Remove it first.")
        return _back()
    totp.begin(visitor().person_id)
    _record("totp:begin", ids.show("person", visitor().person_id))
    db.session.commit()
    return redirect(url_for("account_security.page", _anchor="authenticator"))


@blueprint.post("/totp/confirm")
@needs(Permission.ACCOUNT)
@proof_required("set up an authenticator")
def confirm_totp() -> ResponseReturnValue:
    """The first code: from now on it counts."""
    if not totp.confirm(visitor().person_id, "".join(request.form.get("code", "").split())):
        db.session.rollback()
        return _page(error="This code is not right. Is the clock of your phone?"), 400
    return _added("An authenticator was set up", "totp:add")


@blueprint.post("/totp/remove")
@needs(Permission.ACCOUNT)
@proof_required("remove your authenticator")
def remove_totp() -> ResponseReturnValue:
    """Codes of it are worth nothing any more."""
    if totp.remove(visitor().person_id):
        _changed("Your authenticator was removed", "totp:remove")
    return _done("Your authenticator is removed.")


@blueprint.post("/recovery")
@needs(Permission.ACCOUNT)
@proof_required("draw new recovery codes")
def draw_codes() -> ResponseReturnValue:
    """Ten new codes, shown this once."""
    codes = recovery.draw(visitor().person_id)
    _changed("New recovery codes were drawn", "recovery_codes:draw")
    db.session.commit()
    return _page(codes=codes)


@blueprint.post("/passkeys")
@needs(Permission.ACCOUNT)
@proof_required("add a passkey")
def add_passkey() -> ResponseReturnValue:
    """Keep the passkey that the browser made."""
    who, form = visitor().person_id, request.form
    try:
        passkeys.add(who, form.get("name", ""), form.get("credential", ""))
    except passkeys.BadPasskey:
        db.session.rollback()
        return _page(error="Your browser made no passkey that we can take. Try it again."), 400
    return _added("A passkey was added", "passkey:add")


@blueprint.post("/passkeys/<uuid:passkey_id>/name")
@needs(Permission.ACCOUNT)
def name_passkey(passkey_id: UUID) -> ResponseReturnValue:
    """Call it something else."""
    if not passkeys.rename(visitor().person_id, passkey_id, request.form.get("name", "")):
        abort(404)
    _record("passkey:rename", ids.show("passkey", passkey_id))
    return _done("The passkey has its new name.")


@blueprint.post("/passkeys/<uuid:passkey_id>/remove")
@needs(Permission.ACCOUNT)
@proof_required("remove a passkey")
def remove_passkey(passkey_id: UUID) -> ResponseReturnValue:
    """It opens nothing any more."""
    if not passkeys.remove(visitor().person_id, passkey_id):
        abort(404)
    _changed("A passkey was removed", "passkey:remove")
    return _done("The passkey is removed.")


@blueprint.post("/sessions/<uuid:session_id>/revoke")
@needs(Permission.ACCOUNT)
def revoke(session_id: UUID) -> ResponseReturnValue:
    """End one session."""
    if not sessions.revoke(visitor().person_id, session_id):
        abort(404)
    return _done("The session is over.")


@blueprint.post("/sessions/revoke-others")
@needs(Permission.ACCOUNT)
def revoke_others() -> ResponseReturnValue:
    """End all but this one."""
    ended = sessions.revoke_others(visitor().person_id, visitor().session_id)
    return _done(f"Sessions ended: {ended}.")


def _page(*, error: str | None = None, codes: list[str] | None = None) -> str:
    who = visitor()
    # Whoever sees it can prove to be them: who only holds the session must not.
    secret = totp.begun_secret(who.person_id) if proof.is_fresh(who) else None
    return render_template(
        "accounts/security.html",
        error=error,
        codes=codes,
        totp=totp.state(who.person_id),
        secret=secret,
        picture=totp.picture(secret, who.email) if secret else None,
        codes_left=recovery.left(who.person_id),
        passkeys=passkeys.mine(who.person_id),
        party=passkeys.party(),
        sessions=sessions.mine(who.person_id),
        history=sessions.history(who.person_id),
        least=passwords.MIN_PASSWORD,
    )


def _added(told: str, action: str) -> ResponseReturnValue:
    """A second factor more: the first brings recovery codes with it."""
    who = visitor()
    codes = None if recovery.left(who.person_id) else recovery.draw(who.person_id)
    _changed(told, action)
    db.session.commit()
    if codes:
        return _page(codes=codes)
    lists.done(f"{told}.")
    return _back()


def _changed(told: str, action: str) -> None:
    """Note it, and tell its owner by mail."""
    who = visitor()
    _record(action, ids.show("person", who.person_id))
    mail.write(
        who.email,
        told,
        f"{told} at {who.email} just now.\n\nIf it was not you, change your password and end "
        "the other sessions under Account, Security.\n",
    )


def _record(action: str, subject: str) -> None:
    audit.record(visitor().actor, action, subject)


def _done(told: str) -> ResponseReturnValue:
    db.session.commit()
    lists.done(told)
    return _back()


def _back() -> Response:
    return make_response(redirect(url_for("account_security.page")))
