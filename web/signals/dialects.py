"""From the bytes of a message to its signal, whichever dialect it is in. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from web.signals import body as bodies
from web.signals import crypto_arsenal, traderspost
from web.signals.rules import Signal
from web.strategies.rules import UNKNOWN, Connector, Market

AUTO = "auto"
TRADERSPOST = "traderspost"
CRYPTO_ARSENAL = "crypto-arsenal"


def read(
    body: bytes,
    *,
    dialect: str = AUTO,
    asset_class: str | None = None,
    now: datetime | None = None,
    connector: Callable[[Mapping[str, Any]], Connector] | None = None,
) -> tuple[dict[str, Any], Signal]:
    """The message as it came and as it is meant.

    `connector` finds the terms of a Crypto-Arsenal message; without it none are known.
    Raises BadSignal, and what `connector` raises.
    """
    payload = bodies.read(body)
    match detect(payload) if dialect == AUTO else dialect:
        case "traderspost":
            signal = traderspost.parse(payload, asset_class=asset_class, now=now)
        case "crypto-arsenal":
            terms = connector(payload) if connector else _any_terms(asset_class)
            signal = crypto_arsenal.parse(payload, terms)
        case unknown:
            raise ValueError(f"no dialect {unknown}")
    if remarks := bodies.remarks(body, payload):
        signal = msgspec.structs.replace(signal, warnings=(*signal.warnings, *remarks))
    return payload, signal


def detect(payload: Mapping[str, Any]) -> str:
    """The dialect of a message, by its shape."""
    return CRYPTO_ARSENAL if crypto_arsenal.looks_like(payload) else TRADERSPOST


def _any_terms(asset_class: str | None) -> Connector:
    """What can be said of a message without knowing where it goes."""
    return Connector("", Market.FUTURES) if asset_class == "futures" else UNKNOWN
