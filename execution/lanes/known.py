"""What instruments mean here: the domain's resolving, with the reference data."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import cast

from msgspec import structs

from execution import reference
from execution.domain import instruments, options
from execution.domain.instruments import Instrument, Unresolved
from execution.domain.options import OptionType, Right
from execution.domain.trades import OptionWish, Trade
from execution.domain.words import AssetClass
from protos import wire
from protos.execution.v1 import execution_pb2 as pb

_CLASSES = {
    a: cast("pb.AssetClass", pb.AssetClass.Value(f"ASSET_CLASS_{a.name}")) for a in AssetClass
}
_TYPES = {Right.CALL: OptionType.CALL, Right.PUT: OptionType.PUT}
_RIGHTS = {kind: right for right, kind in _TYPES.items()}


@lru_cache(maxsize=10_000)
def find(symbol: str) -> Instrument | None:
    """The instrument of a canonical symbol; None when nobody can tell."""
    try:
        return instruments.of_symbol(symbol, reference.load())
    except Unresolved:
        return None


def lane_of(symbol: str) -> str:
    """The lane that positions of a canonical symbol are in."""
    instrument = find(symbol)
    return symbol if instrument is None else instrument.lane


def resolve(trade: Trade, recorded: pb.Resolved | None = None) -> Trade:
    """The trade with what its ticker means: as recorded, where it was found out before.

    Which option of an underlying is meant stays open: its chain decides.
    """
    ticker, right = trade.ticker, None
    if trade.asset_class is AssetClass.OPTIONS:
        trade = _option(trade)
        right = _right(trade)
        written = options.read(instruments.without_exchange(ticker))
        # An exit of calls and puts alike closes whichever is held.
        if written is not None and written.right is None and right is None:
            ticker = written.underlying
    try:
        found = instruments.resolve(
            ticker, trade.asset_class, trade.released_at, reference.load(), right=right
        )
    except Unresolved as refusal:
        if recorded is None:
            reason, numbers = refusal.reason, refusal.numbers
            return structs.replace(
                trade, lane=trade.ticker, unknown=reason, unknown_numbers=numbers
            )
        found = find(recorded.symbol) or instruments.stock(recorded.symbol)
    is_option = trade.asset_class is AssetClass.OPTIONS
    is_named = is_option and found.right is not None
    if trade.asset_class is AssetClass.FUTURES:
        is_named = found.rolls is None
    if trade.is_named is not is_named:
        trade = structs.replace(trade, is_named=is_named)
    if recorded is not None:
        return opening(trade, _as_recorded(recorded, found), dict(recorded.chosen_from))
    if is_option and not is_named:
        return structs.replace(trade, instrument=found.symbol, lane=f"options {found.symbol}")
    return opening(trade, found, {})


def opening(trade: Trade, instrument: Instrument, chosen_from: Mapping[str, str]) -> Trade:
    """The trade, now that its entry is in this instrument. An option is priced by what it was
    seen at itself."""
    price = trade.signal_price
    if trade.asset_class is AssetClass.OPTIONS:
        price = wire.to_decimal(chosen_from.get("premium", ""))
    return structs.replace(
        trade,
        instrument=instrument.symbol,
        lane=instrument.lane,
        opens=instrument,
        chosen_from=chosen_from,
        signal_price=price,
    )


def told(trade: Trade) -> pb.Resolved | None:
    """What the ticker means, as a message; None where it is just what it says."""
    found = trade.opens
    is_plain = found is None or (found.expiry is None and found.symbol == trade.ticker)
    if found is None or is_plain:
        return None
    return pb.Resolved(
        ticker=trade.ticker,
        symbol=found.symbol,
        asset_class=_CLASSES[trade.asset_class],
        root=found.root,
        expires=_day(found.expiry),
        rolls=_day(found.rolls),
        warning=found.warning,
        tick=wire.to_text(found.tick),
        point_value=wire.to_text(found.point_value),
        currency=found.currency,
        chosen_from=trade.chosen_from,
    )


def _as_recorded(recorded: pb.Resolved, found: Instrument) -> Instrument:
    if recorded.symbol == found.symbol:
        return found
    instrument = find(recorded.symbol) or found
    rolls = date.fromisoformat(recorded.rolls) if recorded.rolls else None
    return replace(instrument, warning=recorded.warning, rolls=rolls)


def _option(trade: Trade) -> Trade:
    """A contract in the ticker outweighs the settings; the sender's price is that of the
    underlying."""
    wish = trade.option or OptionWish()
    contract = options.read(instruments.without_exchange(trade.ticker))
    if contract is not None and contract.right is not None:
        wish = structs.replace(wish, option_type=_TYPES[contract.right], inverts_puts=False)
    return structs.replace(
        trade, option=wish, underlying_price=trade.signal_price, signal_price=None
    )


def _right(trade: Trade) -> Right | None:
    """The right of a contract whose ticker leaves it out."""
    wish = trade.option
    if wish is None:
        return None
    if wish.option_type is OptionType.BOTH and trade.direction is not None:
        return options.leg(wish.option_type, trade.direction)[0]
    return _RIGHTS.get(wish.option_type)


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()
