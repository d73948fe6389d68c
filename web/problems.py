"""One failure, as pages and API tell it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import current_app

from web import security


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
