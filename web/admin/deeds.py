"""Changes by staff: allowed by role, with a reason, confirmed, and told to whom they concern.

Beside each view that changes something stands `deed`. It shows one page, which says what will be
done and asks why; only that page's form does it. The view then makes its change and calls
`record` in the same transaction.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast
from uuid import UUID

from flask import abort, request

from web.admin import login, rules
from web.audit import service as audit
from web.db import tenant_scope
from web.errors import Problem

View = TypeVar("View", bound=Callable[..., Any])
_OWN = frozenset({"csrf_token", "reason", "confirmed"})
# What forms send for programs, for people.
_LABELS = {"suspended": "The workspace"}
_WORDS = {
    ("suspended", "1"): "is suspended: its people look and close, nothing is opened; exits and "
    "stops go on",
    ("suspended", "0"): "goes on as before",
}


def deed(act: str, what: str) -> Callable[[View], View]:
    """Only for roles that may, with a reason; `what` is told with the form's fields in it."""

    def declare(view: View) -> View:
        @wraps(view)
        def guarded(page: Any, *args: Any, **values: Any) -> Any:
            allow(act)
            reason = rules.reason_of(request.form.get("reason", ""))
            if request.form.get("confirmed") == "1" and reason:
                return view(page, *args, **values, reason=reason)
            return _ask(page, what)

        return cast(View, guarded)

    return declare


def allow(act: str) -> None:
    """Go on, if the visitor's role may. Raises Problem."""
    if not rules.may(login.current().role, act):
        raise Problem(
            403,
            "not_allowed",
            "Your role may not do this",
            f"You are {login.current().role}; {_listed(rules.ACTS[act])} may.",
            "Ask one of them.",
        )


def record(
    action: str,
    subject: str,
    *,
    reason: str,
    tenant: UUID | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Add the event, in the tenant's trail where it concerns one: there the customer sees it."""
    told = {"reason": reason, "before": _plain(before), "after": _plain(after)}
    actor = login.current().actor
    if tenant is None:
        audit.record(actor, action, subject, **told)  # type: ignore[arg-type]
    else:
        with tenant_scope(tenant):
            audit.record(actor, action, subject, **told)  # type: ignore[arg-type]


def given(name: str) -> str:
    """A field of the form."""
    return request.form.get(name, "").strip()


def required(name: str) -> str:
    """A field that must be there; else 400."""
    return given(name) or abort(400, f"`{name}` is missing.")


def in_words(name: str, value: str) -> tuple[str, str]:
    """A field of a form and what it says, as the page that asks tells them."""
    label = _LABELS.get(name) or name.replace("_", " ").capitalize()
    return label, _WORDS.get((name, value), value)


def _ask(page: Any, what: str) -> Any:
    fields = [(name, value) for name, value in request.form.items(multi=True) if name not in _OWN]
    typed = request.form.get("reason", "")
    short = request.form.get("confirmed") == "1"
    told = page.render(
        "staff/confirm.html",
        what=what,
        fields=fields,
        in_words=in_words,
        reason=typed,
        error=f"Tell why in at least {rules.LEAST_REASON} characters." if short else None,
        least=rules.LEAST_REASON,
    )
    return told, 400 if short else 200


def _plain(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if values is None else dict(values)


def _listed(roles: frozenset[str]) -> str:
    return ", ".join(role for role in rules.ROLES if role in roles)
