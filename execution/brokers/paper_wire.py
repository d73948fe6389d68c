"""The paper venue's words and ours, both ways. Pure, and total: a word that neither side
has agreed on stops the message with UnknownWord."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from execution.brokers.base import (
    AccountSnapshot,
    AuthFailed,
    Capabilities,
    ChainSnapshot,
    HeldSnapshot,
    NewOrder,
    PositionSnapshot,
    QuoteSnapshot,
    RateLimited,
    Rejected,
    Report,
    Usage,
)
from execution.domain.options import OptionContract, Right
from execution.domain.ratelimit import MINUTE, Kind, Limit, Scope, Shape
from execution.domain.reports import PositionMove, RulesChanged, Said
from execution.domain.words import ExecType, OrdStatus, OrdType, Side
from protos import wire
from protos.paper.v1 import paper_pb2 as pb

Theirs = TypeVar("Theirs", bound=int)
Ours = TypeVar("Ours")

SIDES = {pb.SIDE_BUY: Side.BUY, pb.SIDE_SELL: Side.SELL}
ORD_TYPES = {
    pb.ORD_TYPE_MARKET: OrdType.MARKET,
    pb.ORD_TYPE_LIMIT: OrdType.LIMIT,
    pb.ORD_TYPE_STOP: OrdType.STOP,
    pb.ORD_TYPE_STOP_LIMIT: OrdType.STOP_LIMIT,
    pb.ORD_TYPE_TRAILING_STOP: OrdType.TRAILING_STOP,
}
_WITHOUT_STOPS = frozenset({OrdType.MARKET, OrdType.LIMIT})
ORD_STATUSES = {
    pb.ORD_STATUS_NEW: OrdStatus.NEW,
    pb.ORD_STATUS_PARTIALLY_FILLED: OrdStatus.PARTIALLY_FILLED,
    pb.ORD_STATUS_FILLED: OrdStatus.FILLED,
    pb.ORD_STATUS_CANCELED: OrdStatus.CANCELED,
    pb.ORD_STATUS_REJECTED: OrdStatus.REJECTED,
}
EXEC_TYPES = {
    pb.EXEC_TYPE_NEW: ExecType.NEW,
    pb.EXEC_TYPE_FILL: ExecType.FILL,
    pb.EXEC_TYPE_CANCELED: ExecType.CANCELED,
    pb.EXEC_TYPE_REJECTED: ExecType.REJECTED,
    pb.EXEC_TYPE_TRADE_CANCEL: ExecType.TRADE_CANCEL,
    pb.EXEC_TYPE_TRADE_CORRECT: ExecType.TRADE_CORRECT,
}
CAUSES = {pb.EXEC_TYPE_SETTLED: "expiry", pb.EXEC_TYPE_RESET: "reset"}
RIGHTS = {pb.RIGHT_CALL: Right.CALL, pb.RIGHT_PUT: Right.PUT}
_SIDES_OUT = {ours: theirs for theirs, ours in SIDES.items()}
_ORD_TYPES_OUT = {ours: theirs for theirs, ours in ORD_TYPES.items()}

TIMES_IN_FORCE = frozenset({"day", "gtc", "ioc", "fok"})
# The venue fills any size down to this.
QUANTITY_STEP = Decimal("0.00000001")
# What the venue counts where an account has a limit.
LIMIT = "requests"


class UnknownWord(ValueError):
    """The venue said something that we have no word for."""

    def __init__(self, field: str, value: int | str) -> None:
        super().__init__(f"{field} {value!r}")
        self.field = field
        self.value = value


def to_new_order(order: NewOrder) -> pb.NewOrder:
    """Our order in the venue's words."""
    return pb.NewOrder(
        account=order.account,
        cl_ord_id=order.cl_ord_id,
        instrument=order.instrument,
        side=_SIDES_OUT[order.side],
        ord_type=_ORD_TYPES_OUT[order.ord_type],
        order_qty=wire.to_text(order.order_qty),
        limit_price=wire.to_text(order.limit_price),
        time_in_force=order.time_in_force,
        reference_price=wire.to_text(order.reference_price),
        stop_price=wire.to_text(order.stop_price),
        trail_amount=wire.to_text(order.trail_amount),
        trail_percent=wire.to_text(order.trail_percent),
        guards=[to_new_order(guard) for guard in order.guards],
    )


def read_report(report: pb.Report) -> Report:
    """The venue's report in our words. Raises UnknownWord."""
    time = wire.to_datetime(report.time)
    if time is None:
        raise UnknownWord("time", "")
    return Report(
        account=report.account,
        report_id=f"{report.account}:{report.report_seq}",
        sequence=report.report_seq,
        cl_ord_id=report.cl_ord_id,
        broker_order_id=report.order_id,
        exec_type=_word("exec_type", EXEC_TYPES, report.exec_type),
        ord_status=_word("ord_status", ORD_STATUSES, report.ord_status),
        instrument=report.instrument,
        side=_word("side", SIDES, report.side),
        exec_id=report.exec_id,
        last_qty=_number("last_qty", report.last_qty),
        last_px=_number("last_px", report.last_px),
        fee=_number("fee", report.fee),
        text=report.text,
        time=time,
        venue_time=wire.to_datetime(report.arrived_time),
        order_qty=_number("order_qty", report.order_qty),
        ord_type=ORD_TYPES.get(report.ord_type),
        limit_price=_number("limit_price", report.limit_price),
        stop_price=_number("stop_price", report.stop_price),
        cum_qty=_number("cum_qty", report.cum_qty),
        ref_exec_id=report.ref_exec_id,
    )


def read_said(report: pb.Report) -> Said:
    """What the venue says of an order, a position or an account. Raises UnknownWord."""
    report_id = f"{report.account}:{report.report_seq}"
    if report.exec_type == pb.EXEC_TYPE_CONFIGURED:
        return RulesChanged(report.account, report_id, report.report_seq)
    if report.exec_type not in CAUSES:
        return read_report(report)
    time, quantity = wire.to_datetime(report.time), _required("last_qty", report.last_qty)
    if time is None:
        raise UnknownWord("time", "")
    return PositionMove(
        account=report.account,
        report_id=report_id,
        sequence=report.report_seq,
        cause=CAUSES[report.exec_type],
        instrument=report.instrument,
        quantity=quantity * _word("side", SIDES, report.side).sign,
        price=_number("last_px", report.last_px),
        cash=_number("cash", report.cash),
        text=report.text,
        time=time,
    )


def read_submit_reply(reply: pb.OrderReply) -> bool:
    """True when the order was taken just now, False when the venue had it already.

    Raises Rejected with the venue's words, RateLimited, AuthFailed, UnknownWord.
    """
    match reply.status:
        case pb.REPLY_STATUS_ACCEPTED:
            return True
        case pb.REPLY_STATUS_DUPLICATE_CL_ORD_ID:
            if reply.order.ord_status == pb.ORD_STATUS_REJECTED:
                raise Rejected(reply.order.text)
            return False
        case pb.REPLY_STATUS_REJECTED:
            raise Rejected(reply.text)
        case pb.REPLY_STATUS_TOO_MANY_REQUESTS:
            raise _not_taken(reply)
        case pb.REPLY_STATUS_NOT_LOGGED_IN:
            raise AuthFailed(reply.text)
        case other:
            raise UnknownWord("status", other)


def read_cancel_reply(reply: pb.OrderReply) -> bool:
    """Whether the order was canceled; False when it had ended or is unknown.

    Raises RateLimited, AuthFailed, UnknownWord.
    """
    match reply.status:
        case pb.REPLY_STATUS_ACCEPTED:
            return True
        case pb.REPLY_STATUS_UNKNOWN_ORDER | pb.REPLY_STATUS_TOO_LATE:
            return False
        case pb.REPLY_STATUS_TOO_MANY_REQUESTS:
            raise _not_taken(reply)
        case pb.REPLY_STATUS_NOT_LOGGED_IN:
            raise AuthFailed(reply.text)
        case other:
            raise UnknownWord("status", other)


def read_usage(reply: pb.OrderReply) -> Usage | None:
    """What a reply tells of the account's limit."""
    use = reply.limit_use
    resets = wire.to_datetime(use.resets_time)
    if not use.most or resets is None:
        return None
    return Usage(reply.account, LIMIT, use.most, use.remaining, resets)


def read_found(response: pb.GetOrdersResponse) -> dict[str, Sequence[Report]]:
    """The reports of each order that the venue knows. Raises UnknownWord."""
    found: dict[str, list[Report]] = {order.cl_ord_id: [] for order in response.orders}
    for report in response.reports:
        found.setdefault(report.cl_ord_id, []).append(read_report(report))
    return dict(found)


def read_account(response: pb.GetAccountResponse) -> AccountSnapshot:
    """Cash, positions and open orders. Raises UnknownWord."""
    as_of = wire.to_datetime(response.as_of_time)
    if as_of is None:
        raise UnknownWord("as_of_time", "")
    return AccountSnapshot(
        cash=_required("cash", response.cash),
        currency=response.currency,
        positions=[_read_position(position) for position in response.positions],
        open_cl_ord_ids=[order.cl_ord_id for order in response.open_orders],
        as_of=as_of,
        equity=_number("equity", response.equity),
        unrealised=_number("unrealised", response.unrealised),
        rates={name: _required("rate", rate) for name, rate in response.rates.items()},
        buying_power=_number("buying_power", response.buying_power),
    )


def read_held(answer: pb.AccountPositions) -> HeldSnapshot:
    """What an account holds. Raises UnknownWord."""
    as_of = wire.to_datetime(answer.as_of_time)
    if as_of is None:
        raise UnknownWord("as_of_time", "")
    positions = {each.instrument: _read_position(each) for each in answer.positions}
    return HeldSnapshot(positions, as_of, answer.last_report_seq)


def read_quotes(response: pb.GetQuotesResponse) -> list[QuoteSnapshot | None]:
    """The quotes asked for, in order; None for what is not listed. Raises UnknownWord."""
    as_of = wire.to_datetime(response.as_of_time)
    if as_of is None:
        raise UnknownWord("as_of_time", "")
    return [_read_quote(quote, as_of) for quote in response.quotes]


def read_chain(response: pb.GetChainResponse) -> ChainSnapshot | None:
    """An option chain; None when nothing is listed. Raises UnknownWord."""
    as_of = wire.to_datetime(response.as_of_time)
    if not response.options or as_of is None:
        return None
    underlying = _read_quote(response.underlying, as_of)
    if underlying is None:
        raise UnknownWord("underlying", "")
    return ChainSnapshot(
        underlying=underlying,
        contracts=[
            _read_contract(response.underlying.instrument, each) for each in response.options
        ],
        quotes=[
            QuoteSnapshot(
                each.instrument,
                bid=_number("bid", each.bid),
                ask=_number("ask", each.ask),
                last=_number("last", each.last),
                as_of=as_of,
            )
            for each in response.options
        ],
    )


def read_capabilities(options: pb.Options) -> Capabilities:
    """What an account with these options can do."""
    return Capabilities(
        ord_types=_WITHOUT_STOPS if options.no_stops else frozenset(ORD_TYPES.values()),
        visibility_horizon_seconds=options.visibility_horizon_seconds,
        refuses_repeats=options.refuses_repeats,
        looks_up_by_cl_ord_id=True,
        quantity_step=QUANTITY_STEP,
        times_in_force=TIMES_IN_FORCE,
        has_brackets=not options.no_brackets and not options.no_stops,
        keeps_exchange_hours=options.exchange_hours,
        limits=_limits(options.requests_per_minute),
    )


def _limits(requests_per_minute: int) -> tuple[Limit, ...]:
    """The account's limit, where it has one."""
    if not requests_per_minute:
        return ()
    costs = {Kind.ORDER: 1, Kind.CANCEL: 1}
    shape = Shape.ROLLING
    return (Limit(LIMIT, Scope.ACCOUNT, shape, requests_per_minute, MINUTE, costs),)


def _not_taken(reply: pb.OrderReply) -> RateLimited:
    """The contract proves that it was not taken."""
    return RateLimited(reply.text, retry_after_seconds=reply.retry_after_ms / 1000)


def _read_position(position: pb.Position) -> PositionSnapshot:
    return PositionSnapshot(
        instrument=position.instrument,
        quantity=_required("quantity", position.quantity),
        avg_price=_number("avg_price", position.avg_price),
        market_price=_number("market_price", position.market_price),
        unrealised=_number("unrealised", position.unrealised),
    )


def _read_quote(quote: pb.Quote, as_of: datetime) -> QuoteSnapshot | None:
    if not quote.last:
        return None
    return QuoteSnapshot(
        quote.instrument,
        bid=_number("bid", quote.bid),
        ask=_number("ask", quote.ask),
        last=_number("last", quote.last),
        as_of=as_of,
    )


def _read_contract(underlying: str, option: pb.OptionQuote) -> OptionContract:
    try:
        expiration = date.fromisoformat(option.expiration)
    except ValueError:
        raise UnknownWord("expiration", option.expiration) from None
    return OptionContract(
        underlying,
        expiration,
        strike=_required("strike", option.strike),
        right=_word("right", RIGHTS, option.right),
    )


def _word(field: str, words: Mapping[Theirs, Ours], value: Theirs) -> Ours:
    try:
        return words[value]
    except KeyError:
        raise UnknownWord(field, value) from None


def _number(field: str, text: str) -> Decimal | None:
    if not text:
        return None
    try:
        return wire.to_decimal(text)
    except ValueError:
        raise UnknownWord(field, text) from None


def _required(field: str, text: str) -> Decimal:
    value = _number(field, text)
    if value is None:
        raise UnknownWord(field, text)
    return value
