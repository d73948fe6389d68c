"""What a step was decided from, as the record of it: written beside the orders it led to,
read again for a replay."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from execution.domain import judging
from execution.domain.decisions import (
    Decision,
    End,
    Guard,
    Lot,
    OpenOrder,
    Progress,
    Scope,
    Send,
    VenueRules,
)
from execution.domain.judging import Seen
from execution.domain.market import Figures, Market, Quote
from execution.domain.orders import ZERO, Order, Terms
from execution.domain.reports import Report
from execution.domain.sync import Ledger
from execution.domain.trades import Trade
from execution.domain.words import ExecType, Leg, OrdStatus, OrdType, Origin, Side
from execution.lanes import known
from execution.messages import binding, messages
from execution.messages.alike import UNTOUCHED, Kept, spell
from execution.messages.reading import ORD_TYPES
from protos import wire
from protos.execution.v1 import execution_pb2 as pb

_SIDES = {messages.side(side): side for side in Side}
Word = TypeVar("Word")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What surrounds the trades of one signal is often the same.
_kept: Kept[pb.SeenState] = Kept()


def record(trade: Trade, seen: Seen, decision: Decision) -> pb.Decision | None:
    """The step with all it was decided from; None where it only follows an order."""
    if not judging.is_whole(decision, seen.progress):
        return None
    decided = pb.Decision()
    _tell(seen, decided.seen)
    if (resolved := known.told(trade)) is not None:
        decided.seen.resolved.CopyFrom(resolved)
    match decision:
        case Send():
            decided.orders.extend(orders(decision, seen.venue))
            wire.put(decision.numbers, decided.numbers)
        case End(ended, reason, numbers):
            decided.state, decided.reason = messages.state(ended), messages.reason(reason)
            wire.put(numbers, decided.numbers)
    # Whose rules they are is no part of the hash.
    decided.hash = _hash(trade, decided)
    decided.rules_version = judging.RULES_VERSION
    return decided


def fingerprint(trade: Trade, decided: pb.Decision) -> str:
    """The hash that a record of this should have: equal inputs and decisions give the same."""
    plain = pb.Decision()
    plain.CopyFrom(decided)
    plain.ClearField("hash")
    plain.ClearField("rules_version")
    return _hash(trade, plain)


def _hash(trade: Trade, plain: pb.Decision) -> str:
    said = plain.SerializeToString(deterministic=True)
    return hashlib.sha256(spell(trade) + b"\0" + said).hexdigest()


def orders(send: Send, venue: VenueRules) -> list[pb.PlannedOrder]:
    """An order with the target and the stop that go with it."""
    after = send.cancel_after
    first = _planned(send, send, send.quantity, send.time_in_force)
    first.planning_price = send.numbers.get("planning_price", "")
    first.synthetic = send.is_watched
    first.cancel_after_seconds = int(after.total_seconds()) if after else 0
    guards = [_planned(guard, send, _size(guard, send), venue.lasting) for guard in send.guards]
    for guard in guards:
        guard.synthetic = send.is_synthetic
    return [first, *guards]


def state(seen: Seen) -> pb.SeenState:
    """What was seen, whole."""
    told = pb.SeenState()
    _tell(seen, told)
    return told


def _tell(seen: Seen, told: pb.SeenState) -> None:
    if seen.market is None:
        asked = (spell(seen.scope), seen.venue)
        around = _kept.get(asked, lambda: _around(seen.scope, seen.venue, None))
    else:
        around = _around(seen.scope, seen.venue, seen.market)
    told.CopyFrom(around)
    wire.stamp(told.time, seen.at)
    is_untouched = seen.progress == UNTOUCHED
    told.progress.CopyFrom(_TOLD_UNTOUCHED if is_untouched else _progress(seen.progress))
    told.overfilled = seen.is_overfilled
    if seen.opens_at is not None:
        wire.stamp(told.opens_time, seen.opens_at)
    binding.record(told, seen.binding)


def _around(scope: Scope, venue: VenueRules, market: Market | None) -> pb.SeenState:
    """What surrounds a trade."""
    quote, figures = (market.quote, market.figures) if market else (None, None)
    return pb.SeenState(
        position=wire.to_text(scope.position),
        avg_price=wire.to_text(scope.avg_price),
        exposure=wire.to_text(scope.exposure),
        in_doubt=scope.in_doubt,
        bid=wire.to_text(quote.bid if quote else None),
        ask=wire.to_text(quote.ask if quote else None),
        last=wire.to_text(quote.last if quote else None),
        equity=wire.to_text(figures.equity if figures else None),
        balance=wire.to_text(figures.balance if figures else None),
        buying_power=wire.to_text(figures.buying_power if figures else None),
        promised=wire.to_text(figures.promised or None if figures else None),
        bound=wire.to_text(figures.bound or None if figures else None),
        quoted=quote is not None,
        rate=wire.to_text(market.rate if market else None),
        entries=_open_orders(scope.entries),
        closing=_open_orders(scope.closing),
        protection=_open_orders(scope.protection),
        others_guards=_open_orders(scope.others_guards),
        venue=_venue(venue),
        ledger=pb.SeenLedger(
            initial=wire.to_text(scope.ledger.initial),
            when_flat=wire.to_text(scope.ledger.when_flat),
            in_step=scope.ledger.in_step,
            followed=wire.to_text(scope.ledger.followed),
        ),
        lots=[
            pb.SeenLot(
                instrument=lot.instrument,
                quantity=wire.to_text(lot.quantity),
                avg_price=wire.to_text(lot.avg_price),
            )
            for lot in scope.lots
        ],
        quoted_instrument=market.instrument if market else "",
    )


def read(trade: Trade, message: pb.SeenState) -> Seen:
    """What a record says was seen. Raises ValueError."""
    at = wire.to_datetime(message.time)
    if at is None or not message.HasField("venue"):
        raise ValueError("a given state needs its time and its venue")
    quote = _quote(message) if message.quoted else None
    scope = Scope(
        _number(message.position),
        tuple(_read_order(order) for order in message.entries),
        tuple(_read_order(order) for order in message.closing),
        message.in_doubt,
        avg_price=wire.to_decimal(message.avg_price),
        protection=tuple(_read_order(order) for order in message.protection),
        others_guards=tuple(_read_order(order) for order in message.others_guards),
        lots=tuple(
            Lot(lot.instrument, _number(lot.quantity), wire.to_decimal(lot.avg_price))
            for lot in message.lots
        ),
        ledger=_read_ledger(message.ledger),
    )
    return Seen(
        scope,
        _read_progress(trade, message.progress),
        _read_venue(message.venue),
        Market(quote, _figures(message), message.quoted_instrument, wire.to_decimal(message.rate)),
        at,
        message.overfilled,
        wire.to_datetime(message.opens_time) if message.HasField("opens_time") else None,
        binding.read(message),
    )


def _size(guard: Guard, send: Send) -> Decimal:
    """How much a leg closes of what its entry opens."""
    if guard.quantity is not None or guard.leg is Leg.STOP:
        return guard.quantity or send.quantity
    return send.quantity - sum((other.quantity or ZERO for other in send.guards), ZERO)


def _planned(
    order: Send | Guard, send: Send, quantity: Decimal, time_in_force: str
) -> pb.PlannedOrder:
    return pb.PlannedOrder(
        instrument=send.instrument,
        leg=messages.leg(order.leg),
        side=messages.side(order.side),
        ord_type=messages.ord_type(order.ord_type),
        order_qty=wire.to_text(quantity),
        limit_price=wire.to_text(order.limit_price),
        stop_price=wire.to_text(order.stop_price),
        trail_amount=wire.to_text(order.trail_amount),
        trail_percent=wire.to_text(order.trail_percent),
        time_in_force=time_in_force,
    )


def _open_orders(orders: Iterable[OpenOrder]) -> list[pb.SeenOrder]:
    return [
        pb.SeenOrder(
            cl_ord_id=order.cl_ord_id,
            side=messages.side(order.side),
            leaves_qty=wire.to_text(order.leaves),
            ord_type=messages.ord_type(order.ord_type),
            in_doubt=order.in_doubt,
            cancel_asked=order.cancel_asked,
            tag=order.tag,
            instrument=order.instrument,
            bracket=order.bracket,
            of_others=order.is_others,
        )
        for order in orders
    ]


def _read_ledger(message: pb.SeenLedger) -> Ledger:
    return Ledger(
        wire.to_decimal(message.initial),
        wire.to_decimal(message.when_flat),
        message.in_step,
        wire.to_decimal(message.followed),
    )


def _read_order(message: pb.SeenOrder) -> OpenOrder:
    return OpenOrder(
        message.cl_ord_id,
        _word(_SIDES, message.side),
        _number(message.leaves_qty),
        _word(ORD_TYPES, message.ord_type),
        message.in_doubt,
        message.cancel_asked,
        message.instrument,
        message.tag,
        message.bracket,
        message.of_others,
    )


@lru_cache(maxsize=256)
def _venue(rules: VenueRules) -> pb.SeenVenue:
    return pb.SeenVenue(
        ord_types=sorted(messages.ord_type(each) for each in rules.ord_types),
        quantity_step=wire.to_text(rules.quantity_step),
        smallest_quantity=wire.to_text(rules.smallest_quantity),
        times_in_force=sorted(rules.times_in_force),
        has_brackets=rules.has_brackets,
        keeps_hours=rules.keeps_hours,
    )


def _read_venue(message: pb.SeenVenue) -> VenueRules:
    return VenueRules(
        frozenset(_word(ORD_TYPES, each) for each in message.ord_types),
        _number(message.quantity_step),
        smallest_quantity=_number(message.smallest_quantity),
        times_in_force=frozenset(message.times_in_force),
        has_brackets=message.has_brackets,
        keeps_hours=message.keeps_hours,
    )


def _progress(progress: Progress) -> pb.SeenProgress:
    return pb.SeenProgress(
        exits=[
            pb.SeenExit(
                side=messages.side(order.terms.side),
                order_qty=wire.to_text(order.terms.order_qty),
                filled_time=wire.to_timestamp(order.last_fill_at or _EPOCH),
                instrument=order.terms.instrument,
            )
            for order in progress.exits
        ],
        exposure=wire.to_text(progress.exposure),
        asked=wire.to_text(progress.asked),
        canceled_first=progress.canceled_first,
        superseded_waiting=progress.superseded_waiting,
        halved=progress.halved,
        raced=wire.to_text(progress.raced),
        displaced_filled=wire.to_text(progress.displaced_filled or None),
        unprotected=progress.unprotected,
        entry_dropped=messages.reason(progress.entry_dropped),
        dropped_numbers=progress.dropped_numbers or None,
        withdrawn=messages.reason(progress.withdrawn),
        in_debt=progress.in_debt,
        has_canceled=progress.has_canceled,
    )


_TOLD_UNTOUCHED = _progress(UNTOUCHED)


def _read_progress(trade: Trade, message: pb.SeenProgress) -> Progress:
    return Progress(
        exits=tuple(_filled(trade, number, each) for number, each in enumerate(message.exits)),
        exposure=wire.to_decimal(message.exposure),
        asked=wire.to_decimal(message.asked),
        canceled_first=message.canceled_first,
        superseded_waiting=message.superseded_waiting,
        halved=message.halved,
        raced=_number(message.raced),
        displaced_filled=_number(message.displaced_filled),
        unprotected=message.unprotected,
        entry_dropped=messages.REASON_WORDS[message.entry_dropped],
        dropped_numbers=dict(message.dropped_numbers),
        withdrawn=messages.REASON_WORDS[message.withdrawn],
        in_debt=message.in_debt,
        has_canceled=message.has_canceled,
    )


def _filled(trade: Trade, number: int, message: pb.SeenExit) -> Order:
    """An exit as planning goes by it: its side, its size, and when it was over."""
    side, quantity = _word(_SIDES, message.side), _number(message.order_qty)
    at = wire.to_datetime(message.filled_time) or _EPOCH
    terms = Terms(
        UUID(int=number), f"exit{number}", trade.trade_id, trade.subscription_id, Leg.EXIT,
        number, Origin.SIGNAL, message.instrument, side, OrdType.MARKET, "day", quantity,
        None, None, at,
    )  # fmt: skip
    filled = Report(
        "", f"fill{number}", 0, terms.cl_ord_id, "", ExecType.FILL, OrdStatus.FILLED,
        message.instrument, side, "", quantity, None, None, "", at, None,
    )  # fmt: skip
    return Order(terms, {filled.report_id: filled})


def _quote(message: pb.SeenState) -> Quote:
    said = (message.bid, message.ask, message.last)
    return Quote(*(wire.to_decimal(price) for price in said))


def _figures(message: pb.SeenState) -> Figures | None:
    equity = wire.to_decimal(message.equity)
    if equity is None:
        return None
    return Figures(
        equity,
        _number(message.balance),
        wire.to_decimal(message.buying_power),
        _number(message.promised),
        _number(message.bound),
    )


def _number(text: str) -> Decimal:
    return wire.to_decimal(text) or ZERO


def _word(words: Mapping[Any, Word], value: int) -> Word:
    try:
        return words[value]
    except KeyError:
        raise ValueError(f"unknown value {value}") from None
