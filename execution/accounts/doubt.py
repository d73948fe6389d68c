"""Orders that may have arrived: ask by ClOrdID until it is known.

Found: its reports are adopted. Absent after the venue's horizon, at a venue that refuses
a repeated id for good: resent with the same id if still young and wanted, else over.
Not provable: a person is told, and the asking goes on slowly.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from execution.accounts.accounts import Account
from execution.brokers.base import BrokerError, Capabilities, Report
from execution.domain.ratelimit import Kind, Rank
from execution.lanes.tickets import Ticket
from execution.runtime import Runtime, Timer

log = structlog.get_logger()

PAUSES = (0.02, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 5.0)
SLOW_PAUSE = 30.0
# Look-ups in flight at once, over all accounts.
MOST_AT_ONCE = 32


@dataclass(slots=True, eq=False)
class _Asking:
    account: Account
    tickets: dict[str, Ticket] = field(default_factory=dict)
    rounds: int = 0
    # Rings for the next round; None while one is under way.
    timer: Timer | None = None
    is_under_way: bool = False
    capabilities: Capabilities | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What the engine does with an answer."""

    adopt: Callable[[Account, Ticket, Report], None]
    absent: Callable[[Account, Ticket], None]
    unprovable: Callable[[Account, Ticket], None]
    # It was acknowledged, and is not known any more.
    vanished: Callable[[Account, Ticket], None]


class Doubts:
    """Asks about orders, account by account."""

    def __init__(self, runtime: Runtime, found: Found) -> None:
        self._runtime = runtime
        self._found = found
        self._askings: dict[int, _Asking] = {}
        self._ready: deque[_Asking] = deque()
        self._in_flight = 0

    def ask_about(self, account: Account, ticket: Ticket) -> None:
        """Ask now, and go on until the order is over, or rests with the broker for sure."""
        asking = self._askings.setdefault(id(account), _Asking(account))
        asking.tickets[ticket.order.terms.cl_ord_id] = ticket
        asking.rounds = 0
        self._schedule(asking)

    def ask_now(self, account: Account, ticket: Ticket) -> None:
        """As `ask_about`, without the pause that a hopeless case is given."""
        self.ask_about(account, ticket)
        asking = self._askings[id(account)]
        if asking.timer is not None:
            asking.timer.cancel()
            self._due(asking)

    def _schedule(self, asking: _Asking) -> None:
        if asking.timer is None and not asking.is_under_way:
            # A look-up that had to wait for silence to end would keep others waiting too.
            pause = max(self._pause(asking), asking.account.session.silence_seconds())
            asking.timer = self._runtime.later(pause, lambda: self._due(asking))

    def _pause(self, asking: _Asking) -> float:
        pause = PAUSES[min(asking.rounds, len(PAUSES) - 1)]
        if all(t.is_unprovable for t in asking.tickets.values()):
            return max(pause, SLOW_PAUSE)
        if asking.capabilities is None:
            return pause
        return min([pause, *self._until_provable(asking, asking.capabilities)])

    def _until_provable(self, asking: _Asking, able: Capabilities) -> list[float]:
        """Seconds until each order's absence can be proven, of those where it cannot yet."""
        now = self._runtime.now()
        waits = [
            able.visibility_horizon_seconds - (now - t.last_send_at).total_seconds() + 0.02
            for t in asking.tickets.values()
            if t.in_doubt and t.last_send_at is not None
        ]
        return [wait for wait in waits if wait > 0]

    def _due(self, asking: _Asking) -> None:
        asking.timer, asking.is_under_way = None, True
        self._ready.append(asking)
        self._start_some()

    def _start_some(self) -> None:
        while self._ready and self._in_flight < MOST_AT_ONCE:
            self._in_flight += 1
            self._runtime.spawn(self._ask_once(self._ready.popleft()))

    async def _ask_once(self, asking: _Asking) -> None:
        try:
            await self._ask(asking)
        finally:
            self._in_flight -= 1
            asking.is_under_way = False
            asking.rounds += 1
            self._forget_what_is_known(asking)
            self._start_some()

    async def _ask(self, asking: _Asking) -> None:
        account, asked_at = asking.account, self._runtime.now()
        asked = {
            name: ticket.order.is_acknowledged
            for name, ticket in asking.tickets.items()
            if ticket.order.is_open
        }
        if account.is_lost or not asked:
            return
        try:
            found = await account.session.ask(
                Kind.LOOK_UP,
                Rank.DOUBT,
                lambda: account.adapter.find_orders(account.ref.account, list(asked)),
            )
            if asking.capabilities is None:
                name = account.ref.account
                [asking.capabilities] = await account.adapter.capabilities([name])
        except BrokerError as error:
            log.info("look_up_failed", account=account.ref.account, cause=error)
            return
        if account.is_lost:
            return  # whoever has it by now may have sent it again
        for cl_ord_id, was_there in asked.items():
            ticket = asking.tickets[cl_ord_id]
            if reports := found.get(cl_ord_id):
                for report in reports:
                    self._found.adopt(account, ticket, report)
            elif ticket.order.is_open:
                # What was acknowledged since the question may be too new for its answer; and who
                # cannot look up by this name says nothing of what rests by not finding it.
                shows = asking.capabilities.looks_up_by_cl_ord_id or not ticket.is_resting
                is_overdue = _is_overdue(ticket, asking.capabilities, asked_at)
                was_taken = (was_there and shows) or is_overdue
                if was_taken and not ticket.in_doubt:
                    self._found.vanished(account, ticket)
                if ticket.in_doubt:
                    self._not_found(account, ticket, asking.capabilities, asked_at)

    def _not_found(
        self, account: Account, ticket: Ticket, able: Capabilities, asked_at: datetime
    ) -> None:
        if not _is_old(ticket, able, asked_at):
            return
        if able.looks_up_by_cl_ord_id and able.refuses_repeats:
            self._found.absent(account, ticket)
        elif not ticket.is_unprovable:
            self._found.unprovable(account, ticket)

    def _forget_what_is_known(self, asking: _Asking) -> None:
        asking.tickets = {
            cl_ord_id: ticket
            for cl_ord_id, ticket in asking.tickets.items()
            if ticket.order.is_open and (ticket.in_doubt or not ticket.is_resting)
        }
        if asking.tickets and not asking.account.is_lost:
            self._schedule(asking)
        else:
            self._askings.pop(id(asking.account), None)


def _is_old(ticket: Ticket, able: Capabilities, asked_at: datetime) -> bool:
    """True for what would have been found by then, had it arrived."""
    horizon = timedelta(seconds=able.visibility_horizon_seconds)
    return ticket.last_send_at is not None and asked_at - ticket.last_send_at > horizon


def _is_overdue(ticket: Ticket, able: Capabilities, asked_at: datetime) -> bool:
    """True for what the broker took, and never showed."""
    return not ticket.order.is_acknowledged and _is_old(ticket, able, asked_at)
