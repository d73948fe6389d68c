"""Where a person is asked before anything opens, what closes goes at once."""

import json
from typing import Any

import pytest

from protos import ids
from tests.conftest import Database
from tests.integration.explain_kit import Stand, standing
from web.db import to_json
from web.subscriptions import settings


def choose(stand: Stand, **chosen: Any) -> None:
    stand.owner.execute(
        "UPDATE web.subscriptions SET settings = %s, version = version + 1",
        (to_json(settings.validate(chosen)),),
    )
    stand.owner.execute("UPDATE web.strategy_intake SET version = version + 1")


async def fire(stand: Stand, **fields: Any) -> tuple[str, str | None, list[str]]:
    """Explained and fired: state, reason, and the legs that were sent."""
    body = json.dumps({"ticker": "AAPL", "price": "228.40", **fields}).encode()
    [told] = (await stand.explain(body))["subscriptions"]
    signal_id = await stand.fire(body)
    trade_id = ids.trade_id(signal_id, stand.subscriptions[0].id)
    if told["state"] == "PENDING":
        await stand.settled({trade_id.hex: 0})
    await stand.project()
    [(state, reason)] = stand.owner.execute(
        "SELECT state, reason FROM web.trades WHERE id = %s", (trade_id,)
    ).fetchall()
    legs = stand.owner.execute("SELECT leg FROM web.orders WHERE trade_id = %s", (trade_id,))
    return state, reason, [leg for (leg,) in legs.fetchall()]


@pytest.mark.rule("K.words.refused")
async def test_a_flip_closes_at_once_and_its_second_half_is_not_opened(database: Database) -> None:
    async with standing(database, 1, seed=1) as stand:
        choose(stand, auto_submit=True)
        assert await fire(stand, action="buy", quantity=5) == ("FILLED", None, ["entry"])
        choose(stand, auto_submit=False, allow_swap=True)
        flip = await fire(stand, action="sell", quantity=8)
        assert flip == ("PARTIALLY_FILLED", "approval_needed", ["exit"])
        # Nothing is held any more: what would open asks.
        assert await fire(stand, action="sell", quantity=8) == ("WAITING_APPROVAL", None, [])


async def test_a_sell_of_part_of_a_long_is_a_whole_exit_of_that_part(database: Database) -> None:
    async with standing(database, 1, seed=1) as stand:
        choose(stand, auto_submit=True)
        await fire(stand, action="buy", quantity=5)
        choose(stand, auto_submit=False)
        assert await fire(stand, action="sell", quantity=2) == ("FILLED", None, ["exit"])
        choose(stand, auto_submit=False, approve_exits=True)
        assert await fire(stand, action="exit") == ("WAITING_APPROVAL", None, [])


@pytest.mark.rule("K.words.cancel")
async def test_a_cancel_of_what_only_waits_is_done_as_explained_and_as_replayed(
    database: Database,
) -> None:
    async with standing(database, 1, seed=1) as stand:
        choose(stand, auto_submit=False)
        for waiting in (0, 2):
            for _ in range(waiting):
                await fire(stand, action="buy", quantity=5)
            body = json.dumps({"ticker": "AAPL", "action": "cancel"}).encode()
            [told] = (await stand.explain(body))["subscriptions"]
            planned = told["execution"]
            state, reason, _ = await fire(stand, action="cancel")
            assert (planned["state"], planned["reason"]) == (state, reason)
            assert (state, reason) == (
                ("DONE", None) if waiting else ("SKIPPED", "nothing_to_cancel")
            )
        assert planned["numbers"]["superseded"] == "2"
        assert all(answer["equal"] for answer in await stand.replay())
