"""The one place that speaks to execution. Channels are made after start-up, per process.

Every call has a deadline. Only what is keyed by an id that makes it safe is repeated.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from uuid import UUID

import grpc

from protos import certificates, log
from protos.certificates import Certificates
from protos.execution.v1 import credentials_pb2
from protos.execution.v1 import execution_pb2 as pb
from protos.execution.v1.credentials_pb2_grpc import CredentialsStub
from protos.execution.v1.execution_pb2_grpc import ExecutionStub
from protos.services import Service
from web.connections.models import BrokerAccount

SUBMIT_SECONDS = 5.0
PREVIEW_SECONDS = 5.0
# A login at a broker may be slow.
REFRESH_SECONDS = 20.0
SWITCH_SECONDS = 10.0
# Below the lease of the loop that seals.
DIGEST_SECONDS = 3.0
# Previews in one call: each may have to ask its broker.
PREVIEWS = 100
# Trades in one call: large enough to be cheap, small enough to start early.
BATCH = 250
_OPTIONS = (
    ("grpc.max_receive_message_length", 32 * 1024 * 1024),
    ("grpc.max_send_message_length", 32 * 1024 * 1024),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    # An instance that stands still keeps its connection: without an answer, on to the next.
    ("grpc.keepalive_time_ms", 2000),
    ("grpc.http2.ping_timeout_ms", 2000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)


class ExecutionDown(Exception):
    """Execution did not answer; whether it stored anything is not known. Repeat later."""


class ExecutionClient:
    """Calls execution. The channel belongs to the process that uses it first."""

    def __init__(self, target: str, shown: Certificates | None = None) -> None:
        if shown is None:
            certificates.refuse_plaintext(target, "call")
        self._target = target
        self._certificates = shown
        self._bundle: certificates.Bundle | None = None
        self._pid = 0
        self._channel: grpc.Channel
        self._stub: ExecutionStub

    def submit(self, groups: Sequence[pb.TradeGroup]) -> Sequence[pb.GroupResult]:
        """Hand trades over; one result for each group, in order. Repeating is safe.

        Raises ExecutionDown.
        """
        request = pb.SubmitTradesRequest(groups=groups)
        try:
            return list(self._connect().SubmitTrades(request, timeout=SUBMIT_SECONDS).groups)
        except grpc.RpcError as error:
            raise ExecutionDown(describe(error)) from error

    def begin(self, groups: Sequence[pb.TradeGroup]) -> Callable[[], Sequence[pb.GroupResult]]:
        """As `submit`, without waiting: what is returned waits. Several may be on their way."""
        request = pb.SubmitTradesRequest(groups=groups)
        call = self._connect().SubmitTrades.future(request, timeout=SUBMIT_SECONDS)

        def results() -> Sequence[pb.GroupResult]:
            try:
                return list(call.result().groups)
            except grpc.RpcError as error:
                raise ExecutionDown(describe(error)) from error

        return results

    def preview(
        self,
        trades: Sequence[pb.Trade],
        given: Sequence[pb.SeenState] = (),
        *,
        seconds: float = PREVIEW_SECONDS,
    ) -> Sequence[pb.Preview]:
        """What these trades would do now, or would have done from given states; one for each,
        in order. Nothing is stored or sent.

        Raises ExecutionDown.
        """
        found: list[pb.Preview] = []
        try:
            for at in range(0, len(trades), PREVIEWS):
                some = slice(at, at + PREVIEWS)
                request = pb.PreviewTradesRequest(trades=trades[some], given=given[some])
                answer = self._connect().PreviewTrades(request, timeout=seconds)
                found += answer.previews
        except grpc.RpcError as error:
            raise ExecutionDown(describe(error)) from error
        return found

    def connection_state(
        self, tenant_id: UUID, connection_id: UUID, account: BrokerAccount
    ) -> pb.GetAccountStateResponse | None:
        """What execution knows now of the account behind a connection; None of one that this
        never used.

        Raises ExecutionDown.
        """
        request = pb.GetConnectionStateRequest(
            tenant_id=tenant_id.hex,
            connection_id=connection_id.hex,
            account=pb.Account(
                broker=account.broker, environment=account.environment, account=account.account
            ),
        )
        try:
            return self._connect().GetConnectionState(request, timeout=PREVIEW_SECONDS)
        except grpc.RpcError as error:
            if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.NOT_FOUND:
                return None
            raise ExecutionDown(describe(error)) from error

    def refresh_account(
        self, broker: str, environment: str, account: str
    ) -> pb.RefreshAccountResponse | None:
        """Begin its session at its broker anew; None where execution does not trade there.

        Raises ExecutionDown. Repeating is safe.
        """
        named = pb.Account(broker=broker, environment=environment, account=account)
        request = pb.RefreshAccountRequest(account=named)
        try:
            return self._connect().RefreshAccount(
                request, timeout=REFRESH_SECONDS, metadata=log.told()
            )
        except grpc.RpcError as error:
            if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.NOT_FOUND:
                return None
            raise ExecutionDown(describe(error)) from error

    def set_switch(
        self,
        scope: str,
        scope_id: UUID | None,
        mode: str,
        *,
        tenant: UUID | None,
        set_by: str,
        why: str,
    ) -> pb.SetSwitchResponse:
        """Put a kill switch somewhere; once it answers, no order goes past it.

        Raises ExecutionDown when it is not known whether it was done. Repeating is safe.
        """
        request = pb.SetSwitchRequest(
            scope=f"SWITCH_SCOPE_{scope.upper()}",
            scope_id=scope_id.hex if scope_id else "",
            mode=f"SWITCH_MODE_{mode.upper()}",
            set_by=set_by,
            why=why,
            tenant_id=tenant.hex if tenant else "",
        )
        try:
            return self._connect().SetSwitch(request, timeout=SWITCH_SECONDS, metadata=log.told())
        except grpc.RpcError as error:
            raise ExecutionDown(describe(error)) from error

    def forget_words(self, set_by: Sequence[str], of: Sequence[UUID]) -> None:
        """Remove what these typed beside switches, and what anybody did at switches of those
        workspaces, strategies and connections. Raises ExecutionDown. Repeating is safe."""
        request = pb.ForgetWordsRequest(set_by=set_by, scope_ids=[each.hex for each in of])
        try:
            self._connect().ForgetWords(request, timeout=SWITCH_SECONDS)
        except grpc.RpcError as error:
            raise ExecutionDown(describe(error)) from error

    def remove_credentials(self, tenant_id: UUID, connection_id: UUID) -> None:
        """Forget a connection's login at its broker. Raises ExecutionDown. Repeating is safe."""
        request = credentials_pb2.RemoveCredentialsRequest(
            tenant_id=tenant_id.hex, connection_id=connection_id.hex
        )
        try:
            CredentialsStub(self.channel()).RemoveCredentials(request, timeout=SWITCH_SECONDS)
        except grpc.RpcError as error:
            raise ExecutionDown(describe(error)) from error

    def list_switches(self) -> pb.ListSwitchesResponse:
        """What is halted, and the limits of connections, of everybody. Raises ExecutionDown."""
        return self._list_switches(pb.ListSwitchesRequest())

    def limits(self, connections: Sequence[UUID]) -> Sequence[pb.LimitsState]:
        """The limits of these connections. Raises ExecutionDown."""
        if not connections:
            return []
        wanted = [connection_id.hex for connection_id in connections]
        return self._list_switches(pb.ListSwitchesRequest(limits_of=wanted)).limits

    def _list_switches(self, request: pb.ListSwitchesRequest) -> pb.ListSwitchesResponse:
        try:
            return self._connect().ListSwitches(
                request, timeout=SWITCH_SECONDS, metadata=log.told()
            )
        except grpc.RpcError as error:
            raise ExecutionDown(describe(error)) from error

    def set_limits(self, connection_id: UUID, limits: pb.Limits, *, set_by: str) -> pb.LimitsState:
        """Set the limits of a connection. Raises ExecutionDown. Repeating is safe."""
        request = pb.SetLimitsRequest(connection_id=connection_id.hex, limits=limits, set_by=set_by)
        try:
            return (
                self._connect()
                .SetLimits(request, timeout=SWITCH_SECONDS, metadata=log.told())
                .state
            )
        except grpc.RpcError as error:
            raise ExecutionDown(describe(error)) from error

    def see_overfill(self, order_id: UUID, filled: str, *, tenant_id: UUID, seen_by: str) -> None:
        """Somebody looked at an order that was filled too much: entries go on. Repeating is safe.

        Raises ExecutionDown.
        """
        request = pb.SeeOverfillRequest(
            order_id=order_id.hex, filled=filled, tenant_id=tenant_id.hex, seen_by=seen_by
        )
        try:
            self._connect().SeeOverfill(request, timeout=SWITCH_SECONDS, metadata=log.told())
        except grpc.RpcError as error:
            raise ExecutionDown(describe(error)) from error

    def cancel(self, trade_id: UUID, reason: pb.Reason, *, tenant_id: UUID) -> None:
        """Have execution end a trade, and cancel what it has open. Repeating is safe.

        Raises ExecutionDown.
        """
        request = pb.CancelTradesRequest(
            trade_ids=[trade_id.hex], reason=reason, tenant_id=tenant_id.hex
        )
        try:
            self._connect().CancelTrades(request, timeout=SUBMIT_SECONDS, metadata=log.told())
        except grpc.RpcError as error:
            raise ExecutionDown(describe(error)) from error

    def close_position(
        self,
        tenant_id: UUID,
        connection_id: UUID,
        account: BrokerAccount,
        instrument: str,
        *,
        subscription_id: UUID | None,
        quantity: str,
        key: str,
        asked_by: str,
    ) -> list[UUID]:
        """Close what subscriptions hold; the trades that do, none where nothing is held.

        Raises ExecutionDown when it is not known whether it was done. Repeating is safe.
        """
        request = pb.ClosePositionRequest(
            key=key,
            tenant_id=tenant_id.hex,
            connection_id=connection_id.hex,
            account=pb.Account(
                broker=account.broker, environment=account.environment, account=account.account
            ),
            instrument=instrument,
            subscription_id=subscription_id.hex if subscription_id else "",
            quantity=quantity,
            asked_by=asked_by,
        )
        try:
            answer = self._connect().ClosePosition(
                request, timeout=SUBMIT_SECONDS, metadata=log.told()
            )
        except grpc.RpcError as error:
            if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.NOT_FOUND:
                return []
            raise ExecutionDown(describe(error)) from error
        return [UUID(trade_id) for trade_id in answer.trade_ids]

    def resolve_doubt(
        self, trade_id: UUID, word: pb.DoubtWord, *, tenant_id: UUID, doubts: Iterable[str] = ()
    ) -> bool:
        """Say something of a trade that nobody can prove anything of, or of these of its doubts
        only; False when it is not one, or something else was said before. Raises ExecutionDown.
        Repeating is safe.
        """
        request = pb.ResolveDoubtRequest(
            trade_id=trade_id.hex, word=word, tenant_id=tenant_id.hex, doubts=doubts
        )
        try:
            answer = self._connect().ResolveDoubt(
                request, timeout=SUBMIT_SECONDS, metadata=log.told()
            )
        except grpc.RpcError as error:
            raise ExecutionDown(describe(error)) from error
        return answer.status == pb.DOUBT_STATUS_TAKEN

    def facts(self, cursor: str, *, max_facts: int) -> Iterator[pb.StreamFactsResponse]:
        """Facts after a cursor, for as long as the stream holds.

        Raises ExecutionDown when it breaks.
        """
        request = pb.StreamFactsRequest(cursor=cursor, max_facts=max_facts)
        try:
            stub = self._connect()
            yield from stub.StreamFacts(request)
        except grpc.RpcError as error:
            raise ExecutionDown(describe(error)) from error

    def digest_facts(self, cursor: str, *, max_facts: int) -> pb.DigestFactsResponse:
        """Digests over the facts after a cursor. Raises ExecutionDown."""
        request = pb.DigestFactsRequest(cursor=cursor, max_facts=max_facts)
        try:
            return self._connect().DigestFacts(request, timeout=DIGEST_SECONDS)
        except grpc.RpcError as error:
            raise ExecutionDown(describe(error)) from error

    def fact_range(
        self, account_id: UUID, tenant_id: UUID | None, first: int, last: int
    ) -> Sequence[pb.StoredFact]:
        """What a digest was made over, as it is stored now. Raises ExecutionDown."""
        request = pb.ListFactRangeRequest(
            account_id=account_id.hex,
            tenant_id=tenant_id.hex if tenant_id else "",
            first=first,
            last=last,
        )
        try:
            return self._connect().ListFactRange(request, timeout=DIGEST_SECONDS).facts
        except grpc.RpcError as error:
            raise ExecutionDown(describe(error)) from error

    def channel(self) -> grpc.Channel:
        """The one channel of this process; another when our certificate is a new one.

        Calls that are on their way hold on to the one they took.
        """
        bundle = self._certificates.current() if self._certificates else None
        if self._pid != os.getpid() or bundle is not self._bundle:
            made = certificates.channel(self._target, Service.EXECUTION, bundle, _OPTIONS)
            self._channel, self._stub = made, ExecutionStub(made)
            self._bundle, self._pid = bundle, os.getpid()
        return self._channel

    def _connect(self) -> ExecutionStub:
        self.channel()
        return self._stub


def describe(error: grpc.RpcError) -> str:
    """What a failed call said."""
    if isinstance(error, grpc.Call):
        return f"{error.code().name}: {error.details()}"
    return str(error)
