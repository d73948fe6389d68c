"""A broker account in the hands of this instance: its lanes, session, lease and counters,
and how it is rebuilt from what the store knows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from msgspec import structs

from execution.accounts.outside import Outside
from execution.accounts.reserving import Reserved, planned_price
from execution.accounts.usage import Usage
from execution.brokers.base import Adapter
from execution.brokers.credentials import Login, Logins
from execution.domain import table, targets
from execution.domain.decisions import OVER, VenueRules
from execution.domain.opening import Intent
from execution.domain.orders import ZERO
from execution.domain.switches import HALTED
from execution.domain.sync import NO_LEDGER
from execution.domain.trades import AccountRef, Trade
from execution.domain.words import Action, Leg, TradeState
from execution.journal import told
from execution.journal.rows import WHOLE, AccountImage, OutcomeImage, PastTrade, Sent, Stored
from execution.lanes import covers, known, opened, overfills
from execution.lanes.lanes import Lane, Run
from execution.lanes.tickets import Ticket
from execution.limits.session import Session
from execution.messages import messages
from protos import alarms
from protos.execution.v1 import execution_pb2 as pb

_HELD_BACK = (TradeState.BLOCKED, TradeState.QUEUED)
_NO_ENTRY = (Action.EXIT, Action.CANCEL, Action.BREAKEVEN)
# Until the broker was asked.
NO_RULES = VenueRules(frozenset(), Decimal(1))


class Arrival(NamedTuple):
    """A stored trade on its way into its lane."""

    instruction_id: int
    trade: Trade
    # Why it was withdrawn meanwhile: then it goes in to end there.
    withdrawn: str = ""


@dataclass(slots=True, eq=False)
class Account:
    """Ready once its lease is held and its past is loaded; lost when the lease is."""

    account_id: UUID
    ref: AccountRef
    message: pb.Account
    adapter: Adapter
    session: Session
    rules: VenueRules = NO_RULES
    epoch: int = 0
    last_seq: int = 0
    # The last move of a position that was heard, by the broker's number.
    moved_seq: int = 0
    is_ready: bool = False
    is_lost: bool = False
    # Whom the broker lets in by keys of their own. None: not known, or it asks for none.
    logins: Logins | None = None
    # What was told of each connection's login; of none in particular, where none has keys.
    told_logins: dict[str, Login] = field(default_factory=dict)
    lanes: dict[str, Lane] = field(default_factory=dict)
    runs: dict[UUID, Run] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    reserved: Reserved = field(default_factory=Reserved)
    outside: Outside = field(default_factory=Outside)
    # Arrived before the account was ready.
    pending: list[Arrival] = field(default_factory=list)
    # Rings when the broker is asked about all that rests there.
    has_check_timer: bool = False

    def keeps_out(self, connection_id: str) -> bool:
        """True of a connection that is known not to be let in by keys of its own; of none in
        particular, where nobody is."""
        return self.logins is not None and self.logins.refusal(connection_id) is not None

    def next_seq(self) -> int:
        """The number of the account's next fact."""
        self.last_seq += 1
        return self.last_seq

    def lane(self, name: str) -> Lane:
        """The lane of an underlying."""
        lane = self.lanes.get(name)
        if lane is None:
            lane = self.lanes[name] = Lane(name)
        return lane

    def at_end(self, run: Run) -> Callable[[], None]:
        """What is done once an outcome is durable: a run that was given back to a person is
        forgotten, so that it may come again."""

        def ended() -> None:
            run.is_recorded = True
            if run.said is not None and run.said[0] is TradeState.WAITING_APPROVAL:
                self.forget(run)

        return ended

    def withdraw_pending(self, trade_id: UUID, reason: str) -> None:
        """A trade that waits for the account is not to be sent any more."""
        self.pending = [
            one._replace(withdrawn=reason) if one.trade.trade_id == trade_id else one
            for one in self.pending
        ]

    def forget(self, run: Run) -> None:
        """Drop a run from memory; what was begun anew under its id stays."""
        if self.runs.get(run.trade.trade_id) is run:
            del self.runs[run.trade.trade_id]


def step(account: Account, by: timedelta) -> None:
    """Our clock was set: what was sent was sent as long ago as before."""
    for run in account.runs.values():
        for ticket in run.tickets:
            if ticket.last_send_at is not None:
                ticket.last_send_at += by


def rebuild(account: Account, image: AccountImage) -> list[Ticket]:
    """Put positions, open runs and their orders back; returns the tickets of open trades.

    May be done again, when what followed failed.
    """
    account.lanes.clear()
    account.runs.clear()
    account.epoch, account.last_seq = image.epoch, image.last_seq
    account.usage, account.reserved = Usage(), Reserved()
    for connection_id, at in sorted(image.sent, key=lambda sent: sent[1]):
        account.usage.send(connection_id, at)
    account.moved_seq = image.moved_seq
    account.outside.begin(image.heard_seq)
    for held in image.positions:
        lane = account.lane(known.lane_of(held.instrument))
        book = lane.book(held.instrument)
        if held.subscription_id == WHOLE:
            book.whole = held.position
            if held.result_day is not None and held.result is not None:
                account.usage.results[held.instrument] = (held.result_day, held.result)
        else:
            book.own[held.subscription_id] = held.position
            lane.attribution[held.subscription_id] = held.attribution
            if held.ledger != NO_LEDGER:
                lane.ledgers[held.subscription_id] = held.ledger
    overfills.recall(account, image.lanes)
    tickets: list[Ticket] = []
    for stored in image.open:
        tickets += _rebuild_run(account, image, stored)
    for past in image.displaced:
        trade = messages.read_trade(pb.Trade.FromString(past.stored.trade))
        tickets += finished_run(account, trade, past).tickets
    _recall_displaced(account, image, tickets)
    return tickets


def _recall_displaced(account: Account, image: AccountImage, tickets: Sequence[Ticket]) -> None:
    """The exits whose place trades take, and what those had filled when they were asked to go."""
    named = {ticket.order.terms.cl_ord_id: ticket for ticket in tickets}
    for trade_id, outcome in image.outcomes.items():
        run, filled = account.runs[trade_id], told.displaced(outcome.numbers)
        run.filled_before = {name: before for name, before in filled.items() if name in named}
        run.canceled = [named[name] for name in run.filled_before]


def _rebuild_run(account: Account, image: AccountImage, stored: Stored) -> list[Ticket]:
    recorded = image.resolved.get(stored.trade_id)
    trade = known.resolve(messages.read_trade(pb.Trade.FromString(stored.trade)), recorded)
    lane = account.lane(trade.lane)
    run = Run(trade, lane, stored.instruction_id)
    run.is_resolved = recorded is not None
    account.runs[trade.trade_id] = run
    outcome = image.outcomes.get(trade.trade_id)
    if outcome is not None:
        _recall(run, outcome)
        run.is_done = run.is_lingering = run.was_told_over or OVER in outcome.numbers
    word = messages.REASON_WORDS[stored.withdrawn]
    if not run.was_told_over or (outcome is not None and outcome.reason == word):
        # What is over otherwise, and lingers, is not ended again.
        recall_withdrawal(run, word)
    run.declared = stored.declared
    for order in image.orders.get(trade.trade_id, ()):
        ticket = Ticket(order, run, sends=1, is_inherited=True)
        ticket.resends, ticket.last_send_at = image.unanswered.get(order.terms.order_id, Sent())
        run.tickets.append(ticket)
        _recall_exposure(run, order.terms.decided_from)
        if order.is_open:
            lane.open[order.terms.cl_ord_id] = ticket
            account.reserved.note(ticket, order.terms.created_at)
    for ticket in run.tickets:
        ticket.sends = 0 if ticket.waits_here else 1
    covers.recall(run, image.protections.get(trade.trade_id))
    lane.track(trade.subscription_id).append(run)
    return run.tickets


def recall_withdrawal(run: Run, reason: str) -> None:
    """What the store says of a withdrawal; nothing where the reason is empty."""
    if reason:
        run.withdraw(reason)


def finished_run(account: Account, trade: Trade, past: PastTrade) -> Run:
    """A trade that was over, back in memory because something late was heard."""
    trade = known.resolve(trade, past.resolved)
    run = Run(trade, account.lane(trade.lane), past.stored.instruction_id)
    run.is_resolved = past.resolved is not None
    if past.outcome is not None:
        _recall(run, past.outcome)
    run.is_done = run.is_recorded = True
    run.tickets = [Ticket(order, run, sends=1, is_inherited=True) for order in past.orders]
    covers.recall(run, past.protection, is_over=True)
    account.runs[trade.trade_id] = run
    return run


def _recall(run: Run, outcome: OutcomeImage) -> None:
    numbers = outcome.numbers
    run.outcomes = outcome.count
    if outcome.state == TradeState.WAITING_APPROVAL:
        # It was given back, and let go since: nothing of that counts any more.
        return
    run.entry_dropped = numbers.get("dropped", "")
    run.is_superseded = bool(run.entry_dropped)
    filled = numbers.get("filled", "")
    run.said = (TradeState(outcome.state), outcome.reason, filled, run.entry_dropped)
    run.alarmed = alarms.of_state(outcome.state, outcome.reason, numbers) or ""
    # What waits for the open sees the position that is then.
    if run.said[0] is not TradeState.QUEUED:
        _recall_exposure(run, numbers)
    if "opens_at" in numbers:
        run.opens_at = datetime.fromisoformat(numbers["opens_at"])
        run.queued_as = Intent(numbers["queued_as"])
    if "fired_at" in numbers:
        run.fired_at = datetime.fromisoformat(numbers["fired_at"])
        run.fired_price = Decimal(numbers["fired_price"]) if "fired_price" in numbers else None
    run.canceled_before = int(numbers.get("canceling", 0))
    run.superseded_waiting = int(numbers.get("superseded", 0))
    run.outgrown = set(numbers.get("outgrown", "").split())
    run.halved = int(numbers.get("halved", 0))
    run.in_debt = outcome.reason == "flatten_debt"


def _recall_exposure(run: Run, numbers: Mapping[str, str]) -> None:
    """The exposure that chose the cell, as first seen."""
    if run.exposure is None and "exposure" in numbers:
        run.exposure = Decimal(numbers["exposure"])


def exposed(account: Account) -> Decimal:
    """What all positions are worth at what was paid for them, and with them what entries may
    still add at what they were planned at."""
    total = ZERO
    for lane in account.lanes.values():
        for book in lane.books.values():
            held = book.whole
            total += abs(held.quantity) * (held.avg_price or ZERO) * book.point_value
        for ticket in lane.open.values():
            terms = ticket.order.terms
            if terms.leg is Leg.ENTRY:
                point = lane.book(terms.instrument).point_value
                total += ticket.order.leaves_qty * planned_price(terms) * point
    return total


def let_go(run: Run) -> bool:
    """A person wants an exit that its spread filter holds, whatever the spread is; False where
    none is held."""
    if run.said is None or run.said[:2] != (TradeState.BLOCKED, "spread_too_wide"):
        return False
    unfiltered = structs.replace(run.trade.exit, spread_filter=None, spread_filter_percent=None)
    run.trade = structs.replace(run.trade, exit=unfiltered)
    return True


def end_waiting_entry(run: Run) -> bool:
    """A kill switch ends what of a trade is held back from the broker, as a newer trade would;
    it is not revived. True when something of it changed."""
    if run.is_done or run.trade.action in _NO_ENTRY:
        return False
    if run.entry is not None:
        is_unsent = run.entry.in_doubt or run.entry.is_held_back or run.entry.waits_here
        if run.entry.waits_here:
            # Nobody but us ever knew of it, so it is over, and says by what.
            run.entry_dropped = run.entry_dropped or HALTED
        run.is_superseded = run.is_superseded or is_unsent
        return run.is_superseded
    waits = run.said is not None and run.said[0] in _HELD_BACK
    if run.entry_dropped or not (waits or run.exits):
        return False
    run.entry_dropped = "superseded"
    return True


def supersede(earlier: Run, newer: Run) -> bool:
    """A newer trade ends what of an earlier one is held back from the broker; a trade that
    only waits its turn is not. True when something of the earlier one changed."""
    ends = newer.trade.supersedes(earlier.trade) or _turns_away(earlier, newer)
    if earlier.is_done or not ends:
        return False
    entry = earlier.entry
    if entry is not None:
        if not (entry.in_doubt or entry.is_held_back):
            return False
        earlier.is_superseded = True
        # So that a restart finds it again, even when the newer trade is over by then.
        earlier.entry_dropped = earlier.entry_dropped or "superseded"
        return True
    is_blocked = earlier.said is not None and earlier.said[0] in _HELD_BACK
    if earlier.entry_dropped or not (is_blocked or earlier.exits):
        return False
    earlier.entry_dropped = "superseded"
    if earlier.trade.action is not Action.EXIT:
        newer.superseded_waiting += not earlier.exits
        newer.halved += _has_second_half(earlier)
    return True


def _turns_away(earlier: Run, newer: Run) -> bool:
    """True for an `add` whose side, which is the position's, is not the newer trade's."""
    side = newer.trade.direction
    if earlier.trade.action is not Action.ADD or side is None:
        return False
    return newer.lane.scope(newer).position * side.sign < 0


def _has_second_half(run: Run) -> bool:
    """True for a reversal: what it closes was to be followed by an entry."""
    if not run.exits or run.trade.entry_refused:
        return False
    terms, progress = run.exits[0].order.terms, run.progress()
    side = run.trade.order_side(terms.instrument, terms.side)
    if run.trade.wanted is not None:
        return targets.enters_after(run.trade, run.lane.scope(run), progress, side)
    return table.enters_after(run.trade, side, run.asked, progress.exited)


def supersede_again(account: Account) -> None:
    """As when they arrived: what a later trade ended is not taken up again."""
    for lane in account.lanes.values():
        for track in lane.tracks.values():
            for newer in range(1, len(track)):
                for earlier in track[:newer]:
                    supersede(earlier, track[newer])


def drop_waiting_flips(run: Run) -> None:
    """Nothing is entered behind a newer trade: flips that wait for their exit end with it."""
    for earlier in run.lane.track(run.trade.subscription_id):
        if earlier is run:
            return
        is_dropped = earlier.is_done or earlier.entry_dropped
        if earlier.exits and earlier.entry is None and not is_dropped:
            earlier.entry_dropped = "superseded"


def keeps_its_place(run: Run, track: Sequence[Run], now: datetime) -> bool:
    """True for what adds to an earlier entry that the broker's limit holds back: once sent, that
    one could still be refused, and be sent again after it."""
    trade = run.trade
    if track[0] is run:
        return False
    adds = trade.action is Action.ADD or (trade.direction is not None and trade.allow_add)
    if run.tickets or run.entry_dropped or not adds or run.is_stale(Leg.ENTRY, now):
        return False
    earlier = track[: track.index(run)]
    if any(trade.supersedes(e.trade) for e in earlier):
        return False
    return any(e.entry and e.entry.is_held_back and e.entry.order.is_open for e in earlier)


def numbers_of(run: Run, numbers: Mapping[str, str]) -> dict[str, str]:
    """The rule's numbers, and what a restart must find again."""
    kept = {**numbers, **run.limited}
    kept.setdefault("instrument", run.trade.instrument)
    if run.exposure is not None:
        kept.setdefault("exposure", format(run.exposure, "f"))
    if canceling := max(len(run.canceled), run.canceled_before):
        kept.setdefault("canceling", str(canceling))
    exits = [t.order.terms for t in run.canceled if t.order.terms.leg is Leg.EXIT]
    if before := [f"{o.cl_ord_id}:{run.filled_before[o.cl_ord_id]:f}" for o in exits]:
        kept.setdefault("displaced", " ".join(before))
    if run.superseded_waiting:
        kept.setdefault("superseded", str(run.superseded_waiting))
    if gave_way := opened.gave_way(run):
        kept.setdefault("outgrown", " ".join(sorted(gave_way)))
    if run.halved:
        kept.setdefault("halved", str(run.halved))
    if run.entry_dropped:
        kept.setdefault("dropped", run.entry_dropped)
    return kept
