"""The terms of a trade's orders: type, prices and protection, or why there can be none."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from execution.domain import brackets, currencies, guarding, ladders, prices, sizing
from execution.domain.decisions import Guard, Refusal, Send, VenueRules, text
from execution.domain.market import Contract, Market, contract_in, contract_of
from execution.domain.prices import Priced, Seen
from execution.domain.trades import Style, Trade
from execution.domain.words import By, Leg, OrdType, Side

_STOPS = (OrdType.STOP, OrdType.STOP_LIMIT)
# What a stop entry is once its price has come.
WATCHED_AS = {OrdType.STOP: OrdType.MARKET, OrdType.STOP_LIMIT: OrdType.LIMIT}


class Terms(Struct, frozen=True):
    """An order but for its size."""

    leg: Leg
    side: Side
    priced: Priced
    contract: Contract
    style: Style
    time_in_force: str
    # Where the stop of an entry will be, when that does not depend on its size.
    stop_price: Decimal | None = None


def needs_the_market(trade: Trade, leg: Leg, venue: VenueRules) -> bool:
    """True when a leg cannot be priced or sized from the signal and the settings alone; or
    waits for its price here, and it must be known that there is one."""
    style = trade.style(leg)
    if leg is Leg.ENTRY and is_watched(style.ord_type, venue):
        return True
    filters = style.spread_filter is not None or style.spread_filter_percent is not None
    if filters or _lacks_its_price(style):
        return True
    if leg is not Leg.ENTRY:
        return False
    legs = (trade.take_profit, trade.stop_loss)
    guarded = bool(trade.ladder) or any(leg is not None for leg in legs)
    priced_by_market = style.ord_type is OrdType.MARKET
    sized = trade.size_type not in sizing.PLAIN_TYPES
    return currencies.needs_the_account(trade) or (priced_by_market and (guarded or sized))


def is_watched(ord_type: OrdType, venue: VenueRules) -> bool:
    """True for a stop that the venue does not hold, though it takes what it becomes."""
    return ord_type not in venue.ord_types and WATCHED_AS.get(ord_type) in venue.ord_types


def _lacks_its_price(style: Style) -> bool:
    match style.ord_type:
        case OrdType.MARKET:
            return False
        case OrdType.LIMIT:
            return style.limit_price is None
        case OrdType.STOP | OrdType.STOP_LIMIT:
            return style.stop_price is None
        case OrdType.TRAILING_STOP:
            return True


def contract(trade: Trade, price: Decimal | None, market: Market | None = None) -> Contract:
    """How the trade's instrument is priced and counted."""
    price = price or trade.signal_price
    if trade.opens is not None:
        return contract_in(trade.opens, price, currencies.rate(trade, market))
    return contract_of(trade.asset_class, price)


def planning_price(trade: Trade, style: Style, side: Side, market: Market | None) -> Decimal | None:
    """What money is turned into units at."""
    seen = _seen(trade, market)
    if style.ord_type in (OrdType.LIMIT, OrdType.STOP_LIMIT) and style.limit_price is not None:
        return style.limit_price
    return seen.price(side)


def entry_terms(
    trade: Trade, side: Side, venue: VenueRules, market: Market | None
) -> Terms | Refusal:
    """The prices of an entry, and where its stop will be."""
    quote = market.quote if market else None
    if refusal := prices.spread_refusal(trade.entry, quote) or currencies.refusal(trade, market):
        return refusal
    terms = _terms(trade, Leg.ENTRY, side, venue, market)
    if isinstance(terms, Refusal) or trade.stop_loss is None:
        return terms
    at = trade.stop_loss.at
    if at is not None and at.by is By.PNL_AMOUNT:
        return terms
    stop = brackets.stop_of(trade.stop_loss, side, terms.priced.planning, None, terms.contract)
    if isinstance(stop, Refusal):
        return stop
    return Terms(
        terms.leg, side, terms.priced, terms.contract, terms.style, terms.time_in_force,
        stop.stop_price,
    )  # fmt: skip


def exit_terms(
    trade: Trade, side: Side, venue: VenueRules, market: Market | None
) -> Terms | Refusal:
    """The prices of an exit."""
    return _terms(trade, Leg.EXIT, side, venue, market)


def exit_units(
    trade: Trade, side: Side, market: Market | None, *, held: Decimal
) -> Decimal | Refusal | None:
    """The signal's quantity in units, as an exit of a position counts it."""
    plain = trade.size_type in sizing.PLAIN_TYPES
    if not plain and (refusal := currencies.refusal(trade, market)):
        return refusal
    price = planning_price(trade, trade.exit, side, market)
    return sizing.units(
        trade,
        trade.signal_quantity,
        held=held,
        price=price,
        stop=None,
        figures=market.figures if market else None,
        contract=contract(trade, price, market),
    )


def exit_spread(trade: Trade, market: Market | None) -> Refusal | None:
    """An exit's own filter holds it back; it does not end it."""
    return prices.spread_refusal(trade.exit, market.quote if market else None)


def breakeven_terms(
    trade: Trade, side: Side, avg_price: Decimal | None, venue: VenueRules, market: Market
) -> Terms | Refusal:
    """A stop at the average price; only a stop_limit may be asked for instead."""
    style = trade.exit
    if style.ord_type not in (OrdType.MARKET, *_STOPS):
        return _unsupported(style.ord_type)
    ord_type = OrdType.STOP_LIMIT if style.ord_type is OrdType.STOP_LIMIT else OrdType.STOP
    if ord_type not in venue.ord_types:
        return _unsupported(ord_type)
    if avg_price is None:
        return Refusal("no_price")
    known = contract(trade, avg_price)
    held = -Decimal(side.sign)
    stop = brackets.breakeven_price(avg_price, held, trade.breakeven_offset, known.tick)
    price = _seen(trade, market).price(side)
    if price is not None and (price - stop) * side.sign >= 0:
        return Refusal("stop_wrong_side", {"stop": text(stop), "price": text(price)})
    limit = stop if ord_type is OrdType.STOP_LIMIT else None
    priced = Priced(ord_type, stop, limit_price=limit, stop_price=stop)
    return Terms(Leg.STOP, side, priced, known, style, _time_in_force(style, venue))


def guard_entry(
    trade: Trade, terms: Terms, quantity: Decimal, venue: VenueRules, market: Market | None
) -> tuple[Guard, ...] | Refusal:
    """The protection that goes with an entry; one that cannot be made refuses the entry."""
    price, known = terms.priced.planning, terms.contract
    figures = market.figures if market else None
    if refusal := sizing.buying_power_refusal(trade, quantity, price, figures, known):
        return refusal
    step = sizing.lot(trade, terms.side, max(venue.quantity_step, known.lot))
    guards = _guards(trade, terms, quantity, step)
    if isinstance(guards, Refusal):
        return guards
    if guarding.is_native(guards, quantity, venue, trade.asset_class):
        return guards
    return guarding.unsupported(guards, venue, market) or guards


def _guards(
    trade: Trade, terms: Terms, quantity: Decimal, step: Decimal
) -> tuple[Guard, ...] | Refusal:
    """The targets and the stop of an entry."""
    side, price, known = terms.side, terms.priced.planning, terms.contract
    found: tuple[Guard, ...] = ()
    if trade.ladder:
        targets = ladders.targets(trade, side, price, quantity, known, step)
        if isinstance(targets, Refusal):
            return targets
        found = targets
    elif trade.take_profit is not None:
        target = brackets.target(trade.take_profit, side, price, quantity, known)
        if isinstance(target, Refusal):
            return target
        found = (target,)
    if trade.stop_loss is not None:
        stop = brackets.stop_of(trade.stop_loss, side, price, quantity, known)
        if isinstance(stop, Refusal):
            return stop
        found = (*found, stop)
    return found


def send(
    trade: Trade,
    terms: Terms,
    quantity: Decimal,
    revision: int,
    *,
    instrument: str,
    guards: tuple[Guard, ...] = (),
    venue: VenueRules,
    numbers: Mapping[str, str],
) -> Send:
    """The order itself."""
    priced = terms.priced
    is_native = not guards or guarding.is_native(guards, quantity, venue, trade.asset_class)
    return Send(
        terms.leg,
        revision,
        terms.side,
        quantity,
        priced.ord_type,
        priced.limit_price,
        trade.signal_price,
        stop_price=priced.stop_price,
        trail_amount=priced.trail_amount,
        trail_percent=priced.trail_percent,
        time_in_force=terms.time_in_force,
        cancel_after=None if terms.leg.is_protection else terms.style.cancel_after,
        guards=guards,
        is_synthetic=not is_native,
        is_watched=terms.leg is Leg.ENTRY and is_watched(priced.ord_type, venue),
        instrument=instrument or trade.instrument,
        numbers=numbers,
    )


def _terms(
    trade: Trade, leg: Leg, side: Side, venue: VenueRules, market: Market | None
) -> Terms | Refusal:
    style = trade.style(leg)
    if style.ord_type not in venue.ord_types:
        if leg is not Leg.ENTRY or not is_watched(style.ord_type, venue):
            return _unsupported(style.ord_type)
        if market is None or market.quote is None:
            return _unsupported(style.ord_type, missing="quote")
    seen = _seen(trade, market)
    priced = prices.price_order(style, side, seen, market_without_price=trade.market_without_price)
    if isinstance(priced, Refusal):
        return priced
    return Terms(leg, side, priced, seen.contract, style, _time_in_force(style, venue))


def _seen(trade: Trade, market: Market | None) -> Seen:
    quote = market.quote if market else None
    rough = trade.signal_price or (quote.mid if quote else None)
    return Seen(quote, trade.signal_price, trade.price_type, contract(trade, rough, market))


def _time_in_force(style: Style, venue: VenueRules) -> str:
    """As asked where the venue has it; else its own default, which is never tighter. What is
    watched may last here as long as it was to."""
    if is_watched(style.ord_type, venue):
        return "gtc" if style.time_in_force == "gtc" else "day"
    return style.time_in_force if style.time_in_force in venue.times_in_force else "day"


def _given_up(terms: Terms) -> str:
    """What was asked for instead of the market order that this is for want of a price."""
    asked = terms.style.ord_type
    became = (asked, terms.priced.ord_type) == (OrdType.LIMIT, OrdType.MARKET)
    return asked.value if became else ""


def _unsupported(ord_type: OrdType, **missing: str) -> Refusal:
    return Refusal("order_type_unsupported", {"ord_type": ord_type.value, **missing})


def numbers(
    trade: Trade, terms: Terms, market: Market | None, decided: Mapping[str, str]
) -> dict[str, str]:
    """What an order was decided from: kept with it."""
    quote = market.quote if market else None
    figures = market.figures if market else None
    found = {
        **decided,
        "planning_price": text(terms.priced.planning),
        "bid": text(quote.bid if quote else None),
        "ask": text(quote.ask if quote else None),
        "equity": text(figures.equity if figures else None),
        "promised": text(figures.promised or None if figures else None),
        "bound": text(figures.bound or None if figures else None),
        "instead_of": _given_up(terms),
        "rate": "" if (rate := currencies.rate(trade, market)) == 1 else text(rate),
        "ticker": trade.ticker if trade.opens is not None else "",
        **{f"chain_{name}": number for name, number in trade.chosen_from.items()},
    }
    return {name: number for name, number in found.items() if number}
