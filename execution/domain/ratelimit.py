"""Token buckets as arithmetic on virtual time; exits have a share that entries cannot use."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Bucket:
    """`capacity` tokens, refilled at `per_second`; entries leave `reserved` for exits."""

    capacity: float
    per_second: float
    reserved: float
    tokens: float
    at: datetime


def full(*, capacity: float, per_second: float, reserved: float, at: datetime) -> Bucket:
    """A bucket that nobody has used."""
    return Bucket(capacity, per_second, reserved, capacity, at)


def refill(bucket: Bucket, now: datetime) -> Bucket:
    """The bucket as it is now; time never runs backwards."""
    return Bucket(*_refilled(bucket, now))


def take(bucket: Bucket, now: datetime, *, is_exit: bool) -> tuple[Bucket, float]:
    """Take one token; or leave the bucket alone and say how many seconds to wait."""
    capacity, per_second, reserved, tokens, at = _refilled(bucket, now)
    needed = 1.0 if is_exit else 1.0 + reserved
    if tokens >= needed - 1e-9:
        return Bucket(capacity, per_second, reserved, tokens - 1.0, at), 0.0
    return Bucket(capacity, per_second, reserved, tokens, at), (needed - tokens) / per_second


def _refilled(bucket: Bucket, now: datetime) -> tuple[float, float, float, float, datetime]:
    passed = max((now - bucket.at).total_seconds(), 0.0)
    tokens = min(bucket.capacity, bucket.tokens + passed * bucket.per_second)
    return bucket.capacity, bucket.per_second, bucket.reserved, tokens, max(now, bucket.at)
