"""A trade decided again, from its record and not from what is true now.

The rules of this program answer from what they went by; execution's planning answers from
the states that it recorded, without looking at the account. `changes` asks what other
settings would have done.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import msgspec

from protos import ids, reasons
from protos.execution.v1 import execution_pb2 as pb
from web.connections.models import Connection
from web.db import get_for_tenant
from web.signals import rules as language
from web.signals.rules import Signal
from web.subscriptions import settings
from web.subscriptions.settings import BadSetting
from web.subscriptions.settings.kinds import NONE
from web.trades import explain, messages, plans, record
from web.trades.messages import Destination
from web.trades.models import Trade
from web.trades.rules import Decision

# How people call settings for short.
SHORT = {"size": "quantity"}
# Settings that an option is chosen by.
CHOICE = {"option_type", "invert_puts", "intrinsic_value", "expiration", "strikes_away"}


class NotRecorded(Exception):
    """The trade was made before decisions were recorded, or could not be decided."""


def of_trade(trade: Trade, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The recorded decision beside the same decision made again.

    Raises NotRecorded, BadSetting, ExecutionDown.
    """
    kept = trade.decision.get(record.RULES)
    if kept is None:
        raise NotRecorded()
    signal = language.from_json(trade.signal)
    decision, again = record.again(signal, trade.settings, kept)
    steps = record.steps(trade.decision)
    previews = explain.client().preview(
        [_message(trade, trade.settings, kept.get("released", kept["numbers"]))] * len(steps),
        [decided.seen for _, decided in steps],
    )
    told = [
        _step(name, decided, preview, trade.instrument)
        for (name, decided), preview in zip(steps, previews, strict=True)
    ]
    equal = kept["hash"] == again["hash"]
    rules = {
        "recorded": kept,
        "recomputed": again,
        "equal": equal,
        "differs": differences(kept, again),
    }
    answer = {
        "object": "replay",
        "trade_id": ids.show("trade", trade.id),
        "settings_version": trade.settings_version,
        "equal": rules["equal"] and all(step["equal"] for step in told),
        "rules": rules,
        "steps": told,
    }
    if changes:
        before = _plan(decision, previews)
        answer["changed"] = _changed(trade, signal, kept, steps, before, changes)
    return answer


def _step(name: str, decided: pb.Decision, preview: pb.Preview, ticker: str) -> dict[str, Any]:
    then, now = _decision(decided, ticker), _decision(preview.decision, ticker)
    return {
        "step": name,
        "label": plans.step_in_words(name),
        "seen": plans.seen(decided.seen),
        "recorded": then,
        "recomputed": now,
        "equal": decided.hash == preview.decision.hash,
        "differs": differences(then, now),
    }


def differences(then: Any, now: Any, name: str = "") -> list[tuple[str, str, str]]:
    """Where two decisions differ: the path of each value, what it was and what it is."""
    if then == now or name == "hash":
        return []
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        names = [*then, *(each for each in now if each not in then)]
        pairs = [(each, then.get(each), now.get(each)) for each in names]
    elif isinstance(then, list) and isinstance(now, list):
        pairs = [(str(n + 1), a, b) for n, (a, b) in enumerate(zip_longest(then, now))]
    else:
        return [(name, _plain(then), _plain(now))]
    at = f"{name} " if name else ""
    return [found for each, a, b in pairs for found in differences(a, b, f"{at}{each}")]


def _plain(value: Any) -> str:
    if value is None or value == "":
        return "–"
    return value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()


def _decision(decided: pb.Decision, ticker: str) -> dict[str, Any]:
    found = [plans.order(each) for each in decided.orders]
    reason = plans.word(pb.Reason.Name(decided.reason), "REASON_") or None
    state = plans.word(pb.TradeState.Name(decided.state), "TRADE_STATE_").upper()
    return {
        "hash": decided.hash,
        "rules_version": decided.rules_version,
        "state": state or None,
        "reason": reason,
        "numbers": dict(decided.numbers),
        "orders": found,
        "words": [plans.in_words(each, ticker) for each in found],
    }


def _changed(
    trade: Trade,
    signal: Signal,
    kept: Mapping[str, Any],
    steps: Sequence[tuple[str, pb.Decision]],
    before: Mapping[str, Any],
    changes: Mapping[str, Any],
) -> dict[str, Any]:
    """What other settings would have made of the same signal and the same first sight."""
    snapshot = _with(trade.settings, changes)
    decision, _ = record.again(signal, snapshot, kept)
    numbers = record.numbers_of(decision)
    first = [decided.seen for _, decided in steps[:1]] if decision.goes_on else []
    previews = explain.client().preview([_message(trade, snapshot, numbers)] * len(first), first)
    after = _plan(decision, previews)
    was = settings.complete(trade.settings)
    effective = [
        {"name": name, "before": was[name], "after": now}
        for name, now in settings.complete(snapshot).items()
        if was[name]["value"] != now["value"]
    ]
    return {
        "effective": effective,
        "before": before,
        "after": after,
        "equal": before == after,
        "note": note_of([each["name"] for each in effective], first, after["reason"]),
    }


def note_of(
    changed: Collection[str], seen: Sequence[pb.SeenState], reason: str | None
) -> str | None:
    """What cannot be told of other settings: a chain is looked at once, and not kept."""
    chosen = [state.resolved.symbol for state in seen if state.resolved.chosen_from]
    if chosen and CHOICE & set(changed):
        return (
            f"This is planned with {chosen[0]}, as it was chosen then. Which contract these "
            "settings would have chosen is not known: the chain is not kept."
        )
    if reason == "no_contract" and not chosen:
        return "No contract was chosen then, and the chain is not kept: which one is not known."
    return None


def _plan(decision: Decision, previews: Sequence[pb.Preview]) -> dict[str, Any]:
    """The whole plan from the first sight, as one would explain it."""
    numbers = record.numbers_of(decision)
    ends = decision.reason if decision.reason in reasons.CATALOGUE else None
    told: dict[str, Any] = {
        "state": decision.state,
        "reason": ends,
        "numbers": numbers,
        "orders": [],
    }
    if not previews:
        return told
    planned = plans.told(previews[0])
    assert planned is not None
    kept = ("state", "reason", "numbers", "orders", "worst_loss", "message")
    return told | {name: planned[name] for name in kept}


def _with(snapshot: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The snapshot with some values replaced. Raises BadSetting."""
    named = {SHORT.get(name, name): value for name, value in changes.items()}
    stored = settings.validate(
        {name: {"source": "own", "value": value} for name, value in named.items()}
    )
    found = dict(snapshot)
    for name in named:
        if name not in stored:
            raise BadSetting(name, "It needs more than this value.", "Set what it belongs to too.")
        value = stored[name]["value"]
        setting = settings.BY_NAME[name]
        is_none = setting.optional and value == NONE
        found[name] = {"value": None if is_none else value, "from": "replay"}
    return found


def _message(trade: Trade, snapshot: Mapping[str, Any], numbers: Mapping[str, str]) -> pb.Trade:
    """The message as execution was given it, or would have been."""
    assert trade.signal_id is not None
    connection = get_for_tenant(Connection, trade.connection_id)
    account = connection.broker_account
    shared = messages.terms(
        strategy_id=trade.strategy_id,
        signal_id=trade.signal_id,
        signal_seq=trade.signal_seq,
        signal=trade.signal,
        settings=settings.complete(snapshot),
        accepted_at=trade.accepted_at,
        released_at=trade.released_at,
        asset_class=trade.signal["asset_class"],
        numbers=numbers,
        approved=trade.was_approved,
    )
    destination = Destination(
        trade.tenant_id, trade.subscription_id, trade.connection_id,
        account.broker, account.environment, account.account,
    )  # fmt: skip
    return messages.to_trade(shared, trade.id, destination)
