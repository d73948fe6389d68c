"""Game days in words: what the venue may do wrong, and what became of an order. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from protos.execution.v1 import simulation_pb2 as pb
from web import whole

# How long one may last, by the form's value.
LENGTHS = {
    "15m": ("15 minutes", timedelta(minutes=15)),
    "1h": ("1 hour", timedelta(hours=1)),
    "4h": ("4 hours", timedelta(hours=4)),
    "24h": ("24 hours", timedelta(hours=24)),
}
SEEDS = 2**31


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of misdeed."""

    number: Any
    name: str
    label: str
    # What the venue does, to people who choose it and to people who suffered it.
    text: str
    percent: int


_TABLE = (
    ("REJECT", "Rejects", "refuses an order for no reason", 2),
    ("PARTIAL_FILL", "Partial fills", "fills an order in three parts, a second apart", 5),
    ("DELAY", "Slow answers", "answers up to 3 s late", 5),
    ("LOST_REPLY", "Lost replies", "takes an order and says nothing of it", 5),
    ("DROP", "Lost orders", "never receives an order, and says nothing", 2),
    ("LATE_ACCEPT", "Late accepts", "takes an order up to 30 s after it was sent", 2),
    ("ACCEPT_THEN_DROP", "Accept, then drop", "says that it took an order, and forgets it", 2),
    ("RATE_LIMIT", "Too many requests", "takes nothing for 5 s, and says so (429)", 1),
    ("STREAM_GAP", "Gaps in the stream", "leaves the reports of an order out", 5),
    ("DUPLICATE", "Duplicates", "tells each report twice", 5),
    ("REORDER", "Reordering", "tells the fill before the acknowledgement", 5),
)
KINDS = tuple(
    Kind(pb.MisdeedKind.Value(f"MISDEED_KIND_{name}"), name.lower(), label, text, percent)
    for name, label, text, percent in _TABLE
)
BY_NUMBER = {kind.number: kind for kind in KINDS}

# What Fillwire did about it: while it was not over, when the order filled, when it did not.
_ANSWERS = {
    "reject": (
        "Recorded the refusal.",
        "Recorded the refusal.",
        "Took the refusal as final: an order that was refused is not sent again.",
    ),
    "partial_fill": (
        "Is adding the parts up.",
        "Added the parts up as they came.",
        "Counted the parts that came.",
    ),
    "delay": (
        "Is waiting, and asks about the order by its id.",
        "Waited, asked about the order by its id where it took too long, and sent nothing twice.",
        "Waited for the answer.",
    ),
    "lost_reply": (
        "Is asking about the order by its id.",
        "Heard nothing, asked about the order by its id, and found it. Nothing was sent twice.",
        "Heard nothing, asked about the order by its id, and found how it ended.",
    ),
    "drop": (
        "Is asking; until absence is proven, nothing is sent again.",
        "Heard nothing, asked until the order was proven absent, and sent it again with its id.",
        "Heard nothing, and asked until the order was proven absent. It was not sent again.",
    ),
    "late_accept": (
        "Is asking; the order is neither there nor proven absent.",
        "Heard nothing, kept asking, and has one order, whenever the venue took it.",
        "Heard nothing, and kept asking until it was known how the order ended.",
    ),
    "accept_then_drop": (
        "Is asking; the broker no longer knows an order that it took.",
        "Noticed that the broker had forgotten the order, and sent it again with its id.",
        "Noticed that the broker had forgotten the order. It was not sent again.",
    ),
    "rate_limit": (
        "Is waiting as long as the venue asked.",
        "Waited as long as the venue asked, and sent it then.",
        "Waited as long as the venue asked.",
    ),
    "stream_gap": (
        "Is asking for the reports that are missing.",
        "Noticed which reports were missing by their numbers, and had them sent again.",
        "Noticed which reports were missing by their numbers, and had them sent again.",
    ),
    "duplicate": (
        "Dropped what it had heard before.",
        "Dropped what it had heard before: each fill counts once.",
        "Dropped what it had heard before.",
    ),
    "reorder": (
        "Put the reports in order.",
        "Put the reports in order by their numbers.",
        "Put the reports in order by their numbers.",
    ),
}


class BadDay(ValueError):
    """The form does not make a game day; the text says why."""


def read(length: str, percents: dict[str, str], now: datetime, seed: str) -> pb.GameDay:
    """A game day from what a person typed. Raises BadDay."""
    if length not in LENGTHS:
        raise BadDay("Choose how long it lasts.")
    number = whole.read(seed, most=SEEDS - 1)
    if number is None:
        raise BadDay(f"Seed: type a whole number below {SEEDS}, or leave it empty.")
    faults: list[pb.PlannedFault] = []
    for kind in KINDS:
        typed = percents.get(kind.name, "").strip() or "0"
        percent = whole.read(typed, most=100)
        if percent is None:
            raise BadDay(f"{kind.label}: type a whole number from 0 to 100.")
        if percent:
            faults.append(pb.PlannedFault(kind=kind.number, percent=percent))
    if not faults:
        raise BadDay("Nothing would go wrong: give at least one kind more than 0.")
    day = pb.GameDay(seed=number, faults=faults)
    day.from_time.FromDatetime(now)
    day.until_time.FromDatetime(now + LENGTHS[length][1])
    return day


def answer(kind: Kind, ord_status: str) -> str:
    """What Fillwire did about a misdeed, given where the order is now."""
    working, filled, ended = _ANSWERS[kind.name]
    if ord_status in ("PENDING_NEW", "NEW"):
        return working
    return filled if ord_status in ("FILLED", "PARTIALLY_FILLED") else ended
