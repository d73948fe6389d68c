"""What execution's facts tell of a trade, as its row keeps it. Pure."""

from datetime import datetime
from typing import Any

from protos import reasons, wire
from protos.execution.v1 import execution_pb2 as pb
from web.trades.plans import word
from web.trades.rules import LATE_EXIT_AGE

Row = dict[str, Any]

_QUANTITIES = ("held", "covered", "gap_since", "gap_ms", "longest_gap_ms")


def words(enum: Any, prefix: str) -> dict[int, str]:
    """`ORD_STATUS_FILLED` is `FILLED`; unspecified is empty."""
    names = {number: name.removeprefix(prefix) for name, number in enum.items()}
    return {number: "" if each == "UNSPECIFIED" else each for number, each in names.items()}


def small_words(enum: Any, prefix: str) -> dict[int, str]:
    """The same in small letters."""
    return {number: each.lower() for number, each in words(enum, prefix).items()}


def expiry(fact: pb.Fact) -> datetime | None:
    """Until when a person may let go what execution gave back."""
    at = wire.to_datetime(fact.time)
    return at and at + LATE_EXIT_AGE


def contract(meant: pb.Resolved) -> Row:
    """What a ticker means; None for what does not apply."""
    names = ("ticker", "symbol", "root", "expires", "rolls", "warning", "tick", "point_value")
    told: Row = {name: getattr(meant, name) or None for name in names}
    return told | {"currency": meant.currency, "chosen_from": dict(meant.chosen_from)}


def protection(told: pb.TradeProtection) -> Row:
    """Where the protection of what a trade opened stands: its state, and all else."""
    reason = word(pb.Reason.Name(told.reason), "REASON_") or None
    numbers = dict(told.numbers)
    details: Row = {name: numbers.get(name) for name in _QUANTITIES}
    details["synthetic"] = told.synthetic
    # The doubts that a person has to end, by client ids; a number follows from the second on.
    details["doubted"] = numbers.get("doubted", "").split() or None
    details["reason"] = reason
    details["message"] = reasons.explain(reason, numbers) if reason else None
    return {
        "protection": word(pb.ProtectionState.Name(told.state), "PROTECTION_STATE_").upper(),
        "protection_details": details,
    }
