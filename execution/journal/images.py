"""What is stored of accounts, read back for who takes them or looks at them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from execution.domain.orders import Order, Overfilled
from execution.domain.positions import Attribution, Position
from execution.domain.sync import Ledger
from execution.journal import statements, told
from execution.journal.rows import AccountImage, Held, PastTrade, Sent, Stored
from execution.messages import messages
from protos.execution.v1 import execution_pb2 as pb

Ask = Callable[[str, Any], Awaitable[list[DictRow]]]


async def fill(ask: Ask, images: Sequence[AccountImage]) -> None:
    """Read all that is stored of these accounts. Raises StoreUnavailable."""
    if not images:
        return
    by_id = {image.account_id: image for image in images}
    accounts = list(by_id)
    for row in await ask(statements.IMAGE_POSITIONS, (accounts,)):
        position = Position(row["quantity"], row["avg_price"])
        by_id[row["account_id"]].positions.append(
            Held(
                row["instrument"],
                row["subscription_id"],
                position,
                Attribution(row["attribution"]),
                _ledger(row),
                row["result_day"],
                row["result"],
            )
        )
    for row in await ask(statements.IMAGE_SEQUENCES, (accounts,)):
        image = by_id[row["account_id"]]
        image.last_seq = row["seq"]
        moved = row["moved"]
        image.moved_seq = told.broker_seq(moved) if moved is not None else 0
        image.heard_seq = max(map(told.broker_seq, row["reports"]), default=0)
        external = row["external"]
        others = told.broker_seq(external) if external is not None else 0
        image.heard_seq = max(image.heard_seq, image.moved_seq, others)
    for row in await ask(statements.IMAGE_SENT, (accounts,)):
        by_id[row["account_id"]].sent += told.sent(bytes(row["fact"]))
    for row in await ask(statements.IMAGE_LANES, (accounts,)):
        stop = told.lane(bytes(row["fact"]))
        if stop.over or Decimal(stop.filled) > Decimal(row["seen"] or 0):
            by_id[row["account_id"]].lanes.append((row["order_id"], stop))
    trades: dict[UUID, AccountImage] = {}
    for row in await ask(statements.IMAGE_OPEN, (accounts,)):
        image = by_id[row["account_id"]]
        image.open.append(stored(row))
        trades[row["trade_id"]] = image
    await _fill_trades(ask, trades)
    await _fill_unanswered(ask, trades)


async def past(ask: Ask, cl_ord_ids: Sequence[str]) -> list[PastTrade]:
    """The trades that these orders belong to. Raises StoreUnavailable."""
    rows = await ask(statements.PAST_TRADES, (list(cl_ord_ids),))
    past = {row["trade_id"]: PastTrade(stored(row)) for row in rows}
    for row in await ask(statements.IMAGE_ORDERS, (list(past),)):
        past[row["trade_id"]].orders.append(Order(messages.read_terms(row)))
    await _add_reports(ask, [order for trade in past.values() for order in trade.orders])
    for row in await ask(statements.IMAGE_OUTCOMES, (list(past),)):
        trade = past[row["trade_id"]]
        trade.outcome = told.outcome(bytes(row["fact"]), trade.outcome)
    for row in await ask(statements.IMAGE_PROTECTIONS, (list(past),)):
        past[row["trade_id"]].protection = told.protection(bytes(row["fact"]), row["count"])
    for row in await ask(statements.IMAGE_RESOLVED, (list(past),)):
        past[row["trade_id"]].resolved = told.resolved(bytes(row["fact"]))
    return list(past.values())


async def _fill_trades(ask: Ask, trades: Mapping[UUID, AccountImage]) -> None:
    if not trades:
        return
    rows = await ask(statements.IMAGE_ORDERS, (list(trades),))
    orders = [Order(messages.read_terms(row)) for row in rows]
    await _add_reports(ask, orders)
    for order in orders:
        trade = order.terms.trade_id
        trades[trade].orders.setdefault(trade, []).append(order)
    for row in await ask(statements.IMAGE_OUTCOMES, (list(trades),)):
        outcomes = trades[row["trade_id"]].outcomes
        before = outcomes.get(row["trade_id"])
        outcomes[row["trade_id"]] = told.outcome(bytes(row["fact"]), before)
    await _fill_displaced(ask, trades)
    for row in await ask(statements.IMAGE_PROTECTIONS, (list(trades),)):
        said = told.protection(bytes(row["fact"]), row["count"])
        trades[row["trade_id"]].protections[row["trade_id"]] = said
    for row in await ask(statements.IMAGE_RESOLVED, (list(trades),)):
        found = told.resolved(bytes(row["fact"]))
        trades[row["trade_id"]].resolved[row["trade_id"]] = found


async def _fill_displaced(ask: Ask, trades: Mapping[UUID, AccountImage]) -> None:
    """The trades that are over whose exits some open trade takes the place of: what those
    filled is part of its own."""
    wanted: dict[str, AccountImage] = {}
    for trade_id, image in trades.items():
        if (outcome := image.outcomes.get(trade_id)) is not None:
            wanted |= dict.fromkeys(told.displaced(outcome.numbers), image)
    for image in trades.values() if wanted else ():
        for order in (order for orders in image.orders.values() for order in orders):
            wanted.pop(order.terms.cl_ord_id, None)
    for trade in await past(ask, list(wanted)) if wanted else ():
        named = next(o.terms.cl_ord_id for o in trade.orders if o.terms.cl_ord_id in wanted)
        wanted[named].displaced.append(trade)


async def _fill_unanswered(ask: Ask, trades: Mapping[UUID, AccountImage]) -> None:
    images = {
        order.terms.order_id: trades[trade_id]
        for trade_id, image in trades.items()
        for order in image.orders.get(trade_id, ())
        if order.is_open and not order.is_acknowledged
    }
    for row in await ask(statements.IMAGE_UNANSWERED, (list(images),)) if images else ():
        known = images[row["order_id"]].unanswered
        before = known.get(row["order_id"], Sent())
        known[row["order_id"]] = told.unanswered(bytes(row["fact"]), before)


async def _add_reports(ask: Ask, orders: Sequence[Order]) -> None:
    if not orders:
        return
    by_id = {order.terms.order_id: order for order in orders}
    for row in await ask(statements.IMAGE_REPORTS, (list(by_id),)):
        report = messages.read_report(pb.Fact.FromString(bytes(row["fact"])))
        with suppress(Overfilled):
            by_id[row["order_id"]].add(report)


def stored(row: DictRow) -> Stored:
    """A trade as it was stored."""
    trade = bytes(row["trade"])
    return Stored(row["id"], row["trade_id"], trade, row["withdrawn"], row["declared"] or {})


def _ledger(row: DictRow) -> Ledger:
    return Ledger(row["initial_balance"], row["flat_balance"], row["is_in_step"], row["followed"])
