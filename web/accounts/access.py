"""Who may use a route: declared beside it, and a route that declares nothing keeps us from
starting.

    @blueprint.post("/positions/close")
    @needs(Permission.TRADE)

A field may need more than its route: one that is sent, one that `when` finds in what was asked
for, or one that a page shows to some only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from json import JSONDecodeError, loads
from typing import Any, TypeVar, cast

from flask import Flask, current_app, g, request
from flask_login import current_user

from web.accounts import login
from web.accounts.keys import Key
from web.accounts.rules import WORDS, Permission, in_words, roles_with
from web.accounts.service import Visitor

View = TypeVar("View", bound=Callable[..., Any])

_DECLARED = "needs"
# What a workspace that staff suspended may still do: see all of it, and get out of the market.
_LEFT = frozenset({Permission.PUBLIC, Permission.ACCOUNT, Permission.LOOK})
_CLOSES = frozenset(
    {
        "trades.close",
        "api.close_position",
        # An exit may wait for a word. An entry that gets one is held by the switch of suspension.
        "trades.decide",
        "trades.decide_many",
        "api.approve_trade",
        "api.reject_trade",
        "api.cancel_trade",
    }
)
# Paths that something else guards, and what.
ELSEWHERE: Mapping[str, str] = {
    "/admin/": "Staff's: web.admin lets nobody else in, whatever the route",
}


@dataclass(frozen=True)
class Field:
    """What needs more than its route: when it is sent, or when `when` says so of the request."""

    name: str
    permission: Permission
    when: Callable[..., bool] | None = None


@dataclass(frozen=True)
class Shown:
    """What a page shows to some only."""

    name: str
    permission: Permission


@dataclass(frozen=True)
class Declared:
    """What stands beside a route."""

    permission: Permission
    fields: tuple[Field | Shown, ...] = ()


class Refused(Exception):
    """Somebody asked for what their role may not do."""

    def __init__(
        self, caller: Key | Visitor, permission: Permission, field: str | None = None
    ) -> None:
        super().__init__(permission)
        self.caller, self.permission, self.field = caller, permission, field

    def __str__(self) -> str:
        who = "This key's role" if isinstance(self.caller, Key) else "Your role in this workspace"
        which = f"`{self.field}` here" if self.field else "This"
        able = in_words(roles_with(self.permission))
        return (
            f"{who} is {self.caller.role}. {which} is for those who may "
            f"{WORDS[self.permission]}: {able}."
        )


class Suspended(Exception):
    """Staff suspended the workspace: its people look, and close what is open."""


class Undeclared(Exception):
    """Routes that do not say whom they are for."""


def needs(permission: Permission, *fields: Field | Shown) -> Callable[[View], View]:
    """Only for those who have it; whoever is nobody yet is asked to sign in."""
    said = Declared(permission, fields)

    def declare(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **values: Any) -> Any:
            if permission is not Permission.PUBLIC:
                caller = asking()
                if caller is None:
                    return login.ask()
                _require(caller, said, values)
            return view(*args, **values)

        setattr(guarded, _DECLARED, said)
        return cast(View, guarded)

    return declare


def declared(view: Callable[..., Any]) -> Declared | None:
    """What a view declares."""
    found: Declared | None = getattr(view, _DECLARED, None)
    return found


def check(app: Flask) -> None:
    """Every route says whom it is for. Raises Undeclared."""
    silent = sorted(
        f"{rule.endpoint} ({rule.rule})"
        for rule in app.url_map.iter_rules()
        if not rule.rule.startswith(tuple(ELSEWHERE))
        and declared(app.view_functions[rule.endpoint]) is None
    )
    if silent:
        raise Undeclared(f"put @needs(Permission.…) beside: {', '.join(silent)}")


def asking() -> Key | Visitor | None:
    """Whose request it is: a key's in the API, a person's on pages."""
    if "key" in g:
        return cast(Key, g.key)
    return login.visitor() if current_user.is_authenticated else None


def shows(name: str) -> bool:
    """Whether this page shows a field to whoever asks; the route has declared it."""
    said = declared(current_app.view_functions[request.endpoint or ""])
    [wanted] = [f for f in (said.fields if said else ()) if isinstance(f, Shown) and f.name == name]
    caller = asking()
    return caller is not None and caller.may(wanted.permission)


def install(app: Flask) -> None:
    """Give templates `shows`, and what to say where a button is not."""
    app.jinja_env.globals.update(shows=shows, only=only)


def only(permission: str) -> str:
    """Why somebody else has a button here."""
    wanted = Permission(permission)
    return f"Only {in_words(roles_with(wanted))} may {WORDS[wanted]}."


def _require(caller: Key | Visitor, said: Declared, values: Mapping[str, Any]) -> None:
    """Raises Refused."""
    if not caller.may(said.permission):
        raise Refused(caller, said.permission)
    if caller.suspended and said.permission not in _LEFT and request.endpoint not in _CLOSES:
        raise Suspended()
    for field in said.fields:
        if isinstance(field, Shown) or caller.may(field.permission):
            continue
        if field.when(**values) if field.when else _is_sent(field.name):
            raise Refused(caller, field.permission, field.name)


def _is_sent(name: str) -> bool:
    """In the form, or in the JSON object of a call: read as the call reads it."""
    if "key" not in g:
        return name in request.form or name in request.files
    try:
        body = loads(request.get_data() or b"{}")
    except (JSONDecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return False
    return isinstance(body, dict) and name in body
