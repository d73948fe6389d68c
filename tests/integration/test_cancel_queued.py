"""A person ends what waits for its market to open: site, drain, execution and venue are real."""

import asyncio
import json
from datetime import datetime, timedelta
from uuid import UUID

from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.conftest import Database
from tests.integration.explain_kit import Stand, standing
from web.db import get_for_tenant, to_json
from web.subscriptions import settings
from web.trades import approval
from web.trades.models import Trade

MESSAGE = {"ticker": "AAPL", "action": "buy", "quantity": 2, "price": "228.40"}
PERSON = "user:ann"


def tomorrow(_calendar: str, at: datetime) -> datetime:
    return at + timedelta(hours=20)


async def queued(stand: Stand) -> pb.Trade:
    """A trade that found its market closed, as execution knows it."""
    [subscription] = stand.subscriptions
    stand.owner.execute(
        "UPDATE web.subscriptions SET settings = %s",
        (to_json(settings.validate({"auto_submit": True})),),
    )
    options = paper_pb2.Options(
        visibility_horizon_seconds=2, refuses_repeats=True, exchange_hours=True
    )
    await stand.kit.venue_stub.ConfigureAccount(
        paper_pb2.ConfigureAccountRequest(account=subscription.account, options=options)
    )
    signal_id = await stand.fire(json.dumps(MESSAGE).encode())
    trade = pb.Trade(trade_id=ids.trade_id(signal_id, subscription.id).hex)
    await stand.kit.until(lambda: stand.kit.outcomes(trade) == [("QUEUED", "market_closed")])
    await stand.project()
    return trade


def cancel(trade_id: str) -> str:
    """As the button does it; the state that is known right after."""
    return approval.cancel(get_for_tenant(Trade, UUID(hex=trade_id)), actor=PERSON).state


def told(trade_id: str) -> tuple[str, str | None, str | None]:
    trade = get_for_tenant(Trade, UUID(hex=trade_id))
    return trade.state, trade.reason, trade.decided_by


async def test_a_person_ends_what_waits_for_the_open(database: Database) -> None:
    async with standing(database, 1, seed=1, next_open=tomorrow) as stand:
        trade = await queued(stand)
        page = await asyncio.to_thread(stand.browse, f"/trades/trd_{trade.trade_id}")
        assert "Goes by itself when its market opens." in page
        assert await stand.inside(cancel, trade.trade_id) == "QUEUED"

        ended = ("SKIPPED", "canceled_by_member")
        await stand.kit.until(lambda: stand.kit.outcomes(trade)[-1] == ended)
        await stand.project()
        assert await stand.inside(told, trade.trade_id) == (*ended, PERSON)
        # Whoever presses twice is told the same.
        assert await stand.inside(cancel, trade.trade_id) == "SKIPPED"
        assert stand.kit.outcomes(trade) == [("QUEUED", "market_closed"), ended]
        asked = "SELECT count(*) FROM web.audit_events WHERE action = 'trade:cancel'"
        assert stand.owner.execute(asked).fetchone() == (1,)
