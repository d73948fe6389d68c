"""`fillwire lint`: what would become of these messages, offline."""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from web.signals import dialects
from web.signals.body import MAX_BODY_BYTES
from web.signals.refusals import BadSignal, bad
from web.signals.rules import Signal

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Options:
    """How to look at messages."""

    dialect: str
    asset_class: str | None
    now: datetime
    jsonl: bool
    # False: what only this moment refuses, such as an expired contract, is a warning.
    by_clock: bool = True
    # What settings make of a message.
    remark: Callable[[Signal], list[str]] | None = None


def run(files: Iterable[str], options: Options, out: BinaryIO) -> bool:
    """Print a verdict on each message; True if all would be accepted.

    Raises OSError when a file cannot be read.
    """
    fine = True
    for file in files:
        for line, message in _messages(_bytes(file), jsonl=options.jsonl):
            verdict = judge(message, options)
            fine = fine and bool(verdict["accepted"])
            out.write(msgspec.json.encode({"line": line, **verdict}) + b"\n")
    out.flush()
    return fine


def judge(message: bytes, options: Options) -> dict[str, Any]:
    """What the webhook would say, and how it would read the message."""
    today = _verdict(message, options, options.now)
    if today["accepted"] or options.by_clock:
        return today
    always = _verdict(message, options, None)
    if not always["accepted"]:
        return today
    said = f"Sent on {options.now:%Y-%m-%d} it would be refused with {today['code']}"
    return {**always, "warnings": [*always["warnings"], f"{said}: {today['message']}"]}


def _verdict(message: bytes, options: Options, now: datetime | None) -> dict[str, Any]:
    try:
        if len(message) > MAX_BODY_BYTES:
            raise bad("payload-too-large")
        _, signal = dialects.read(
            message,
            dialect=options.dialect,
            asset_class=options.asset_class,
            now=now,
        )
    except BadSignal as refused:
        return {
            "accepted": False,
            "code": refused.code,
            "field": refused.field,
            "message": refused.message,
            "fix": refused.fix,
            "warnings": [],
            "signal": None,
        }
    read = signal.to_json()
    warnings = read.pop("warnings", [])
    if options.remark is not None:
        warnings = [*warnings, *options.remark(signal)]
    return {
        "accepted": True,
        "code": None,
        "field": None,
        "message": None,
        "fix": None,
        "warnings": warnings,
        "signal": read,
    }


def _bytes(file: str) -> bytes:
    return sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()


def _messages(content: bytes, *, jsonl: bool) -> Iterator[tuple[int, bytes]]:
    """Each message with the line it begins on. Blank lines are none."""
    if not jsonl:
        yield 1, content
        return
    for number, line in enumerate(content.split(b"\n"), 1):
        if message := line.removesuffix(b"\r"):
            yield number, message
