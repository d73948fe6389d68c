"""The venue's rows, to the database and back."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from execution.paper import feeds
from execution.paper.book import Account, Order
from execution.paper.costs import PLAIN, Model
from execution.paper.counting import Counter
from execution.paper.matching import Holding, Terms
from execution.paper.misdeeds import Plan, Planned
from protos.paper.v1 import paper_pb2 as pb


def _words(enum: Any, prefix: str) -> dict[Any, str]:
    return {number: name.removeprefix(prefix) for name, number in enum.items()}


_STATUS_WORDS = _words(pb.OrdStatus, "ORD_STATUS_")
_SIDE_WORDS = {n: word.lower() for n, word in _words(pb.Side, "SIDE_").items()}
_TYPE_WORDS = {n: word.lower() for n, word in _words(pb.OrdType, "ORD_TYPE_").items()}
FAULTS = {word.lower(): n for n, word in _words(pb.FaultKind, "FAULT_KIND_").items()}
_STATUSES = {word: number for number, word in _STATUS_WORDS.items()}
_SIDES = {word: number for number, word in _SIDE_WORDS.items()}
_TYPES = {word: number for number, word in _TYPE_WORDS.items()}


def to_json(rows: Sequence[object]) -> str:
    """Rows as one parameter."""
    return msgspec.json.encode(rows).decode()


def of_account(account: Account) -> dict[str, object]:
    """An account's row."""
    return {
        "account": account.name,
        "currency": account.currency,
        "cash": account.cash,
        "horizon": account.visibility_seconds,
        "refuses": account.refuses_repeats,
        "plan": account.plan and _plan_row(account.plan),
        "seq": account.report_seq,
        "hours": account.exchange_hours,
        "model": account.model,
        "most": account.counter.most,
        "brackets": account.no_brackets,
        "stops": account.no_stops,
    }


def is_plain(account: Account) -> bool:
    """Whether nothing changed but its cash and its number."""
    return account.is_stored and account.plan is None


def of_cash(account: Account) -> dict[str, object]:
    """What every fill changes of an account's row."""
    return {"account": account.name, "cash": account.cash, "seq": account.report_seq}


def _plan_row(plan: Plan) -> dict[str, object]:
    faults = [[each.fault.SerializeToString(), each.struck] for each in plan.faults]
    spared = list(plan.spared)
    return {"seed": plan.seed, "counted": plan.counted, "faults": faults, "spared": spared}


def _to_plan(row: dict[str, Any]) -> Plan:
    faults = [Planned(pb.Fault.FromString(b64decode(text)), n) for text, n in row["faults"]]
    return Plan(faults, row["seed"], row["counted"], dict.fromkeys(row["spared"]))


def of_order(order: Order) -> dict[str, object]:
    """An order's row; what it does not have does not travel."""
    terms = order.terms
    row = {
        "order_id": order.order_id,
        "account": terms.account,
        "cl_ord_id": terms.cl_ord_id,
        "instrument": terms.instrument,
        "side": _SIDE_WORDS[terms.side],
        "ord_type": _TYPE_WORDS[terms.ord_type],
        "time_in_force": terms.time_in_force,
        "order_qty": terms.order_qty,
        "limit_price": terms.limit_price,
        "stop_price": terms.stop_price,
        "trail_amount": terms.trail_amount,
        "trail_percent": terms.trail_percent,
        "reference_price": terms.reference_price,
        "parent": terms.parent,
        "best_price": order.best_price,
        "is_triggered": order.is_triggered,
        "may_fill": order.may_fill,
        "parts_left": order.parts_left,
        "ord_status": _STATUS_WORDS[order.ord_status],
        "cum_qty": order.cum_qty,
        "avg_px": order.avg_px,
        "text": order.text,
        "arrived_at": order.arrived_at,
    }
    return {name: value for name, value in row.items() if value is not None}


def of_holding(key: tuple[str, str], held: Holding) -> dict[str, object]:
    """A position's row."""
    account, instrument = key
    return {
        "account": account,
        "instrument": instrument,
        "quantity": held.quantity,
        "avg_price": held.avg_price,
        "seen_px": held.seen_px,
    }


def of_report(report: pb.Report) -> dict[str, object]:
    """A report's row."""
    return {
        "account": report.account,
        "seq": report.report_seq,
        "cl_ord_id": report.cl_ord_id,
        "report": b64encode(report.SerializeToString()).decode(),
    }


def to_account(row: dict[str, Any]) -> Account:
    """The account of a row, with what it holds; a recording is read apart."""
    model = msgspec.convert(row["model"], Model, strict=False) if row["model"] else PLAIN
    return Account(
        name=row["account"],
        visibility_seconds=row["visibility_horizon_seconds"],
        currency=row["currency"],
        cash=row["cash"],
        refuses_repeats=row["refuses_repeats"],
        exchange_hours=row["exchange_hours"],
        no_brackets=row["no_brackets"],
        no_stops=row["no_stops"],
        model=model,
        feed=feeds.Signals() if model.feed == "signal" else None,
        plan=_to_plan(row["plan"]) if row["plan"] else None,
        report_seq=row["report_seq"],
        counter=Counter(row["requests_per_minute"]),
        is_stored=True,
        holdings={name: _to_holding(*numbers) for name, *numbers in row["held"] or ()},
        used=row["used"] or {},
    )


def _to_holding(quantity: str, avg_price: str | None, seen_px: str | None) -> Holding:
    return Holding(Decimal(quantity), _to_price(avg_price), _to_price(seen_px))


def _to_price(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def to_order(row: dict[str, Any]) -> Order:
    """The order of a row."""
    terms = Terms(
        account=row["account"],
        cl_ord_id=row["cl_ord_id"],
        instrument=row["instrument"],
        side=_SIDES[row["side"]],
        ord_type=_TYPES[row["ord_type"]],
        time_in_force=row["time_in_force"],
        order_qty=row["order_qty"],
        limit_price=row["limit_price"],
        reference_price=row["reference_price"],
        stop_price=row["stop_price"],
        trail_amount=row["trail_amount"],
        trail_percent=row["trail_percent"],
        parent=row["parent"],
    )
    return Order(
        order_id=row["order_id"],
        terms=terms,
        arrived_at=row["arrived_at"],
        ord_status=_STATUSES[row["ord_status"]],
        cum_qty=row["cum_qty"],
        avg_px=row["avg_px"],
        text=row["text"],
        best_price=row["best_price"],
        is_triggered=row["is_triggered"],
        may_fill=row["may_fill"],
        parts_left=row["parts_left"],
    )
