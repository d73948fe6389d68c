"""Sign in and out."""

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import current_user

from web.accounts import login, service
from web.accounts.attempts import Attempts

blueprint = Blueprint("accounts", __name__)


@blueprint.get("/sign-in")
def sign_in() -> Response:
    """The form; whoever is in already goes on."""
    if current_user.is_authenticated:
        return make_response(redirect(login.back_to(request.args.get("next"))))
    return _form(200)


@blueprint.post("/sign-in")
def open_session() -> Response:
    """Check e-mail and password. The answer does not tell which of them was wrong."""
    attempts: Attempts = current_app.extensions["fillwire.attempts"]
    email = request.form.get("email", "").strip().lower()
    address = request.remote_addr or ""
    wait = attempts.wait_seconds(email, address)
    if wait:
        minutes = -(-wait // 60)
        return _form(429, f"Too many wrong tries. Wait {minutes} min, then try again.", email)
    token = service.sign_in(email, request.form.get("password", ""))
    if token is None:
        attempts.failed(email, address)
        return _form(401, "E-mail or password is not right.", email)
    attempts.succeeded(email, address)
    session.clear()
    response = make_response(redirect(login.back_to(request.form.get("next"))))
    return login.keep(response, token, secure=current_app.config["SESSION_COOKIE_SECURE"])


@blueprint.post("/sign-out")
def close_session() -> Response:
    """End the session here and in the database."""
    token = request.cookies.get(login.COOKIE)
    if token:
        service.sign_out(token)
    session.clear()
    return login.forget(make_response(redirect(url_for("accounts.sign_in"))))


def _form(status: int, error: str | None = None, email: str = "") -> Response:
    target = request.values.get("next", "")
    return make_response(
        render_template("accounts/sign_in.html", error=error, email=email, next=target), status
    )
