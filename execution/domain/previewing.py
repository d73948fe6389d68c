"""A plan as data: what a trade would send from here, if whatever it sends fills.

The same `decide` that trading asks is asked until it ends; each answer is taken as done.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace

from execution.domain import judging, ordering, planning
from execution.domain.decisions import (
    CancelFirst,
    Decision,
    End,
    Guard,
    Look,
    Lot,
    Progress,
    Scope,
    Send,
    Wait,
    text,
)
from execution.domain.judging import Seen
from execution.domain.market import Market
from execution.domain.orders import ZERO, Order, Terms
from execution.domain.reports import Report
from execution.domain.trades import Trade
from execution.domain.words import AssetClass, ExecType, Leg, OrdStatus, Origin, TradeState

# A flip cancels, exits and enters; more than this would be a circle.
MOST_STEPS = 12
NOTHING_ELSE: Mapping[str, Market] = MappingProxyType({})


class Unseen(Exception):
    """The plan cannot go on before something more was looked at."""

    def __init__(self, wanted: Look) -> None:
        super().__init__(wanted.instrument)
        self.wanted = wanted


class Verdict(Struct, frozen=True):
    """One rule that was asked, with the numbers it compared."""

    rule: str
    passed: bool
    numbers: Mapping[str, str]


class Plan(Struct, frozen=True):
    """What would be sent, and what the trade would end as."""

    state: TradeState
    reason: str = ""
    numbers: Mapping[str, str] = field(default_factory=dict)
    sends: tuple[Send, ...] = ()
    cancels: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    worst_loss: Decimal | None = None


def plan(trade: Trade, seen: Seen, others: Mapping[str, Market] = NOTHING_ELSE) -> Plan:
    """The whole of a trade from a state; `others` are the markets of what else is held there.

    Raises Unseen.
    """
    scope, progress, now = seen.scope, seen.progress, seen.at
    market = seen.market or Market()
    sends: list[Send] = []
    cancels: list[str] = []
    verdicts: list[Verdict] = []
    decision: Decision = Look()
    for _ in range(MOST_STEPS):
        decision = judging.judge(
            trade, replace(seen, scope=scope, progress=progress, market=market)
        )
        match decision:
            case Send():
                sends.append(decision)
                verdicts.append(_sent(decision))
                market = _paid(trade, scope, market, decision)
                scope, progress = _filled(trade, scope, progress, decision, now)
            case CancelFirst(cl_ord_ids, judged_after):
                cancels += cl_ord_ids
                verdicts.append(Verdict("cancel_first", True, {"orders": str(len(cl_ord_ids))}))
                if not judged_after:
                    exposure = planning.exposure_of(scope, progress)
                    progress = replace(progress, exposure=exposure)
                scope, progress = _canceled(scope, progress, cl_ord_ids)
            case Look(instrument, None) if instrument in others:
                market = others[instrument]
            case Look():
                raise Unseen(decision)
            case _:
                break
    worst = _worst_loss(trade, sends, market)
    match decision:
        case End(state, reason, numbers) | Wait(state, reason, numbers):
            if reason:
                verdicts.append(Verdict(reason, passed=False, numbers=numbers))
            return Plan(
                state, reason, numbers, tuple(sends), tuple(cancels), tuple(verdicts), worst
            )
        case _:
            raise RuntimeError("a plan that does not end")


def _sent(send: Send) -> Verdict:
    numbers = {"quantity": text(send.quantity), **send.numbers}
    return Verdict(send.leg.value, passed=True, numbers=numbers)


def _filled(
    trade: Trade, scope: Scope, progress: Progress, send: Send, now: datetime
) -> tuple[Scope, Progress]:
    """After an order has filled; a stop that breakeven places only rests."""
    order = Order(_terms(trade, send, now))
    price = Decimal(send.numbers.get("planning_price") or trade.signal_price or 1)
    rests = send.leg is Leg.STOP
    kind = ExecType.NEW if rests else ExecType.FILL
    order.add(_report(order.terms, kind, send.quantity, price, now))
    if not rests:
        scope = _moved(trade, scope, send, price)
    asked = send.numbers.get("asked")
    progress = replace(
        progress,
        asked=progress.asked if asked is None else Decimal(asked),
        exposure=Decimal(send.numbers["exposure"]),
    )
    match send.leg:
        case Leg.ENTRY:
            return scope, replace(progress, entry=order)
        case Leg.EXIT:
            return scope, replace(progress, exits=(*progress.exits, order))
        case Leg.STOP | Leg.TAKE_PROFIT:
            return scope, replace(progress, stop=order)


def _moved(trade: Trade, scope: Scope, send: Send, price: Decimal) -> Scope:
    """The position after a fill, also by instrument."""
    change = trade.order_side(send.instrument, send.side).sign * send.quantity
    lots = {lot.instrument: lot for lot in scope.lots}
    if scope.lots:
        before = lots.get(send.instrument, Lot(send.instrument, ZERO))
        lots[send.instrument] = Lot(send.instrument, before.quantity + change, price)
    left = tuple(lot for lot in lots.values() if lot.quantity)
    return replace(scope, position=scope.position + change, avg_price=price, lots=left)


def _paid(trade: Trade, scope: Scope, market: Market, send: Send) -> Market:
    """The account's money after an exit has filled: an entry behind it is sized by that."""
    figures, planned = market.figures, send.numbers.get("planning_price")
    if figures is None or send.leg is not Leg.EXIT or not planned:
        return market
    price = Decimal(planned)
    money = send.side.sign * send.quantity * ordering.contract(trade, price, market).point_value
    won = money * ((scope.avg_price or price) - price)
    # Futures cost nothing to hold; all else is paid for.
    paid = won if trade.asset_class is AssetClass.FUTURES else -money * price
    after = replace(figures, equity=figures.equity + won, balance=figures.balance + paid)
    return replace(market, figures=after)


def _canceled(
    scope: Scope, progress: Progress, cl_ord_ids: tuple[str, ...]
) -> tuple[Scope, Progress]:
    """After the orders are gone."""
    entries = tuple(o for o in scope.entries if o.cl_ord_id not in cl_ord_ids)
    protection = tuple(o for o in scope.protection if o.cl_ord_id not in cl_ord_ids)
    closing = tuple(o for o in scope.closing if o.cl_ord_id not in cl_ord_ids)
    others = tuple(o for o in scope.others_guards if o.cl_ord_id not in cl_ord_ids)
    progress = replace(
        progress,
        canceled_first=progress.canceled_first + len(scope.entries) - len(entries),
        unprotected=progress.unprotected + len(scope.protection) - len(protection),
    )
    left = replace(
        scope, entries=entries, protection=protection, closing=closing, others_guards=others
    )
    return left, progress


def _worst_loss(trade: Trade, sends: list[Send], market: Market) -> Decimal | None:
    """What an entry loses when its stop is hit at its price."""
    for send in sends:
        planned = send.numbers.get("planning_price")
        stop = _stop_price(send.guards)
        if send.leg is Leg.ENTRY and planned and stop is not None:
            price = Decimal(planned)
            point = ordering.contract(trade, price, market).point_value
            return max((price - stop) * send.side.sign * send.quantity * point, ZERO)
    return None


def _stop_price(guards: tuple[Guard, ...]) -> Decimal | None:
    return next((g.stop_price for g in guards if g.leg is Leg.STOP), None)


def _terms(trade: Trade, send: Send, now: datetime) -> Terms:
    return Terms(
        order_id=UUID(int=0),
        cl_ord_id=f"{send.leg.value}{send.revision}",
        trade_id=trade.trade_id,
        subscription_id=trade.subscription_id,
        leg=send.leg,
        revision=send.revision,
        origin=Origin.SIGNAL,
        instrument=send.instrument or trade.instrument,
        side=send.side,
        ord_type=send.ord_type,
        time_in_force=send.time_in_force,
        order_qty=send.quantity,
        limit_price=send.limit_price,
        reference_price=send.reference_price,
        created_at=now,
        stop_price=send.stop_price,
        decided_from=send.numbers,
    )


def _report(
    terms: Terms, kind: ExecType, quantity: Decimal, price: Decimal, now: datetime
) -> Report:
    filled = kind is ExecType.FILL
    return Report(
        account="",
        report_id=terms.cl_ord_id,
        sequence=0,
        cl_ord_id=terms.cl_ord_id,
        broker_order_id="",
        exec_type=kind,
        ord_status=OrdStatus.FILLED if filled else OrdStatus.NEW,
        instrument=terms.instrument,
        side=terms.side,
        exec_id="",
        last_qty=quantity if filled else None,
        last_px=price if filled else None,
        fee=None,
        text="",
        time=now,
        venue_time=None,
    )
