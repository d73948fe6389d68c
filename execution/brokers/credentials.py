"""What a broker asks for, as data, and what a login finds there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

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


class Opens(Protocol):
    """The credentials of one broker and environment, opened for a login and then let go of."""

    async def of(self, account: str) -> "list[Key]":
        """Those that are stored for an account, the newest first. Raises InDoubt."""


class Key(Protocol):
    """The credentials of one connection."""

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
