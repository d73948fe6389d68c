"""Execution's plan as data and in words. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from protos import reasons, wire
from protos.execution.v1 import execution_pb2 as pb
from web.formats import iso

# What an order is, apart from its id: equal terms are the same order.
TERMS = (
    "leg",
    "instrument",
    "side",
    "ord_type",
    "order_qty",
    "limit_price",
    "stop_price",
    "trail_amount",
    "trail_percent",
    "time_in_force",
)
_SEEN = (
    "position",
    "avg_price",
    "exposure",
    "bid",
    "ask",
    "last",
    "equity",
    "balance",
    "buying_power",
    "promised",
    "bound",
)


def told(
    preview: pb.Preview | None, why_not: str | None = None, *, ticker: str = ""
) -> dict[str, Any] | None:
    """What execution would do; None for a trade that never comes to it. Words name instruments
    that are not just the ticker."""
    if preview is None:
        if why_not is None:
            return None
        return {"answered": False, "why": why_not, "orders": [], "verdicts": [], "seen": None}
    reason = word(pb.Reason.Name(preview.reason), "REASON_") or None
    numbers = dict(preview.numbers)
    found = [order(each) for each in preview.orders]
    return {
        "answered": True,
        "why": None,
        "state": word(pb.TradeState.Name(preview.state), "TRADE_STATE_").upper(),
        "reason": reason,
        "message": explained(reason, numbers),
        "numbers": numbers,
        "orders": found,
        "words": [in_words(each, ticker) for each in found],
        "cancels": list(preview.cancels),
        "warnings": [told for each in preview.verdicts for told in warnings(each.numbers)],
        "worst_loss": preview.worst_loss or None,
        "verdicts": [
            {"rule": each.rule, "passed": each.passed, "numbers": dict(each.numbers)}
            for each in preview.verdicts
        ],
        "seen": seen(preview.seen) if preview.HasField("seen") else None,
    }


def order(planned: pb.PlannedOrder) -> dict[str, Any]:
    """The terms of an order, and what it was priced at."""
    return {
        "leg": word(pb.Leg.Name(planned.leg), "LEG_"),
        "instrument": planned.instrument or None,
        "side": word(pb.Side.Name(planned.side), "SIDE_"),
        "ord_type": word(pb.OrdType.Name(planned.ord_type), "ORD_TYPE_"),
        "order_qty": planned.order_qty,
        "limit_price": planned.limit_price or None,
        "stop_price": planned.stop_price or None,
        "trail_amount": planned.trail_amount or None,
        "trail_percent": planned.trail_percent or None,
        "time_in_force": planned.time_in_force,
        "planning_price": planned.planning_price or None,
        "cancel_after_seconds": planned.cancel_after_seconds or None,
        "synthetic": planned.synthetic,
    }


def terms(orders: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """What makes two plans the same."""
    return [tuple(each[name] for name in TERMS) for each in orders]


def in_words(order: Mapping[str, Any], ticker: str) -> str:
    """`Entry: buy 5, limit 228.40, day, planned at 228.40`; `buy 5 MNQZ2026` where the
    ticker said no more than `MNQ`."""
    kind = str(order["ord_type"]).replace("_", " ")
    leg = str(order["leg"]).replace("_", " ").capitalize()
    named = "" if order["instrument"] == ticker else f" {order['instrument']}"
    told = [f"{leg}: {order['side']} {order['order_qty']}{named}"]
    # Its price says as much.
    if not order.get(f"{kind}_price"):
        told.append(kind)
    for name, said in (
        ("limit_price", "limit {}"),
        ("stop_price", "stop {}"),
        ("trail_amount", "trailing by {}"),
        ("trail_percent", "trailing by {} %"),
    ):
        if order[name]:
            told.append(said.format(order[name]))
    told.append(str(order["time_in_force"]))
    if order.get("synthetic"):
        told.append("kept by Fillwire")
    price = order.get("planning_price")
    if price:
        told.append(f"planned at {price}")
    return ", ".join(told)


def step_in_words(step: str) -> str:
    """`entry0` is the entry, `exit1` the second order of the exit, `end` how it ended."""
    leg = step.rstrip("0123456789")
    number = int(step[len(leg) :] or 0)
    if leg == "end":
        return "How it ended"
    name = leg.replace("_", " ").capitalize()
    return f"{name}, order {number + 1}" if number else name


def seen(state: pb.SeenState) -> dict[str, Any]:
    """What it was decided from, and when that was so."""
    at = wire.to_datetime(state.time)
    return {
        "at": iso(at) if at else None,
        **{name: getattr(state, name) or None for name in _SEEN},
        "in_doubt": state.in_doubt,
        "open_orders": [
            {
                "kind": kind,
                "side": word(pb.Side.Name(each.side), "SIDE_"),
                "leaves_qty": each.leaves_qty,
                "ord_type": word(pb.OrdType.Name(each.ord_type), "ORD_TYPE_"),
            }
            for kind, orders in (
                ("entry", state.entries),
                ("exit", state.closing),
                ("protection", state.protection),
            )
            for each in orders
        ],
    }


def warnings(numbers: Mapping[str, str]) -> list[str]:
    """What somebody may not expect of an order with these numbers."""
    found = []
    if asked := numbers.get("instead_of"):
        found.append(
            f"There was neither a price nor a quote, so the {asked} order goes as market: the "
            "settings ask for that."
        )
    if by := numbers.get("made_whole_by"):
        found.append(
            f"The multiplier {by} makes of {numbers.get('signal_quantity', 'a part')} an exit of "
            "the whole position."
        )
    return found


def explained(reason: str | None, numbers: Mapping[str, str]) -> str | None:
    """A reason with its numbers filled in."""
    return reasons.explain(reason, numbers) if reason in reasons.CATALOGUE else None


def word(name: str, prefix: str) -> str:
    """A word of the contract as we spell it; empty for none."""
    found = name.removeprefix(prefix).lower()
    return "" if found == "unspecified" else found
