"""Token buckets as arithmetic on virtual time; exits have a share that entries cannot use."""

from dataclasses import dataclass, replace
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
    passed = max((now - bucket.at).total_seconds(), 0.0)
    tokens = min(bucket.capacity, bucket.tokens + passed * bucket.per_second)
    return replace(bucket, tokens=tokens, at=max(now, bucket.at))


def take(bucket: Bucket, now: datetime, *, is_exit: bool) -> tuple[Bucket, float]:
    """Take one token; or leave the bucket alone and say how many seconds to wait."""
    bucket = refill(bucket, now)
    needed = 1.0 if is_exit else 1.0 + bucket.reserved
    if bucket.tokens >= needed - 1e-9:
        return replace(bucket, tokens=bucket.tokens - 1.0), 0.0
    return bucket, (needed - bucket.tokens) / bucket.per_second
