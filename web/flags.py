"""Switches of features that staff set: for everybody, for a share of workspaces, for some.

What can be switched is listed here, with how it is while nobody said anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask import g
from sqlalchemy import text

from web.db import db
from web.problems import Problem


@dataclass(frozen=True)
class Flag:
    """One switch: what it does, and how it is by itself."""

    does: str
    by_itself: bool


KNOWN: Final[Mapping[str, Flag]] = {
    "sign_up": Flag("Strangers can make an account", True),
    "game_days": Flag("Paper accounts can be given a game day", True),
}


def is_on(key: str) -> bool:
    """Whether it is on for the current tenant; one query a request, however many are asked."""
    if "flags" not in g:
        rows = db.session.execute(text("SELECT key, is_on FROM web.flags_on()"))
        g.flags = {row.key: row.is_on for row in rows}
    return bool(g.flags.get(key, KNOWN[key].by_itself))


def require(key: str) -> None:
    """Go on if it is on. Raises Problem."""
    if not is_on(key):
        raise Problem(
            403,
            "switched_off",
            "This is switched off for now",
            f"{KNOWN[key].does}, but not at the moment.",
            "Try again later; what you have goes on.",
        )
