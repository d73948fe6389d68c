"""Previews: the planning of a trade, told instead of done."""

from execution import accounts, messages, seeing
from execution.accounts import Account
from execution.brokers.base import BrokerError
from execution.domain import judging, ordering, previewing
from execution.domain.judging import Seen
from execution.domain.market import Market
from execution.domain.previewing import Plan
from execution.domain.trades import Trade
from execution.domain.words import Leg, TradeState
from execution.holding import Holding
from execution.lanes import Lane, Run
from execution.looking import ask_market
from execution.session import Session
from execution.store import Store
from protos import wire
from protos.execution.v1 import execution_pb2 as pb


class Previews:
    """Sees what planning would see, and asks it. Nothing is stored or sent."""

    def __init__(self, store: Store, holding: Holding) -> None:
        self._store = store
        self._holding = holding

    async def preview(self, message: pb.Trade, given: pb.SeenState | None = None) -> pb.Preview:
        """What the trade would do now, or would have done from a given state. One that cannot
        be read is an internal error."""
        try:
            trade = messages.read_trade(message)
            if given is not None:
                return _from_record(trade, seeing.read(trade, given))
        except ValueError as error:
            return _unreadable(message.trade_id, str(error))
        if not self._holding.trades_at(trade.account):
            return _unreadable(message.trade_id, "no such broker")
        try:
            account = await self._account(trade)
        except BrokerError as error:
            return _unreadable(message.trade_id, f"the broker cannot be asked: {error}")
        lane = account.lanes.get(trade.instrument) or Lane(trade.instrument)
        run = Run(trade, lane, 0)
        legs = (Leg.ENTRY, Leg.EXIT)
        needed = any(ordering.needs_the_market(trade, leg) for leg in legs)
        market = await ask_market(account, trade) if needed else Market()
        now = self._holding.now()
        lane = run.lane
        seen = Seen(
            lane.scope(run),
            run.progress(),
            account.rules,
            market,
            now,
            lane.is_overfilled,
            self._holding.binding(account, run),
        )
        return _told(trade, previewing.plan(trade, seen), seen)

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


def _from_record(trade: Trade, seen: Seen) -> pb.Preview:
    """What came of a recorded state, and what this trade comes to in it."""
    preview = _told(trade, previewing.plan(trade, seen), seen)
    decided = seeing.record(trade, seen, judging.judge(trade, seen))
    if decided is not None:
        preview.decision.CopyFrom(decided)
    return preview


def _unreadable(trade_id: str, why: str) -> pb.Preview:
    preview = pb.Preview(
        trade_id=trade_id, state=pb.TRADE_STATE_NEEDS_ATTENTION, reason=pb.REASON_INTERNAL_ERROR
    )
    preview.numbers["text"] = why
    return preview


def _told(trade: Trade, plan: Plan, seen: Seen) -> pb.Preview:
    preview = pb.Preview(
        trade_id=trade.trade_id.hex,
        state=messages.state(plan.state),
        reason=messages.reason(plan.reason),
        numbers=plan.numbers,
        orders=[order for send in plan.sends for order in seeing.orders(send)],
        cancels=plan.cancels,
        worst_loss=wire.to_text(plan.worst_loss),
        seen=seeing.state(seen),
    )
    if plan.state is TradeState.SKIPPED and plan.sends:
        preview.state = pb.TRADE_STATE_PARTIALLY_FILLED
    for verdict in plan.verdicts:
        preview.verdicts.add(rule=verdict.rule, passed=verdict.passed, numbers=verdict.numbers)
    return preview
