"""Switches and limits between the contract's messages and the domain's values, both ways."""

from decimal import Decimal
from typing import cast

from execution.domain.limits import NO_LIMITS, Limits, Used
from execution.domain.switches import FREE, Binding, Mode, Scope, Switch
from protos import wire
from protos.execution.v1 import execution_pb2 as pb

SCOPES = {pb.SwitchScope.Value(f"SWITCH_SCOPE_{s.name}"): s for s in Scope}
MODES = {pb.SwitchMode.Value(f"SWITCH_MODE_{m.name}"): m for m in Mode}
SCOPE = {s: cast("pb.SwitchScope", number) for number, s in SCOPES.items()}
MODE = {m: cast("pb.SwitchMode", number) for number, m in MODES.items()}


def limits(said: Limits) -> pb.Limits:
    """Limits; empty for none."""
    return pb.Limits(
        max_daily_loss=wire.to_text(said.max_daily_loss),
        max_position=wire.to_text(said.max_position),
        max_orders_per_minute=said.max_orders or 0,
    )


def read_limits(message: pb.Limits) -> Limits:
    """Limits as they were told. Raises ValueError for what is not above zero."""
    money = [wire.to_decimal(t) for t in (message.max_daily_loss, message.max_position)]
    most = message.max_orders_per_minute
    if most < 0 or any(each is not None and each <= 0 for each in money):
        raise ValueError("a limit is above zero")
    return Limits(money[0], money[1], most or None)


def record(state: pb.SeenState, binding: Binding) -> None:
    """What bound a trade, beside all else that was seen."""
    if binding.switch is not None:
        state.switch_scope = SCOPE[binding.switch.scope]
        state.switch_mode = MODE[binding.switch.mode]
    if binding.limits is not NO_LIMITS:
        used = binding.used
        state.limits.CopyFrom(
            pb.SeenLimits(
                limits=limits(binding.limits),
                lost=wire.to_text(used.lost),
                exposed=wire.to_text(used.exposed),
                orders=used.orders,
            )
        )


def read(state: pb.SeenState) -> Binding:
    """What a record says bound the trade. Raises ValueError."""
    switch = None
    if state.switch_mode:
        switch = Switch(SCOPES[state.switch_scope], MODES[state.switch_mode])
    if not state.HasField("limits"):
        return FREE if switch is None else Binding(switch)
    seen = state.limits
    lost, exposed = (wire.to_decimal(t) or Decimal(0) for t in (seen.lost, seen.exposed))
    return Binding(switch, read_limits(seen.limits), Used(lost, exposed, seen.orders))
