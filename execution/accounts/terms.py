"""What planning decided to send, as the terms of an order with its id."""

from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from execution.brokers.base import NewOrder
from execution.domain import ordering
from execution.domain.decisions import Guard, Send, VenueRules
from execution.domain.orders import WATCHED, Terms
from execution.domain.words import Leg, OrdType, Origin
from execution.lanes.lanes import Run
from execution.lanes.tickets import Ticket
from protos import ids


def guard_terms(entry: Terms, guard: Guard, venue: VenueRules) -> Terms:
    """A target or a stop that goes with an entry."""
    order_id, cl_ord_id = ids.order_ids(entry.trade_id, guard.leg.value, entry.revision)
    return replace(
        entry,
        order_id=order_id,
        cl_ord_id=cl_ord_id,
        leg=guard.leg,
        origin=Origin.PROTECTION,
        side=guard.side,
        ord_type=guard.ord_type,
        time_in_force=venue.lasting,
        limit_price=guard.limit_price,
        stop_price=guard.stop_price,
        trail_amount=guard.trail_amount,
        trail_percent=guard.trail_percent,
        decided_from={},
    )


def upkeep_terms(
    run: Run,
    first: Terms,
    guard: Guard,
    quantity: Decimal,
    *,
    origin: Origin,
    venue: VenueRules,
    now: datetime,
) -> Terms:
    """A further order of a run that guards, or closes, what its `first` one opened, under a
    revision of its own."""
    same = [t.order.terms.revision for t in run.tickets if t.order.terms.leg is guard.leg]
    # The first would be the guard that goes with its entry.
    revision = max(same, default=0) + 1
    order_id, cl_ord_id = ids.order_ids(run.trade.trade_id, guard.leg.value, revision)
    return replace(
        first,
        order_id=order_id,
        cl_ord_id=cl_ord_id,
        leg=guard.leg,
        revision=revision,
        origin=origin,
        side=guard.side,
        ord_type=guard.ord_type,
        time_in_force="day" if guard.ord_type is OrdType.MARKET else venue.lasting,
        order_qty=quantity,
        limit_price=guard.limit_price,
        stop_price=guard.stop_price,
        trail_amount=guard.trail_amount,
        trail_percent=guard.trail_percent,
        # What the signal saw is long gone.
        reference_price=None,
        created_at=now,
        decided_from={},
    )


def fired(terms: Terms, venue: VenueRules, fired_price: Decimal | None) -> Terms:
    """The order as it goes to the broker: a watched stop is what it becomes at its price, and
    that price takes the place of the one its sender saw."""
    if not terms.is_watched:
        return terms
    ord_type = ordering.WATCHED_AS[terms.ord_type]
    lasts = ord_type is OrdType.LIMIT and terms.time_in_force in venue.times_in_force
    time_in_force = terms.time_in_force if lasts else "day"
    seen = fired_price if terms.reference_price is not None else None
    return replace(
        terms, ord_type=ord_type, stop_price=None, time_in_force=time_in_force, reference_price=seen
    )  # fmt: skip


def terms_of(run: Run, send: Send, now: datetime) -> Terms:
    """The order that a decision asks for."""
    trade = run.trade
    origin = Origin.PROTECTION if send.leg.is_protection else trade.origin
    numbers = {**send.numbers, WATCHED: "yes"} if send.is_watched else send.numbers
    pays_debt = run.in_debt and send.leg is Leg.EXIT and origin.is_of_a_signal
    order_id, cl_ord_id = ids.order_ids(trade.trade_id, send.leg.value, send.revision)
    return Terms(
        order_id=order_id,
        cl_ord_id=cl_ord_id,
        trade_id=trade.trade_id,
        subscription_id=trade.subscription_id,
        leg=send.leg,
        revision=send.revision,
        origin=Origin.FLATTEN if pays_debt else origin,
        instrument=send.instrument or trade.instrument,
        side=send.side,
        ord_type=send.ord_type,
        time_in_force=send.time_in_force,
        order_qty=send.quantity,
        limit_price=send.limit_price,
        reference_price=send.reference_price,
        created_at=now,
        stop_price=send.stop_price,
        trail_amount=send.trail_amount,
        trail_percent=send.trail_percent,
        decided_from=numbers,
    )


def as_sent(ticket: Ticket, account: str, venue: VenueRules) -> NewOrder:
    """An order with what guards it, for the broker."""
    terms = fired(ticket.order.terms, venue, ticket.run.fired_price)
    return NewOrder(
        account=account,
        cl_ord_id=terms.cl_ord_id,
        instrument=terms.instrument,
        side=terms.side,
        ord_type=terms.ord_type,
        order_qty=terms.order_qty,
        limit_price=terms.limit_price,
        time_in_force=terms.time_in_force,
        reference_price=terms.reference_price,
        stop_price=terms.stop_price,
        trail_amount=terms.trail_amount,
        trail_percent=terms.trail_percent,
        guards=tuple(as_sent(guard, account, venue) for guard in ticket.guards),
    )
