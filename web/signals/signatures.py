"""Signed messages, as Standard Webhooks has them. Pure.

Three headers: `webhook-id`, `webhook-timestamp` in seconds, and `webhook-signature`, a list
of `v1,` and the base64 of an HMAC-SHA256 over id, timestamp and body, joined with dots.
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from web.signals.refusals import bad

PREFIX = "whsec_"
WINDOW_SECONDS = 300
LONGEST_ID = 255
# Old and new secret during a rotation are two.
_MOST_SIGNATURES = 10

# A secret's bytes, and until when it works in seconds since 1970.
Key = tuple[bytes, float]


def key_of(secret: str) -> bytes:
    """The bytes that a `whsec_` secret stands for."""
    return b64decode(secret.removeprefix(PREFIX))


def sign(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """One signature, as it goes into the header."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def verify(keys: Sequence[Key], headers: Mapping[str, Any], body: bytes, now: float) -> str:
    """The id under which the message was signed.

    Raises BadSignal.
    """
    message_id, timestamp, signatures = (
        str(headers.get(f"HTTP_WEBHOOK_{name}", "")) for name in ("ID", "TIMESTAMP", "SIGNATURE")
    )
    if not (message_id and timestamp and signatures):
        raise bad("signature-missing")
    if not (message_id.isascii() and len(message_id) <= LONGEST_ID):
        raise bad("signature-mismatch")
    _check_time(timestamp, now)
    given = [each.encode("ascii", "replace") for each in signatures.split(" ", _MOST_SIGNATURES)]
    found = False
    for key, until in keys:
        expected = sign(key, message_id, timestamp, body).encode()
        for each in given:
            # All of them, so that the time taken tells nothing.
            found |= hmac.compare_digest(each, expected) & (now < until)
    if not found:
        raise bad("signature-mismatch")
    return message_id


def _check_time(timestamp: str, now: float) -> None:
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        message = "`webhook-timestamp` is not a time in whole seconds since 1970."
        raise bad("signature-expired", message=message)
    late = now - int(timestamp)
    if abs(late) > WINDOW_SECONDS:
        side = "ago" if late > 0 else "in the future, by our clock"
        message = f"The message was signed {abs(late):.0f} s {side}."
        raise bad("signature-expired", message=message)
