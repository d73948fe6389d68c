"""What execution does for its callers, one function a verb."""

import asyncio
import hashlib
import itertools
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from uuid import UUID

from msgspec import Struct

from execution.accounts.accounts import Arrival
from execution.brokers.base import BrokerError
from execution.domain.ratelimit import Kind, Rank
from execution.domain.trades import AccountRef, Trade
from execution.errors import BadRequest, NotFound
from execution.holding.holding import Holding
from execution.journal import facts
from execution.journal.facts import Bell
from execution.journal.rows import WHOLE, AccountImage, InstructionRow
from execution.journal.store import Accepted, Page, Store
from execution.messages import messages
from execution.service import owning
from execution.service.previews import Previews
from protos import faults, ids, wire
from protos.execution.v1 import execution_pb2 as pb


class _Read(Struct, frozen=True):
    """A trade of a request: readable, or the id of one that is not."""

    trade_id: str
    trade: Trade | None = None
    row: InstructionRow | None = None


class Service:
    """Stores what is asked, hands it to the engine, and tells what became of it."""

    def __init__(self, store: Store, holding: Holding, bell: Bell) -> None:
        self._store = store
        self._holding = holding
        self._bell = bell
        self._previews = Previews(store, holding)

    async def submit_trades(self, request: pb.SubmitTradesRequest) -> pb.SubmitTradesResponse:
        """Store trades once each, durably, then let them run."""
        groups = [(_id(g.strategy_id), g.drain_epoch) for g in request.groups]
        read = [
            [self._read(t, s) for t in g.trades]
            for g, (s, _) in zip(request.groups, groups, strict=True)
        ]
        rows = _once(r.row for group in read for r in group)
        faults.point("store.before_commit")
        accepted = await self._store.accept(self._holding.instance, groups, rows)
        faults.point("store.after_commit")
        await self._holding.catch_up(accepted.earlier)
        self._let_run(read, accepted)
        response = pb.SubmitTradesResponse()
        for (strategy, _), trades in zip(groups, read, strict=True):
            response.groups.append(_group_result(strategy, trades, accepted))
        return response

    async def cancel_trades(self, request: pb.CancelTradesRequest) -> pb.CancelTradesResponse:
        """Withdraw trades; what is open at the broker is asked to be canceled."""
        wanted = [_id(trade_id) for trade_id in request.trade_ids]
        theirs = await owning.trades_of(self._store, wanted, request.tenant_id)
        known = await self._store.withdraw(theirs, request.reason)
        response = pb.CancelTradesResponse()
        for trade_id in wanted:
            found = trade_id in known
            status = pb.STORE_STATUS_STORED if found else pb.STORE_STATUS_NOT_FOUND
            response.results.add(status=status, trade_id=trade_id.hex)
            if found:
                self._holding.withdraw(trade_id, messages.REASON_WORDS[request.reason])
        return response

    async def connection_state(
        self, request: pb.GetConnectionStateRequest
    ) -> pb.GetAccountStateResponse:
        """The same of the account behind a tenant's connection. Raises NotFound."""
        told, whose = request.account, (request.tenant_id, request.connection_id)
        account_id = ids.account_id(told.broker, told.environment, told.account)
        if not await owning.has_account(self._store, account_id, *whose):
            raise NotFound
        return await self.account_state(told)

    async def account_state(self, message: pb.Account) -> pb.GetAccountStateResponse:
        """What is known of an account; its cash as the broker says. Raises NotFound."""
        ref = AccountRef(message.broker, message.environment, message.account)
        account_id = ids.account_id(ref.broker, ref.environment, ref.account)
        image = await self._store.account_image(account_id, ref)
        if image is None or not self._holding.trades_at(ref):
            raise NotFound
        response = pb.GetAccountStateResponse(account=message)
        response.positions.extend(_positions(image))
        for orders in image.orders.values():
            response.open_orders.extend(messages.order(o) for o in orders if o.is_open)
        try:
            adapter, session = self._holding.adapter(ref), self._holding.session(ref)
            snapshot = await session.ask(
                Kind.QUERY, Rank.QUERY, lambda: adapter.account(ref.account)
            )
        except BrokerError:
            return response
        response.cash = wire.to_text(snapshot.cash)
        response.currency = snapshot.currency
        response.as_of_time.CopyFrom(wire.to_timestamp(snapshot.as_of))
        return response

    async def preview_trades(self, request: pb.PreviewTradesRequest) -> pb.PreviewTradesResponse:
        """What trades would do, in the order of the request: now, or from given states."""
        if request.given and len(request.given) != len(request.trades):
            raise BadRequest("one given state for each trade, or none at all")
        given = request.given or itertools.repeat(None)
        asked = [
            self._previews.preview(t, state)
            for t, state in zip(request.trades, given, strict=False)
        ]
        previews = await asyncio.gather(*asked)
        return pb.PreviewTradesResponse(previews=previews)

    async def stream_facts(self, request: pb.StreamFactsRequest) -> AsyncIterator[bytes]:
        """Facts after the cursor, for as long as the caller listens, or until we are to end; now
        and then none."""
        cursor, most = request.cursor, facts.page_size(request.max_facts)
        soon: list[float] = []
        last, told_at = 0, time.monotonic()
        while not self._bell.is_closed:
            event = self._bell.listen()
            page = await self._page(cursor, most)
            if page.facts:
                cursor, last, told_at = page.cursor, len(page.facts), time.monotonic()
                yield facts.response(page.facts, cursor)
                if self._bell.is_pressed():
                    await asyncio.sleep(facts.YIELD_SECONDS)
                if len(page.facts) == most:
                    continue
            elif time.monotonic() - told_at > facts.QUIET_SECONDS:
                last, told_at = 0, time.monotonic()
                yield facts.response([], cursor)
            pause = soon.pop(0) if soon else facts.POLL_SECONDS
            if await facts.rang(event, pause):
                # What belongs together is read together.
                await asyncio.sleep(facts.gather_seconds(last))
                soon = list(facts.SOON_SECONDS)

    async def list_facts(self, request: pb.ListFactsRequest) -> pb.ListFactsResponse:
        """One page of facts."""
        most = facts.page_size(request.max_facts)
        page = await self._page(request.cursor, most)
        raw = facts.response(page.facts, page.cursor)
        streamed: pb.StreamFactsResponse = pb.StreamFactsResponse.FromString(raw)
        has_more = len(page.facts) == most
        return pb.ListFactsResponse(facts=streamed.facts, cursor=streamed.cursor, has_more=has_more)

    async def _page(self, cursor: str, most: int) -> Page:
        try:
            return await self._store.facts_after(cursor, most)
        except ValueError:
            raise BadRequest(f"not a cursor: {cursor!r}") from None

    def _read(self, message: pb.Trade, strategy: UUID) -> _Read:
        try:
            trade = messages.read_trade(message)
        except ValueError:
            return _Read(message.trade_id)
        if trade.strategy_id != strategy or not self._holding.trades_at(trade.account):
            return _Read(message.trade_id)
        stored = message.SerializeToString(deterministic=True)
        digest = hashlib.sha256(stored).digest()
        row = InstructionRow(
            trade.trade_id, digest, trade.account_id, strategy, stored, message.revives
        )
        return _Read(message.trade_id, trade, row)

    def _let_run(self, read: Sequence[Sequence[_Read]], accepted: Accepted) -> None:
        """Also those that an earlier call stored: they come before what is new."""
        numbers = dict(accepted.stored)
        numbers |= {t: k.instruction_id for t, k in accepted.known.items() if k.waits}
        arrivals: dict[UUID, Arrival] = {}
        for group in read:
            for one in group:
                if one.trade is None:
                    continue
                if (number := numbers.get(one.trade.trade_id)) is not None:
                    arrivals.setdefault(one.trade.trade_id, Arrival(number, one.trade))
        self._holding.accept(list(arrivals.values()))


def _group_result(strategy: UUID, trades: Sequence[_Read], accepted: Accepted) -> pb.GroupResult:
    if strategy not in accepted.fresh_strategies:
        return pb.GroupResult(stale_epoch=True)
    result = pb.GroupResult()
    for one in trades:
        result.results.add(status=_status(one, accepted), trade_id=one.trade_id)
    return result


def _status(one: _Read, accepted: Accepted) -> pb.StoreStatus:
    if one.row is None:
        return pb.STORE_STATUS_INVALID
    if one.row.trade_id in accepted.stored:
        return pb.STORE_STATUS_STORED
    known = accepted.known.get(one.row.trade_id)
    same = known is not None and known.content_hash == one.row.content_hash
    return pb.STORE_STATUS_ALREADY_STORED if same else pb.STORE_STATUS_CONFLICT


def _positions(image: AccountImage) -> list[pb.Position]:
    found: dict[str, pb.Position] = {}
    for held in image.positions:
        position = found.setdefault(held.instrument, pb.Position(instrument=held.instrument))
        if held.subscription_id == WHOLE:
            position.quantity = wire.to_text(held.position.quantity)
            position.avg_price = wire.to_text(held.position.avg_price)
        else:
            position.own[held.subscription_id.hex] = wire.to_text(held.position.quantity)
    return [position for position in found.values() if position.quantity]


def _once(rows: Iterable[InstructionRow | None]) -> list[InstructionRow]:
    once: dict[UUID, InstructionRow] = {}
    for row in rows:
        if row is not None:
            once.setdefault(row.trade_id, row)
    return list(once.values())


def _id(text: str) -> UUID:
    try:
        return UUID(hex=text)
    except ValueError:
        raise BadRequest(f"not an id: {text!r}") from None
