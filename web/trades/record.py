"""The record of a decision: what the rules went by and what they said. Pure.

From it and from what the trade keeps (signal, settings, times) the same is decided again.
Execution's steps stand beside it, as messages of the contract.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from web.signals.rules import Signal
from web.subscriptions import settings
from web.subscriptions.settings import Resolved
from web.switches.rules import On
from web.switches.rules import read as read_switches
from web.trades import rules
from web.trades.rules import Context, Decision

RULES = "web"


def of_rules(
    signal: Signal,
    resolved: Resolved,
    context: Context,
    decision: Decision,
    *,
    accepted_at: datetime,
    now: datetime,
) -> dict[str, Any]:
    """What the rules of this program went by, and what they decided."""
    told = {
        "clock": now.isoformat(),
        "accepted_at": accepted_at.isoformat(),
        "context": {
            "strategy_enabled": context.strategy_enabled,
            "subscription_enabled": context.subscription_enabled,
            "asset_class": context.asset_class,
            "mode": context.mode,
            **({"halted": _told(context.halted)} if context.halted else {}),
            **({"stands": context.stands} if context.stands else {}),
        },
        "refused_caps": [{"name": cap.name, "by": cap.by} for cap in resolved.refused],
        "state": decision.state,
        "reason": decision.reason,
        "numbers": numbers_of(decision),
        "until": decision.until.isoformat() if decision.until else None,
    }
    seen = {"signal": signal.to_json(), "settings": resolved.snapshot(), **told}
    canonical = msgspec.json.encode(seen, enc_hook=str, order="deterministic")
    version = {"rules_version": rules.RULES_VERSION}
    return {**told, **version, "hash": hashlib.sha256(canonical).hexdigest()}


def _told(on: On) -> dict[str, str]:
    return {
        "scope": on.scope,
        "scope_id": on.scope_id.hex,
        "mode": on.mode,
        "set_at": on.set_at.isoformat(),
        "set_by": on.set_by,
        # What somebody typed is theirs, and decides nothing.
        "why": "",
    }


def numbers_of(decision: Decision) -> dict[str, str]:
    """What goes on with the trade: the rule's numbers, its size, and why it opens nothing."""
    numbers = dict(decision.numbers)
    if decision.quantity is not None:
        numbers["quantity"] = wire.to_text(decision.quantity)
    if decision.entry_refused is not None:
        refused = decision.entry_refused
        numbers |= {**refused.numbers, "entry_refused": refused.reason}
    return numbers


def again(
    signal: Signal, snapshot: Mapping[str, Any], recorded: Mapping[str, Any]
) -> tuple[Decision, dict[str, Any]]:
    """What the rules say now of what they went by then, and the record of it."""
    resolved = settings.recall(snapshot, recorded["refused_caps"])
    told = recorded["context"]
    halted = read_switches([told["halted"]])[0] if "halted" in told else None
    context = Context(**{**told, "halted": halted})
    accepted_at = datetime.fromisoformat(recorded["accepted_at"])
    now = datetime.fromisoformat(recorded["clock"])
    decision = rules.decide(signal, resolved, context, accepted_at=accepted_at, now=now)
    record = of_rules(signal, resolved, context, decision, accepted_at=accepted_at, now=now)
    return decision, record


def pack(decided: pb.Decision) -> str:
    """A step of execution, as the record keeps it."""
    return b64encode(decided.SerializeToString()).decode()


def steps(record: Mapping[str, Any]) -> list[tuple[str, pb.Decision]]:
    """Execution's steps, in the order in which they were decided."""
    found = [
        (name, pb.Decision.FromString(b64decode(packed)))
        for name, packed in record.items()
        if name != RULES
    ]
    return sorted(found, key=lambda step: (step[1].seen.time.ToNanoseconds(), step[0] == "end"))
