"""Where a signal's time went: stages as segments on one axis. Pure.

Stages are always in the same order. A segment is the time from the latest stage before
it to its own; so segments add up to the total and none is negative. What cannot be shown
as a length (a missing stage, a clock that runs ahead) is said in words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

STAGES = (
    "sent",
    "received",
    "accepted",
    "dequeued",
    "planned",
    "approved",
    "submitted",
    "acknowledged",
    "first_fill",
    "filled",
)
# Whose time it is that ends with the stage.
OWNERS: Mapping[str, str] = {
    "sent": "source",
    "received": "source",
    "accepted": "Fillwire",
    "dequeued": "Fillwire",
    "planned": "Fillwire",
    "approved": "you",
    "submitted": "Fillwire",
    "acknowledged": "broker",
    "first_fill": "broker",
    "filled": "broker",
}
# A sender's clock in whole seconds may be half a second wrong either way.
CLOCK_SLACK_MS = 1000.0


@dataclass(frozen=True)
class Segment:
    """One stage: when it was reached, and how long that took."""

    stage: str
    owner: str
    at: datetime | None
    start_ms: float = 0.0
    length_ms: float | None = None
    note: str | None = None

    @property
    def label(self) -> str:
        """`first fill` for `first_fill`."""
        return self.stage.replace("_", " ")


@dataclass(frozen=True)
class Waterfall:
    """All stages of one trade."""

    segments: Sequence[Segment]
    total_ms: float
    by_owner: Mapping[str, float] = field(default_factory=dict)

    @property
    def drawn(self) -> Sequence[Segment]:
        """The segments that have a length."""
        return [segment for segment in self.segments if segment.length_ms]

    @property
    def headline(self) -> str:
        """`Fillwire 41, broker 67`."""
        return ", ".join(f"{owner} {_brief(ms)}" for owner, ms in self.by_owner.items())


def build(times: Mapping[str, datetime | None]) -> Waterfall:
    """The waterfall of the times at which stages were reached."""
    start = _start(times)
    segments: list[Segment] = []
    by_owner: dict[str, float] = {}
    latest = 0.0
    for stage in STAGES:
        at = times.get(stage)
        owner = OWNERS[stage]
        note = _missing(stage, times) if at is None else _doubtful(stage, at, times)
        if at is None or start is None or (stage == "sent" and at > start):
            segments.append(Segment(stage, owner, at, note=note))
            continue
        offset = (at - start).total_seconds() * 1000
        length = max(0.0, offset - latest)
        if offset < latest - 1 and note is None:
            note = f"{_brief(latest - offset)} ms before the stage above"
        segments.append(Segment(stage, owner, at, latest, length, note))
        if length:
            by_owner[owner] = by_owner.get(owner, 0.0) + length
        latest = max(latest, offset)
    return Waterfall(segments, latest, by_owner)


def _start(times: Mapping[str, datetime | None]) -> datetime | None:
    sent, received = times.get("sent"), times.get("received")
    if sent is not None and (received is None or sent <= received):
        return sent
    return received


def _missing(stage: str, times: Mapping[str, datetime | None]) -> str:
    if stage == "sent":
        return "the sender gave no time"
    if stage == "approved" and times.get("submitted") is not None:
        return "automatic"
    return "not reached"


def _doubtful(stage: str, at: datetime, times: Mapping[str, datetime | None]) -> str | None:
    received = times.get("received")
    if stage != "sent" or received is None:
        return None
    ahead = (at - received).total_seconds() * 1000
    if ahead > CLOCK_SLACK_MS:
        return f"the sender's clock is {_brief(ahead)} ms ahead of ours"
    if ahead > 0:
        return "the sender's clock has whole seconds only: ±1 s"
    return "±1 s" if at.microsecond == 0 else None


def _brief(ms: float) -> str:
    return f"{ms:,.1f}" if ms < 10 else f"{ms:,.0f}"
