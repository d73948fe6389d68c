"""Previews: the planning of a trade, told instead of done."""

from msgspec import structs
from msgspec.structs import replace

from execution.accounts import accounts
from execution.accounts.accounts import Account
from execution.brokers.base import BrokerError
from execution.domain import judging, ordering, previewing
from execution.domain.judging import Seen
from execution.domain.market import Market
from execution.domain.previewing import Plan
from execution.domain.trades import Trade
from execution.domain.words import Leg, TradeState
from execution.engine.looking import ask_market, choose
from execution.holding.holding import Holding
from execution.journal.store import Store
from execution.lanes import known
from execution.lanes.lanes import Lane, Run
from execution.messages import messages, seeing
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
            recorded = given.resolved if given and given.HasField("resolved") else None
            trade = known.resolve(messages.read_trade(message), recorded)
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
        lane = account.lanes.get(trade.lane) or Lane(trade.lane)
        run = Run(trade, lane, 0)
        legs = (Leg.ENTRY, Leg.EXIT)
        needed = any(ordering.needs_the_market(trade, leg, account.rules) for leg in legs)
        waits = trade.option is not None and trade.opens is None
        market = Market(instrument=trade.instrument)
        if needed and not waits:
            market = await self._ask(account, trade, trade.instrument)
        now = self._holding.now()
        seen = Seen(
            lane.scope(run),
            run.progress(),
            account.rules,
            market,
            now,
            bool(lane.overfills),
            binding=self._holding.binding(account, run),
        )
        return await self._plan(account, trade, seen)

    async def _ask(self, account: Account, trade: Trade, symbol: str) -> Market:
        found = await ask_market(account, trade, symbol, self._holding.now)
        return account.reserved.beside(found)

    async def _plan(self, account: Account, trade: Trade, seen: Seen) -> pb.Preview:
        """The plan, with whatever it turns out to need."""
        first = seen.market or Market()
        markets = {first.instrument: first}
        while True:
            seen = replace(seen, market=markets.get(trade.instrument, first))
            try:
                return _told(trade, previewing.plan(trade, seen, markets), seen)
            except previewing.Unseen as unseen:
                wanted = unseen.wanted
            if wanted.chooses is None:
                symbol = wanted.instrument
                markets[symbol] = await self._ask(account, trade, symbol)
            else:
                chosen = await choose(account, trade, wanted, seen.at)
                trade = chosen or structs.replace(trade, entry_refused="no_contract")

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
            self._holding.session(trade.account),
        )
        await self._holding.rules.ask([account])
        image = await self._store.account_image(trade.account_id, trade.account)
        if image is not None:
            accounts.rebuild(account, image)
        return account


def _from_record(trade: Trade, seen: Seen) -> pb.Preview:
    """What came of a recorded state, and what this trade comes to in it."""
    preview = _told(*_answered_by_nobody(trade, seen), seen)
    decided = seeing.record(trade, seen, judging.judge(trade, seen))
    if decided is not None:
        preview.decision.CopyFrom(decided)
    return preview


def _answered_by_nobody(trade: Trade, seen: Seen) -> tuple[Trade, Plan]:
    """The plan, where whatever the record does not tell counts as not known."""
    markets: dict[str, Market] = {}
    while True:
        try:
            return trade, previewing.plan(trade, seen, markets)
        except previewing.Unseen as unseen:
            symbol = unseen.wanted.instrument
            if unseen.wanted.chooses is not None:
                trade = structs.replace(trade, entry_refused="no_contract")
            else:
                markets[symbol] = Market(instrument=symbol)


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
        orders=[order for send in plan.sends for order in seeing.orders(send, seen.venue)],
        cancels=plan.cancels,
        worst_loss=wire.to_text(plan.worst_loss),
        seen=seeing.state(seen),
        resolved=known.told(trade),
    )
    if plan.state is TradeState.SKIPPED and plan.sends:
        preview.state = pb.TRADE_STATE_PARTIALLY_FILLED
    for verdict in plan.verdicts:
        preview.verdicts.add(rule=verdict.rule, passed=verdict.passed, numbers=verdict.numbers)
    return preview
