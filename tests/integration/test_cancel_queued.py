"""A person ends what waits for its market to open: site, drain, execution and venue are real."""

import asyncio
import json
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.conftest import Database
from tests.integration.explain_kit import Stand, standing
from web.db import get_for_tenant, to_json
from web.execution_client import ExecutionClient
from web.subscriptions import settings
from web.trades import approval, quotes
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


@pytest.mark.rule("I.lasting")
async def test_a_person_ends_what_waits_for_the_open(database: Database) -> None:
    async with standing(database, 1, seed=1, next_open=tomorrow) as stand:
        trade = await queued(stand)
        page = await asyncio.to_thread(stand.browse, f"/trades/trd_{trade.trade_id}")
        assert "Goes by itself when its market opens." in page
        listed = await asyncio.to_thread(stand.browse, "/approvals")
        assert "its market to open" in listed and f"trd_{trade.trade_id}/cancel" in listed
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


async def test_drift_is_measured_to_what_is_quoted_now(database: Database) -> None:
    async with standing(database, 1, seed=1) as stand:
        stand.owner.execute(
            "UPDATE web.subscriptions SET settings = %s",
            (to_json(settings.validate({"auto_submit": False})),),
        )
        signal_id = await stand.fire(json.dumps({**MESSAGE, "price": "50"}).encode())
        trade_id = ids.trade_id(signal_id, stand.subscriptions[0].id)

        def look() -> quotes.Quote | None:
            return quotes.last_known([get_for_tenant(Trade, trade_id)]).get("AAPL")

        found = await stand.inside(look)
        assert found is not None and found.source == "quote"
        drift = found.drift_percent("50")
        assert drift == round((found.price / 50 - 1) * 100, 2) and drift != 0
        page = await asyncio.to_thread(stand.browse, "/approvals")
        assert "Quoted" in page and "%</b>" in page
        # With nobody to ask, one's own last fill is the next best; without one it is not known.
        stand.app.extensions["fillwire.execution"] = ExecutionClient("127.0.0.1:1")
        assert await stand.inside(look) is None
