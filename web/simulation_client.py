"""What an owner asks of a paper account, over execution. Every call has a deadline; none is
tried again here."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import grpc

from protos import log
from protos.execution.v1 import simulation_pb2 as pb
from protos.execution.v1.simulation_pb2_grpc import SimulationStub
from web.execution_client import ExecutionClient, ExecutionDown, describe

SECONDS = 5.0
Answer = TypeVar("Answer")


class Refused(Exception):
    """Execution or the venue says why this cannot be."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class SimulationClient:
    """Calls execution's Simulation service. All raise ExecutionDown."""

    def __init__(self, execution: ExecutionClient) -> None:
        self._execution = execution

    def account(self, account: str) -> pb.GetPaperAccountResponse:
        """Money, positions and settings of a paper account."""
        request = pb.GetPaperAccountRequest(account=account)
        return self._ask(
            lambda stub: stub.GetPaperAccount(request, timeout=SECONDS, metadata=log.told())
        )

    def set_model(self, account: str, model: pb.TradingModel) -> None:
        """How it trades from now on. Raises Refused."""
        request = pb.SetTradingModelRequest(account=account, model=model)
        self._ask(lambda stub: stub.SetTradingModel(request, timeout=SECONDS, metadata=log.told()))

    def set_feed(self, account: str, feed: pb.FeedKind, *, recording: bytes, followed: str) -> None:
        """Where its quotes come from. Raises Refused."""
        request = pb.SetFeedRequest(
            account=account, feed=feed, recording=recording, feed_account=followed
        )
        self._ask(lambda stub: stub.SetFeed(request, timeout=SECONDS, metadata=log.told()))

    def set_game_day(self, account: str, game_day: pb.GameDay) -> None:
        """Begin a game day; without faults, end it. Raises Refused."""
        request = pb.SetGameDayRequest(account=account, game_day=game_day)
        self._ask(lambda stub: stub.SetGameDay(request, timeout=SECONDS, metadata=log.told()))

    def reset(self, account: str) -> None:
        """Begin it anew; what that comes to is told as facts."""
        request = pb.ResetAccountRequest(account=account)
        self._ask(lambda stub: stub.ResetAccount(request, timeout=SECONDS, metadata=log.told()))

    def misdeeds(self, account: str, most: int) -> Sequence[pb.Misdeed]:
        """What the venue did wrong on purpose, newest first."""
        request = pb.ListMisdeedsRequest(account=account, most=most)
        return self._ask(
            lambda stub: stub.ListMisdeeds(request, timeout=SECONDS, metadata=log.told())
        ).misdeeds

    def _ask(self, call: Callable[[SimulationStub], Answer]) -> Answer:
        try:
            return call(SimulationStub(self._execution.channel()))
        except grpc.RpcError as error:
            if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.INVALID_ARGUMENT:
                raise Refused(error.details() or "") from error
            raise ExecutionDown(describe(error)) from error
