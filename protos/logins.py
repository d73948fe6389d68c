"""What a login at the paper venue signs, the same for who signs and who checks."""

import hashlib
import hmac
from datetime import UTC, datetime


def verifier(secret: bytes) -> bytes:
    """What a secret is checked by, and what signs in its place."""
    return hashlib.sha256(secret).digest()


def signature(checked_by: bytes, key_id: str, at: datetime, session_id: str) -> bytes:
    """The login of a key in a session, at a time."""
    stamp = at.astimezone(UTC).isoformat(timespec="milliseconds")
    text = "\n".join((key_id, stamp, session_id)).encode()
    return hmac.new(checked_by, text, hashlib.sha256).digest()
