"""How ids are made: random, or derived by SHA-256 so that doing it again gives the same.

On screens and in the API an id has a prefix (`sig_…`); in tables it is a UUID; on the
wire between the programs it is 32 hex digits.
"""

import hashlib
import re
from functools import lru_cache
from uuid import UUID, uuid4

import msgspec

PREFIXES = {
    "tenant": "ten",
    "person": "per",
    "api_key": "key",
    "strategy": "str",
    "signal": "sig",
    "refusal": "ref",
    "subscription": "sub",
    "connection": "con",
    "account": "acc",
    "trade": "trd",
    "order": "ord",
    "fill": "fil",
    "alarm": "alm",
    "session": "ses",
    "passkey": "pky",
    "invitation": "inv",
    "staff": "stf",
    "staff_request": "srq",
    "view_as": "vas",
}
_KINDS = {prefix: kind for kind, prefix in PREFIXES.items()}
_TAG = re.compile(r"tag_[0-9a-f]{32}")
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Two digits at a time, the lower one first.
_PAIRS = [low + high for high in _BASE62 for low in _BASE62]


def new() -> UUID:
    """A random id."""
    return uuid4()


def derive(*parts: str | UUID | int) -> UUID:
    """The id that these parts always give."""
    return msgspec.convert(_digest(parts)[:16], UUID)


def trade_id(signal: UUID, subscription: UUID) -> UUID:
    """The one trade that a subscription makes of a signal."""
    return derive("trade", signal, subscription)


@lru_cache(maxsize=4096)
def account_id(broker: str, environment: str, account: str) -> UUID:
    """The broker account, the same in both programs."""
    return derive("account", broker, environment, account)


@lru_cache(maxsize=256)
def broker_id(broker: str, environment: str) -> UUID:
    """One environment of a broker, as switches name it; `web.broker_id` in the database."""
    return derive("broker", broker, environment)


@lru_cache(maxsize=4096)
def from_hex(digits: str) -> UUID:
    """An id as it comes over the wire; most come again and again. Raises ValueError."""
    return msgspec.convert(digits, UUID)


def order_ids(trade: UUID, leg: str, revision: int) -> tuple[UUID, str]:
    """OrderID and ClOrdID of one order of a trade, the same each time. The latter is 22
    characters of base62: fits every venue's limit."""
    digest = _digest(("order", trade, leg, revision))[:16]
    return msgspec.convert(digest, UUID), _base62(int.from_bytes(digest, "big"))


def tag(strategy: UUID, name: str) -> str:
    """A sender's own name for its order, as execution knows it: equal names have equal tags,
    and the name, which a person may have made, is not in it. A tag stays as it is."""
    if not name or _TAG.fullmatch(name):
        return name
    digest = _digest(("tag", strategy, name))
    return f"tag_{digest[:16].hex()}"


def show(kind: str, value: UUID) -> str:
    """`sig_` and 32 hex digits."""
    return f"{PREFIXES[kind]}_{value.hex}"


def read(kind: str, text: str) -> UUID | None:
    """The id behind `sig_…`; None when the text is not an id of that kind."""
    prefix, _, digits = text.partition("_")
    if _KINDS.get(prefix) != kind or len(digits) != 32:
        return None
    try:
        return UUID(hex=digits)
    except ValueError:
        return None


def _digest(parts: tuple[str | UUID | int, ...]) -> bytes:
    spelled = "\x1f".join([part.hex if isinstance(part, UUID) else str(part) for part in parts])
    return hashlib.sha256(spelled.encode()).digest()


def _base62(number: int) -> str:
    digits = []
    for _ in range(11):
        number, pair = divmod(number, len(_PAIRS))
        digits.append(_PAIRS[pair])
    return "".join(digits)
