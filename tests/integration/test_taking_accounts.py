"""What whoever takes an account reads of what waits for it."""

from uuid import UUID

from execution.domain.trades import AccountRef
from execution.journal.rows import InstructionRow
from execution.journal.store import Store
from protos.execution.v1 import execution_pb2 as pb
from tests.conftest import Database

ACCOUNT, STRATEGY = UUID(int=1), UUID(int=2)
EARLIER, ARRIVING, WITHDRAWN = (UUID(int=number) for number in (10, 11, 12))


async def test_what_arrives_is_read_again_only_where_it_was_withdrawn(database: Database) -> None:
    store = Store(database.url("execution"))
    await store.open()
    rows = [
        InstructionRow(trade_id, b"hash", ACCOUNT, STRATEGY, trade_id.bytes)
        for trade_id in (EARLIER, ARRIVING, WITHDRAWN)
    ]
    await store.accept("one", [(STRATEGY, 1)], rows)
    await store.withdraw([WITHDRAWN], pb.REASON_CANCELED_BY_MEMBER)
    ref = AccountRef("paper", "paper", "P1")
    taken = await store.take("one", {ACCOUNT: ref}, [ARRIVING, WITHDRAWN])
    await store.close()

    found = {stored.trade_id: stored.withdrawn for stored in taken[ACCOUNT].open}
    assert found == {EARLIER: 0, WITHDRAWN: pb.REASON_CANCELED_BY_MEMBER}
