"""Trades that wait for their account: read, put in their order, and dropped when they are over."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog
from google.protobuf.message import DecodeError

from execution.accounts.accounts import Account, Arrival
from execution.engine.engine import Engine
from execution.journal.rows import AccountImage, Stored
from execution.journal.store import OpenTrade, Store
from execution.messages import messages
from protos.execution.v1 import execution_pb2 as pb

log = structlog.get_logger()


async def drop_what_is_over(
    store: Store, batch: Sequence[Account], images: Mapping[UUID, AccountImage]
) -> None:
    """What waited here for a lease may have been ended by a former holder."""
    held = [a for a in batch if a.account_id in images and images[a.account_id].epoch > 1]
    waiting = {one.trade.trade_id for account in held for one in account.pending}
    waiting -= {s.trade_id for image in images.values() for s in image.open}
    if waiting:
        over = waiting - {s.trade_id for s in await store.trades(list(waiting))}
        for account in held:
            account.pending = [one for one in account.pending if one.trade.trade_id not in over]


def let_wait(account: Account, image: AccountImage) -> None:
    """What was stored before an account's first lease takes its turn with what arrives; of what
    arrives, what was withdrawn while the lease was taken is known to be."""
    stored = {one.trade_id for one in image.open}
    account.pending = [one for one in account.pending if one.trade.trade_id not in stored]
    account.pending += [arrival for one in image.open if (arrival := read(one))]
    image.open.clear()


def read(stored: Stored) -> Arrival | None:
    """A stored trade; None for one that cannot be read, which must not stop the others."""
    try:
        trade = messages.read_trade(pb.Trade.FromString(stored.trade))
        return Arrival(stored.instruction_id, trade, messages.REASON_WORDS[stored.withdrawn])
    except (ValueError, DecodeError):
        log.exception("trade_unreadable", trade_id=stored.trade_id.hex)
        return None


def heed(engine: Engine, account: Account, trade: OpenTrade) -> None:
    """What people said of a trade, as the store has it: that it is not wanted any more, or what
    became of its orders."""
    if trade.withdrawn:
        engine.withdraw(account, trade.trade_id, messages.REASON_WORDS[trade.withdrawn])
    believe(engine, account, trade.trade_id, trade.declared)


def believe(engine: Engine, account: Account, trade_id: UUID, words: Mapping[str, str]) -> None:
    """Take what a person said of a trade's orders in doubt, where the account has it."""
    if words and (run := account.runs.get(trade_id)):
        engine.believe(account, run, words)
