"""Beside each route that writes and leaves no event: why. A test asks for one or the other."""

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

_REASON = "not_audited"


def not_audited(reason: str) -> Callable[[View], View]:
    """Declare it."""

    def mark(view: View) -> View:
        setattr(view, _REASON, reason)
        return view

    return mark


def exemption(view: Callable[..., Any]) -> str | None:
    """The reason that was declared."""
    found: str | None = getattr(view, _REASON, None)
    return found
