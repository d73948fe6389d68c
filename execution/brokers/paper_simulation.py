"""What an owner may ask of a paper account, in the venue's words and ours.

The venue remembers all of it; nothing is kept here, and nothing is tried again."""

from collections.abc import Iterable
from typing import Any

from execution.brokers.paper_channel import VenueChannel
from protos import wire
from protos.certificates import Certificates
from protos.execution.v1 import simulation_pb2 as pb
from protos.paper.v1 import paper_pb2 as venue_pb

SECONDS = 4.0
# How long the kinds that take time last at most, where the plan does not say.
DEFAULT_MS = {
    pb.MISDEED_KIND_DELAY: 3_000,
    pb.MISDEED_KIND_LATE_ACCEPT: 30_000,
    pb.MISDEED_KIND_RATE_LIMIT: 5_000,
}
_KINDS: dict[int, Any] = {
    pb.MisdeedKind.Value(f"MISDEED_KIND_{word}"): number
    for name, number in venue_pb.FaultKind.items()
    if (word := name.removeprefix("FAULT_KIND_")) != "UNSPECIFIED"
}
_FEEDS: dict[int, Any] = {
    pb.FEED_KIND_UNSPECIFIED: venue_pb.FEED_UNSPECIFIED,
    pb.FEED_KIND_SIGNAL: venue_pb.FEED_SIGNAL,
    pb.FEED_KIND_RECORDED: venue_pb.FEED_RECORDED,
    pb.FEED_KIND_ACCOUNT: venue_pb.FEED_ACCOUNT,
}
_FEEDS_BACK: dict[int, Any] = {theirs: ours for ours, theirs in _FEEDS.items()}
_KINDS_BACK: dict[int, Any] = {theirs: ours for ours, theirs in _KINDS.items()}


class Unclear(ValueError):
    """The request itself cannot be so."""


class PaperSimulator:
    """The owner's side of the paper venue. Calls raise aio.AioRpcError, with the venue's
    own words where it refuses."""

    def __init__(self, target: str, shown: Certificates | None = None) -> None:
        self._channel = VenueChannel(target, shown)

    async def close(self) -> None:
        """Disconnect."""
        await self._channel.close()

    async def account(self, name: str) -> pb.GetPaperAccountResponse:
        """Money, positions and settings."""
        found = await self._look(name)
        return pb.GetPaperAccountResponse(
            currency=found.currency,
            cash=found.cash,
            equity=found.equity,
            buying_power=found.buying_power,
            positions=len(found.positions),
            open_orders=len(found.open_orders),
            model=_model(found.options),
            game_day=_game_day(found.faults, found.fault_seed),
            feed=_FEEDS_BACK[found.options.feed],
            feed_account=found.options.feed_account,
        )

    async def set_model(self, name: str, model: pb.TradingModel) -> pb.TradingModel:
        """How the account trades from now on."""
        options = (await self._look(name)).options
        options.fill_parts = model.fill_parts
        options.slippage_bps = model.slippage_bps
        options.slippage_ticks = model.slippage_ticks
        options.fee_per_order = model.fee_per_order
        options.fee_per_unit = model.fee_per_unit
        options.fee_bps = model.fee_bps
        options.leverage = model.leverage
        options.exchange_hours = model.keeps_hours
        options.requests_per_minute = model.requests_per_minute
        options.no_stops = model.no_stops
        request = venue_pb.ConfigureAccountRequest(account=name, options=options)
        answer = await self._channel.stub.ConfigureAccount(request, timeout=SECONDS)
        return _model(answer.options)

    async def set_feed(self, asked: pb.SetFeedRequest) -> None:
        """Where quotes come from. Raises Unclear."""
        if asked.feed not in _FEEDS:
            raise Unclear("feed is not known")
        options = (await self._look(asked.account)).options
        options.feed, options.feed_account = _FEEDS[asked.feed], asked.feed_account
        request = venue_pb.ConfigureAccountRequest(
            account=asked.account, options=options, recording=asked.recording
        )
        await self._channel.stub.ConfigureAccount(request, timeout=SECONDS)

    async def set_game_day(self, name: str, asked: pb.GameDay) -> None:
        """Begin a game day, or end it. Raises Unclear."""
        request = venue_pb.ConfigureAccountRequest(
            account=name, set_faults=True, fault_seed=asked.seed, faults=_faults(asked)
        )
        await self._channel.stub.ConfigureAccount(request, timeout=SECONDS)

    async def reset(self, name: str) -> None:
        """Begin the account anew; its stream tells of it."""
        await self._channel.stub.ResetAccount(
            venue_pb.ResetAccountRequest(account=name), timeout=SECONDS
        )

    async def misdeeds(self, name: str, most: int) -> pb.ListMisdeedsResponse:
        """What the venue did wrong on purpose, newest first."""
        request = venue_pb.ListMisdeedsRequest(account=name, most=most)
        found = await self._channel.stub.ListMisdeeds(request, timeout=SECONDS)
        return pb.ListMisdeedsResponse(
            misdeeds=[
                pb.Misdeed(
                    kind=_KINDS_BACK[each.kind],
                    cl_ord_id=each.cl_ord_id,
                    time=each.time,
                    delay_ms=each.delay_ms,
                )
                for each in found.misdeeds
            ]
        )

    async def _look(self, name: str) -> venue_pb.GetAccountResponse:
        return await self._channel.stub.GetAccount(
            venue_pb.GetAccountRequest(account=name), timeout=SECONDS
        )


def _model(options: venue_pb.Options) -> pb.TradingModel:
    return pb.TradingModel(
        fill_parts=options.fill_parts,
        slippage_bps=options.slippage_bps,
        slippage_ticks=options.slippage_ticks,
        fee_per_order=options.fee_per_order,
        fee_per_unit=options.fee_per_unit,
        fee_bps=options.fee_bps,
        leverage=options.leverage,
        keeps_hours=options.exchange_hours,
        requests_per_minute=options.requests_per_minute,
        no_stops=options.no_stops,
    )


def _faults(day: pb.GameDay) -> list[venue_pb.Fault]:
    begins, ends = wire.to_datetime(day.from_time), wire.to_datetime(day.until_time)
    if day.faults and (begins is None or ends is None or begins >= ends):
        raise Unclear("a game day begins before it ends")
    if not all(fault.percent and fault.kind in _KINDS for fault in day.faults):
        raise Unclear("a fault has a kind and a percentage")
    return [
        venue_pb.Fault(
            kind=_KINDS[fault.kind],
            percent=fault.percent,
            most=fault.most,
            delay_ms=fault.longest_ms or DEFAULT_MS.get(fault.kind, 0),
            draws_delay=fault.kind != pb.MISDEED_KIND_RATE_LIMIT,
            from_time=day.from_time,
            until_time=day.until_time,
        )
        for fault in day.faults
    ]


def _game_day(faults: Iterable[venue_pb.Fault], seed: int) -> pb.GameDay | None:
    """The game day that a plan stands for; a plan without an end is somebody's test."""
    planned = [fault for fault in faults if fault.HasField("until_time")]
    if not planned:
        return None
    return pb.GameDay(
        seed=seed,
        from_time=planned[0].from_time,
        until_time=planned[0].until_time,
        faults=[
            pb.PlannedFault(
                kind=_KINDS_BACK[fault.kind],
                percent=fault.percent,
                most=fault.most,
                longest_ms=fault.delay_ms,
            )
            for fault in planned
        ],
    )
