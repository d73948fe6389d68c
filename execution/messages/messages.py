"""Between the contract's messages and the domain's values, both ways."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar, cast
from uuid import UUID

from msgspec import structs

from execution.domain import words
from execution.domain.orders import Order, Terms
from execution.domain.positions import Position
from execution.domain.protecting import Protection
from execution.domain.reports import PositionMove, Report
from execution.domain.trades import AccountRef, Trade
from execution.lanes.books import Book
from execution.messages import reading
from execution.messages.alarms import Alarm
from protos import ids, wire
from protos.execution.v1 import execution_pb2 as pb

Kind = TypeVar("Kind")

_SIDE = {s: cast("pb.Side", pb.Side.Value(f"SIDE_{s.name}")) for s in words.Side}
_ORD_TYPE = {o: cast("pb.OrdType", pb.OrdType.Value(f"ORD_TYPE_{o.name}")) for o in words.OrdType}
_ORD_STATUS = {
    o: cast("pb.OrdStatus", pb.OrdStatus.Value(f"ORD_STATUS_{o.name}")) for o in words.OrdStatus
}
_EXEC_TYPE = {
    e: cast("pb.ExecType", pb.ExecType.Value(f"EXEC_TYPE_{e.name}")) for e in words.ExecType
}
_LEG = {leg: cast("pb.Leg", pb.Leg.Value(f"LEG_{leg.name}")) for leg in words.Leg}
_ORIGIN = {word: cast("pb.Origin", number) for number, word in reading.ORIGINS.items()}
_STATE = {
    s: cast("pb.TradeState", pb.TradeState.Value(f"TRADE_STATE_{s.name}")) for s in words.TradeState
}
_PROTECTION = {
    p: cast("pb.ProtectionState", pb.ProtectionState.Value(f"PROTECTION_STATE_{p.name}"))
    for p in Protection
}
_PROTECTION_BACK = {number: word for word, number in _PROTECTION.items()}
_ALARM = {
    name.removeprefix("ALARM_KIND_").lower(): cast("pb.AlarmKind", number)
    for name, number in pb.AlarmKind.items()
}
REASON_WORDS = reading.REASON_WORDS
_REASON = {word: cast("pb.Reason", number) for number, word in REASON_WORDS.items()}
_EXEC_TYPE_BACK = {number: word for word, number in _EXEC_TYPE.items()}
_ORD_STATUS_BACK = {number: word for word, number in _ORD_STATUS.items()}
_SIDE_BACK = {number: word for word, number in _SIDE.items()}
_STATE_BACK = {number: word for word, number in _STATE.items()}
# Whose a trade is: all that differs among those that one signal makes under equal settings.
_OWN_FIELDS = (
    "trade_id", "tenant_id", "strategy_id", "subscription_id", "connection_id", "account",
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_trade(message: pb.Trade) -> Trade:
    """The trade as the engine knows it. What many trades of one signal have in common is read
    once.

    Raises ValueError when a field is missing or cannot be read.
    """
    whose = message.account
    if not whose.account or "\0" in whose.account:
        raise ValueError("an account without a name, or with a zero byte in it")
    account = AccountRef(whose.broker, whose.environment, whose.account)
    common = pb.Trade()
    common.CopyFrom(message)
    for field in _OWN_FIELDS:
        common.ClearField(field)
    return structs.replace(
        reading.common(common.SerializeToString()),
        trade_id=ids.from_hex(message.trade_id),
        tenant_id=message.tenant_id,
        strategy_id=ids.from_hex(message.strategy_id),
        subscription_id=ids.from_hex(message.subscription_id),
        connection_id=message.connection_id,
        account=account,
        account_id=ids.account_id(account.broker, account.environment, account.account),
    )


def state(word: words.TradeState) -> pb.TradeState:
    """The contract's word for a state."""
    return _STATE[word]


def reason(word: str) -> pb.Reason:
    """The contract's word for a reason; unspecified for none."""
    return _REASON[word]


def asset_class(word: words.AssetClass) -> pb.AssetClass:
    """The contract's word for an asset class."""
    return cast("pb.AssetClass", pb.AssetClass.Value(f"ASSET_CLASS_{word.name}"))


def leg(word: words.Leg) -> pb.Leg:
    """The contract's word for a leg."""
    return _LEG[word]


def side(word: words.Side) -> pb.Side:
    """The contract's word for a side."""
    return _SIDE[word]


def ord_type(word: words.OrdType) -> pb.OrdType:
    """The contract's word for an order type."""
    return _ORD_TYPE[word]


def account(ref: AccountRef) -> pb.Account:
    """A broker account."""
    return pb.Account(broker=ref.broker, environment=ref.environment, account=ref.account)


def order(order: Order) -> pb.Order:
    """An order as it stands."""
    terms = order.terms
    return pb.Order(
        order_id=terms.order_id.hex,
        cl_ord_id=terms.cl_ord_id,
        trade_id=terms.trade_id.hex,
        leg=_LEG[terms.leg],
        revision=terms.revision,
        origin=_ORIGIN[terms.origin],
        instrument=terms.instrument,
        side=_SIDE[terms.side],
        ord_type=_ORD_TYPE[terms.ord_type],
        time_in_force=terms.time_in_force,
        order_qty=wire.to_text(terms.order_qty),
        limit_price=wire.to_text(terms.limit_price),
        stop_price=wire.to_text(terms.stop_price),
        trail_amount=wire.to_text(terms.trail_amount),
        trail_percent=wire.to_text(terms.trail_percent),
        ord_status=_ORD_STATUS[order.ord_status],
        cum_qty=wire.to_text(order.cum_qty),
        avg_px=wire.to_text(order.avg_px),
        broker_order_id=order.broker_order_id,
        synthetic=terms.is_watched or (terms.leg.is_protection and terms.revision > 0),
    )


def head(account: pb.Account, trade: Trade | None) -> bytes:
    """Whose a fact is, as its first bytes: every fact of a trade begins with the same ones."""
    fact = pb.Fact(account=account)
    if trade is not None:
        fact.trade_id = trade.trade_id.hex
        fact.tenant_id = trade.tenant_id
        fact.connection_id = trade.connection_id
        fact.subscription_id = trade.subscription_id.hex
        if not trade.origin.is_of_a_signal:
            fact.origin = _ORIGIN[trade.origin]
            fact.asked_by = trade.asked_by
    return fact.SerializeToString()


def set_sending(
    fact: pb.Fact, order_: Order, planned_at: datetime, decided: pb.Decision | None
) -> None:
    """The order's terms were written down, and what the step was decided from."""
    message = fact.order_sending
    message.order.CopyFrom(order(order_))
    wire.put(order_.terms.decided_from, message.numbers)
    wire.stamp(message.planned_time, planned_at)
    if decided is not None:
        message.decision.CopyFrom(decided)


def set_alarm(fact: pb.Fact, alarm: Alarm | None) -> None:
    """What somebody must hear of with this fact."""
    if alarm is not None:
        fact.alarm.kind = _ALARM[alarm.kind]
        fact.alarm.instrument = alarm.instrument
        wire.put(alarm.numbers, fact.alarm.numbers)
        fact.alarm.order_id = alarm.order_id.hex if alarm.order_id is not None else ""


def set_resolved(fact: pb.Fact, resolved: pb.Resolved) -> None:
    """What the trade's ticker means."""
    fact.trade_resolved.resolved.CopyFrom(resolved)


def set_report(
    fact: pb.Fact,
    order_: Order,
    report: Report,
    *,
    heard: bool,
    asked: bool,
    position: Position,
    own_qty: Decimal,
    others: Mapping[UUID, Decimal],
) -> None:
    """What the broker said, and the position after it."""
    message = fact.execution_report
    message.order_id = order_.terms.order_id.hex
    message.cl_ord_id = report.cl_ord_id
    message.broker_order_id = report.broker_order_id
    message.exec_type = _EXEC_TYPE[report.exec_type]
    message.ord_status = _ORD_STATUS[order_.ord_status]
    message.cum_qty = wire.to_text(order_.cum_qty)
    message.leg = _LEG[order_.terms.leg]
    message.instrument = report.instrument
    message.side = _SIDE[report.side]
    message.text = report.text
    message.recovered = asked
    message.broker_seq = report.sequence if heard else 0
    if report.venue_time is not None:
        wire.stamp(message.venue_time, report.venue_time)
    if report.exec_type.moves:
        message.exec_id = report.exec_id
        message.ref_exec_id = report.ref_exec_id
        message.last_qty = wire.to_text(report.last_qty)
        message.last_px = wire.to_text(report.last_px)
        message.fee = wire.to_text(report.fee)
        message.avg_px = wire.to_text(order_.avg_px)
        message.position_qty = wire.to_text(position.quantity)
        message.position_avg_px = wire.to_text(position.avg_price)
        message.own_qty = wire.to_text(own_qty)
        for owner, quantity in others.items():
            message.others_own[owner.hex] = wire.to_text(quantity)


def set_external(message: pb.ExternalReport, account_id: UUID, said: Report) -> None:
    """What the broker said about an order that nobody here placed."""
    name = said.broker_order_id or said.cl_ord_id
    message.order.CopyFrom(
        pb.Order(
            order_id=ids.derive("external", account_id, name).hex,
            cl_ord_id=said.cl_ord_id,
            broker_order_id=said.broker_order_id,
            origin=pb.ORIGIN_EXTERNAL,
            instrument=said.instrument,
            side=_SIDE[said.side],
            order_qty=wire.to_text(said.order_qty),
            limit_price=wire.to_text(said.limit_price),
            stop_price=wire.to_text(said.stop_price),
            ord_status=_ORD_STATUS[said.ord_status],
            cum_qty=wire.to_text(said.cum_qty),
            ord_type=_ORD_TYPE[said.ord_type] if said.ord_type else pb.ORD_TYPE_UNSPECIFIED,
        )
    )
    message.exec_type = _EXEC_TYPE[said.exec_type]
    message.text = said.text
    message.broker_seq = said.sequence
    if said.exec_type is words.ExecType.FILL:
        message.exec_id = said.exec_id
        message.last_qty = wire.to_text(said.last_qty)
        message.last_px = wire.to_text(said.last_px)
        message.fee = wire.to_text(said.fee)


def set_change(message: pb.PositionChange, said: PositionMove, book: Book) -> None:
    """A position moved without a fill of ours, and what is held after it."""
    message.cause = said.cause
    message.change_qty = wire.to_text(said.quantity)
    message.price = wire.to_text(said.price)
    message.cash = wire.to_text(said.cash)
    message.text = said.text
    message.broker_seq = said.sequence
    message.position.instrument = said.instrument
    message.position.quantity = wire.to_text(book.whole.quantity)
    message.position.avg_price = wire.to_text(book.whole.avg_price)
    for subscription, own in book.own.items():
        message.position.own[subscription.hex] = wire.to_text(own.quantity)


def set_outcome(
    fact: pb.Fact,
    state: words.TradeState,
    reason: str,
    numbers: Mapping[str, str],
    planned_at: datetime | None,
) -> None:
    """Where the trade stands."""
    message = fact.trade_outcome
    message.state = _STATE[state]
    message.reason = _REASON[reason]
    wire.put(numbers, message.numbers)
    if planned_at is not None:
        wire.stamp(message.planned_time, planned_at)


def set_protection(
    fact: pb.Fact,
    state: Protection,
    reason: str,
    numbers: Mapping[str, str],
    *,
    is_synthetic: bool,
) -> None:
    """Where the protection of a trade stands."""
    message = fact.trade_protection
    message.state = _PROTECTION[state]
    message.synthetic = is_synthetic
    message.reason = _REASON[reason]
    wire.put(numbers, message.numbers)


def read_protection(told: pb.TradeProtection) -> Protection:
    """The state that a protection's fact names."""
    return _PROTECTION_BACK[told.state]


def read_report(fact: pb.Fact) -> Report:
    """The report that a stored fact was made of."""
    message = fact.execution_report
    return Report(
        account=fact.account.account,
        report_id=fact.canonical_id,
        sequence=message.broker_seq,
        cl_ord_id=message.cl_ord_id,
        broker_order_id=message.broker_order_id,
        exec_type=_EXEC_TYPE_BACK[message.exec_type],
        ord_status=_ORD_STATUS_BACK[message.ord_status],
        instrument=message.instrument,
        side=_SIDE_BACK[message.side],
        exec_id=message.exec_id,
        last_qty=wire.to_decimal(message.last_qty),
        last_px=wire.to_decimal(message.last_px),
        fee=wire.to_decimal(message.fee),
        text=message.text,
        time=wire.to_datetime(fact.time) or _EPOCH,
        venue_time=wire.to_datetime(message.venue_time),
        ref_exec_id=message.ref_exec_id,
    )


def read_state(outcome: pb.TradeOutcome) -> words.TradeState:
    """The state an outcome names."""
    return _STATE_BACK[outcome.state]


def read_terms(row: Mapping[str, object]) -> Terms:
    """Terms from a row of execution.orders."""
    values = dict(row)
    return Terms(
        order_id=_as(UUID, values["id"]),
        cl_ord_id=str(values["cl_ord_id"]),
        trade_id=_as(UUID, values["trade_id"]),
        subscription_id=_as(UUID, values["subscription_id"]),
        leg=words.Leg(str(values["leg"])),
        revision=_as(int, values["revision"]),
        origin=words.Origin(str(values["origin"])),
        instrument=str(values["instrument"]),
        side=words.Side(str(values["side"])),
        ord_type=words.OrdType(str(values["ord_type"])),
        time_in_force=str(values["time_in_force"]),
        order_qty=_as(Decimal, values["order_qty"]),
        limit_price=_number(values["limit_price"]),
        reference_price=_number(values["reference_price"]),
        created_at=_as(datetime, values["created_at"]),
        stop_price=_number(values["stop_price"]),
        trail_amount=_number(values["trail_amount"]),
        trail_percent=_number(values["trail_percent"]),
        decided_from=_as(dict, values["decided_from"]),
    )


def _number(value: object) -> Decimal | None:
    return value if isinstance(value, Decimal) else None


def _as(kind: type[Kind], value: object) -> Kind:
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")
    return value
