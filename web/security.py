"""What every answer says to the browser about trust."""

import secrets

from flask import Flask, Response, g, request

from protos import log as lines
from web.db import enter_person, enter_read_only, enter_staff, enter_tenant
from web.headers import EVERYWHERE, HSTS


def nonce() -> str:
    """This answer's nonce; scripts without it do not run."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)


def request_id() -> str:
    """The id to quote when something went wrong with this request."""
    if "request_id" not in g:
        g.request_id = f"req_{secrets.token_hex(16)}"
    return str(g.request_id)


def where() -> str:
    """The route, not the path: that may hold what lets somebody in."""
    return request.url_rule.rule if request.url_rule else "none"


def method() -> str:
    """The request's method, if it is one."""
    return request.method if request.method.isalpha() and len(request.method) < 10 else "other"


def install(app: Flask, *, live_url: str, secure: bool) -> None:
    """Headers on every answer, and no tenant left over from the request before."""

    @app.before_request
    def begin_as_nobody() -> None:
        lines.begin(request_id())
        _be_nobody()

    @app.teardown_request
    def end_as_nobody(_error: BaseException | None) -> None:
        _be_nobody()

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers["Request-Id"] = request_id()
        headers.update(EVERYWHERE)
        headers["X-Frame-Options"] = "DENY"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        headers["Content-Security-Policy"] = _page_policy(live_url)
        if secure:
            headers["Strict-Transport-Security"] = HSTS
        if "Cache-Control" not in headers:
            headers["Cache-Control"] = "no-store"
        return response

    app.jinja_env.globals.update(nonce=nonce, request_id=request_id)


def _be_nobody() -> None:
    """Nothing is left over of the request before in this thread."""
    enter_tenant(None)
    enter_person(None)
    enter_staff(False)
    enter_read_only(False)


def _page_policy(live_url: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce()}' 'strict-dynamic'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            f"connect-src 'self' {live_url}",
            "form-action 'self'",
            "manifest-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
