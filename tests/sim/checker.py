"""The promises that hold at every moment, checked over the record of a run."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import combinations
from uuid import UUID

from execution.domain.words import OrdType
from execution.runtime import NEAR, SHARP
from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from protos.ids import order_ids
from tests.sim import endings, guarding
from tests.sim.books import Book, walk
from tests.sim.instance import BROKER
from tests.sim.record import PASSING, ZERO, Fact, Record, Row, Trade
from tests.sim.venue import Arrival

Check = Callable[[Record], Iterator[str]]
# Between the first word about a newer trade and the socket: what was on its way already.
ON_ITS_WAY = 0.05
ENTRY_AGE = 120.0
# How far off the clock of an instance may be, right after its start.
CLOCK_OFF = (SHARP + NEAR).total_seconds()


def check(record: Record, *, is_settled: bool) -> list[str]:
    """Everything that is wrong, each with the name of its check."""
    at_rest = (*endings.AT_REST, *guarding.AT_REST) if is_settled else ()
    checks = (*CHECKS, *guarding.ALWAYS, *endings.ALWAYS, *at_rest)
    found = [f"{one.__name__}: {text}" for one in checks for text in one(record)]
    for row, book in walk(record):
        for each in AT_SENDING:
            found += [f"{each.__name__}: {text}" for text in each(record, row, book)]
    return found


def one_order_each(record: Record) -> Iterator[str]:
    """At most one order of a trade, leg and revision at the broker, under its own id."""
    taken = Counter(a.cl_ord_id for a in record.venue.arrivals if a.result == "accepted")
    legs: Counter[tuple[UUID, str, int]] = Counter()
    for taken_id, count in taken.items():
        if count > 1:
            yield f"{taken_id} was taken {count} times"
        if (row := record.rows.get(taken_id)) is not None:
            legs[row.trade_id, row.leg, row.revision] += count
    for row in record.rows.values():
        if row.cl_ord_id != order_ids(row.trade_id, row.leg, row.revision)[1]:
            yield f"{row.cl_ord_id} is not the id of {row.leg} {row.revision}"
    yield from (f"{leg} has {count} orders" for leg, count in legs.items() if count > 1)


def written_down_before_the_socket(record: Record) -> Iterator[str]:
    """Every arrival has its order on record, committed before it was written."""
    sendings = {f.canonical_id for f in record.facts if f.kind == "sending"}
    for arrival in record.venue.arrivals:
        row = record.rows.get(arrival.cl_ord_id)
        if row is None:
            yield f"{arrival.cl_ord_id} is not on record"
        elif row.committed > arrival.written:
            yield f"{arrival.cl_ord_id} was written before it was committed"
        elif f"{arrival.cl_ord_id}:sending" not in sendings:
            yield f"{arrival.cl_ord_id} has no SENDING"


def former_holders_send_nothing(record: Record) -> Iterator[str]:
    """Who lost an account sends no order for it, however late it is told of its commit."""
    for arrival in record.venue.arrivals:
        if record.is_of_another(arrival) and not record.is_stale(arrival):
            yield f"{arrival.author} sent {arrival.cl_ord_id} at {arrival.written:.3f}"


def only_the_holder_writes(record: Record) -> Iterator[str]:
    """No write of a former holder is accepted, and no epoch has two holders."""
    for write in record.tables.writes:
        if write.author != write.holder:
            yield f"{write.author} wrote at {write.at:.3f} while {write.holder} held the lease"
    epochs: dict[UUID, int] = defaultdict(int)
    for taking in record.tables.takings:
        if taking.epoch != epochs[taking.account_id] + 1:
            yield f"epoch {taking.epoch} after {epochs[taking.account_id]}"
        epochs[taking.account_id] = taking.epoch


def facts_have_no_gap(record: Record) -> Iterator[str]:
    """The facts of an account count from one."""
    numbers: dict[UUID, list[int]] = defaultdict(list)
    for fact in record.facts:
        numbers[fact.account_id].append(fact.seq)
    for account, seqs in numbers.items():
        if seqs != list(range(1, len(seqs) + 1)):
            yield f"account {account.hex[:6]} has {seqs}"


def exits_fit_the_recorded_position(_record: Record, row: Row, book: Book) -> Iterator[str]:
    """An exit asks for no more than what was held, less what closes it already."""
    if row.leg != "exit":
        return
    held = -book.whole[row.account_id, row.instrument] * row.sign
    working = sum(
        (
            book.leaves[other.cl_ord_id]
            for other in book.open.values()
            if other.leg == "exit" and other.side == row.side and other is not row
            if (other.account_id, other.instrument) == (row.account_id, row.instrument)
        ),
        ZERO,
    )
    if row.quantity + working > held:
        yield f"{row.cl_ord_id}: {row.quantity} and {working} working, of {held}"


def exits_only_reduce(record: Record) -> Iterator[str]:
    """What reduces never crosses zero at the broker, where nobody else trades beside it; but for
    what a former holder was about to write when it was paused."""
    traders: dict[tuple[UUID, str], set[UUID]] = defaultdict(set)
    for row in record.rows.values():
        traders[row.account_id, row.instrument].add(row.subscription)
    for crossing in record.venue.crossings:
        known = record.rows.get(crossing.cl_ord_id)
        if known is None or known.leg == "entry" or crossing.by_hand:
            continue
        if crossing.cl_ord_id in record.stale_ids:
            continue
        if len(traders[known.account_id, known.instrument]) > 1:
            continue
        if crossing.quantity > -crossing.position * known.sign:
            yield f"{known.leg} {known.cl_ord_id}: {crossing.quantity} of {crossing.position}"


def superseded_entries_stay_unsent(record: Record) -> Iterator[str]:
    """Once a newer trade was acted on, no entry that it ends is sent, or sent again."""
    for track in record.tracks.values():
        for number, newer in enumerate(track):
            told = record.by_trade[newer.id]
            if not told:
                continue
            since = told[0].committed + ON_ITS_WAY
            for earlier in track[:number]:
                if not newer.supersedes(earlier) or record.came_apart(earlier, newer):
                    continue
                # Who never acted took nothing that rests, here or there.
                if _watched(record, earlier.id) and _never_acted(record, newer):
                    continue
                for arrival in _entries_written(record, earlier):
                    if arrival.written > since:
                        yield f"{arrival.cl_ord_id} at {arrival.written:.3f}, after {since:.3f}"


def withdrawn_trades_stay_unsent(record: Record) -> Iterator[str]:
    """Who reads a trade together with its withdrawal, as it takes the account, writes no order of
    it down."""
    for trade_id, stored in record.instructions.items():
        for row in record.rows_of(trade_id, "entry", "exit"):
            taking = record.taking(row.account_id, row.committed)
            # What the trade had opened is closed, where nothing can guard it.
            if (
                taking is not None
                and taking.at > stored["withdrawn_at"]
                and row.origin != "flatten"
            ):
                yield f"{row.cl_ord_id} at {row.committed:.3f}, taken at {taking.at:.3f}"


def entries_go_in_order(record: Record) -> Iterator[str]:
    """The entries of a subscription are written in the order of acceptance."""
    for track in record.tracks.values():
        first = {t.id: min(w) for t in track if (w := _when_written(record, t))}
        # What waited for its price goes when that has come.
        first = {i: at for i, at in first.items() if not _watched(record, i)}
        for earlier, newer in combinations([t for t in track if t.id in first], 2):
            if first[newer.id] < first[earlier.id] and not record.came_apart(earlier, newer):
                yield f"{newer.id.hex[:8]} before {earlier.id.hex[:8]}"


def no_entry_doubles_an_exposure(record: Record, row: Row, book: Book) -> Iterator[str]:
    """Without adding, an entry meets neither a position nor an entry on its side."""
    if row.leg != "entry":
        return
    said = record.trade[row.trade_id].message
    if said.allow_add or said.action == pb.ACTION_ADD or said.HasField("target"):
        return
    lane = (row.account_id, row.instrument)
    own, whole = book.own[lane][row.subscription] * row.sign, book.whole[lane] * row.sign
    if min(own, whole) > 0:
        yield f"{row.cl_ord_id} adds to {own}"
    for other in book.open.values():
        is_ours = other.subscription == row.subscription and other.instrument == row.instrument
        if is_ours and other is not row and other.leg == "entry" and other.side == row.side:
            yield f"{row.cl_ord_id} beside {other.cl_ord_id}"


def exits_miss_no_entry(record: Record) -> Iterator[str]:
    """Once an exit of everything is over, nothing that an older entry sent is filled."""
    for track in record.tracks.values():
        for number, leave in enumerate(track):
            if leave.message.action != pb.ACTION_EXIT or leave.message.quantity:
                continue
            ended = _ended_as_asked(record.outcomes(leave.id))
            if ended is None:
                continue
            older = {
                row.cl_ord_id
                for trade in track[:number]
                if not record.came_apart(trade, leave)
                for row in record.rows_of(trade.id, "entry")
            }
            for crossing in record.venue.crossings:
                if crossing.cl_ord_id not in older or crossing.at <= ended or crossing.is_late:
                    continue
                if crossing.cl_ord_id not in record.stale_ids:
                    yield f"{crossing.cl_ord_id} filled at {crossing.at:.3f}, after {ended:.3f}"


def exits_count_what_they_displaced(record: Record) -> Iterator[str]:
    """An exit of a part closes no more than it asks for, together with what those filled whose
    place it takes since it asked them to go; but for fills after an end: those of its own count
    for what it sends after them. Others' exits that still work when it goes keep their place."""
    for trade_id in record.instructions:
        said = record.trade[trade_id].message
        if said.action != pb.ACTION_EXIT or not said.quantity or said.HasField("target"):
            continue
        own = {row.cl_ord_id: row.committed for row in record.rows_of(trade_id)}
        last = max(own.values(), default=math.inf) - ON_ITS_WAY
        closed = sum((_filled(record, name, late_until=last) for name in own), ZERO)
        for name, before in record.displaced(trade_id).items():
            is_own = record.rows[name].subscription == record.trade[trade_id].to.id
            since = _filled(record, name, until=math.inf if is_own else last) - before
            closed += max(since, ZERO)
        if closed > Decimal(said.quantity):
            yield f"{trade_id.hex[:8]} closed {closed} of {said.quantity}"


def no_entry_is_sent_too_old(record: Record) -> Iterator[str]:
    """Two minutes after its release, or after the exit of its flip, an entry stays home."""
    for arrival in record.venue.arrivals:
        row = record.rows.get(arrival.cl_ord_id)
        if row is None or row.leg != "entry" or record.is_stale(arrival):
            continue
        if record.woke_with_it(arrival):
            continue
        released = record.trade[row.trade_id].message.released_time
        exits = {r.cl_ord_id for r in record.rows_of(row.trade_id, "exit")}
        since = released.seconds + released.nanos / 1e9 - record.venue.world.started
        since = max([since, *(c.at for c in record.venue.crossings if c.cl_ord_id in exits)])
        if row.is_watched:
            since = record.fired_at(row) or since
        if arrival.written - since > ENTRY_AGE + CLOCK_OFF:
            yield f"{arrival.cl_ord_id} is {arrival.written - since:.1f} s old"


def watched_entries_wait_for_their_price(record: Record) -> Iterator[str]:
    """What waited with us is written once it is on record that its price had come, and goes as
    what it becomes then."""
    for arrival in record.venue.arrivals:
        row = record.rows.get(arrival.cl_ord_id)
        if row is None or not row.is_watched or record.is_stale(arrival):
            continue
        fired = record.fired_at(row)
        if fired is None or fired > arrival.written:
            yield f"{arrival.cl_ord_id} was written before its price was on record"
        kinds = {order.terms.ord_type for order in record.venue_orders(arrival.cl_ord_id)}
        if not kinds <= {OrdType.MARKET, OrdType.LIMIT}:
            yield f"{arrival.cl_ord_id} was sent as {kinds}"


def limits_are_kept(record: Record) -> Iterator[str]:
    """Nothing is one too many for the broker, as long as one life alone sends for the account
    and what it sent came when it should."""
    holders: dict[UUID, set[str]] = defaultdict(set)
    for taking in record.tables.takings:
        holders[taking.account_id].add(taking.holder)
    for name, author in record.venue.too_many:
        if record.comes_in_time and len(holders[ids.account_id(BROKER, BROKER, name)]) == 1:
            yield f"{author} sent one too many for {name}"


def outcomes_only_grow(record: Record) -> Iterator[str]:
    """Outcomes are numbered; after an end there are only ends, and only a report changes one."""
    for trade_id in record.instructions:
        count, ended, has_news = 0, None, False
        for fact in record.by_trade[trade_id]:
            if fact.kind != "outcome":
                has_news = has_news or fact.kind == "report"
                continue
            count += 1
            if not fact.canonical_id.endswith(f":{count}"):
                yield f"{fact.canonical_id} is number {count}"
            told = fact.message.trade_outcome
            if ended is not None and told.state in PASSING:
                yield f"{fact.canonical_id} after an end"
            if ended not in (None, (told.state, told.reason)) and not has_news:
                yield f"{fact.canonical_id} without news"
            if told.state not in PASSING:
                ended, has_news = (told.state, told.reason), False


CHECKS: tuple[Check, ...] = (
    one_order_each,
    written_down_before_the_socket,
    only_the_holder_writes,
    former_holders_send_nothing,
    facts_have_no_gap,
    exits_only_reduce,
    superseded_entries_stay_unsent,
    withdrawn_trades_stay_unsent,
    entries_go_in_order,
    exits_miss_no_entry,
    exits_count_what_they_displaced,
    no_entry_is_sent_too_old,
    watched_entries_wait_for_their_price,
    limits_are_kept,
    outcomes_only_grow,
)


# Of each order as it was written down.
AT_SENDING: tuple[Callable[[Record, Row, Book], Iterator[str]], ...] = (
    exits_fit_the_recorded_position,
    no_entry_doubles_an_exposure,
    guarding.guards_close_only_what_nothing_else_does,
)


def _never_acted(record: Record, trade: Trade) -> bool:
    """It was withdrawn first; or was to open something, and could not be sized."""
    told = record.last_outcome(trade.id)
    if told.reason == pb.REASON_CANCELED_BY_MEMBER:
        return True
    opens = trade.message.action in (pb.ACTION_BUY, pb.ACTION_SELL)
    return opens and told.reason == pb.REASON_SIZE_UNKNOWN and not record.rows_of(trade.id)


def _filled(
    record: Record, cl_ord_id: str, *, until: float = math.inf, late_until: float = -math.inf
) -> Decimal:
    """What an order filled until some second; after its end, until another."""
    mine = (c for c in record.venue.crossings if c.cl_ord_id == cl_ord_id)
    counted = (c for c in mine if c.at <= (late_until if c.is_late else until))
    return sum((c.quantity for c in counted), ZERO)


def _watched(record: Record, trade_id: UUID) -> list[Row]:
    return [row for row in record.rows_of(trade_id, "entry") if row.is_watched]


def _entries_written(record: Record, trade: Trade) -> list[Arrival]:
    """Arrivals of a trade's entry that its holder of then wrote."""
    entry = {row.cl_ord_id for row in record.rows_of(trade.id, "entry")}
    return [a for a in record.venue.arrivals if a.cl_ord_id in entry and not record.is_stale(a)]


def _when_written(record: Record, trade: Trade) -> list[float]:
    return [arrival.written for arrival in _entries_written(record, trade)]


def _ended_as_asked(outcomes: list[Fact]) -> float | None:
    """When an exit was over, because there was nothing to close or it was closed."""
    for fact in outcomes:
        told = fact.message.trade_outcome
        if told.state in (pb.TRADE_STATE_FILLED, pb.TRADE_STATE_DONE):
            return fact.committed
        if told.state == pb.TRADE_STATE_SKIPPED and told.reason == pb.REASON_NO_POSITION:
            return fact.committed
    return None
