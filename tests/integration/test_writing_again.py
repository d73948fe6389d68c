"""A batch of the journal whose answer was lost is written again, and counts once."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import psycopg

from execution.domain.trades import AccountRef
from execution.journal.rows import WHOLE, Entry, FactRow, OrderRow, PositionRow
from execution.journal.store import Store
from tests.conftest import Database

ACCOUNT = UUID(int=1)
AT = datetime(2026, 11, 20, 15, tzinfo=UTC)


def entry(number: int, epoch: int) -> Entry:
    """An order that is sent, and what is held then."""
    trade_id, order_id = UUID(int=100 + number), UUID(int=200 + number)
    fact = FactRow(ACCOUNT, number, f"f{number}", "sending", trade_id, order_id, b"fact", AT)
    order = OrderRow(
        id=order_id,
        cl_ord_id=f"C{number}",
        trade_id=trade_id,
        leg="entry",
        revision=0,
        account_id=ACCOUNT,
        subscription_id=UUID(int=3),
        origin="signal",
        instrument="AAPL",
        side="buy",
        ord_type="market",
        time_in_force="day",
        order_qty=Decimal(5),
        decided_from={},
        created_at=AT,
    )
    held = PositionRow(ACCOUNT, "AAPL", WHOLE, Decimal(5 * number), None, number, "account")
    return Entry(ACCOUNT, epoch, [fact], [order], [held])


async def test_what_is_stored_already_is_stored_once_and_the_rest_beside_it(
    database: Database,
) -> None:
    store = Store(database.url("execution"))
    await store.open()
    taken = await store.take("one", {ACCOUNT: AccountRef("paper", "paper", "P1")})
    first, second = (entry(number, taken[ACCOUNT].epoch) for number in (1, 2))

    await store.write([first])
    written = await store.write([first, second])
    await store.close()

    assert written.held == {ACCOUNT}
    with psycopg.connect(database.url("owner")) as owner:
        facts = owner.execute("SELECT canonical_id FROM execution.facts ORDER BY seq").fetchall()
        orders = owner.execute(
            "SELECT cl_ord_id, limit_price FROM execution.orders ORDER BY cl_ord_id"
        ).fetchall()
        held = owner.execute(
            "SELECT quantity, is_in_step, followed FROM execution.positions"
        ).fetchall()
    assert facts == [("f1",), ("f2",)]
    assert orders == [("C1", None), ("C2", None)]
    assert held == [(Decimal(10), False, None)]
