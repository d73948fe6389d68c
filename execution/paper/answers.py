"""What the venue says of an account and of the market, in the words of the contract."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from execution.domain.options import Right
from execution.paper import costs, funds, matching
from execution.paper.book import Account, Moment
from execution.paper.funds import Valued
from execution.paper.market import Listed, Market
from execution.paper.matching import Refused
from execution.paper.quotes import Quote
from protos import wire
from protos.paper.v1 import paper_pb2 as pb

DEFAULT_STRIKES = 10
_MONEY = Decimal("0.000001")
_RIGHTS = {Right.CALL: pb.RIGHT_CALL, Right.PUT: pb.RIGHT_PUT}


def describe(account: Account, moment: Moment, market: Market) -> pb.GetAccountResponse:
    """An account: cash, positions at the market, open orders, options."""
    valued = funds.value(account, moment.at, market)
    power = funds.buying_power(account, valued, moment.at, market)
    unrealised = sum((each.unrealised for each in valued), Decimal(0))
    return pb.GetAccountResponse(
        account=account.name,
        cash=wire.to_text(account.cash),
        currency=account.currency,
        positions=[_position(each) for each in valued],
        open_orders=[order.to_message() for order in account.open.values()],
        options=options(account),
        last_report_seq=account.report_seq,
        as_of_time=moment.stamp,
        equity=_money(funds.equity(account, valued)),
        unrealised=_money(unrealised),
        buying_power=wire.to_text(power),
        rates={name: wire.to_text(rate) for name, rate in market.rates(moment.at).items()},
        faults=[planned.fault for planned in account.plan.faults] if account.plan else (),
        fault_seed=account.plan.seed if account.plan else 0,
    )


def held(account: Account, moment: Moment) -> pb.AccountPositions:
    """What an account holds, whatever that is worth."""
    return pb.AccountPositions(
        positions=[
            pb.Position(
                instrument=symbol,
                quantity=wire.to_text(each.quantity),
                avg_price=wire.to_text(each.avg_price),
            )
            for symbol, each in account.holdings.items()
            if each.quantity
        ],
        last_report_seq=account.report_seq,
        as_of_time=moment.stamp,
    )


def options(account: Account) -> pb.Options:
    """How an account behaves."""
    found = pb.Options(
        visibility_horizon_seconds=account.visibility_seconds,
        refuses_repeats=account.refuses_repeats,
        exchange_hours=account.exchange_hours,
        no_brackets=account.no_brackets,
        no_stops=account.no_stops,
        requests_per_minute=account.counter.most,
    )
    costs.write(account.model, found)
    return found


def quotes(
    asked: Iterable[pb.QuoteRequest], account: Account | None, at: datetime, market: Market
) -> pb.GetQuotesResponse:
    """The quotes that are asked for; of what is not listed, none.

    Raises Refused when a price cannot be read.
    """
    return pb.GetQuotesResponse(
        quotes=[_asked_quote(request, account, at, market) for request in asked],
        as_of_time=wire.to_timestamp(at),
    )


def chain(request: pb.GetChainRequest, at: datetime, market: Market) -> pb.GetChainResponse:
    """A part of an option chain, empty where nothing is listed. Raises Refused when the
    request cannot be read."""
    try:
        earliest = date.fromisoformat(request.earliest_expiration or "0001-01-01")
    except ValueError:
        raise Refused("the earliest expiration is not a date") from None
    named = matching.read_price(request.reference_price)
    if market.find(request.underlying) is None:
        return pb.GetChainResponse(underlying=pb.Quote(instrument=request.underlying))
    spot, listed = market.chain(
        request.underlying,
        at,
        earliest,
        request.strikes or DEFAULT_STRIKES,
        named,
    )
    return pb.GetChainResponse(
        underlying=_quote(request.underlying, spot),
        options=[_option(each) for each in listed],
        as_of_time=wire.to_timestamp(at),
    )


def _position(valued: Valued) -> pb.Position:
    return pb.Position(
        instrument=valued.symbol,
        quantity=wire.to_text(valued.held.quantity),
        avg_price=wire.to_text(valued.held.avg_price),
        market_price=wire.to_text(valued.price),
        unrealised=_money(valued.unrealised),
    )


def _asked_quote(
    request: pb.QuoteRequest, account: Account | None, at: datetime, market: Market
) -> pb.Quote:
    symbol = request.instrument
    if market.find(symbol) is None:
        return pb.Quote(instrument=symbol)
    named = matching.read_price(request.reference_price)
    if account is not None and account.feed is not None:
        return _quote(symbol, account.quote(symbol, at, market, named))
    if named is not None:
        return _quote(symbol, market.quote_at(symbol, at, named))
    seen = account.seen_price(symbol) if account else None
    return _quote(symbol, market.quote(symbol, at, seen))


def _quote(symbol: str, quote: Quote) -> pb.Quote:
    return pb.Quote(
        instrument=symbol,
        bid=wire.to_text(quote.bid),
        ask=wire.to_text(quote.ask),
        last=wire.to_text(quote.last),
    )


def _option(listed: Listed) -> pb.OptionQuote:
    contract, quote = listed.contract, listed.quote
    if contract.right is None:
        raise ValueError("a chain lists calls and puts")
    return pb.OptionQuote(
        instrument=contract.symbol,
        expiration=contract.expiration.isoformat(),
        right=_RIGHTS[contract.right],
        strike=wire.to_text(contract.strike),
        bid=wire.to_text(quote.bid),
        ask=wire.to_text(quote.ask),
        last=wire.to_text(quote.last),
    )


def _money(value: Decimal) -> str:
    return wire.to_text(value.quantize(_MONEY, ROUND_HALF_EVEN).normalize() + 0)
