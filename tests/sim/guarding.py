"""The promises about what guards a position: while orders come and go, and in the end."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Set
from decimal import Decimal
from uuid import UUID

from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from tests.sim.books import Book
from tests.sim.instance import BROKER
from tests.sim.record import ZERO, Record, Row

GUARDS = ("take_profit", "stop")
Place = tuple[UUID, str]


def guards_close_only_what_nothing_else_does(record: Record, row: Row, book: Book) -> Iterator[str]:
    """A guard of ours is written down when no other order may close the same: a stop and its
    target never both."""
    if row.leg not in GUARDS or _is_linked(record, row):
        return
    held = -book.whole[row.account_id, row.instrument] * row.sign
    working = _may_close(record, book, row)
    if row.quantity + working > held:
        yield f"{row.leg} {row.cl_ord_id}: {row.quantity} and {working} working, of {held}"


def guards_fit_what_is_held(record: Record) -> Iterator[str]:
    """All guards at the broker together close no more than is there; but for one that the
    broker has neither shown nor can prove absent, which a person is told of."""
    unheard = set() if record.venue.habits.refuses_repeats else record.unheard
    for (account_id, symbol), rows in _working_guards(record).items():
        held = record.position(account_id, symbol)
        for sign in (1, -1):
            trades = {row.trade_id for row in rows if row.sign == sign}
            able = sum((_able(record, trade_id, unheard) for trade_id in trades), ZERO)
            if able > max(-held * sign, ZERO):
                yield f"{symbol}: guards of {able}, of {held}"


def protection_is_as_told(record: Record) -> Iterator[str]:
    """What is said to be guarded is; what is not is said to be held, and why it is bare; and
    nothing works for what is said to be closed."""
    for trade_id in record.instructions:
        told, able = record.last_protection(trade_id), _able(record, trade_id)
        name = f"{trade_id.hex[:8]}"
        if told is None:
            if able or (_asked(record, trade_id) and _opened(record, trade_id)):
                yield f"{name}: nothing is told of its protection"
            continue
        name += f" is {pb.ProtectionState.Name(told.state)}"
        held = Decimal(told.numbers.get("held", "0"))
        # What an exit that works closes has no guard. Where stops cannot work all are watched.
        least = held - _exits(record, trade_id) if record.venue.habits.has_stops else ZERO
        if told.state == pb.PROTECTION_STATE_PROTECTED and not (able >= least and held > 0):
            yield f"{name}: {able} of {held} is guarded"
        # What nobody can prove anything of is told, and canceled once it is found.
        is_told = told.reason == pb.REASON_NOT_PROVABLE and not record.venue.habits.refuses_repeats
        if told.state == pb.PROTECTION_STATE_CLOSED and able and not is_told:
            yield f"{name}, but {able} would still be closed"
        if told.state == pb.PROTECTION_STATE_PENDING and not _may_open(record, trade_id):
            yield f"{name}, but nothing more will be opened"
        if told.state == pb.PROTECTION_STATE_UNPROTECTED and not held > 0:
            yield f"{name}, of nothing"


def nothing_is_held_unsaid(record: Record) -> Iterator[str]:
    """Of a position whose entries were all to be guarded each part is told of: guarded, or
    bare. This is said of subscriptions that trade an instrument alone, where nothing that was
    to close a position was filled after its end, and nobody traded by hand."""
    held: dict[tuple[Place, UUID], Decimal] = defaultdict(Decimal)
    entries: dict[tuple[Place, UUID], list[Row]] = defaultdict(list)
    for row in record.rows.values():
        key = ((row.account_id, row.instrument), row.subscription)
        held[key] += row.sign * record.filled(row.cl_ord_id)
        if row.leg == "entry" and record.filled(row.cl_ord_id):
            entries[key].append(row)
    late = {c.cl_ord_id for c in record.venue.crossings if c.is_late}
    late -= {row.cl_ord_id for rows in entries.values() for row in rows}
    by_hand = {(ids.account_id(BROKER, BROKER, name), symbol) for name, symbol in record.by_hand}
    for (place, subscription), quantity in held.items():
        is_shared = any(other != subscription for where, other in held if where == place)
        rows = entries[place, subscription]
        is_shared = is_shared or place in by_hand
        if is_shared or not quantity or not all(_asked(record, r.trade_id) for r in rows):
            continue
        if late & {r.cl_ord_id for r in record.rows.values() if r.subscription == subscription}:
            continue
        told = sum((_told_held(record, trade_id) for trade_id in record.instructions
                    if _is_of(record, trade_id, place, subscription)), ZERO)  # fmt: skip
        if told != abs(quantity):
            yield f"{quantity} of {place[1]} is held, but {told} is told of"


ALWAYS: tuple[Callable[[Record], Iterator[str]], ...] = (guards_fit_what_is_held,)
AT_REST: tuple[Callable[[Record], Iterator[str]], ...] = (
    protection_is_as_told,
    nothing_is_held_unsaid,
)


def _is_linked(record: Record, row: Row) -> bool:
    """True for what goes to the broker with its entry, and is linked there."""
    return row.revision == 0 and bool(record.rows_of(row.trade_id, "entry"))


def _may_close(record: Record, book: Book, beside: Row) -> Decimal:
    """What the other orders on the side of this one may still close. Of a linked pair only one
    fills, and no more than its entry opened."""
    working, pairs = ZERO, set()
    for other in book.open.values():
        here = (other.account_id, other.instrument, other.side)
        if other is beside or other.leg == "entry":
            continue
        if here != (beside.account_id, beside.instrument, beside.side):
            continue
        if other.leg in GUARDS and _is_linked(record, other):
            pairs.add(other.trade_id)
        else:
            working += book.leaves[other.cl_ord_id]
    for trade_id in pairs:
        opened = sum((book.filled(row) for row in record.rows_of(trade_id, "entry")), ZERO)
        closed = [book.filled(r) for r in record.rows_of(trade_id, *GUARDS) if not r.revision]
        working += max(opened - sum(closed, ZERO), ZERO)
    return working


def _working_guards(record: Record) -> dict[Place, list[Row]]:
    found: dict[Place, list[Row]] = defaultdict(list)
    for row in record.rows.values():
        if row.leg in GUARDS and record.is_open(row.cl_ord_id):
            found[row.account_id, row.instrument].append(row)
    return found


def _able(record: Record, trade_id: UUID, without: Set[str] = frozenset()) -> Decimal:
    """How much the guards of a trade that work at the broker may close."""
    able, linked = ZERO, ZERO
    for row in record.rows_of(trade_id, *GUARDS):
        for order in () if row.cl_ord_id in without else record.venue_orders(row.cl_ord_id):
            if order.is_open and order.parent is not None:
                closed = sum((twin.cum_qty for twin in order.parent.guards), ZERO)
                linked = max(linked, order.parent.cum_qty - closed)
            elif order.is_open:
                able += order.leaves
    return able + linked


def _exits(record: Record, trade_id: UUID) -> Decimal:
    """How much exits close of the position that a trade opened that work at the broker, or of
    which nothing was heard."""
    one = record.rows_of(trade_id, "entry", *GUARDS)[0]
    sign = one.sign if one.leg in GUARDS else -one.sign
    closing = ZERO
    for row in record.rows.values():
        here = (row.account_id, row.instrument) == (one.account_id, one.instrument)
        if row.leg == "exit" and row.sign == sign and here:
            orders = record.venue_orders(row.cl_ord_id)
            unheard = row.quantity if row.cl_ord_id in record.unheard else ZERO
            closing += max(sum((order.leaves for order in orders), ZERO), unheard)
    return closing


def _asked(record: Record, trade_id: UUID) -> bool:
    return record.trade[trade_id].message.HasField("stop_loss")


def _opened(record: Record, trade_id: UUID) -> Decimal:
    filled = (record.filled(row.cl_ord_id) for row in record.rows_of(trade_id, "entry"))
    return sum(filled, ZERO)


def _may_open(record: Record, trade_id: UUID) -> bool:
    """Its entry works; or nobody can prove whether the stop of a `breakeven` does."""
    if any(record.is_open(row.cl_ord_id) for row in record.rows_of(trade_id, "entry")):
        return True
    is_doubted = record.last_outcome(trade_id).state == pb.TRADE_STATE_NEEDS_ATTENTION
    stops = record.rows_of(trade_id, "stop") if is_doubted else ()
    return any(row.cl_ord_id not in record.ends for row in stops)


def _told_held(record: Record, trade_id: UUID) -> Decimal:
    told = record.last_protection(trade_id)
    return ZERO if told is None else Decimal(told.numbers.get("held", "0"))


def _is_of(record: Record, trade_id: UUID, place: Place, subscription: UUID) -> bool:
    to = record.trade[trade_id].to
    where = ids.account_id(BROKER, BROKER, to.account), to.symbol
    return where == place and to.id == subscription
