"""Journal entries: one for orders about to be sent, one for a report, one for an outcome."""

from collections.abc import Callable, Mapping, Sequence, Set
from datetime import datetime
from uuid import UUID

from execution.accounts import correcting
from execution.accounts.accounts import Account
from execution.brokers.credentials import Login
from execution.domain.orders import Order
from execution.domain.positions import FLAT
from execution.domain.protecting import Protection
from execution.domain.reports import PositionMove, Report
from execution.domain.words import TERMINAL, ExecType, TradeState
from execution.journal.rows import WHOLE, BoundRow, Entry, FactRow, OrderRow, PositionRow
from execution.lanes import known, overfills
from execution.lanes.books import Book
from execution.lanes.lanes import Lane, Run
from execution.lanes.tickets import Ticket
from execution.messages import alarms, messages
from execution.messages.alarms import Alarm
from protos import ids, wire
from protos.execution.v1 import execution_pb2 as pb


def sending(
    account: Account,
    tickets: Sequence[Ticket],
    now: datetime,
    committed: Callable[[], None],
    stopped: Callable[[], None],
    decided: pb.Decision | None,
    seen: int,
) -> Entry:
    """The terms of orders that go together, before the socket, with what they were decided
    from; and the attribution at the first trade. `seen` is the newest change of a switch or a
    limit that they were decided with."""
    run, subscription = tickets[0].run, tickets[0].run.trade.subscription_id
    entry = Entry(account.account_id, account.epoch, [], committed=committed, stopped=stopped)
    entry.bound = _bound(tickets[0], seen)
    for ticket in tickets:
        fact = _fact(account, f"{ticket.order.terms.cl_ord_id}:sending", now)
        first = decided if ticket is tickets[0] else None
        messages.set_sending(fact, ticket.order, run.planned_at or now, first)
        entry.facts.append(_row(account, fact, "sending", now, ticket.order, run))
        entry.orders.append(_order_row(account, ticket.order))
    lane, symbol = run.lane, tickets[0].order.terms.instrument
    if subscription not in lane.attribution or run.trade.target is not None:
        entry.positions.append(_own_row(account, lane, symbol, subscription, fact.seq))
    return entry


def resolved(account: Account, run: Run, now: datetime) -> Entry | None:
    """What the trade's ticker means, the first time it is known; it is not found out again."""
    told = known.told(run.trade)
    if run.is_resolved or account.is_lost or told is None:
        return None
    run.is_resolved = True
    fact = _fact(account, f"{run.trade.canonical}:resolved", now)
    messages.set_resolved(fact, told)
    return _entry(account, fact, "resolved", now, None, run)


def unanswered(account: Account, ticket: Ticket, now: datetime) -> Entry:
    """Nobody who held the account before us sends the order from now on."""
    terms = ticket.order.terms
    fact = _fact(account, f"{terms.cl_ord_id}:unanswered:{account.epoch}", now)
    fact.order_unanswered.order_id = terms.order_id.hex
    fact.order_unanswered.cl_ord_id = terms.cl_ord_id
    return _entry(account, fact, "unanswered", now, ticket.order, ticket.run)


def resent(account: Account, ticket: Ticket, now: datetime, committed: Callable[[], None]) -> Entry:
    """An order that was proven absent goes to the socket again, once this is durable."""
    terms = ticket.order.terms
    # Of what was acknowledged since, a later holder counts anew.
    count = f"{account.epoch}:{ticket.resends}"
    fact = _fact(account, f"{terms.cl_ord_id}:resent:{count}", now)
    fact.order_resent.order_id = terms.order_id.hex
    fact.order_resent.cl_ord_id, fact.order_resent.count = terms.cl_ord_id, ticket.resends
    entry = _entry(account, fact, "resent", now, ticket.order, ticket.run)
    entry.committed = committed
    return entry


def report(
    account: Account,
    ticket: Ticket,
    said: Report,
    shares: Set[UUID],
    *,
    heard: bool,
    asked: bool,
) -> Entry:
    """What the broker said; a fill carries the positions after it, with those of the
    subscriptions' `shares` that it changed."""
    run, lane = ticket.run, ticket.run.lane
    symbol, subscription = ticket.order.terms.instrument, ticket.order.terms.subscription_id
    book = lane.book(symbol)
    fact = _fact(account, said.report_id, said.time)
    messages.set_report(
        fact,
        ticket.order,
        said,
        heard=heard,
        asked=asked,
        position=book.whole,
        own_qty=book.own.get(subscription, FLAT).quantity,
        others={who: book.own[who].quantity for who in shares if who != subscription},
    )
    if said.exec_type is ExecType.FILL:
        messages.set_alarm(fact, alarms.of_fill(ticket.order))
    elif said.exec_type.amends:
        messages.set_alarm(fact, alarms.of_bust(ticket.order))
    entry = _entry(account, fact, "report", said.time, ticket.order, run)
    if (takes_back := correcting.correction(account, ticket, said)) is not None:
        entry.instructions.append(takes_back)
    if said.exec_type.moves:
        if (stop := overfills.begun(ticket, said)) is not None:
            # The report of what was amended carries another alarm.
            alarm = alarms.of_fill(ticket.order) if said.exec_type.amends else None
            entry.facts.append(_lane(account, ticket.order, run, stop, said.time, alarm))
        for owner in sorted(shares):
            entry.positions.append(_own_row(account, lane, symbol, owner, fact.seq))
        entry.positions.append(_whole_row(account, symbol, book, fact.seq))
    if run.reopen():
        # It is to be found again by whoever takes the account over before it is guarded.
        entry.done[run.trade.trade_id] = False
    return entry


def outcome(
    account: Account,
    run: Run,
    state: TradeState,
    reason: str,
    numbers: Mapping[str, str],
    now: datetime,
    decided: pb.Decision | None = None,
    *,
    closes: bool = True,
) -> Entry:
    """Where the trade stands now; a terminal one closes its instruction, unless there is
    still something at the broker to be found again."""
    run.outcomes += 1
    canonical = f"{run.trade.canonical}:outcome:{run.outcomes}"
    fact = _fact(account, canonical, now)
    messages.set_outcome(fact, state, reason, numbers, run.planned_at)
    messages.set_alarm(fact, alarms.of_outcome(run, state, reason, numbers))
    if decided is not None:
        fact.trade_outcome.decision.CopyFrom(decided)
    entry = _entry(account, fact, "outcome", now, None, run)
    if run.trade.target is not None:
        symbol, subscription = run.trade.instrument, run.trade.subscription_id
        entry.positions.append(_own_row(account, run.lane, symbol, subscription, fact.seq))
    if closes and state in TERMINAL:
        entry.done[run.trade.trade_id] = True
    if (stop := overfills.ended(run, state, reason)) is not None:
        entry.facts.append(_lane(account, None, run, stop, now))
    return entry


def protection(
    account: Account,
    run: Run,
    state: Protection,
    reason: str,
    numbers: Mapping[str, str],
    now: datetime,
    *,
    is_synthetic: bool,
    alarm: Alarm | None = None,
) -> Entry:
    """Where the protection of what the trade opened stands now."""
    count = run.cover.facts if run.cover is not None else 0
    fact = _fact(account, f"{run.trade.trade_id.hex}:protection:{count}", now)
    messages.set_protection(fact, state, reason, numbers, is_synthetic=is_synthetic)
    messages.set_alarm(fact, alarm)
    return _entry(account, fact, "protection", now, None, run)


def moved(
    account: Account,
    lane: Lane | None,
    said: PositionMove,
    alarm: Alarm | None = None,
    *,
    kind: str = "move",
) -> Entry:
    """A position moved without a fill; without a lane, the account as a whole."""
    symbol = said.instrument
    fact = _fact(account, said.report_id, said.time)
    messages.set_change(fact.position_change, said, lane.book(symbol) if lane else Book())
    messages.set_alarm(fact, alarm)
    entry = _entry(account, fact, kind, said.time, None, None)
    if lane is not None:
        entry.positions += _rows(account, lane, symbol, fact.seq)
    return entry


def login(account: Account, login: Login, now: datetime) -> Entry:
    """Whether the broker lets a connection to the account in, or any at all."""
    fact = _fact(account, f"login:{account.epoch}:{account.last_seq}", now)
    fact.tenant_id, fact.connection_id = login.tenant_id, login.connection_id
    fact.account_login.problem, fact.account_login.text = login.problem, login.text
    if login.problem:
        messages.set_alarm(fact, alarms.of_login(login.text))
    return _entry(account, fact, "login", now, None, None)


def external(
    account: Account, lane: Lane, said: Report, move: PositionMove | None, alarm: Alarm | None
) -> Entry:
    """What the broker said of an order that nobody here placed; a fill moved the position."""
    fact = _fact(account, said.report_id, said.time)
    messages.set_external(fact.external_report, account.account_id, said)
    messages.set_alarm(fact, alarm)
    if move is not None:
        messages.set_change(fact.external_report.change, move, lane.book(said.instrument))
    entry = _entry(account, fact, "external", said.time, None, None)
    if move is not None:
        entry.positions += _rows(account, lane, said.instrument, fact.seq)
    return entry


def _lane(
    account: Account,
    order: Order | None,
    run: Run,
    stop: pb.LaneStop,
    at: datetime,
    alarm: Alarm | None = None,
) -> FactRow:
    """A lane is stopped, or goes on."""
    fact = _fact(account, f"{stop.overfill_id}:{'over' if stop.over else 'stop'}", at)
    fact.lane_stop.CopyFrom(stop)
    messages.set_alarm(fact, alarm)
    return _row(account, fact, "lane", at, order, run)


def _rows(account: Account, lane: Lane, symbol: str, seq: int) -> list[PositionRow]:
    """The whole position and every share of it."""
    book = lane.book(symbol)
    own = [_own_row(account, lane, symbol, subscription, seq) for subscription in book.own]
    return [_whole_row(account, symbol, book, seq), *own]


def _fact(account: Account, canonical_id: str, at: datetime) -> pb.Fact:
    """The next fact of an account, without its kind and whose it is."""
    fact = pb.Fact(seq=account.next_seq(), canonical_id=canonical_id)
    wire.stamp(fact.time, at)
    return fact


def _entry(
    account: Account,
    fact: pb.Fact,
    kind: str,
    at: datetime,
    order: Order | None,
    run: Run | None,
) -> Entry:
    return Entry(account.account_id, account.epoch, [_row(account, fact, kind, at, order, run)])


def _row(
    account: Account,
    fact: pb.Fact,
    kind: str,
    at: datetime,
    order: Order | None,
    run: Run | None,
) -> FactRow:
    head = messages.head(account.message, None) if run is None else _head(account, run)
    return FactRow(
        account.account_id,
        fact.seq,
        fact.canonical_id,
        kind,
        None if run is None else run.trade.trade_id,
        None if order is None else order.terms.order_id,
        # Bytes of a message that follow each other are one message.
        head + fact.SerializeToString(),
        at,
    )


def _head(account: Account, run: Run) -> bytes:
    if not run.fact_head:
        run.fact_head = messages.head(account.message, run.trade)
    return run.fact_head


def _bound(ticket: Ticket, seen: int) -> BoundRow:
    trade = ticket.run.trade
    return BoundRow(
        ticket.order.terms.order_id,
        trade.trade_id,
        trade.tenant_id,
        trade.strategy_id.hex,
        trade.connection_id,
        ids.broker_id(trade.account.broker, trade.account.environment).hex,
        seen,
    )


def _order_row(account: Account, order: Order) -> OrderRow:
    terms = order.terms
    return OrderRow(
        id=terms.order_id,
        cl_ord_id=terms.cl_ord_id,
        trade_id=terms.trade_id,
        leg=terms.leg.value,
        revision=terms.revision,
        account_id=account.account_id,
        subscription_id=terms.subscription_id,
        origin=terms.origin.value,
        instrument=terms.instrument,
        side=terms.side.value,
        ord_type=terms.ord_type.value,
        time_in_force=terms.time_in_force,
        order_qty=terms.order_qty,
        limit_price=terms.limit_price,
        stop_price=terms.stop_price,
        trail_amount=terms.trail_amount,
        trail_percent=terms.trail_percent,
        reference_price=terms.reference_price,
        decided_from=dict(terms.decided_from),
        created_at=terms.created_at,
    )


def _own_row(
    account: Account, lane: Lane, symbol: str, subscription: UUID, seq: int
) -> PositionRow:
    # Decided before the row of this one makes the lane a used one.
    attribution = lane.attribution[subscription] = lane.attribution_of(subscription)
    own = lane.book(symbol).own.setdefault(subscription, FLAT)
    ledger = lane.ledger(subscription)
    return PositionRow(
        account.account_id,
        symbol,
        subscription,
        own.quantity,
        own.avg_price,
        seq,
        attribution.value,
        ledger.initial,
        ledger.when_flat,
        ledger.in_step,
        ledger.followed,
    )


def _whole_row(account: Account, symbol: str, book: Book, seq: int) -> PositionRow:
    whole = book.whole
    day, result = account.usage.results.get(symbol, (None, None))
    return PositionRow(
        account.account_id,
        symbol,
        WHOLE,
        whole.quantity,
        whole.avg_price,
        seq,
        "account",
        result_day=day,
        result=result,
    )
