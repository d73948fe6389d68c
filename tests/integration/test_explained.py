"""Single rules: what is told of a message, what becomes of it, and the same decided again."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from protos import ids
from protos.paper.v1 import paper_pb2
from tests.conftest import Database
from tests.integration.execution_kit import SECONDS
from tests.integration.explain_kit import Stand, standing
from tests.integration.test_closing_at_once import choose, fire
from web.db import get_for_tenant
from web.trades import approval, quotes
from web.trades.models import Trade


async def told(stand: Stand, **fields: Any) -> dict[str, Any]:
    """What execution would do with a message."""
    body = json.dumps({"ticker": "AAPL", "price": "228.40", **fields}).encode()
    [one] = (await stand.explain(body))["subscriptions"]
    planned: dict[str, Any] = one["execution"]
    return planned


async def without_stops(stand: Stand) -> None:
    """Let the accounts take no stops."""
    for subscription in stand.subscriptions:
        options = paper_pb2.Options(
            visibility_horizon_seconds=0.5, refuses_repeats=True, no_brackets=True, no_stops=True
        )
        await stand.kit.venue_stub.ConfigureAccount(
            paper_pb2.ConfigureAccountRequest(account=subscription.account, options=options),
            timeout=SECONDS,
        )


@pytest.mark.rule("K.price.stop")
async def test_k_a_watched_entry_is_told_shown_and_decided_again_as_one(database: Database) -> None:
    async with standing(database, 1, seed=1) as stand:
        await without_stops(stand)
        choose(stand, auto_submit=True)
        entry = {"action": "buy", "quantity": 5, "orderType": "stop", "stopPrice": 300}
        planned = await told(stand, **entry)
        assert planned["words"] == ["Entry: buy 5, stop 300, day, kept by Fillwire, planned at 300"]
        assert await fire(stand, **entry) == ("WORKING", "entry_watched", ["entry"])
        assert all(answer["equal"] for answer in await stand.replay())
        shown = stand.owner.execute(
            "SELECT synthetic, ord_type, message FROM web.orders o JOIN "
            "web.trades t ON t.id = o.trade_id"
        ).fetchall()
        [(synthetic, ord_type, message)] = shown
        assert (synthetic, ord_type) == (True, "stop")
        assert "goes at 300" in message
        assert ">synthetic<" in stand.browse("/orders")


@pytest.mark.rule("D1.flag")
async def test_d1_a_partial_exit_that_a_multiplier_makes_whole_is_told_and_kept(
    database: Database,
) -> None:
    async with standing(database, 1, seed=1) as stand:
        choose(stand, auto_submit=True, multiplier="2")
        assert await fire(stand, action="buy", quantity=2) == ("FILLED", None, ["entry"])
        part = {"action": "exit", "quantity": 3}
        body = json.dumps({"ticker": "AAPL", **part}).encode()
        [one] = (await stand.explain(body))["subscriptions"]
        [by_settings], [by_position] = one["warnings"], one["execution"]["warnings"]
        assert "2 binds exits too" in by_settings
        assert "makes of 3 an exit of the whole position" in by_position
        assert await fire(stand, **part) == ("FILLED", None, ["exit"])
        assert all(answer["equal"] for answer in await stand.replay())
        page = stand.browse(f"/trades/{last_trade(stand)}")
        assert "makes of 3 an exit of the whole position" in page


def last_trade(stand: Stand) -> str:
    """The id of the newest trade, as it is shown."""
    row = stand.owner.execute("SELECT id FROM web.trades ORDER BY accepted_at DESC").fetchone()
    assert row is not None
    return ids.show("trade", row[0])


@pytest.mark.rule("F.drift")
async def test_f_an_approval_looks_at_the_quote_that_its_entry_would_be_planned_at(
    database: Database,
) -> None:
    async with standing(database, 1, seed=1) as stand:
        choose(stand, auto_submit=False, approval_drift_percent="2")
        await fire(stand, action="buy", quantity=5)
        choose(stand, auto_submit=False, approval_drift_percent="0")
        await fire(stand, action="buy", quantity=5)
        first, second = waiting(stand)
        quote = await stand.inside(quoted, first)
        assert quote.source == "quote"
        # A broker without prices of its own follows what its client saw.
        assert abs(quote.price / Decimal("228.40") - 1) < Decimal("0.02")
        assert await stand.inside(yes, first, False) == "PENDING"
        assert await stand.inside(yes, second, True) == "PENDING"


def waiting(stand: Stand) -> list[UUID]:
    """What waits for a person, the oldest first."""
    rows = stand.owner.execute(
        "SELECT id FROM web.trades WHERE state = 'WAITING_APPROVAL' ORDER BY accepted_at"
    )
    return [trade_id for (trade_id,) in rows.fetchall()]


def quoted(trade_id: UUID) -> quotes.Quote:
    return quotes.last_known([get_for_tenant(Trade, trade_id)])["AAPL"]


def yes(trade_id: UUID, accept_drift: bool) -> str:
    trade = get_for_tenant(Trade, trade_id)
    return approval.approve(trade, actor="person:ann", accept_drift=accept_drift).state
