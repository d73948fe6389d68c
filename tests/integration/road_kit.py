"""The drain with a real database on one side and a store of trades on the other."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import grpc
import psycopg

from protos.execution.v1 import execution_pb2 as pb
from tests import factories
from web import db
from web.execution_client import ExecutionClient, ExecutionDown
from web.signals import traderspost
from web.trades.service import Drain


@dataclass
class Store:
    """Execution's promise and nothing else: stores trades once, refuses old epochs."""

    trades: dict[str, pb.Trade] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    epochs: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    # Calls with other trades fail, until it is None again.
    takes: set[str] | None = None
    given: list[str] = field(default_factory=list)
    # How long a call waits for another one beside it; the signals of those that were together.
    patience: float = 0.0
    crowds: list[list[str]] = field(default_factory=list)
    # What happens during a call, once each.
    meanwhile: list[Callable[[], None]] = field(default_factory=list)
    _under_way: list[str] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def handlers(self) -> grpc.GenericRpcHandler:
        """The one method of the contract that the drain calls."""
        method = grpc.unary_unary_rpc_method_handler(
            self.submit,
            request_deserializer=pb.SubmitTradesRequest.FromString,
            response_serializer=pb.SubmitTradesResponse.SerializeToString,
        )
        name = pb.DESCRIPTOR.services_by_name["Execution"].full_name
        return grpc.method_handlers_generic_handler(name, {"SubmitTrades": method})

    def submit(
        self, request: pb.SubmitTradesRequest, context: grpc.ServicerContext
    ) -> pb.SubmitTradesResponse:
        self.calls += 1
        if self.meanwhile:
            self.meanwhile.pop()()
        given = [trade.trade_id for group in request.groups for trade in group.trades]
        if self.takes is not None and not self.takes.issuperset(given):
            context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "too slow")
        self.given += given
        signal = request.groups[0].trades[0].signal_id
        with self._changed:
            self._under_way.append(signal)
            self.crowds.append(list(self._under_way))
            self._changed.notify_all()
            self._changed.wait_for(lambda: len(self._under_way) > 1, self.patience)
            answer = pb.SubmitTradesResponse(groups=[self._group(g) for g in request.groups])
        with self._changed:
            self._under_way.remove(signal)
        return answer

    def _group(self, group: pb.TradeGroup) -> pb.GroupResult:
        if group.drain_epoch < self.epochs.get(group.strategy_id, 0):
            return pb.GroupResult(stale_epoch=True)
        self.epochs[group.strategy_id] = group.drain_epoch
        return pb.GroupResult(results=[self._trade(trade) for trade in group.trades])

    def _trade(self, trade: pb.Trade) -> pb.StoreResult:
        known = self.trades.get(trade.trade_id)
        if known is None:
            self.trades[trade.trade_id] = trade
            self.order.append(trade.trade_id)
            return pb.StoreResult(status=pb.STORE_STATUS_STORED, trade_id=trade.trade_id)
        same = pb.STORE_STATUS_ALREADY_STORED if known == trade else pb.STORE_STATUS_CONFLICT
        return pb.StoreResult(status=same, trade_id=trade.trade_id)


@dataclass
class Road:
    """A database, a store of trades, and a drain between them."""

    owner: psycopg.Connection
    store: Store
    drain: Drain
    server: grpc.Server
    target: str
    pool: db.Pool

    def signal(
        self,
        strategy: factories.Strategy,
        seconds_ago: float = 0,
        delay_seconds: float | None = None,
        also: dict[str, Any] | None = None,
        **fields: Any,
    ) -> UUID:
        """An accepted signal, as intake leaves it; `also` is what other dialects can say."""
        parsed = traderspost.parse({"ticker": "AAPL", "action": "buy", **fields}).to_json()
        parsed |= also or {}
        if delay_seconds is not None:
            parsed["delay_seconds"] = str(delay_seconds)
        signal_id = uuid4()
        self.owner.execute(
            "WITH i AS (UPDATE web.strategy_intake SET seq = seq + 1 WHERE strategy_id = %(s)s "
            "RETURNING seq) INSERT INTO web.signals (id, tenant_id, strategy_id, seq, dialect, "
            "content_type, body, body_hash, parsed, received_at, accepted_at, boot_id) "
            "SELECT %(id)s, %(t)s, %(s)s, seq, 'traderspost', '', '', '', %(parsed)s, at, at, "
            "%(id)s "
            "FROM i, (SELECT clock_timestamp() - make_interval(secs => %(ago)s) AS at) x",
            {
                "id": signal_id,
                "s": strategy.id,
                "t": strategy.tenant_id,
                "parsed": db.to_json(parsed),
                "ago": seconds_ago,
            },
        )
        return signal_id

    def lose(self) -> None:
        """Drain once more, with execution away: what was to be handed over stays due."""
        away = Drain(self.pool, ExecutionClient("127.0.0.1:1"))
        with contextlib.suppress(ExecutionDown):
            away.drain_due(slice_seconds=0)

    def trades(self, *columns: str) -> list[tuple[Any, ...]]:
        query = f"SELECT {', '.join(columns)} FROM web.trades ORDER BY signal_seq, id"
        return self.owner.execute(query).fetchall()

    def watermarks(self) -> tuple[Any, ...]:
        query = "SELECT seq, drained_seq, handed_seq FROM web.strategy_intake"
        [row] = self.owner.execute(query).fetchall()
        return row
