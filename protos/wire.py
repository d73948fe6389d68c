"""Decimals and times as they travel: plain decimal strings, aware UTC timestamps."""

from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_text(value: Decimal | None) -> str:
    """`228.40`, never `2.284E+2`; empty for None."""
    return "" if value is None else format(value, "f")


def to_decimal(text: str) -> Decimal | None:
    """The number, exactly; None for empty.

    Raises ValueError when the text is not a finite number.
    """
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"not a number: {text!r}") from None
    if not value.is_finite():
        raise ValueError(f"not a finite number: {text!r}")
    return value


def put(told: Mapping[str, str], into: MutableMapping[str, str]) -> None:
    """Words into a message's map; its own `update` asks first what it was given."""
    for name, value in told.items():
        into[name] = value


def to_timestamp(at: datetime) -> Timestamp:
    """The instant, to the microsecond."""
    since = at - _EPOCH
    return Timestamp(seconds=since.days * 86400 + since.seconds, nanos=since.microseconds * 1000)


def stamp(message: Timestamp, at: datetime) -> None:
    """Write the instant into a message's own field."""
    since = at - _EPOCH
    message.seconds = since.days * 86400 + since.seconds
    message.nanos = since.microseconds * 1000


def to_datetime(stamp: Timestamp) -> datetime | None:
    """Aware UTC; None when the field was left empty."""
    seconds, nanos = stamp.seconds, stamp.nanos
    if not seconds and not nanos:
        return None
    # Days, seconds, microseconds: by name it takes twice as long.
    return _EPOCH + timedelta(0, seconds, nanos // 1000)
