"""When a request fails: what happened, is my money affected, what to do, what to quote.

One catalogue for pages and API. The API answers RFC 9457 problems, pages say the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, render_template, request
from flask_login import AnonymousUserMixin
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError
from werkzeug.exceptions import HTTPException

from web import security
from web.accounts.access import Refused
from web.accounts.rules import roles_with
from web.accounts.service import NoMember

log = structlog.get_logger()

# Worth a line: somebody asked for what they may not, or too often.
_DENIALS = (401, 403, 421, 429)
_SAFE = (
    "No. Signals that were answered with success are stored, and orders already at the "
    "broker are not touched by this."
)


@dataclass(eq=False)
class Problem(Exception):
    """One failure, in words."""

    status: int
    code: str
    title: str
    detail: str
    fix: str
    retryable: bool = False
    money_at_risk: bool = False
    param: str | None = None
    # One for each field that is wrong, where several may be.
    errors: Sequence[dict[str, Any]] = ()
    # What programs may want beside.
    more: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As RFC 9457 spells it, with our fields beside."""
        problem: dict[str, Any] = {
            "type": f"{current_app.config['WEB_URL']}/docs/errors/{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": security.request_id(),
            "code": self.code,
            "fix": self.fix,
            "retryable": self.retryable,
            "money_at_risk": self.money_at_risk,
        }
        if self.param:
            problem["param"] = self.param
        if self.errors:
            problem["errors"] = list(self.errors)
        return problem | dict(self.more)


def not_found() -> Problem:
    """There is no such thing here, or it is another tenant's."""
    return Problem(
        404,
        "not_found",
        "There is nothing here",
        "There is no such thing in this workspace.",
        "Check the address or the id.",
    )


def database_down() -> Problem:
    """PostgreSQL does not answer."""
    return Problem(
        503,
        "database_down",
        "We cannot reach our database",
        "This page needs it. Signals sent now are answered with 503, so that their sender "
        "tries again; none is lost without the sender knowing.",
        "Wait a few seconds and load the page again.",
        retryable=True,
    )


def install(app: Flask) -> None:
    """Turn whatever reaches the edge into a page or a problem."""

    @app.errorhandler(Problem)
    def problem(error: Problem) -> Response:
        return answer(error)

    @app.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        return answer(
            Problem(
                403,
                "not_allowed",
                "Your role may not do this",
                str(error),
                "Ask an owner or admin of this workspace to do it, or for another role.",
                param=error.field,
                more={"needs": error.permission, "roles": roles_with(error.permission)},
            )
        )

    @app.errorhandler(NoMember)
    def no_member(error: NoMember) -> Response:
        page = render_template("accounts/no_member.html", gone=error)
        return Response(page, 403, content_type="text/html; charset=utf-8")

    @app.errorhandler(CSRFError)
    def stale_form(error: CSRFError) -> Response:
        log.warning("form_refused", route=security.where(), reason=error.description)
        return answer(
            Problem(
                400,
                "form_expired",
                "This form has expired",
                "It was opened in another session, so nothing was changed.",
                "Load the page again and repeat what you did.",
            )
        )

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        if error.code is not None and error.code < 400:
            return Response(error.get_response().data, error.code, error.get_response().headers)
        return answer(_from_http(error))

    @app.errorhandler(OperationalError)
    @app.errorhandler(TimeoutError)
    def database(error: Exception) -> Response:
        log.error("database_down", error=error)
        return answer(database_down())

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            return database(error)
        log.exception("request_failed", route=security.where(), method=security.method())
        return answer(
            Problem(
                500,
                "internal_error",
                "We failed to answer",
                "This is our fault. Nothing that this request asked for was half done.",
                "Try again; if it fails again, send us the id below.",
                retryable=True,
            )
        )


def answer(problem: Problem) -> Response:
    """The problem, for whoever asked."""
    if problem.status in _DENIALS:
        log.warning(
            "request_refused",
            status=problem.status,
            code=problem.code,
            route=security.where(),
            method=security.method(),
        )
    if request.path.startswith("/api/"):
        from web.api.shapes import to_response

        return to_response(
            problem.to_json(), problem.status, content_type="application/problem+json"
        )
    # The page is about nobody: asking who visits may need what has just failed.
    g.setdefault("_login_user", AnonymousUserMixin())
    page = render_template("error.html", problem=problem, safe=_SAFE)
    return Response(page, problem.status, content_type="text/html; charset=utf-8")


def _from_http(error: HTTPException) -> Problem:
    match error.code:
        case 404:
            return not_found()
        case 403:
            return Problem(
                403,
                "forbidden",
                "You may not do this",
                "Your role in this workspace does not allow it.",
                "Ask an owner or admin of the workspace.",
            )
        case 405:
            return Problem(
                405,
                "method_not_allowed",
                "Not like this",
                f"{request.method} is not taken here.",
                "Check the method in the API reference.",
            )
        case code:
            return Problem(
                code or 500,
                error.name.lower().replace(" ", "_"),
                error.name,
                error.description or error.name,
                "Change the request and send it again.",
            )
