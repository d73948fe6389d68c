"""What is explained is what is sent, and what was decided can be decided again."""

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from execution.domain import sizing
from execution.engine import looking
from protos import ids
from tests.conftest import Database
from tests.integration.explain_kit import Stand, standing
from web.trades import plans

SUBSCRIPTIONS = 500
# Out of a position and into it, adding, turning around, protected and partly out.
MESSAGES: tuple[dict[str, Any], ...] = (
    {"action": "buy", "quantity": 8},
    {"action": "sell", "quantity": 5, "stopLoss": {"type": "stop", "percent": 4}},
    {"action": "buy", "quantity": 7, "takeProfit": {"percent": 5}},
    {"action": "exit"},
)


def body(fields: dict[str, Any]) -> bytes:
    return json.dumps({"ticker": "AAPL", "price": "228.40", **fields}).encode()


@pytest.fixture
async def stand(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stand]:
    # 500 quotes at once: a slow machine would plan some trades without, as it should, and
    # those differ from what was told with one.
    monkeypatch.setattr(looking, "LOOK_SECONDS", 60.0)
    async with standing(database, SUBSCRIPTIONS, seed=8) as stand:
        yield stand


async def explain_and_fire(stand: Stand, fields: dict[str, Any]) -> tuple[int, set[str]]:
    """Compare, for every subscription; the number of orders, and what became of the trades."""
    told = await stand.explain(body(fields))
    assert told["accepted"]
    assert len(told["subscriptions"]) == SUBSCRIPTIONS
    signal_id = await stand.fire(body(fields))
    expected = {
        each["subscription_id"]: [
            order
            for order in (each["execution"]["orders"] if each["state"] == "PENDING" else [])
            if not order["synthetic"]
        ]
        for each in told["subscriptions"]
    }
    goes = [each for each in told["subscriptions"] if each["state"] == "PENDING"]
    await stand.settled(
        {
            _trade(signal_id, each["subscription_id"]): len(expected[each["subscription_id"]])
            for each in goes
        }
    )
    fired = {name: stand.fired(signal_id, name) for name in expected}
    told_terms = {name: plans.terms(orders) for name, orders in expected.items()}
    different = {n: (told_terms[n], fired[n]) for n in fired if fired[n] != told_terms[n]}
    assert not different, dict(list(different.items())[:3])
    states: dict[str, str] = dict(
        stand.owner.execute(
            "SELECT 'sub_' || replace(subscription_id::text, '-', ''), state FROM web.trades "
            "WHERE signal_id = %s",
            (signal_id,),
        ).fetchall()
    )
    assert states == {each["subscription_id"]: each["state"] for each in told["subscriptions"]}
    reasons = {each["execution"]["reason"] or "" for each in goes}
    return sum(map(len, expected.values())), reasons


async def would_have(stand: Stand) -> None:
    """Another size: nothing recorded changes, and what it would have done is told."""
    answers = await stand.replay(size="2", quantity_type="fixed_quantity")
    assert all(each["equal"] for each in answers)
    changed = [each["changed"] for each in answers]
    assert len([each for each in changed if not each["equal"]]) > 100
    for each in changed:
        after = {value["name"]: value["after"]["value"] for value in each["effective"]}
        assert after.get("quantity", "2") == "2"
        entries = [order for order in each["after"]["orders"] if order["leg"] == "entry"]
        assert all(Decimal(order["order_qty"]) <= 2 for order in entries)


def _trade(signal_id: Any, subscription: str) -> str:
    wanted = ids.read("subscription", subscription)
    assert wanted is not None
    return ids.trade_id(signal_id, wanted).hex


@pytest.mark.timeout(400)
async def test_what_is_explained_is_sent_and_what_was_decided_is_decided_again(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders, reasons = 0, set[str]()
    for fields in MESSAGES:
        count, found = await explain_and_fire(stand, fields)
        orders, reasons = orders + count, reasons | found
    assert orders > SUBSCRIPTIONS
    assert len(reasons) > 5

    await stand.project()
    answers = await stand.replay()
    assert len(answers) == SUBSCRIPTIONS * len(MESSAGES)
    assert [each["trade_id"] for each in answers if not each["equal"]] == []
    went = [each for each in answers if each["rules"]["recorded"]["state"] == "PENDING"]
    assert all(each["steps"] for each in went)
    recorded = sum(len(each["steps"]) for each in answers)
    assert recorded >= 1000

    await would_have(stand)

    def rounds_up(quantity: Decimal, step: Decimal) -> Decimal:
        return (quantity // step + 1) * step

    monkeypatch.setattr(sizing, "down", rounds_up)
    changed = await stand.replay()
    different = [each for each in changed if not each["equal"]]
    assert len(different) > 100
    assert all(each["rules"]["equal"] for each in different)


async def test_the_pages_show_the_plan_and_what_a_trade_was_decided_from(
    database: Database,
) -> None:
    async with standing(database, 1, seed=1) as stand:
        stand.owner.execute(
            "UPDATE web.subscriptions SET settings = %s",
            ('{"auto_submit":{"source":"own","value":true},'
             '"stop_loss":{"source":"own","value":"4"}}',),
        )  # fmt: skip
        message = body({"action": "buy", "quantity": 5})
        tester = f"/strategies/str_{stand.strategy.id.hex}/tester"
        shown = await asyncio.to_thread(stand.browse, tester, message=message.decode())
        assert "Entry: buy 5, market" in shown
        assert "Stop: sell 5, stop" in shown
        assert "Worst loss at the stop" in shown
        assert "Seen at" in shown
        settings = f"/subscriptions/sub_{stand.subscriptions[0].id.hex}"
        assert "At the state of now:" in await asyncio.to_thread(stand.browse, settings)

        signal_id = await stand.fire(message)
        trade = ids.trade_id(signal_id, stand.subscriptions[0].id)
        await stand.settled({trade.hex: 2})
        await stand.project()
        page = await asyncio.to_thread(stand.browse, f"/trades/trd_{trade.hex}")
        assert "Decided from" in page and "position 0" in page and "Stop: sell 5, stop" in page
        again = await asyncio.to_thread(stand.browse, f"/trades/trd_{trade.hex}/replay")
        assert "Equal" in again and "Different" not in again
