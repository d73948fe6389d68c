"""Staff decide a trade again from its record, which changes nothing and sends nothing."""

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from execution.domain import sizing
from protos import ids
from tests.conftest import Database
from tests.integration.explain_kit import Stand, standing
from tests.site.staff_kit import Member, sign_in

BUY = b'{"ticker":"AAPL","action":"buy","quantity":5,"price":"228.40"}'
# What must stay as it is.
TABLES = ("web.trades", "web.orders", "web.audit_events", "execution.instructions")


def stored(stand: Stand) -> list[Any]:
    return [
        stand.owner.execute(
            f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t".encode()
        ).fetchone()
        for table in TABLES
    ]


async def test_staff_see_whether_todays_decision_is_the_same_and_what_differs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with standing(database, 1, seed=1) as stand:
        stand.owner.execute(
            "UPDATE web.subscriptions SET settings = %s",
            ('{"auto_submit":{"source":"own","value":true}}',),
        )
        signal_id = await stand.fire(BUY)
        trade = ids.trade_id(signal_id, stand.subscriptions[0].id)
        await stand.settled({trade.hex: 1})
        await stand.project()
        site: Any = SimpleNamespace(app=stand.app, owner=stand.owner, client=stand.app.test_client)
        client = await asyncio.to_thread(sign_in, site, Member(site, "viewer"))
        path = f"/admin/trades/{ids.show('trade', trade)}"
        before = stored(stand)
        assert f"{path}/replay" in (await asyncio.to_thread(client.get, path)).text
        page = (await asyncio.to_thread(client.get, f"{path}/replay")).text
        assert "Equal" in page and "Different" not in page and "What differs" not in page

        def rounds_up(quantity: Decimal, step: Decimal) -> Decimal:
            return (quantity // step + 1) * step

        monkeypatch.setattr(sizing, "down", rounds_up)
        page = (await asyncio.to_thread(client.get, f"{path}/replay")).text
        assert "Different" in page and "orders 1 order_qty" in page
        assert stored(stand) == before
