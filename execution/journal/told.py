"""What stored facts tell."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from execution.domain.words import TradeState
from execution.journal.rows import OutcomeImage, Sent
from execution.lanes.covers import Told
from execution.messages import messages
from protos import wire
from protos.execution.v1 import execution_pb2 as pb


def sent(fact: bytes) -> list[tuple[str, datetime]]:
    """By which connection an order was written down, and when; none of a guard."""
    message = pb.Fact.FromString(fact)
    at = wire.to_datetime(message.time)
    is_guard = message.order_sending.order.leg in (pb.LEG_TAKE_PROFIT, pb.LEG_STOP)
    return [] if is_guard or at is None else [(message.connection_id, at)]


def unanswered(fact: bytes, before: Sent) -> Sent:
    """What is on record of the sending of an order that nobody answered, after this fact."""
    message = pb.Fact.FromString(fact)
    if message.HasField("order_resent"):
        return Sent(message.order_resent.count)
    # The first to take it counts: who took it after that one did not send it.
    return before._replace(since=before.since or wire.to_datetime(message.time))


def broker_seq(fact: Any) -> int:
    """The broker's number of a report."""
    message: pb.Fact = pb.Fact.FromString(bytes(fact))
    return (
        message.execution_report.broker_seq
        or message.position_change.broker_seq
        or message.external_report.broker_seq
    )


def resolved(fact: bytes) -> pb.Resolved:
    """What the ticker of a trade was found to mean."""
    return pb.Fact.FromString(fact).trade_resolved.resolved


def lane(fact: bytes) -> pb.LaneStop:
    """What stops a lane, or stops it no more."""
    return pb.Fact.FromString(fact).lane_stop


def protection(fact: bytes, count: int) -> Told:
    """Where the protection of a trade stands."""
    said = pb.Fact.FromString(fact).trade_protection
    state = messages.read_protection(said)
    return Told(count, state.value, messages.REASON_WORDS[said.reason], dict(said.numbers))


def displaced(numbers: Mapping[str, str]) -> dict[str, Decimal]:
    """The exits whose place a trade takes, and what each had filled when it was asked to go."""
    words = (word.partition(":") for word in numbers.get("displaced", "").split())
    return {cl_ord_id: Decimal(filled) for cl_ord_id, _, filled in words}


def outcome(fact: bytes, before: OutcomeImage | None) -> OutcomeImage:
    """The outcome of a trade, after an earlier one."""
    outcome = pb.Fact.FromString(fact).trade_outcome
    if before is not None and before.state == TradeState.WAITING_APPROVAL:
        # It was given back, and let go since: nothing of that counts any more.
        before = replace(before, numbers={})
    return OutcomeImage(
        count=(before.count if before else 0) + 1,
        state=messages.read_state(outcome).value,
        reason=messages.REASON_WORDS[outcome.reason],
        numbers={**(before.numbers if before else {}), **outcome.numbers},
    )
