"""What happens to accounts by itself or by their owner: contracts expire, days end, accounts
begin anew or keep other hours, positions come and go.

What is of no order is reported like a fill would be, under the account's next number; but for
what is transferred.
"""

import asyncio
from datetime import datetime, time
from decimal import Decimal

from execution.domain import sessions
from execution.domain.instruments import Instrument
from execution.domain.words import AssetClass
from execution.paper import book, jobs, matching
from execution.paper.book import STARTING_CASH, Account, Changes, Moment
from execution.paper.jobs import Batch
from execution.paper.market import Market
from execution.paper.matching import FLAT, Holding, Refused
from protos import wire
from protos.paper.v1 import paper_pb2 as pb

_CLOSE = time(16)


def expired(account: Account, at: datetime, market: Market) -> list[str]:
    """The contracts that an account still holds and that are over."""
    return [
        symbol
        for symbol, held in account.holdings.items()
        if held.quantity and market.instrument(symbol).is_expired(at)
    ]


def settle(account: Account, symbol: str, moment: Moment, market: Market, changes: Changes) -> None:
    """Close an expired position for cash, at what it was worth at the close of its last day."""
    held, instrument = account.holdings[symbol], market.instrument(symbol)
    _cancel(account, symbol, moment, changes, "the contract expired")
    price = market.settlement(instrument, closing_time(instrument), held.seen_px)
    side = _closing_side(held)
    moved = matching.cash_moved(instrument, held, side, abs(held.quantity), price)
    cash = moved * market.to_dollars(instrument.currency, moment.at)
    account.cash += cash
    text = f"expired on {instrument.expiry}, settled in cash"
    if instrument.asset_class is AssetClass.OPTIONS and not price:
        text = f"expired on {instrument.expiry}, worth nothing"
    _report(account, pb.EXEC_TYPE_SETTLED, symbol, held, price, cash, text, moment, changes)
    _close(account, symbol, changes)


def reset(account: Account, moment: Moment, changes: Changes) -> None:
    """Orders canceled, positions gone, the first cash back."""
    for order in list(account.open.values()):
        _cancel(account, order.terms.instrument, moment, changes, "the account was reset")
    for symbol, held in sorted(account.holdings.items()):
        if held.quantity:
            text = "gone with the reset"
            _report(account, pb.EXEC_TYPE_RESET, symbol, held, None, None, text, moment, changes)
            _close(account, symbol, changes)
    back = STARTING_CASH - account.cash
    account.cash = STARTING_CASH
    text = f"the account was reset to {STARTING_CASH:f} {account.currency}"
    _report(account, pb.EXEC_TYPE_RESET, "", FLAT, None, back, text, moment, changes)


def end_days(account: Account, moment: Moment, market: Market, changes: Changes) -> None:
    """Cancel what was for a day whose session is over. Targets and stops stay: they guard."""
    for order in list(account.open.values()):
        terms = order.terms
        if order.order_id not in account.open or terms.parent or terms.time_in_force == "gtc":
            continue
        ends = market.session_end(terms.instrument, order.arrived_at)
        if ends is not None and ends <= moment.at:
            order.text = "its day is over"
            book.cancel(account, order, moment, changes)


def tell_rules(account: Account, moment: Moment, changes: Changes) -> None:
    """Report that the account keeps other hours now, or has another limit of requests."""
    hours = "exchange hours" if account.exchange_hours else "always open"
    text = f"{hours}, {account.counter.most or 'no limit of'} requests a minute"
    _report(account, pb.EXEC_TYPE_CONFIGURED, "", FLAT, None, None, text, moment, changes)


def transfer(
    account: Account,
    asked: pb.TransferPositionRequest,
    answer: "asyncio.Future[pb.TransferPositionResponse]",
    batch: Batch,
) -> None:
    """Move a part of a position in or out, and tell nobody."""
    try:
        side, quantity, price = _read_transfer(asked)
    except Refused as refused:
        jobs.fail(answer, refused)
        return
    symbol = asked.instrument
    holding = matching.add_fill(account.holdings.get(symbol, FLAT), side, quantity, price)
    account.holdings[symbol] = holding
    batch.changes.accounts[account.name] = account
    batch.changes.holdings[account.name, symbol] = holding
    response = pb.TransferPositionResponse(
        position=pb.Position(
            instrument=symbol,
            quantity=wire.to_text(holding.quantity),
            avg_price=wire.to_text(holding.avg_price),
        )
    )
    batch.answers.append(lambda: jobs.resolve(answer, response))


def _read_transfer(asked: pb.TransferPositionRequest) -> tuple[pb.Side, Decimal, Decimal]:
    price = matching.read_price(asked.price)
    side = pb.SIDE_SELL if asked.quantity.startswith("-") else pb.SIDE_BUY
    quantity = matching.read_quantity(asked.quantity.removeprefix("-"))
    if not matching.is_name(asked.instrument) or price is None:
        raise Refused("a transfer names an instrument and a price")
    return side, quantity, price


def closing_time(instrument: Instrument) -> datetime:
    """The close of a contract's last day."""
    if instrument.expiry is None:
        raise ValueError(f"{instrument.symbol} does not expire")
    return datetime.combine(instrument.expiry, _CLOSE, sessions.zone_of(instrument.calendar))


def _cancel(account: Account, symbol: str, moment: Moment, changes: Changes, why: str) -> None:
    for order in list(account.open.values()):
        if order.terms.instrument == symbol and order.order_id in account.open:
            order.text = why
            book.cancel(account, order, moment, changes)


def _close(account: Account, symbol: str, changes: Changes) -> None:
    account.holdings[symbol] = FLAT
    changes.holdings[account.name, symbol] = FLAT


def _closing_side(held: Holding) -> pb.Side:
    return pb.SIDE_SELL if held.quantity > 0 else pb.SIDE_BUY


def _report(
    account: Account,
    exec_type: pb.ExecType,
    symbol: str,
    held: Holding,
    price: Decimal | None,
    cash: Decimal | None,
    text: str,
    moment: Moment,
    changes: Changes,
) -> None:
    account.report_seq += 1
    changes.accounts[account.name] = account
    changes.reports.append(
        pb.Report(
            account=account.name,
            report_seq=account.report_seq,
            exec_id=f"{account.name}-{account.report_seq}",
            exec_type=exec_type,
            instrument=symbol,
            side=_closing_side(held),
            last_qty=wire.to_text(abs(held.quantity)),
            last_px=wire.to_text(price),
            cash=wire.to_text(cash),
            text=text,
            time=moment.stamp,
        )
    )
