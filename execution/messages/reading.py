"""What a Trade message says beside whose it is: how it is to be sized, priced and worked."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from execution.domain import chains
from execution.domain.ladders import MOST_RUNGS
from execution.domain.options import OptionType
from execution.domain.sync import Sizing, Target
from execution.domain.trades import (
    CANCEL_WAIT,
    FLIP_WAIT,
    AccountRef,
    Distance,
    OptionWish,
    Retry,
    Rung,
    StopLoss,
    Style,
    Trade,
)
from execution.domain.words import (
    Action,
    AssetClass,
    By,
    OrdType,
    Origin,
    PriceType,
    Sentiment,
    Sides,
    SizeType,
)
from protos import wire
from protos.execution.v1 import execution_pb2 as pb

Word = TypeVar("Word")

_ACTIONS = {pb.Action.Value(f"ACTION_{a.name}"): a for a in Action}
_SENTIMENTS = {pb.Sentiment.Value(f"SENTIMENT_{s.name}"): s for s in Sentiment}
_SIDES = {pb.Sides.Value(f"SIDES_{s.name}"): s for s in Sides}
ORIGINS = {pb.Origin.Value(f"ORIGIN_{o.name}"): o for o in Origin}
REASON_WORDS: Mapping[int, str] = {
    number: name.removeprefix("REASON_").lower() if number else ""
    for name, number in pb.Reason.items()
}
ORD_TYPES = {pb.OrdType.Value(f"ORD_TYPE_{o.name}"): o for o in OrdType}
_SIZE_TYPES = {pb.SizeType.Value(f"SIZE_TYPE_{s.name}"): s for s in SizeType}
_PRICE_TYPES = {pb.PriceType.Value(f"PRICE_TYPE_{p.name}"): p for p in PriceType}
_ASSET_CLASSES = {pb.AssetClass.Value(f"ASSET_CLASS_{a.name}"): a for a in AssetClass}
_SIZINGS = {pb.Sizing.Value(f"SIZING_{s.name}"): s for s in Sizing}
_CANCEL_FIRST = {
    pb.CANCEL_FIRST_UNSPECIFIED: None,
    pb.CANCEL_FIRST_YES: True,
    pb.CANCEL_FIRST_NO: False,
}
_OPTION_TYPES = {pb.OptionType.Value(f"OPTION_TYPE_{o.name}"): o for o in OptionType}
# Distances are counted from the day of trading; here they are only read.
_ANY_DAY = date(2000, 1, 1)
WAIT_SECONDS = (60, 300)
_NOBODY = UUID(int=0)
MOST_REPEATS = 10


@lru_cache(maxsize=256)
def common(said: bytes) -> Trade:
    """A trade but for whose it is: what many trades of one signal say alike is read once.

    Raises ValueError when a field is missing or cannot be read.
    """
    message = pb.Trade.FromString(said)
    released = wire.to_datetime(message.released_time)
    accepted = wire.to_datetime(message.accepted_time)
    if accepted is None or not message.instrument or "\0" in message.instrument:
        raise ValueError("accepted_time and an instrument without a zero byte are required")
    quantity = positive(message.quantity)
    entry = _style(message.entry) if message.HasField("entry") else _plain(message)
    try:
        return Trade(
            trade_id=_NOBODY,
            tenant_id="",
            strategy_id=_NOBODY,
            subscription_id=_NOBODY,
            connection_id="",
            account=AccountRef("", "", ""),
            account_id=_NOBODY,
            accepted_at=accepted,
            released_at=released or accepted,
            action=_ACTIONS[message.action],
            sentiment=_SENTIMENTS[message.sentiment] if message.sentiment else None,
            instrument=message.instrument,
            ticker=message.instrument,
            lane=message.instrument,
            quantity=quantity,
            quantity_from_signal=message.quantity_from_signal,
            signal_price=positive(message.signal_price),
            sides=_SIDES[message.sides or pb.SIDES_BOTH],
            allow_add=message.allow_add,
            allow_swap=message.allow_swap,
            entry=entry,
            exit=_style(message.exit) if message.HasField("exit") else entry,
            entry_refused=REASON_WORDS[message.entry_refusal.reason],
            refusal_numbers=dict(message.entry_refusal.numbers),
            origin=ORIGINS[message.origin or pb.ORIGIN_SIGNAL],
            asked_by=message.asked_by,
            **_wishes(message),
        )
    except KeyError as error:
        raise ValueError(f"unknown value {error}") from None


def _plain(message: pb.Trade) -> Style:
    """The style of a trade from before there were styles."""
    return Style(
        _word(ORD_TYPES, message.ord_type or pb.ORD_TYPE_MARKET), positive(message.limit_price)
    )


def _style(message: pb.OrderStyle) -> Style:
    """How the orders of a leg are worked. Raises ValueError."""
    after = message.cancel_after_seconds
    if after < 0:
        raise ValueError(f"cancel_after_seconds {after}")
    return Style(
        ord_type=_word(ORD_TYPES, message.ord_type or pb.ORD_TYPE_MARKET),
        limit_price=positive(message.limit_price),
        stop_price=positive(message.stop_price),
        trail_amount=positive(message.trail_amount),
        trail_percent=positive(message.trail_percent),
        time_in_force=message.time_in_force or "day",
        extended_hours=message.extended_hours,
        cancel_after=timedelta(seconds=after) if after else None,
        spread_filter=positive(message.spread_filter),
        spread_filter_percent=positive(message.spread_filter_percent),
    )


def _option(message: pb.Trade) -> OptionWish | None:
    """Which option is meant; of other classes None."""
    if message.asset_class != pb.ASSET_CLASS_OPTIONS:
        return None
    said = message.option
    if said.strikes_away < 0 or said.strike_count < 0:
        raise ValueError("a count below zero")
    try:
        chains.earliest_expiration(said.expiration, _ANY_DAY)
    except OverflowError as error:
        raise ValueError(str(error)) from None
    return OptionWish(
        option_type=_word(_OPTION_TYPES, said.option_type or pb.OPTION_TYPE_BOTH),
        inverts_puts=said.invert_puts,
        in_the_money=said.in_the_money,
        expiration=said.expiration,
        strikes_away=said.strikes_away,
        strike_count=said.strike_count,
        strike=positive(said.strike_price),
    )


def _wishes(message: pb.Trade) -> Mapping[str, Any]:
    """Sizing, protection and the switches of a trade. Raises ValueError."""
    offset = wire.to_decimal(message.breakeven_offset)
    return {
        "asset_class": _word(_ASSET_CLASSES, message.asset_class or pb.ASSET_CLASS_STOCKS),
        "option": _option(message),
        "size_type": _word(_SIZE_TYPES, message.size_type or pb.SIZE_TYPE_FIXED_QUANTITY),
        "multiplier": positive(message.multiplier) or Decimal(1),
        "is_fractional": message.fractional,
        "price_type": _word(_PRICE_TYPES, message.price_type or pb.PRICE_TYPE_MARK),
        "take_profit": _take_profit(message),
        "ladder": _ladder(message),
        "stop_loss": _stop_loss(message),
        "sides_isolated": message.sides_isolated,
        "subtract_exit": message.subtract_exit_quantity,
        "ignore_exits": message.ignore_exits,
        "cancel_first": _word(_CANCEL_FIRST, message.cancel_first),
        "cancel_by_setting": message.cancel_by_setting,
        "cancel_ord_type": (
            _word(ORD_TYPES, message.cancel_ord_type) if message.cancel_ord_type else None
        ),
        "keep_protection": message.keep_protection,
        "superseded_waiting": max(message.superseded_waiting, 0),
        "keeps_unprotected": message.keep_unprotected,
        "breakeven_offset": Decimal(0) if offset is None else offset,
        "flip_wait": _bounded(message.flip_wait_seconds, FLIP_WAIT),
        "cancel_wait": _bounded(message.cancel_wait_seconds, CANCEL_WAIT),
        "retry": _retry(message.retry) if message.HasField("retry") else None,
        "reject_at": wire.to_datetime(message.reject_after_time),
        "is_parity": message.parity,
        "short_options": message.short_options,
        "uncapped": positive(message.uncapped_quantity),
        "market_without_price": message.market_without_price,
        "revives": message.revives,
        "corrects_overfills": message.correct_overfills,
        "target": _target(message),
        "client_tag": message.client_tag,
        "reverses": message.reverses,
    }


def positive(text: str) -> Decimal | None:
    """A number above zero; None for empty. Raises ValueError."""
    if not text:
        return None
    value = wire.to_decimal(text)
    if value is not None and value <= 0:
        raise ValueError(f"not above zero: {text}")
    return value


def _target(message: pb.Trade) -> Target | None:
    """Raises ValueError for one that cannot be computed with."""
    if not message.HasField("target"):
        return None
    said = message.target
    target = Target(
        _word(_SIZINGS, said.sizing),
        wire.to_decimal(said.now) or Decimal(0),
        wire.to_decimal(said.before),
        positive(said.value) or Decimal(0),
        positive(said.order_size) or Decimal(0),
        positive(said.order_price) or Decimal(0),
        positive(said.leverage) or Decimal(1),
        wire.to_decimal(said.reserve_percent) or Decimal(0),
    )
    if target.sizing is Sizing.FIXED_CAPITAL and not target.value:
        raise ValueError("a target without its capital")
    return target


def _take_profit(message: pb.Trade) -> Distance | None:
    return _distance(message.take_profit) if message.HasField("take_profit") else None


def _ladder(message: pb.Trade) -> tuple[Rung, ...]:
    """Raises ValueError for one that cannot be planned."""
    if len(message.take_profit_ladder) > MOST_RUNGS:
        raise ValueError(f"more than {MOST_RUNGS} targets")
    return tuple(_rung(said) for said in message.take_profit_ladder)


def _rung(said: pb.Rung) -> Rung:
    at = _distance(said.place)
    if at is None:
        raise ValueError("a target without a place")
    return Rung(at, positive(said.quantity), positive(said.percent))


def _stop_loss(message: pb.Trade) -> StopLoss | None:
    if not message.HasField("stop_loss"):
        return None
    stop = message.stop_loss
    return StopLoss(
        _word(ORD_TYPES, stop.ord_type or pb.ORD_TYPE_STOP),
        _distance(stop),
        limit_price=positive(stop.limit_price),
        trail_amount=positive(stop.trail_amount),
        trail_percent=positive(stop.trail_percent),
    )


def _distance(message: pb.Protection) -> Distance | None:
    said = {
        By.PRICE: positive(message.price),
        By.PERCENT: positive(message.percent),
        By.AMOUNT: positive(message.amount),
        By.PNL_AMOUNT: positive(message.pnl_amount),
    }
    return next((Distance(by, value) for by, value in said.items() if value is not None), None)


def _bounded(seconds: int, otherwise: timedelta) -> timedelta:
    least, most = WAIT_SECONDS
    return timedelta(seconds=min(max(seconds, least), most)) if seconds else otherwise


def _retry(message: pb.Retry) -> Retry:
    """Raises ValueError for one that would never end or never wait."""
    multiplier = positive(message.multiplier) or Decimal(1)
    delay = timedelta(milliseconds=message.delay_milliseconds)
    longest = timedelta(milliseconds=message.longest_delay_milliseconds)
    if not 0 < message.times <= MOST_REPEATS or multiplier < 1 or not delay or not longest:
        raise ValueError("a retry that cannot be followed")
    return Retry(message.times, delay, multiplier, longest)


def _word(words: Mapping[Any, Word], value: int) -> Word:
    try:
        return words[value]
    except KeyError:
        raise ValueError(f"unknown value {value}") from None
