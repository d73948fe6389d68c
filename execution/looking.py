"""Looks at the market for a trade that cannot be planned without: the quote of its
instrument and the figures of its account, at most five seconds old when they are used."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import structlog

from execution.accounts import Account
from execution.brokers.base import AccountSnapshot, AuthFailed, InDoubt, NotSent
from execution.domain import sizing
from execution.domain.market import Figures, Market, Quote
from execution.domain.ratelimit import Kind, Rank
from execution.domain.trades import Trade
from execution.domain.words import Action
from execution.lanes import Run
from execution.runtime import Runtime

log = structlog.get_logger()

Found = TypeVar("Found")

MOST_AGE = timedelta(seconds=5)
# After so long the trade is planned without what did not come.
LOOK_SECONDS = 2.0


class Looking:
    """Asks the broker beside the engine; what is not answered in time stays unknown."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def seen(self, run: Run) -> Market | None:
        """What the run saw, while it is fresh."""
        if run.looked_at is None or self._runtime.now() - run.looked_at > MOST_AGE:
            return None
        return run.market

    def look(self, account: Account, run: Run, then: Callable[[], None]) -> None:
        """Ask; `then` is called once, when the run may be planned."""
        if run.is_looking:
            return
        run.is_looking = True

        def done(market: Market) -> None:
            if run.is_looking:
                run.is_looking = False
                run.market, run.looked_at = market, self._runtime.now()
                then()

        timer = self._runtime.later(LOOK_SECONDS, lambda: done(Market()))

        async def ask() -> None:
            market = await ask_market(account, run.trade)
            timer.cancel()
            done(market)

        self._runtime.spawn(ask())


async def ask_market(account: Account, trade: Trade) -> Market:
    """The quote, and the figures where the size needs them."""
    session, adapter, name = account.session, account.adapter, account.ref.account
    rank = Rank.RELIEF if trade.action is Action.EXIT else Rank.QUERY
    told = await _answer(
        session.ask(
            Kind.QUERY,
            rank,
            lambda: adapter.quote(name, trade.instrument, reference_price=trade.signal_price),
        )
    )
    quote = None if told is None else Quote(told.bid, told.ask, told.last)
    if not sizing.needs_the_account(trade):
        return Market(quote)
    figures = await _answer(session.ask(Kind.QUERY, rank, lambda: adapter.account(name)))
    return Market(quote, _figures(figures))


def _figures(told: AccountSnapshot | None) -> Figures | None:
    """Equity counts without what open positions have won or lost so far."""
    if told is None or told.equity is None or told.unrealised is None:
        return None
    return Figures(told.equity - told.unrealised, told.cash, told.buying_power)


async def _answer(question: Awaitable[Found]) -> Found | None:
    try:
        return await question
    except (InDoubt, NotSent, AuthFailed) as error:
        log.info("market_not_known", cause=str(error))
    except Exception:
        log.exception("market_look_failed")
    return None
