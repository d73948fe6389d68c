"""Positions with a target and a stop, and what works at the venue to guard them."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import uuid4

from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import SECONDS, Kit


def guarded(**fields: Any) -> dict[str, Any]:
    """A target and a stop, 5 % away."""
    return {
        "take_profit": pb.Protection(percent="5"),
        "stop_loss": pb.Protection(percent="5"),
        "price_type": pb.PRICE_TYPE_LAST,
        **fields,
    }


async def restrict(
    kit: Kit,
    *,
    no_brackets: bool = False,
    no_stops: bool = False,
    refuses_repeats: bool = True,
) -> None:
    """Let the account take fewer kinds of orders."""
    await kit.venue_stub.ConfigureAccount(
        paper_pb2.ConfigureAccountRequest(
            account=kit.account,
            options=paper_pb2.Options(
                visibility_horizon_seconds=0.5,
                refuses_repeats=refuses_repeats,
                no_brackets=no_brackets,
                no_stops=no_stops,
            ),
        ),
        timeout=SECONDS,
    )


async def faults_only(kit: Kit, *faults: paper_pb2.Fault) -> None:
    """Plan faults, and leave the account's options."""
    await kit.venue_stub.ConfigureAccount(
        paper_pb2.ConfigureAccountRequest(account=kit.account, set_faults=True, faults=faults),
        timeout=SECONDS,
    )


async def resting(kit: Kit) -> list[tuple[str, Decimal | int]]:
    """Type and quantity of what works at the venue."""
    answer = await kit.venue_stub.GetAccount(
        paper_pb2.GetAccountRequest(account=kit.account), timeout=SECONDS
    )
    return sorted(
        (paper_pb2.OrdType.Name(o.ord_type).removeprefix("ORD_TYPE_"), Decimal(o.order_qty))
        for o in answer.open_orders
    )


def protections(kit: Kit, trade: pb.Trade) -> list[tuple[str, str]]:
    """What was told of a trade's protection: state, and held quantity."""
    return [
        (
            pb.ProtectionState.Name(f.trade_protection.state).removeprefix("PROTECTION_STATE_"),
            f.trade_protection.numbers.get("held", ""),
        )
        for f in kit.facts
        if f.trade_id == trade.trade_id and f.HasField("trade_protection")
    ]


async def stands(kit: Kit, trade: pb.Trade, state: str, held: str) -> pb.TradeProtection:
    """Wait until a trade's protection stands so."""
    await kit.until(lambda: protections(kit, trade)[-1:] == [(state, held)])
    told = [f for f in kit.facts if f.trade_id == trade.trade_id and f.HasField("trade_protection")]
    return told[-1].trade_protection


async def until_resting(kit: Kit, *expected: tuple[str, int]) -> None:
    """Wait until this works at the venue."""
    async with asyncio.timeout(SECONDS):
        while await resting(kit) != sorted(expected):
            await asyncio.sleep(0.02)


async def move_price(kit: Kit, price: str) -> None:
    """Have the feed follow another price, by what another subscription sees and buys."""
    other = uuid4().hex
    trade = kit.trade("buy", "1", subscription_id=other, signal_price=price)
    assert (await kit.run(trade))[0] == "FILLED"
