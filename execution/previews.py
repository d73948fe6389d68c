"""Previews: the planning of a trade, told instead of done."""

from dataclasses import dataclass, replace
from datetime import datetime

from execution import accounts, known, messages
from execution.accounts import Account
from execution.brokers.base import BrokerError
from execution.domain import ordering, previewing
from execution.domain.decisions import Scope, Send, VenueRules
from execution.domain.market import Market
from execution.domain.previewing import Plan
from execution.domain.trades import Trade
from execution.domain.words import Leg, TradeState
from execution.holding import Holding
from execution.lanes import Lane, Run
from execution.looking import ask_market, choose
from execution.session import Session
from execution.store import Store
from protos import wire
from protos.execution.v1 import execution_pb2 as pb


@dataclass(frozen=True, slots=True)
class _Seen:
    scope: Scope
    market: Market
    rules: VenueRules
    at: datetime


class Previews:
    """Sees what planning would see, and asks it. Nothing is stored or sent."""

    def __init__(self, store: Store, holding: Holding) -> None:
        self._store = store
        self._holding = holding

    async def preview(self, message: pb.Trade) -> pb.Preview:
        """What the trade would do now. One that cannot be read is an internal error."""
        try:
            trade = known.resolve(messages.read_trade(message))
        except ValueError as error:
            return _unreadable(message.trade_id, str(error))
        if not self._holding.trades_at(trade.account):
            return _unreadable(message.trade_id, "no such broker")
        try:
            account = await self._account(trade)
        except BrokerError as error:
            return _unreadable(message.trade_id, f"the broker cannot be asked: {error}")
        lane = account.lanes.get(trade.lane) or Lane(trade.lane)
        run = Run(trade, lane, 0)
        legs = (Leg.ENTRY, Leg.EXIT)
        needed = any(ordering.needs_the_market(trade, leg) for leg in legs)
        waits = trade.option is not None and trade.opens is None
        market = Market(instrument=trade.instrument)
        if needed and not waits:
            market = await ask_market(account, trade, trade.instrument)
        now = self._holding.now()
        seen = _Seen(run.lane.scope(run), market, account.rules, now)
        return await self._plan(account, trade, seen)

    async def _plan(self, account: Account, trade: Trade, seen: _Seen) -> pb.Preview:
        """The plan, with whatever it turns out to need."""
        markets = {seen.market.instrument: seen.market}
        while True:
            market = markets.get(trade.instrument, seen.market)
            seen = replace(seen, market=market)
            try:
                plan = previewing.plan(trade, seen.scope, seen.rules, market, seen.at, markets)
            except previewing.Unseen as unseen:
                wanted = unseen.wanted
            else:
                return _told(trade, plan, seen)
            if wanted.chooses is None:
                symbol = wanted.instrument
                markets[symbol] = await ask_market(account, trade, symbol)
            else:
                chosen = await choose(account, trade, wanted, seen.at)
                trade = chosen or replace(trade, entry_refused="no_contract")

    async def _account(self, trade: Trade) -> Account:
        """The account as this instance holds it, or as the store knows it."""
        held = self._holding.held(trade.account_id)
        if held is not None:
            return held
        adapter = self._holding.adapter(trade.account)
        account = Account(
            trade.account_id,
            trade.account,
            messages.account(trade.account),
            adapter,
            Session(adapter, self._holding.runtime),
        )
        account.rules = await self._holding.rules_of(account)
        image = await self._store.account_image(trade.account_id, trade.account)
        if image is not None:
            accounts.rebuild(account, image)
        return account


def _unreadable(trade_id: str, why: str) -> pb.Preview:
    preview = pb.Preview(
        trade_id=trade_id, state=pb.TRADE_STATE_NEEDS_ATTENTION, reason=pb.REASON_INTERNAL_ERROR
    )
    preview.numbers["text"] = why
    return preview


def _told(trade: Trade, plan: Plan, seen: _Seen) -> pb.Preview:
    preview = pb.Preview(
        trade_id=trade.trade_id.hex,
        state=messages.state(plan.state),
        reason=messages.reason(plan.reason),
        numbers=plan.numbers,
        orders=[order for send in plan.sends for order in _orders(send)],
        cancels=plan.cancels,
        worst_loss=wire.to_text(plan.worst_loss),
        seen=_state(seen),
        resolved=known.told(trade),
    )
    if plan.state is TradeState.SKIPPED and plan.sends:
        preview.state = pb.TRADE_STATE_PARTIALLY_FILLED
    for verdict in plan.verdicts:
        preview.verdicts.add(rule=verdict.rule, passed=verdict.passed, numbers=verdict.numbers)
    return preview


def _orders(send: Send) -> list[pb.PlannedOrder]:
    after = send.cancel_after
    first = pb.PlannedOrder(
        leg=messages.leg(send.leg),
        side=messages.side(send.side),
        ord_type=messages.ord_type(send.ord_type),
        instrument=send.instrument,
        order_qty=wire.to_text(send.quantity),
        limit_price=wire.to_text(send.limit_price),
        stop_price=wire.to_text(send.stop_price),
        trail_amount=wire.to_text(send.trail_amount),
        trail_percent=wire.to_text(send.trail_percent),
        time_in_force=send.time_in_force,
        planning_price=send.numbers.get("planning_price", ""),
        cancel_after_seconds=int(after.total_seconds()) if after else 0,
    )
    guards = [
        pb.PlannedOrder(
            leg=messages.leg(guard.leg),
            instrument=send.instrument,
            side=messages.side(guard.side),
            ord_type=messages.ord_type(guard.ord_type),
            order_qty=wire.to_text(send.quantity),
            limit_price=wire.to_text(guard.limit_price),
            stop_price=wire.to_text(guard.stop_price),
            trail_amount=wire.to_text(guard.trail_amount),
            trail_percent=wire.to_text(guard.trail_percent),
            time_in_force="gtc",
        )
        for guard in send.guards
    ]
    return [first, *guards]


def _state(seen: _Seen) -> pb.SeenState:
    scope, quote, figures = seen.scope, seen.market.quote, seen.market.figures
    return pb.SeenState(
        time=wire.to_timestamp(seen.at),
        position=wire.to_text(scope.position),
        avg_price=wire.to_text(scope.avg_price),
        exposure=wire.to_text(scope.exposure),
        in_doubt=scope.in_doubt,
        bid=wire.to_text(quote.bid if quote else None),
        ask=wire.to_text(quote.ask if quote else None),
        last=wire.to_text(quote.last if quote else None),
        equity=wire.to_text(figures.equity if figures else None),
        balance=wire.to_text(figures.balance if figures else None),
    )
