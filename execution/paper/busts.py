"""Fills that never were: an owner has the venue take one back, or correct it."""

from decimal import Decimal

from execution.paper import book, matching
from execution.paper.book import Account, Changes, Moment, Order
from execution.paper.market import Market
from execution.paper.matching import FLAT, Refused
from protos.paper.v1 import paper_pb2 as pb

ZERO = Decimal(0)


def number_of(exec_id: str) -> int:
    """The number of the report that told of a fill; 0 for none."""
    number = exec_id.rpartition("-")[2]
    return int(number) if number.isdecimal() and len(number) < 18 else 0


def bust(
    account: Account,
    order: Order,
    fill: pb.Report,
    asked: pb.BustFillRequest,
    moment: Moment,
    market: Market,
    changes: Changes,
) -> None:
    """Undo a fill, and do it again as it is said to be now. Raises Refused."""
    if fill.exec_type != pb.EXEC_TYPE_FILL or fill.exec_id in account.busted:
        raise Refused("there is no such fill, or something was said of it before")
    qty, px = Decimal(fill.last_qty), Decimal(fill.last_px)
    corrects = bool(asked.quantity or asked.price)
    now_qty = matching.read_quantity(asked.quantity) if asked.quantity else qty
    now_px = matching.read_price(asked.price) or px
    if corrects and now_qty > qty:
        raise Refused("a fill is never corrected upward")
    account.busted.add(fill.exec_id)
    _trade(account, order, -qty, px, moment, market, changes)
    if corrects:
        _trade(account, order, now_qty, now_px, moment, market, changes)
    if order.order_id not in account.open:
        order.ord_status = pb.ORD_STATUS_CANCELED
        if order.cum_qty == order.terms.order_qty:
            order.ord_status = pb.ORD_STATUS_FILLED
    book.report(
        account,
        order,
        pb.EXEC_TYPE_TRADE_CORRECT if corrects else pb.EXEC_TYPE_TRADE_CANCEL,
        moment,
        changes,
        last=(now_qty, now_px, ZERO),
        ref_exec_id=fill.exec_id,
    )
    gone = qty - (now_qty if corrects else ZERO)
    if not order.terms.parent:
        book.tend_guards(account, order, -gone, moment, changes)


def _trade(
    account: Account,
    order: Order,
    qty: Decimal,
    px: Decimal,
    moment: Moment,
    market: Market,
    changes: Changes,
) -> None:
    """The order's quantity, the position and the cash; negative takes back."""
    symbol, side = order.terms.instrument, order.terms.side
    if qty < 0:
        side = pb.SIDE_SELL if side == pb.SIDE_BUY else pb.SIDE_BUY
    held, instrument = account.holdings.get(symbol, FLAT), market.instrument(symbol)
    moved = matching.cash_moved(instrument, held, side, abs(qty), px)
    account.cash += moved * market.to_dollars(instrument.currency, moment.at)
    holding = matching.add_fill(held, side, abs(qty), px)
    account.holdings[symbol] = changes.holdings[account.name, symbol] = holding
    cost = (order.avg_px or ZERO) * order.cum_qty + px * qty
    order.cum_qty += qty
    order.avg_px = cost / order.cum_qty if order.cum_qty else None
