"""What finds its market closed waits for the open, where the venue keeps exchange hours."""

from collections.abc import Callable
from datetime import datetime

from execution import reference
from execution.accounts.accounts import Account
from execution.domain import opening, sessions
from execution.domain.decisions import Decision, End, Look, Send, Wait, refuse
from execution.domain.opening import Intent, Queued
from execution.domain.words import Action, Leg, Sentiment, TradeState
from execution.lanes import covers, known
from execution.lanes.lanes import Run
from execution.runtime import Runtime

# When the market of a calendar opens, from an instant on; the instant itself when it is open.
NextOpen = Callable[[str, datetime], datetime]


def exchange_opens(calendar: str, at: datetime) -> datetime:
    """By the exchange's own hours."""
    return sessions.next_open(calendar, at, reference.day)


def exchange_closes(calendar: str, at: datetime) -> datetime | None:
    """When the session of an instant ends, by the exchange's own hours."""
    return sessions.session_end(calendar, at, reference.day)


class Queueing:
    """Holds back what cannot be sent yet, the newest entry only, and lets it go at the open."""

    def __init__(
        self,
        runtime: Runtime,
        advance: Callable[[Account, Run], None],
        go_on: Callable[[Account, Run], None],
        next_open: NextOpen,
    ) -> None:
        self._runtime = runtime
        self._advance = advance
        self._go_on = go_on
        self._next_open = next_open

    def hold(self, account: Account, run: Run, decision: Decision) -> Decision:
        """The decision, or in its place the wait for the open. What is begun goes on."""
        if not account.rules.keeps_hours or run.tickets or not _would_go(run, decision):
            return decision
        now = self._runtime.now()
        opens = self._next_open(_calendar(run, decision), now)
        if opens <= now:
            return decision
        told = f"{opens:%Y-%m-%d %H:%M} UTC"
        if _enters_after_hours(run, decision):
            refusal = {"opens": told, "instrument": run.trade.instrument}
            return refuse(run.trade, run.lane.scope(run), "extended_hours_unsupported", refusal)
        if not _is_queued(run):
            ends = self._line_up(account, run, decision)
            if ends is not None:
                return ends
        run.opens_at = opens
        self._wake(account, run, (opens - now).total_seconds())
        kept = run.queued_as or Intent.ENTRY
        numbers = {"opens": told, "opens_at": opens.isoformat(), "queued_as": kept.value}
        return Wait(TradeState.QUEUED, "market_closed", numbers)

    def is_open(self, account: Account, run: Run, symbol: str) -> bool:
        """False where the broker would refuse an order now."""
        now = self._runtime.now()
        return not account.rules.keeps_hours or self._next_open(_hours(run, symbol), now) <= now

    def opens_in(self, account: Account, run: Run) -> float:
        """Seconds until the broker takes an order of what a run opened; 0 while it does."""
        now, first = self._runtime.now(), covers.opening(run)
        if first is None or not account.rules.keeps_hours:
            return 0.0
        opens = self._next_open(_hours(run, first.order.terms.instrument), now)
        return max((opens - now).total_seconds(), 0.0)

    def day_ends(self, run: Run, symbol: str, began: datetime) -> datetime | None:
        """When the day is over of an order that began then; None for never."""
        return exchange_closes(_hours(run, symbol), began)

    def _line_up(self, account: Account, run: Run, decision: Decision) -> End | None:
        """End what the newcomer displaces; the newcomer's own end, if it adds nothing."""
        waiting = {r.trade.trade_id: r for r in _before(run)}
        queue = opening.add(
            tuple(_queued(r, None) for r in waiting.values()), _queued(run, decision)
        )
        for left in queue.waiting:
            (waiting.get(left.trade_id) or run).queued_as = left.intent
        for trade_id in queue.halved:
            waiting[trade_id].entry_dropped = "superseded"
            self._advance(account, waiting[trade_id])
        for trade_id in queue.superseded:
            waiting[trade_id].withdraw("superseded")
            self._advance(account, waiting[trade_id])
        if queue.is_closing:
            return refuse(run.trade, run.lane.scope(run), "already_closing")
        return None

    def _wake(self, account: Account, run: Run, seconds: float) -> None:
        def ring() -> None:
            run.has_open_timer = False
            self._go_on(account, run)

        if not run.has_open_timer:
            run.has_open_timer = True
            self._runtime.later(seconds, ring)


def _would_go(run: Run, decision: Decision) -> bool:
    """True for what would be sent now; and for an entry that an exit before it makes room for:
    what it finds at the open decides."""
    if isinstance(decision, Send | Look):
        return True
    is_over = (
        run.withdrawn or run.entry_dropped or run.trade.unknown or not isinstance(decision, End)
    )
    enters = run.trade.action not in (Action.EXIT, Action.CANCEL, Action.BREAKEVEN)
    return not is_over and enters and any(_queued(r, None).exits for r in _before(run))


def _enters_after_hours(run: Run, decision: Decision) -> bool:
    """True for an entry that was to trade while the exchange is closed, at a venue that cannot:
    at the open it would be another trade. An exit waits for the open in any case."""
    if not run.trade.entry.extended_hours:
        return False
    if isinstance(decision, Send):
        return decision.leg is Leg.ENTRY
    return isinstance(decision, Look) and not run.lane.scope(run).position


def _before(run: Run) -> list[Run]:
    """What waits for the open before a run, in order."""
    found: list[Run] = []
    for earlier in run.lane.track(run.trade.subscription_id):
        if earlier is run:
            break
        if _is_queued(earlier) and not earlier.is_done and not earlier.withdrawn:
            found.append(earlier)
    return found


def _is_queued(run: Run) -> bool:
    return run.said is not None and run.said[0] is TradeState.QUEUED


def _queued(run: Run, decision: Decision | None) -> Queued:
    trade = run.trade
    intent = Intent.ENTRY
    if decision is None:
        intent = run.queued_as or intent
    elif _only_exits(run):
        intent = Intent.EXIT
    elif run.trade.action is Action.REVERSE:
        intent = Intent.FLIP
    elif isinstance(decision, Send) and decision.leg is Leg.EXIT:
        to = trade.order_side(decision.instrument, decision.side)
        intent = Intent.FLIP if trade.swaps_to(to) else Intent.EXIT
    run.queued_as = intent
    flat = trade.sentiment is Sentiment.FLAT
    return Queued(trade.trade_id, intent, None if flat else trade.signal_quantity)


def _only_exits(run: Run) -> bool:
    trade = run.trade
    against = (
        (Action.BUY, Sentiment.BEARISH),
        (Action.SELL, Sentiment.BULLISH),
    )
    is_exit = trade.action in (Action.EXIT, Action.BREAKEVEN)
    return (
        is_exit or trade.sentiment is Sentiment.FLAT or (trade.action, trade.sentiment) in against
    )


def _calendar(run: Run, decision: Decision) -> str:
    """The hours of what would be traded; of options those of their underlying."""
    return _hours(run, decision.instrument if isinstance(decision, Send | Look) else "")


def _hours(run: Run, symbol: str) -> str:
    """The calendar of an instrument of the run."""
    is_own = symbol in ("", run.trade.instrument) and run.trade.opens is not None
    instrument = run.trade.opens if is_own else known.find(symbol or run.trade.instrument)
    return sessions.US_STOCKS if instrument is None else instrument.calendar
