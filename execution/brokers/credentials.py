"""What a broker asks for, as data, and what a login finds there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from execution.brokers.base import AuthFailed

# Values as they were typed, by the field's name.
Typed = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a broker asks for."""

    name: str
    label: str
    help: str
    # Of the whole value.
    pattern: str
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """What the form for a broker is drawn from."""

    broker: str
    label: str
    help: str
    environments: tuple[str, ...]
    fields: tuple[Field, ...]
    needs: tuple[str, ...] = ("trade",)
    # Who has the keys could take the money out.
    refuses: tuple[str, ...] = ("withdraw",)

    def wrong_field(self, typed: Typed) -> str | None:
        """The label of the first field that is missing or cannot be so."""
        for each in self.fields:
            if not re.fullmatch(each.pattern, typed.get(each.name, "")):
                return each.label
        unknown = set(typed) - {each.name for each in self.fields}
        return min(unknown) if unknown else None


@dataclass(frozen=True, slots=True)
class Admitted:
    """The account that a login leads to."""

    account: str
    name: str
    type: str
    balance: str
    currency: str
    permissions: tuple[str, ...]

    def missing(self, schema: Schema) -> list[str]:
        """What keys must be allowed, and are not."""
        return [word for word in schema.needs if word not in self.permissions]

    def refused(self, schema: Schema) -> list[str]:
        """What keys must not be allowed, and are."""
        return [word for word in schema.refuses if word in self.permissions]


@dataclass(frozen=True, slots=True)
class Login:
    """How the keys of one connection fared at the broker; no problem: it lets them in."""

    connection_id: str
    tenant_id: str
    problem: str
    text: str

    @property
    def refusal(self) -> AuthFailed | None:
        """The same, as the error that whoever asks is given."""
        return AuthFailed(self.text, problem=self.problem) if self.problem else None


_NONE_STORED = "none_stored"
# Of an account without any keys: it concerns every connection to it.
_NOBODY = Login("", "", _NONE_STORED, "no keys are stored for this account")


@dataclass(frozen=True, slots=True)
class Logins:
    """How the keys of an account's connections fared, the newest first."""

    each: tuple[Login, ...] = ()

    def refusal(self, connection_id: str = "") -> AuthFailed | None:
        """Why a connection is kept out, whoever else is let in; of none in particular, why
        everybody is."""
        asked = [one for one in self.each if connection_id in ("", one.connection_id)]
        if not asked:
            of_whom = "connection" if self.each else "account"
            return AuthFailed(f"no keys are stored for this {of_whom}", problem=_NONE_STORED)
        return None if any(not one.problem for one in asked) else asked[0].refusal

    def told(self, before: Mapping[str, Login]) -> list[Login]:
        """These, and those of before whose keys are gone since; of nobody, where there are none."""
        left = {one.connection_id for one in self.each}
        text = "no keys are stored for this connection"
        gone = [
            Login(one.connection_id, one.tenant_id, _NONE_STORED, text)
            for one in before.values()
            if one.connection_id and one.connection_id not in left
        ]
        return [*self.each, *gone] or [_NOBODY]


class Opens(Protocol):
    """The credentials of one broker and environment, opened for a login and then let go of."""

    async def of(self, account: str) -> "list[Key]":
        """Those that are stored for an account, the newest first. Raises InDoubt."""


class Key(Protocol):
    """The credentials of one connection; other ones have another version."""

    @property
    def connection_id(self) -> str: ...
    @property
    def tenant_id(self) -> str: ...
    @property
    def version(self) -> int: ...

    async def open(self) -> Typed:
        """What was typed. Raises AuthFailed for what cannot be read, InDoubt."""

    async def note(self, problem: str, text: str) -> None:
        """How the login went: empty for well."""


class Asks(Protocol):
    """The part of an adapter whose broker asks for credentials."""

    schema: Schema

    async def check(self, typed: Typed) -> Admitted:
        """Log in beside everything else, and out. Raises AuthFailed, InDoubt."""

    def renew(self, account: str) -> None:
        """The account's credentials changed: log in anew before anything else is asked."""

    async def settle(self, account: str) -> None:
        """Wait until a login that is under way is over, but not for long."""
