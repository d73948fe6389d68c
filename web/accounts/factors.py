"""Second factors: which somebody has, and whether what they showed is right."""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from web.accounts import passkeys, recovery, totp


def check(person: UUID, form: Mapping[str, str]) -> str | None:
    """The method whose proof stands in the form, if it is right; spent in this transaction."""
    code = "".join(form.get("code", "").split())
    if credential := form.get("credential"):
        return "passkey" if passkeys.prove(person, credential) else None
    if code.isdigit() and len(code) == 6:
        return "authenticator" if totp.take(person, code) else None
    return "recovery code" if code and recovery.take(person, code) else None


class NotForLive(Exception):
    """Somebody who may not go as far yet; says why, and what to do."""

    def __init__(self, code: str, title: str, detail: str, fix: str) -> None:
        super().__init__(code)
        self.code, self.title, self.detail, self.fix = code, title, detail, fix


class Provable(Protocol):
    """A person, or the key that one made."""

    @property
    def confirmed(self) -> bool:
        """Whether mail reaches them."""

    @property
    def has_second_factor(self) -> bool:
        """Whether they have one."""


def require_for_live(visitor: Provable) -> None:
    """Whoever connects a live broker or turns live on has shown that mail reaches them, and has
    a second factor. Raises NotForLive."""
    if not visitor.confirmed:
        raise NotForLive(
            "confirmed_address_needed",
            "Live trading needs a confirmed address",
            "What goes wrong with live money is told by mail.",
            "Open the link in the mail we sent, or ask for another under Account, Security.",
        )
    if not visitor.has_second_factor:
        raise NotForLive(
            "second_factor_needed",
            "Live trading needs a second factor",
            "A password alone does not move money here.",
            "Set up an authenticator or a passkey under Account, Security; then try again.",
        )


def require_for_broker(visitor: Provable) -> None:
    """Whoever hands over keys of a broker, of a simulated account too, has a second factor.
    Raises NotForLive."""
    if not visitor.has_second_factor:
        raise NotForLive(
            "second_factor_needed",
            "A broker needs a second factor",
            "Keys of a broker are guarded by more than a password here.",
            "Set up an authenticator or a passkey under Account, Security; then try again.",
        )
