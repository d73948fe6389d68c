"""Positions that people close: trades that no signal asked for.

Durable fact: the trades, in one statement. If we die right after, the holder of the account
finds them in the database; asked again with the same key, they are what is answered.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from execution.accounts.accounts import Arrival
from execution.domain.trades import AccountRef, Trade
from execution.errors import BadRequest, NotFound
from execution.holding.holding import Holding
from execution.journal.rows import InstructionRow
from execution.journal.store import Store, to_rows
from execution.journal.switch_store import ADD
from execution.messages import messages, reading
from protos import ids, wire
from protos.execution.v1 import execution_pb2 as pb

# What of a trade says whose it is and in what: a closing trade takes over no more.
_KEPT = (
    "tenant_id", "strategy_id", "subscription_id", "connection_id", "account", "asset_class",
)  # fmt: skip

# Who ever traded an instrument of an account, with the last trade of each, which says whose it
# is; and whether there is something to close, or may still come to be.
_OWNERS = """
SELECT p.subscription_id, p.attribution, i.trade, p.quantity <> 0 OR EXISTS (
        SELECT FROM execution.instructions n JOIN execution.orders w USING (trade_id)
        WHERE n.account_id = p.account_id AND n.done_at IS NULL
          AND w.subscription_id = p.subscription_id AND w.instrument = p.instrument
    ) OR (p.attribution = 'account' AND EXISTS (
        SELECT FROM execution.positions h WHERE h.account_id = p.account_id
          AND h.instrument = p.instrument AND h.quantity <> 0
          AND h.subscription_id = '00000000-0000-0000-0000-000000000000')) AS holds
FROM execution.positions p
CROSS JOIN LATERAL (
    SELECT o.trade_id FROM execution.orders o
    WHERE o.account_id = p.account_id AND o.instrument = p.instrument
      AND o.subscription_id = p.subscription_id
    ORDER BY o.created_at DESC LIMIT 1
) o JOIN execution.instructions i USING (trade_id)
WHERE p.account_id = %s AND p.instrument = %s
ORDER BY p.subscription_id
"""

_KNOWN = "SELECT trade_id FROM execution.instructions WHERE trade_id = ANY(%s) ORDER BY id"


@dataclass(frozen=True, slots=True)
class _Owner:
    """A subscription with what it traded last, and the trade that would close what it holds."""

    last: pb.Trade
    trade_id: UUID
    holds: bool


class Manual:
    """Closes positions as people ask."""

    def __init__(self, store: Store, holding: Holding) -> None:
        self._store = store
        self._holding = holding

    async def close(self, request: pb.ClosePositionRequest) -> pb.ClosePositionResponse:
        """Have it closed. Raises BadRequest, NotFound, StoreUnavailable."""
        quantity = _read(request)
        owners = await self._owners(request)
        if known := await self._store.ask(_KNOWN, ([owner.trade_id for owner in owners],)):
            return _answer([row["trade_id"] for row in known])
        found = [owner for owner in owners if owner.holds]
        if not found:
            raise NotFound
        now = self._holding.now()
        trades = [_trade(owner, request, now) for owner in found]
        if quantity is not None and len(trades) > 1:
            raise BadRequest("a part is closed of one subscription: say of which")
        rows = [instruction(message, trade) for message, trade in trades]
        stored = {r["trade_id"]: r["id"] for r in await self._store.ask(ADD, (to_rows(rows),))}
        read = [trade for _, trade in trades]
        self._holding.accept(
            [
                Arrival(stored[trade.trade_id], trade)
                for trade in read
                if trade.trade_id in stored and self._holding.trades_at(trade.account)
            ]
        )
        return _answer([trade.trade_id for trade in read])

    async def _owners(self, request: pb.ClosePositionRequest) -> list[_Owner]:
        """The tenant's subscriptions that are asked for, on that connection."""
        told = request.account
        ref = AccountRef(told.broker, told.environment, told.account)
        account_id = ids.account_id(ref.broker, ref.environment, ref.account)
        rows = await self._store.ask(_OWNERS, (account_id, request.instrument))
        found = []
        for row in rows:
            last, owner = pb.Trade.FromString(bytes(row["trade"])), row["subscription_id"]
            is_theirs = (last.tenant_id, last.connection_id) == (
                request.tenant_id,
                request.connection_id,
            )
            if is_theirs and request.subscription_id in ("", owner.hex):
                names = (request.tenant_id, request.key, account_id, owner, request.instrument)
                found.append(_Owner(last, ids.derive("manual", *names), row["holds"]))
        return found


def closing(last: pb.Trade, instrument: str, trade_id: UUID, at: datetime) -> pb.Trade:
    """A trade that closes all that the subscription of another one holds of an instrument."""
    message = pb.Trade(**{name: getattr(last, name) for name in _KEPT})
    message.trade_id = trade_id.hex
    message.accepted_time.CopyFrom(wire.to_timestamp(at))
    # What is held itself, whatever its ticker means by now.
    message.instrument = instrument
    message.action, message.sides = pb.ACTION_EXIT, pb.SIDES_BOTH
    return message


def instruction(message: pb.Trade, trade: Trade) -> InstructionRow:
    """A trade as it is stored."""
    stored = message.SerializeToString(deterministic=True)
    digest = hashlib.sha256(stored).digest()
    return InstructionRow(trade.trade_id, digest, trade.account_id, trade.strategy_id, stored)


def _trade(owner: _Owner, request: pb.ClosePositionRequest, at: datetime) -> tuple[pb.Trade, Trade]:
    message = closing(owner.last, request.instrument, owner.trade_id, at)
    message.origin, message.asked_by = pb.ORIGIN_MANUAL, request.asked_by
    if request.quantity:
        message.quantity, message.quantity_from_signal = request.quantity, True
    return message, messages.read_trade(message)


def _read(request: pb.ClosePositionRequest) -> Decimal | None:
    if not (request.key and request.asked_by and request.instrument):
        raise BadRequest("key, instrument and asked_by are required")
    try:
        return reading.positive(request.quantity)
    except ValueError as error:
        raise BadRequest(str(error)) from None


def _answer(trades: Sequence[UUID]) -> pb.ClosePositionResponse:
    return pb.ClosePositionResponse(trade_ids=[trade.hex for trade in trades])
