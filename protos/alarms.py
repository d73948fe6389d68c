"""The alarms catalogue: what somebody must look at, in words a person can act on.

One word each, as `AlarmKind` of the contract has it in upper case. `{name}` in a message is
filled from the alarm's numbers. One that `lasts` is over by itself once its trade is in that
state no more; any other stands until a person has seen it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from protos.reasons import Shown


@dataclass(frozen=True)
class Words:
    """What happened, what to do about it, and how long it stands by itself."""

    message: str
    fix: str
    # A state of a trade, or of its protection, of which orders may be DOUBTED; empty for "until
    # it is acknowledged".
    lasts: str = ""


CATALOGUE: dict[str, Words] = {
    "not_provable": Words(
        "The broker can neither show an order in {instrument} nor prove that it is absent.",
        "Look at the broker, then check again or declare what you saw.",
        lasts="NEEDS_ATTENTION",
    ),
    "guard_not_provable": Words(
        "The broker can neither show an order that guards or closes {instrument} nor prove that it "
        "is absent.",
        "Look at the broker, then check again or declare what you saw, on the trade's page. Until "
        "then nothing else that could close the same part is sent.",
        lasts="DOUBTED",
    ),
    "internal_error": Words(
        "We failed to work out a trade in {instrument}, and stopped.",
        "No order was sent from there on. Quote the trade's id to support.",
        lasts="NEEDS_ATTENTION",
    ),
    "exit_failed": Words(
        "We failed to work out an exit of {instrument}; nothing was sent for it.",
        "Approve it to have it tried again, or close the position by hand. It is kept for a day. "
        "Quote the trade's id to support.",
        lasts="WAITING_APPROVAL",
    ),
    "late_exit": Words(
        "An exit of {instrument} was {age} s old at {stage}, and waits for one click.",
        "Approve it if the position is still open. It is kept for a day.",
        lasts="WAITING_APPROVAL",
    ),
    "exit_outside_window": Words(
        "An exit of {instrument} is held: it was {time}, and the windows are {windows}.",
        "It goes when a window opens. Let it go now, or reject it, on the trade's page.",
        lasts="BLOCKED",
    ),
    "exit_spread_too_wide": Words(
        "An exit of {instrument} is held: the spread is {spread}, the filter allows {limit}.",
        "It goes once the spread is narrow enough, or by one click on the trade's page.",
        lasts="BLOCKED",
    ),
    "exit_too_late": Words(
        "An exit of {instrument} could not be sent for {limit} s, and was given up.",
        "Look at the position; close it if it is still open.",
    ),
    "exit_unanswered": Words(
        "An exit of {instrument} waited for somebody's yes, and nobody answered in time.",
        "It was not sent. Look at the position; close it if it is still open.",
    ),
    "share_taken": Words(
        "{instrument} was traded at the broker by somebody else: {taken} of what subscriptions "
        "held is gone, and the account holds {left}.",
        "Nothing to do if it was you: stops and exits go by what is left.",
    ),
    "exit_refused_by_age": Words(
        "An exit of {instrument} was not sent: it was {age} s old, and `rejectAfter` is {limit} s.",
        "Look at the position; close it if you do not want it.",
    ),
    "flip_timeout": Words(
        "The exit of a reversal in {instrument} did not fill within {seconds} s.",
        "The opposite entry was dropped; the exit is still working. Look at it.",
    ),
    "overfilled": Words(
        "An order in {instrument} for {quantity} was filled for {filled}.",
        "Look at the position, and close what is too much; `correct_overfills` does that by "
        "itself. Nothing is opened there until it is taken back so, or you acknowledge this.",
    ),
    "busted": Words(
        "The broker took back or changed a fill of {instrument}: {filled} of {quantity} is filled.",
        "Look at the trade and at the position. Stops and exits go by what is left; nothing is "
        "sent again.",
    ),
    "stop_refused": Words(
        "The broker refused the stop or target of {instrument}: {text}.",
        "Look at the position. `stop_refused_after_fill` decides what is done then.",
        lasts="UNPROTECTED",
    ),
    "unprotected": Words(
        "{held} {instrument} is held and {covered} of it is guarded.",
        "It is guarded again once the broker takes its stop. Until then, look after it there.",
        lasts="UNPROTECTED",
    ),
    "login_refused": Words(
        "The broker does not let this connection in: {text}.",
        "Nothing is sent there meanwhile. Replace its keys on the connection's page.",
    ),
}


# Where a trade stands, of those states that call somebody: the kind of the alarm.
_OF_STATES = {
    ("NEEDS_ATTENTION", "not_provable"): "not_provable",
    ("NEEDS_ATTENTION", "internal_error"): "internal_error",
    ("WAITING_APPROVAL", "internal_error"): "exit_failed",
    ("WAITING_APPROVAL", "late_exit"): "late_exit",
    ("BLOCKED", "outside_window"): "exit_outside_window",
    ("BLOCKED", "spread_too_wide"): "exit_spread_too_wide",
    ("WORKING", "flip_timeout"): "flip_timeout",
}


def of_state(state: str, reason: str | None, numbers: Mapping[str, str]) -> str | None:
    """The kind of alarm that a trade raises by standing so; None for no alarm."""
    if state == "EXPIRED" and numbers.get("rejected_leg") == "exit":
        return "exit_refused_by_age"
    return _OF_STATES.get((state, reason or ""))


def explain(kind: str, numbers: Mapping[str, str]) -> str:
    """The alarm's message with its numbers filled in."""
    return CATALOGUE[kind].message.format_map(Shown(numbers))
