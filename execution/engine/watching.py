"""Entries that wait here for their price, where the broker holds no stops.

Such an entry is written down like any other and goes once the price has come. That it has is
a fact before the socket is touched; so a takeover goes on watching what had not fired, and
asks about what had. Until then only we know of it, and we end it ourselves.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

import structlog

from execution.accounts.accounts import Account
from execution.accounts.dispatch import Dispatch
from execution.brokers.base import BrokerError
from execution.domain import guarding
from execution.domain.decisions import Guard, text
from execution.domain.market import Quote
from execution.domain.switches import HALTED
from execution.domain.words import ExecType, Leg, TradeState
from execution.engine.queueing import Queueing
from execution.lanes.lanes import Run
from execution.lanes.tickets import Ticket
from execution.runtime import Runtime

log = structlog.get_logger()

# How often a watched price is looked at.
WATCH_SECONDS = 0.5
Key = tuple[int, str]


class Says(Protocol):
    """Records an outcome; what is to follow its commit comes with it."""

    def __call__(
        self,
        account: Account,
        run: Run,
        state: TradeState,
        reason: str,
        numbers: dict[str, str],
        committed: Callable[[], None] | None = None,
    ) -> None: ...


class Watching:
    """Looks at the price of each instrument that some entry waits for."""

    def __init__(self, runtime: Runtime, dispatch: Dispatch, queueing: Queueing, say: Says) -> None:
        self._runtime = runtime
        self._dispatch = dispatch
        self._queueing = queueing
        self._say = say
        self._waiting: dict[Key, list[Ticket]] = {}

    def begin(self, account: Account, ticket: Ticket) -> None:
        """Watch for an entry, unless a switch or a person ended it meanwhile."""
        if ticket.run.is_superseded:
            reason = HALTED if ticket.run.entry_dropped == HALTED else "superseded"
            self._dispatch.take_back(account, ticket, reason)
            return
        key = id(account), ticket.order.terms.instrument
        if key not in self._waiting:
            self._waiting[key] = []
            self._look_later(account, key)
        self._waiting[key].append(ticket)

    def _look_later(self, account: Account, key: Key) -> None:
        def look() -> None:
            self._runtime.spawn(self._look(account, key))

        self._runtime.later(WATCH_SECONDS, look)

    async def _look(self, account: Account, key: Key) -> None:
        quote = None
        try:
            told = await account.adapter.quote(
                account.ref.account, key[1], reference_price=_seen_by_sender(self._waiting[key][0])
            )
            if told is not None:
                quote = Quote.heard(bid=told.bid, ask=told.ask, last=told.last)
        except BrokerError as error:
            log.info("watched_price_not_known", instrument=key[1], cause=error)
        except Exception:
            # Whatever it is, the price must go on being watched.
            log.exception("watching_failed", instrument=key[1])
        if not account.is_lost:
            for ticket in tuple(self._waiting[key]):
                self._judge(account, ticket, quote)
        left = [t for t in self._waiting[key] if t.waits_here and not account.is_lost]
        if left:
            self._waiting[key] = left
            self._look_later(account, key)
        else:
            del self._waiting[key]

    def _judge(self, account: Account, ticket: Ticket, quote: Quote | None) -> None:
        """One entry, at this price: over, sent, or to be looked at again."""
        if not ticket.waits_here:
            return
        terms, now = ticket.order.terms, self._runtime.now()
        ends = None
        if terms.time_in_force != "gtc":
            ends = self._queueing.day_ends(ticket.run, terms.instrument, terms.created_at)
        if ends is not None and ends <= now:
            self._dispatch.end_here(account, ticket, ExecType.EXPIRED, "its day is over")
        elif quote is not None and self._queueing.is_open(account, ticket.run, terms.instrument):
            level = Guard(Leg.STOP, terms.side, terms.ord_type, stop_price=terms.stop_price)
            if guarding.is_reached(level, quote):
                self._fire(account, ticket, quote)

    def _fire(self, account: Account, ticket: Ticket, quote: Quote) -> None:
        """Its price has come: that is written down, then it goes."""
        run, terms = ticket.run, ticket.order.terms
        run.fired_at = self._runtime.now()
        run.fired_price = guarding.price_for(terms.side, quote)
        log.info("entry_fired", cl_ord_id=terms.cl_ord_id)
        numbers = {
            "fired_at": run.fired_at.isoformat(),
            "trigger": text(terms.stop_price),
            "fired_bid": text(quote.bid),
            "fired_ask": text(quote.ask),
            "fired_price": text(run.fired_price),
        }
        told = {name: number for name, number in numbers.items() if number}

        def go() -> None:
            self._dispatch.submit(account, ticket)

        self._say(account, run, TradeState.WORKING, "", told, go)


def _seen_by_sender(ticket: Ticket) -> Decimal | None:
    """What the price was at the sender's; once something is held, its own price says more."""
    held = ticket.run.lane.book(ticket.order.terms.instrument).whole.quantity
    return None if held else ticket.order.terms.reference_price
