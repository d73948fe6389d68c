"""The owner's side of paper accounts on the wire: thin, the venue decides."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
from grpc import aio

from execution.brokers.paper_simulation import PaperSimulator, Unclear
from execution.domain.trades import AccountRef
from protos.execution.v1 import simulation_pb2 as pb
from protos.execution.v1 import simulation_pb2_grpc

Answered = TypeVar("Answered")
Context = aio.ServicerContext[Any, Any]


class SimulationServicer(simulation_pb2_grpc.SimulationServicer):
    """The service of `protos/execution/v1/simulation.proto`."""

    def __init__(self, simulator: PaperSimulator, hold: Callable[[AccountRef], None]) -> None:
        self._simulator = simulator
        self._hold = hold

    async def GetPaperAccount(
        self, request: pb.GetPaperAccountRequest, context: Context
    ) -> pb.GetPaperAccountResponse:
        return await _answer(self._simulator.account(request.account), context)

    async def SetTradingModel(
        self, request: pb.SetTradingModelRequest, context: Context
    ) -> pb.SetTradingModelResponse:
        model = await _answer(self._simulator.set_model(request.account, request.model), context)
        return pb.SetTradingModelResponse(model=model)

    async def SetFeed(self, request: pb.SetFeedRequest, context: Context) -> pb.SetFeedResponse:
        await _answer(self._simulator.set_feed(request), context)
        return pb.SetFeedResponse()

    async def SetGameDay(
        self, request: pb.SetGameDayRequest, context: Context
    ) -> pb.SetGameDayResponse:
        await _answer(self._simulator.set_game_day(request.account, request.game_day), context)
        return pb.SetGameDayResponse(game_day=request.game_day)

    async def ResetAccount(
        self, request: pb.ResetAccountRequest, context: Context
    ) -> pb.ResetAccountResponse:
        await _answer(self._simulator.reset(request.account), context)
        self._hold(AccountRef("paper", "paper", request.account))
        return pb.ResetAccountResponse()

    async def ListMisdeeds(
        self, request: pb.ListMisdeedsRequest, context: Context
    ) -> pb.ListMisdeedsResponse:
        return await _answer(self._simulator.misdeeds(request.account, request.most), context)


async def _answer(work: Awaitable[Answered], context: Context) -> Answered:
    try:
        return await work
    except Unclear as error:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
    except aio.AioRpcError as error:
        await context.abort(error.code(), error.details() or "")
