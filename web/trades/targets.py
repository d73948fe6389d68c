"""The position that a sender wants, as execution's message says it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from protos import wire
from protos.execution.v1 import execution_pb2 as pb

# Its templates say "exit" only where the sender's own position is flat.
_DIALECT = "crypto_arsenal"
_SIGNS = {"long": Decimal(1), "short": Decimal(-1), "flat": Decimal(0)}


def field(signal: Mapping[str, Any]) -> pb.Target | None:
    """The target of a stored signal; None for a signal that asks for an order."""
    said = signal.get("target")
    if said is None:
        is_flat = signal["dialect"] == _DIALECT and signal["action"] == "exit"
        return pb.Target(sizing=pb.SIZING_WHOLE, now="0") if is_flat else None
    return pb.Target(
        sizing=f"SIZING_{said['mode'].upper()}",
        now=wire.to_text(_signed(said["side"], said.get("size"))),
        before=wire.to_text(_before(said)),
        value=said.get("value", ""),
        order_size=said.get("order_size", ""),
        order_price=said.get("order_price", ""),
        leverage=said.get("leverage", ""),
        reserve_percent=signal.get("reserve_percent") or "",
    )


def _signed(side: str, size: str | None) -> Decimal:
    """Where no size is said only the side matters."""
    return _SIGNS[side] * Decimal("1" if size is None else size)


def _before(said: Mapping[str, Any]) -> Decimal | None:
    """None where it was not told whole: our own position then stands for it."""
    side, size = said.get("prev_side"), said.get("prev_size")
    if side == "flat":
        return Decimal(0)
    if side is None or (size is None and said["mode"] != "whole"):
        return None
    return _signed(side, size)
