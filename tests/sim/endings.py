"""The promises that hold in the end: what was asked is over, and the books are equal."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from uuid import UUID

from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from tests.sim.books import Book
from tests.sim.instance import BROKER
from tests.sim.record import PASSING, ZERO, Lane, Record, Row

_UNFILLED = (
    pb.TRADE_STATE_SKIPPED,
    pb.TRADE_STATE_EXPIRED,
    pb.TRADE_STATE_REJECTED,
    pb.TRADE_STATE_CANCELED,
)
_GUARDS = ("take_profit", "stop")


def unfinished(record: Record) -> list[UUID]:
    """Stored trades that are neither over nor have a reason to last."""
    return [
        trade_id
        for trade_id, row in record.instructions.items()
        if row["done_at"] is None and not _may_last(record, trade_id)
    ]


def _may_last(record: Record, trade_id: UUID) -> bool:
    """An order that rests, a guard that works, or a doubt that the broker cannot resolve."""
    told = record.last_outcome(trade_id)
    open_legs = {r.leg for r in record.rows_of(trade_id) if record.is_open(r.cl_ord_id)}
    if told.state not in PASSING:
        guards = record.last_protection(trade_id)
        is_over = guards is not None and guards.state == pb.PROTECTION_STATE_CLOSED
        works = not is_over and not open_legs.isdisjoint(_GUARDS)
        is_guarded = works or _is_watched(record, trade_id)
        is_in_doubt = _doubts_its_stop(record, trade_id)
        is_told = is_in_doubt or _says_why_it_is_bare(record, trade_id)
        return is_guarded or is_told or _is_opened_by_an_exit(record, trade_id)
    if told.state == pb.TRADE_STATE_NEEDS_ATTENTION:
        return not record.venue.habits.refuses_repeats
    if told.state == pb.TRADE_STATE_WORKING and open_legs - {*_GUARDS}:
        return True
    if told.state == pb.TRADE_STATE_WORKING and told.reason == pb.REASON_ENTRY_WATCHED:
        return not record.venue.habits.has_stops
    is_blocked = told.state == pb.TRADE_STATE_BLOCKED
    return is_blocked and _is_behind_a_doubt(record, trade_id)


def _is_watched(record: Record, trade_id: UUID) -> bool:
    """Where no stop can work, its price is watched."""
    told = record.last_protection(trade_id)
    is_guarded = told is not None and told.state == pb.PROTECTION_STATE_PROTECTED
    return is_guarded and not record.venue.habits.has_stops


def _says_why_it_is_bare(record: Record, trade_id: UUID) -> bool:
    """Nothing guards what a trade opened, which is still held: it was wanted so, cannot be had,
    or an exit of it is not over."""
    told = record.last_protection(trade_id)
    rows = record.rows_of(trade_id, "entry", *_GUARDS)
    if told is None or told.state != pb.PROTECTION_STATE_UNPROTECTED or not rows:
        return False
    row = rows[0]
    closing = row.sign if row.leg in _GUARDS else -row.sign
    own = record.position(row.account_id, row.instrument, row.subscription)
    if max(-own * closing, -record.position(row.account_id, row.instrument) * closing) <= 0:
        return False
    if told.reason == pb.REASON_NETTED:
        return _is_netted(record, row, -closing)
    return _is_bare_for_good(record, trade_id, told.reason) or any(
        exit_.sign == closing and exit_.cl_ord_id not in record.ends
        for exit_ in record.rows.values()
        if exit_.leg == "exit"
        and (exit_.account_id, exit_.instrument) == (row.account_id, row.instrument)
    )


def _is_opened_by_an_exit(record: Record, trade_id: UUID) -> bool:
    """Nobody can prove that an exit of its subscription does not work, which would open what it
    guards: of what that was to close, its entry has closed some."""
    for row in record.rows_of(trade_id, "entry"):
        here = (row.account_id, row.instrument, row.subscription)
        return any(
            _is_left_in_doubt(record, other)
            for other in record.rows.values()
            if other.leg == "exit"
            and other.sign == row.sign
            and (other.account_id, other.instrument, other.subscription) == here
            and other.quantity > -record.position(*here) * row.sign
        )
    return False


def _is_left_in_doubt(record: Record, row: Row) -> bool:
    """A person is asked what became of an order."""
    told = record.last_outcome(row.trade_id)
    is_told = told.state == pb.TRADE_STATE_NEEDS_ATTENTION or _doubts_its_stop(record, row.trade_id)
    return is_told and row.cl_ord_id not in record.ends


def _is_netted(record: Record, beside: Row, sign: int) -> bool:
    """More is held on one side by all subscriptions together than by the account as a whole."""
    here = (beside.account_id, beside.instrument)
    held = [quantity * sign for quantity in _own_positions(record)[here].values()]
    return sum(q for q in held if q > 0) > record.position(*here) * sign


def _is_bare_for_good(record: Record, trade_id: UUID, reason: "pb.Reason") -> bool:
    """It was wanted so, or the broker takes neither a guard nor what would close the position;
    and there is something on record that shows it."""
    to, guards = record.trade[trade_id].to, record.rows_of(trade_id, *_GUARDS)
    ends = [record.ends[row.cl_ord_id] for row in guards if row.cl_ord_id in record.ends]
    match reason:
        case pb.REASON_NOW_UNPROTECTED:
            others = [t for t in record.trades if (t.to.id, t.to.symbol) == (to.id, to.symbol)]
            return any(other.message.action == pb.ACTION_CANCEL for other in others)
        case pb.REASON_STOP_REFUSED:
            closing = [row for row in record.rows_of(trade_id, "exit") if _closes_bare(record, row)]
            first = (*record.rows_of(trade_id, "entry"), *guards)[0]
            opened = -first.sign if first.leg in _GUARDS else first.sign
            # What another side nets cannot be closed either.
            is_tried = any(row.cl_ord_id in record.ends for row in closing)
            is_tried = is_tried or _is_netted(record, first, opened)
            is_refused = any(end.exec_type == pb.EXEC_TYPE_REJECTED for end in ends)
            return is_tried and (is_refused or any(_is_dropped(record, row) for row in guards))
        case pb.REASON_BROKER_AUTH:
            return any(end.text == "broker_auth" for end in ends)
    return False


def _is_dropped(record: Record, row: Row) -> bool:
    """True for what the broker ended by itself."""
    orders = record.venue_orders(row.cl_ord_id)
    return any(said.report_id.endswith("-unsaid") for order in orders for said in order.reports)


def _is_behind_a_doubt(record: Record, trade_id: UUID) -> bool:
    """Another trade of the account and instrument needs a person, itself or for its stop."""
    one = record.trade[trade_id].to
    return any(
        record.last_outcome(other.id).state == pb.TRADE_STATE_NEEDS_ATTENTION
        or _doubts_its_stop(record, other.id)
        for other in record.trades
        if (other.to.account, other.to.symbol) == (one.account, one.symbol)
    )


def _doubts_its_stop(record: Record, trade_id: UUID) -> bool:
    """A guard there, or what closes as none could guard, is neither shown by the broker nor
    proven absent, and that is told."""
    told = record.last_protection(trade_id)
    if told is None or told.reason != pb.REASON_NOT_PROVABLE:
        return False
    one = record.trade[trade_id].to
    here = [other.id for other in record.trades if other.to.account == one.account]
    guards = [row for other in here for row in record.rows_of(other, *_GUARDS)]
    closing = [row for other in here for row in record.rows_of(other, "exit")]
    guards += [row for row in closing if _closes_bare(record, row)]
    is_open = any(r.instrument == one.symbol and r.cl_ord_id not in record.ends for r in guards)
    return is_open and not record.venue.habits.refuses_repeats


def everything_ends(record: Record) -> Iterator[str]:
    """Within the time there is, every trade is over, or has a reason to last."""
    for trade in record.trades:
        if trade.id not in record.instructions:
            yield f"{trade.id.hex[:8]} was never stored"
    for trade_id in unfinished(record):
        told = record.last_outcome(trade_id)
        state, reason = pb.TradeState.Name(told.state), pb.Reason.Name(told.reason)
        yield f"{trade_id.hex[:8]} is {state} {reason}"


def every_trade_has_an_outcome(record: Record) -> Iterator[str]:
    """Nothing is over without a word about it."""
    for trade_id, row in record.instructions.items():
        if row["done_at"] is not None and record.last_outcome(trade_id).state in PASSING:
            yield f"{trade_id.hex[:8]} is done without an end"


def orders_are_recorded_as_they_went(record: Record) -> Iterator[str]:
    """What was filled of each order is what the broker filled."""
    recorded: dict[str, Decimal] = defaultdict(Decimal)
    for fact in record.facts:
        said = fact.message.execution_report
        if fact.kind == "report" and said.exec_type == pb.EXEC_TYPE_FILL:
            recorded[said.cl_ord_id] += Decimal(said.last_qty)
    for cl_ord_id in {**record.rows, **recorded}:
        if recorded[cl_ord_id] != record.filled(cl_ord_id):
            yield f"{cl_ord_id}: {recorded[cl_ord_id]}, but {record.filled(cl_ord_id)}"


def positions_are_equal(record: Record) -> Iterator[str]:
    """Recorded positions are the broker's, and each subscription's is what its fills, and the
    closing of the whole account's position, leave of it."""
    own = _own_positions(record)
    for (account_id, symbol), shares in own.items():
        for subscription, quantity in shares.items():
            recorded = record.position(account_id, symbol, subscription)
            if recorded != quantity:
                yield f"{symbol} of {subscription.hex[:6]}: {recorded}, but {quantity}"
    for account in record.venue.accounts.values():
        account_id = ids.account_id(BROKER, BROKER, account.name)
        if account_id not in record.tables.leases:
            # Nobody here ever traded it; what others hold is not looked at before.
            continue
        for symbol, quantity in account.positions.items():
            recorded = record.position(account_id, symbol)
            if recorded != quantity:
                yield f"{account.name} {symbol}: {recorded}, but {quantity}"


def _own_positions(record: Record) -> dict[Lane, dict[UUID, Decimal]]:
    """What each subscription holds after all that was filled, by account and instrument."""
    book = Book()
    for fact in record.facts:
        book.add(fact, record)
    return book.own


def no_guard_is_an_orphan(record: Record) -> Iterator[str]:
    """Targets and stops at the broker close a position that is there."""
    own = _own_positions(record)
    for row in record.rows.values():
        account = record.trade[row.trade_id].to.account
        is_working = row.leg in _GUARDS and record.is_open(row.cl_ord_id)
        if not is_working or (account, row.instrument) in record.by_hand:
            continue
        if any(record.is_open(e.cl_ord_id) for e in record.rows_of(row.trade_id, "entry")):
            continue
        held = list(own[row.account_id, row.instrument].values())
        if (len(held) == 1 and held[0] * row.sign >= 0) or not any(held):
            yield f"{row.leg} {row.cl_ord_id} works at positions of {', '.join(map(str, held))}"


def _closes_bare(record: Record, row: Row) -> bool:
    """True for what closes what its own trade opened, as the broker takes no stop for it."""
    opening = record.rows_of(row.trade_id, "entry", *_GUARDS)
    is_after = any(first.committed < row.committed for first in opening)
    return row.leg == "exit" and row.origin == "flatten" and is_after


def outcomes_are_true(record: Record) -> Iterator[str]:
    """What a trade is called is what its orders did; what closes a position whose stop was
    refused is no part of what was asked."""
    for trade_id in record.instructions:
        told = record.last_outcome(trade_id)
        orders = record.rows_of(trade_id, "entry", "exit")
        orders = [row for row in orders if not _closes_bare(record, row)]
        filled = sum((record.filled(row.cl_ord_id) for row in orders), ZERO)
        name = f"{trade_id.hex[:8]} is {pb.TradeState.Name(told.state)}"
        if told.state in _UNFILLED and filled:
            yield f"{name}, but {filled} was filled"
        if told.state in (pb.TRADE_STATE_FILLED, pb.TRADE_STATE_PARTIALLY_FILLED) and not filled:
            yield f"{name}, but nothing was filled"
        if told.state == pb.TRADE_STATE_FILLED:
            # What gave way to a smaller exit was to be more than was left.
            gave_way = told.numbers["outgrown"].split() if "outgrown" in told.numbers else []
            wanted = [row for row in orders if row.cl_ord_id not in gave_way]
            short = [row for row in wanted if record.filled(row.cl_ord_id) < row.quantity]
            yield from (f"{name}, but {row.leg} {row.cl_ord_id} did not" for row in short)


ALWAYS: tuple[Callable[[Record], Iterator[str]], ...] = (everything_ends,)
AT_REST: tuple[Callable[[Record], Iterator[str]], ...] = (
    every_trade_has_an_outcome,
    orders_are_recorded_as_they_went,
    positions_are_equal,
    no_guard_is_an_orphan,
    outcomes_are_true,
)
