"""Looks at the market for a trade that cannot be planned without: the quote of its
instrument and the figures of its account, at most five seconds old when they are used; or
the option chain, for which contract is meant."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import structlog

from execution.accounts.accounts import Account
from execution.brokers.base import AccountSnapshot, AuthFailed, ChainSnapshot, InDoubt, NotSent
from execution.domain import chains, currencies, instruments, options, sessions
from execution.domain.chains import Choice, Moneyness
from execution.domain.decisions import Look
from execution.domain.market import Figures, Market, Quote
from execution.domain.ratelimit import Kind, Rank
from execution.domain.trades import Trade
from execution.domain.words import Action
from execution.engine import option_choice
from execution.lanes import known
from execution.lanes.lanes import Run
from execution.runtime import Runtime
from protos import wire

log = structlog.get_logger()

Found = TypeVar("Found")

MOST_AGE = timedelta(seconds=5)
# After so long the trade is planned without what did not come.
LOOK_SECONDS = 2.0


class Looking:
    """Asks the broker beside the engine; what is not answered in time stays unknown."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def seen(self, account: Account, run: Run) -> Market | None:
        """What the run saw, while it is fresh, beside what others took since."""
        if run.looked_at is None or self._runtime.now() - run.looked_at > MOST_AGE:
            return None
        return None if run.market is None else account.reserved.beside(run.market)

    def look(self, account: Account, run: Run, wanted: Look, then: Callable[[], None]) -> None:
        """Ask; `then` is called once, when the run may be planned."""
        if run.is_looking:
            return
        run.is_looking = True
        retry = run.trade.retry
        self._ask(account, run, wanted, retry.pauses() if retry else iter(()), then)

    def _ask(
        self,
        account: Account,
        run: Run,
        wanted: Look,
        pauses: Iterator[timedelta],
        then: Callable[[], None],
    ) -> None:
        """Once; and again after each pause, until it is known what planning needs."""
        has_answer = False

        def done(seen: Market | Trade | None) -> None:
            nonlocal has_answer
            if has_answer or not run.is_looking:
                return
            has_answer = True
            if not _is_enough(run.trade, seen) and not run.withdrawn:
                pause = next(pauses, None)
                if pause is not None:
                    log.info("market_asked_again", trade_id=run.trade.trade_id.hex)
                    self._runtime.later(
                        pause.total_seconds(),
                        lambda: self._ask(account, run, wanted, pauses, then),
                    )
                    return
            run.is_looking = False
            self._see(account, run, seen)
            then()

        nothing = Market(instrument=wanted.instrument) if wanted.chooses is None else None
        timer = self._runtime.later(LOOK_SECONDS, lambda: done(nothing))

        async def ask() -> None:
            seen: Market | Trade | None
            if wanted.chooses is None:
                now = self._runtime.now
                seen = await ask_market(account, run.trade, wanted.instrument, now)
            else:
                seen = await choose(account, run.trade, wanted, self._runtime.now())
            timer.cancel()
            done(seen)

        self._runtime.spawn(ask())

    def _see(self, account: Account, run: Run, seen: Market | Trade | None) -> None:
        match seen:
            case Market():
                run.market, run.looked_at = account.reserved.beside(seen), self._runtime.now()
            case Trade():
                run.trade = seen
            case None:
                run.entry_dropped = "no_contract"


def _is_enough(trade: Trade, seen: Market | Trade | None) -> bool:
    """Whether planning has all that it asked for."""
    if not isinstance(seen, Market):
        return seen is not None
    return seen.quote is not None and (
        seen.figures is not None or not currencies.needs_the_account(trade)
    )


async def ask_market(
    account: Account, trade: Trade, symbol: str, now: Callable[[], datetime]
) -> Market:
    """The quote, and the figures where the size needs them."""
    # What the signal saw is the price of what it means now, not of what is held.
    seen = trade.signal_price if symbol == trade.instrument else None
    session, adapter, name = account.session, account.adapter, account.ref.account
    rank = Rank.RELIEF if trade.action is Action.EXIT else Rank.QUERY
    told = await _answer(
        session.ask(Kind.QUERY, rank, lambda: adapter.quote(name, symbol, reference_price=seen))
    )
    quote = None if told is None else Quote.heard(bid=told.bid, ask=told.ask, last=told.last)
    if not currencies.needs_the_account(trade):
        return Market(quote, instrument=symbol)
    asked_at = now()

    def ask() -> Awaitable[AccountSnapshot]:
        # Its turn may have come late.
        nonlocal asked_at
        asked_at = now()
        return adapter.account(name)

    told_of_all = await _answer(session.ask(Kind.QUERY, rank, ask))
    rate = None if told_of_all is None else told_of_all.rate(currencies.of(trade))
    return Market(quote, _figures(told_of_all), symbol, rate, asked_at)


@dataclass(frozen=True, slots=True)
class _Chains:
    """Chains, each asked for at its turn."""

    account: Account

    async def chain(
        self,
        underlying: str,
        earliest: date,
        *,
        strikes: int,
        reference_price: Decimal | None = None,
    ) -> ChainSnapshot | None:
        """See Adapter."""
        return await self.account.session.ask(
            Kind.QUERY,
            Rank.QUERY,
            lambda: self.account.adapter.chain(
                underlying, earliest, strikes=strikes, reference_price=reference_price
            ),
        )


async def choose(account: Account, trade: Trade, wanted: Look, now: datetime) -> Trade | None:
    """The trade with the option that its entry is in; None where there is none such."""
    wish = trade.option
    if wish is None or wanted.chooses is None:
        raise ValueError("only options are chosen")
    if wanted.instrument and (held := known.find(wanted.instrument)) is not None:
        return known.opening(trade, held, {})
    right, _ = options.leg(wish.option_type, wanted.chooses, inverts_puts=wish.inverts_puts)
    today = now.astimezone(sessions.zone_of(sessions.US_STOCKS)).date()
    choice = Choice(
        right,
        chains.earliest_expiration(wish.expiration, today),
        Moneyness.ITM if wish.in_the_money else Moneyness.OTM,
        wish.strikes_away,
        wish.strike,
    )
    chosen = await _answer(
        option_choice.find(
            _Chains(account),
            trade.instrument,
            choice,
            strikes=(wish.strike_count + 1) // 2,
            reference_price=trade.underlying_price,
        )
    )
    if chosen is None:
        return None
    found = instruments.option(chosen.contract, right)
    return known.opening(trade, found, _chosen_from(found.symbol, chosen.chain, choice))


def _chosen_from(symbol: str, chain: ChainSnapshot, choice: Choice) -> dict[str, str]:
    """The numbers that the choice was made by."""
    quotes = {quote.instrument: quote for quote in chain.quotes}
    premium = quotes[symbol].last if symbol in quotes else None
    return {
        "underlying": wire.to_text(chain.underlying.last),
        "premium": wire.to_text(premium),
        "contracts": str(len(chain.contracts)),
        "earliest": choice.earliest.isoformat(),
        "moneyness": choice.moneyness.value,
        "strikes_away": str(choice.strikes_away),
        "as_of": chain.underlying.as_of.isoformat(),
    }


def _figures(told: AccountSnapshot | None) -> Figures | None:
    """Equity counts without what open positions have won or lost so far."""
    if told is None or told.equity is None or told.unrealised is None:
        return None
    return Figures(told.equity - told.unrealised, told.cash, told.buying_power)


async def _answer(question: Awaitable[Found]) -> Found | None:
    try:
        return await question
    except (InDoubt, NotSent, AuthFailed) as error:
        log.info("market_not_known", cause=error)
    except Exception:
        log.exception("market_look_failed")
    return None
