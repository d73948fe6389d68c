"""What every answer says to the browser about trust."""

import secrets

from flask import Flask, Response, g, request

from web.db import enter_person, enter_read_only, enter_staff, enter_tenant


def nonce() -> str:
    """This answer's nonce; scripts without it do not run."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)


def request_id() -> str:
    """The id to quote when something went wrong with this request."""
    if "request_id" not in g:
        g.request_id = f"req_{secrets.token_hex(12)}"
    return str(g.request_id)


def install(app: Flask, *, live_url: str, secure: bool) -> None:
    """Headers on every answer, and no tenant left over from the request before."""

    @app.before_request
    def begin_as_nobody() -> None:
        _be_nobody()

    @app.teardown_request
    def end_as_nobody(_error: BaseException | None) -> None:
        _be_nobody()

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers["Request-Id"] = request_id()
        headers["X-Content-Type-Options"] = "nosniff"
        if request.blueprint == "intake":
            return response
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        headers["Content-Security-Policy"] = "; ".join(
            (
                "default-src 'none'",
                f"script-src 'nonce-{nonce()}' 'strict-dynamic'",
                "style-src 'self'",
                "img-src 'self' data:",
                "font-src 'self'",
                f"connect-src 'self' {live_url}",
                "form-action 'self'",
                "manifest-src 'self'",
                "base-uri 'none'",
                "frame-ancestors 'none'",
            )
        )
        if secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        if request.endpoint != "static" and "Cache-Control" not in headers:
            headers["Cache-Control"] = "no-store"
        return response

    app.jinja_env.globals.update(nonce=nonce, request_id=request_id)


def _be_nobody() -> None:
    """Nothing is left over of the request before in this thread."""
    enter_tenant(None)
    enter_person(None)
    enter_staff(False)
    enter_read_only(False)
