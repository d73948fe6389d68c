"""From the bytes of a message to its signal, whichever dialect it is in. Pure."""

from datetime import datetime
from typing import Any

import msgspec

from web.signals import body as bodies
from web.signals import traderspost
from web.signals.rules import Signal

AUTO = "auto"
TRADERSPOST = "traderspost"


def read(
    body: bytes,
    *,
    dialect: str = AUTO,
    asset_class: str | None = None,
    now: datetime | None = None,
) -> tuple[dict[str, Any], Signal]:
    """The message as it came and as it is meant.

    Raises BadSignal.
    """
    payload = bodies.read(body)
    match detect(payload) if dialect == AUTO else dialect:
        case "traderspost":
            signal = traderspost.parse(payload, asset_class=asset_class, now=now)
        case unknown:
            raise ValueError(f"no dialect {unknown}")
    if remarks := bodies.remarks(body, payload):
        signal = msgspec.structs.replace(signal, warnings=(*signal.warnings, *remarks))
    return payload, signal


def detect(_payload: dict[str, Any]) -> str:
    """The dialect of a message, by its shape. There is one so far."""
    return TRADERSPOST
