"""Keeps positions what the broker says they are: adopts orders that nobody here placed, and
asks now and then what accounts hold.

What the broker's stream tells comes first. An answer is compared once all that came before it
was heard; where the broker numbers nothing, a difference counts when it is there twice, with
nothing heard in between, and no order in doubt explains it. What cannot be asked is not known,
and nothing follows from it.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Protocol

import structlog
from msgspec.structs import replace

from execution.accounts import recording
from execution.accounts.accounts import Account
from execution.accounts.outside import Found
from execution.brokers.base import BrokerError, HeldSnapshot
from execution.domain import positions
from execution.domain.orders import ZERO, Order
from execution.domain.positions import FLAT, Attribution, Position
from execution.domain.ratelimit import Kind, Rank
from execution.domain.reports import PositionMove, Report
from execution.domain.words import ExecType, Side
from execution.journal.rows import Entry
from execution.lanes import known
from execution.lanes.books import Book
from execution.lanes.lanes import Lane
from execution.messages import alarms
from execution.messages.alarms import Alarm
from execution.runtime import Runtime

log = structlog.get_logger()

CAUSE = "external"
# How often every account is asked for.
LOOK_SECONDS = 60.0
# After a lost stream, and before a difference is looked at again.
SOON_SECONDS = 2.0
# What differs twice within less may be the same delay.
AGAIN = timedelta(seconds=SOON_SECONDS / 2)
# How long what was taken waits for its past.
KNOWN_SECONDS = 2.0
# Accounts in one question, where the broker counts none.
MOST_AT_ONCE = 500


class Lanes(Protocol):
    """The engine, as this needs it."""

    def hear(self, report: Report, *, heard: bool, asked: bool = False) -> None:
        """Fold a report."""

    def record(self, entry: Entry) -> None:
        """Have a fact stored."""

    def settle(self, account: Account, lane: Lane) -> None:
        """Let all trades of a lane go on."""


class Reconciling:
    """Of the accounts that this instance holds."""

    def __init__(
        self, engine: Lanes, runtime: Runtime, accounts: Callable[[], Sequence[Account]]
    ) -> None:
        self._engine = engine
        self._runtime = runtime
        self._accounts = accounts
        # Whether reports of a broker's account wait to be recognised.
        self.waits: Callable[[str], bool] = _nobody_waits
        self._looks_soon = False

    def start(self) -> None:
        """Look at every account now and then."""
        self._runtime.later(LOOK_SECONDS, self._round)

    def look_soon(self) -> None:
        """Something may have been missed, or a difference was seen."""
        if not self._looks_soon:
            self._looks_soon = True
            self._runtime.later(SOON_SECONDS, self._look_soon)

    def look(self, accounts: Sequence[Account]) -> None:
        """Ask what these hold; what follows, follows when they answer."""
        by_venue: dict[tuple[str, str], list[Account]] = {}
        for account in accounts:
            if account.session.is_free:
                venue = (account.ref.broker, account.ref.environment)
                by_venue.setdefault(venue, []).append(account)
            else:
                self._runtime.spawn(self._ask([account]))
        for free in by_venue.values():
            for start in range(0, len(free), MOST_AT_ONCE):
                self._runtime.spawn(self._ask(free[start : start + MOST_AT_ONCE]))

    def look_first(self, accounts: Sequence[Account]) -> None:
        """Ask what these hold that are about to be taken."""
        for account in accounts:
            account.outside.is_asked = True
        self.look(accounts)

    def when_known(self, account: Account, then: Callable[[], None]) -> None:
        """Go on with an account that was taken once its past was heard, up to what its broker
        has told already; but not for ever."""
        outside = account.outside
        if not outside.is_unknown:
            then()
            return
        outside.then = then
        self._runtime.later(KNOWN_SECONDS, lambda: self._let_go(account))

    def heard(self, account: Account) -> None:
        """More was heard of it: what waited for that goes on."""
        if not account.outside.is_unknown:
            self._let_go(account)
        self.compare(account)

    def _let_go(self, account: Account) -> None:
        then, account.outside.then = account.outside.then, None
        if then is not None and not account.is_lost:
            then()

    def adopt(self, account: Account, said: Report) -> None:
        """Something was said of an order that nobody here placed."""
        if not account.outside.adopt(said):
            return
        lane = account.lane(known.lane_of(said.instrument))
        move, alarm = None, None
        if said.exec_type is ExecType.FILL:
            move, alarm = self._filled(account, lane.book(said.instrument), lane, said)
        log.info("external_order", cl_ord_id=said.cl_ord_id, exec_type=said.exec_type.value)
        self._engine.record(recording.external(account, lane, said, move, alarm))
        if move is not None:
            self._engine.settle(account, lane)
        elif said.exec_type.amends:
            # What is left of it then, the broker knows.
            self.look_soon()

    def compare(self, account: Account) -> None:
        """What the broker said that the account holds with what is known, once everything that
        is in it was heard."""
        outside, told = account.outside, account.outside.told
        if told is None or account.is_lost or not account.is_ready:
            return
        if outside.is_behind:
            return
        is_outdated, outside.told = outside.is_outdated, None
        if is_outdated or (told.sequence is None and self.waits(account.ref.account)):
            self.look_soon()
            return
        here = {s: lane for lane in account.lanes.values() for s in lane.books}
        for symbol in sorted({*here, *told.positions}):
            lane = here.get(symbol) or account.lane(known.lane_of(symbol))
            if difference := self._sure(account, lane, symbol, told):
                self._correct(account, lane, symbol, difference, told)

    # -- what is asked

    def _round(self) -> None:
        self.look(self._accounts())
        self._runtime.later(LOOK_SECONDS, self._round)

    def _look_soon(self) -> None:
        self._looks_soon = False
        self.look(self._accounts())

    async def _ask(self, accounts: Sequence[Account]) -> None:
        adapter, names = accounts[0].adapter, [account.ref.account for account in accounts]
        answers: Sequence[HeldSnapshot | None]
        try:
            answers = await accounts[0].session.ask(
                Kind.QUERY, Rank.QUERY, lambda: adapter.held(names)
            )
        except BrokerError as error:
            log.info("positions_not_known", accounts=len(names), cause=error)
            answers = [None] * len(names)
        for account, told in zip(accounts, answers, strict=True):
            # Of one that cannot be asked holds what it said before.
            account.outside.told = told or account.outside.told
            account.outside.is_asked = False
            self.heard(account)

    async def _ask_about_orders(self, account: Account, names: Sequence[str]) -> None:
        """What working orders did that was not heard yet."""
        try:
            found = await account.session.ask(
                Kind.LOOK_UP,
                Rank.DOUBT,
                lambda: account.adapter.find_orders(account.ref.account, names),
            )
        except BrokerError as error:
            log.info("look_up_failed", account=account.ref.account, cause=error)
            return
        for reports in found.values():
            for report in reports:
                self._engine.hear(report, heard=False, asked=True)

    # -- what follows

    def _sure(self, account: Account, lane: Lane, symbol: str, told: HeldSnapshot) -> Decimal:
        """The difference that is certain to be no delay of ours; 0 for none."""
        outside, book = account.outside, lane.book(symbol)
        held = told.positions.get(symbol)
        difference = (ZERO if held is None else held.quantity) - book.whole.quantity
        if told.sequence is not None:
            if difference and book.moved_by > told.sequence:
                self.look_soon()
                return ZERO
            return difference
        difference = positions.beyond(difference, *_in_doubt(lane, symbol))
        seen, now = (difference, book.moves), self._runtime.now()
        before, since = outside.suspected.get(symbol, (None, now))
        if not difference or (before == seen and now - since >= AGAIN):
            outside.suspected.pop(symbol, None)
            return difference
        outside.suspected[symbol] = (seen, since if before == seen else now)
        open_here = [
            t.order.terms.cl_ord_id
            for t in lane.open.values()
            if t.order.terms.instrument == symbol and not t.waits_to_guard
        ]
        if open_here:
            self._runtime.spawn(self._ask_about_orders(account, open_here))
        self.look_soon()
        return ZERO

    def _correct(
        self, account: Account, lane: Lane, symbol: str, difference: Decimal, told: HeldSnapshot
    ) -> None:
        """The position is what the broker says, by a fact that says what was believed."""
        book, held = lane.book(symbol), told.positions.get(symbol)
        known_before, avg_price = book.whole.quantity, held.avg_price if held else None
        quantity = known_before + difference
        whole = Position(quantity, avg_price) if quantity else FLAT
        alarm = _move(lane, symbol, book, whole)
        book.note(told.sequence or 0)
        if told.sequence is None:
            account.outside.found[symbol] = Found(difference, told.as_of)
        log.warning("position_differed", instrument=symbol, known=format(known_before, "f"))
        said = PositionMove(
            account=account.ref.account,
            # The same answer at the same point of the account's facts gets the same one.
            report_id=f"{CAUSE}:{symbol}:{account.last_seq}",
            sequence=told.sequence or 0,
            cause=CAUSE,
            instrument=symbol,
            quantity=difference,
            price=None,
            cash=None,
            text=f"the broker holds {_plain(quantity)}, {_plain(known_before)} was known",
            time=told.as_of,
        )
        self._engine.record(recording.moved(account, lane, said, alarm, kind=CAUSE))
        self._engine.settle(account, lane)

    def _filled(
        self, account: Account, book: Book, lane: Lane, said: Report
    ) -> tuple[PositionMove, Alarm | None]:
        """A fill of somebody else's: the position moves, but for what was found by asking."""
        signed = (said.last_qty or ZERO) * said.side.sign
        left = signed - account.outside.settle(said, signed)
        account.usage.book(book.whole, replace(said, last_qty=abs(left)), book.point_value)
        whole = book.whole
        if left:
            whole = whole.after(said.side, abs(left), said.last_px or ZERO)
        alarm = _move(lane, said.instrument, book, whole)
        book.note(said.sequence)
        move = PositionMove(
            account=said.account,
            report_id=said.report_id,
            sequence=said.sequence,
            cause=CAUSE,
            instrument=said.instrument,
            quantity=left,
            price=said.last_px,
            cash=None,
            text=said.text or "traded at the broker",
            time=said.time,
        )
        return move, alarm


def _nobody_waits(account: str) -> bool:
    """Until somebody hears."""
    return False


def _move(lane: Lane, symbol: str, book: Book, whole: Position) -> Alarm | None:
    """Those that trade the whole account lose their share first; what is to be heard of it."""
    first = {s for s, of in lane.attribution.items() if of is Attribution.ACCOUNT}
    return alarms.of_shares(symbol, book.move(whole, first), whole.quantity)


def _in_doubt(lane: Lane, symbol: str) -> tuple[Decimal, Decimal]:
    """How far orders in doubt may have moved a position: down, and up."""
    doubtful = [
        t.order
        for t in lane.open.values()
        if t.may_not_exist and t.order.terms.instrument == symbol
    ]
    return -_leaves(o for o in doubtful if o.terms.side is Side.SELL), _leaves(
        o for o in doubtful if o.terms.side is Side.BUY
    )


def _leaves(orders: Iterable[Order]) -> Decimal:
    return sum((order.leaves_qty for order in orders), ZERO)


def _plain(quantity: Decimal) -> str:
    return format(quantity.normalize() + 0, "f")
