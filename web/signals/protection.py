"""`takeProfit` and `stopLoss` of the TradersPost dialect. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from web.signals.lookalikes import Fields
from web.signals.refusals import bad
from web.signals.rules import StopLoss, TakeProfit, number, one_of, wrong

STOP_TYPES = {word: word for word in ("stop", "stop_limit", "trailing_stop")}
TAKE_PROFIT = Fields(("limitPrice", "percent", "amount", "pnlAmount"))
RUNG = Fields((*TAKE_PROFIT.names, "quantity", "quantityPercent"))
MOST_RUNGS = 10
STOP_LOSS = Fields(
    (
        "type",
        "percent",
        "amount",
        "stopPrice",
        "limitPrice",
        "trailPrice",
        "trailAmount",
        "trailPercent",
        "pnlAmount",
    )
)


def take_profit(payload: Mapping[str, Any], warnings: list[str]) -> TakeProfit | None:
    """The target of an entry; None where there is none, or several.

    Raises BadSignal(`invalid-take-profit-…`).
    """
    raw = payload.get("takeProfit")
    if raw is None or isinstance(raw, list):
        return None
    if not isinstance(raw, dict):
        raise _no_object("invalid-take-profit-value-required", "takeProfit", raw)
    warnings += TAKE_PROFIT.remarks(raw, "takeProfit.")
    return _target(raw)


def ladder(payload: Mapping[str, Any], warnings: list[str]) -> tuple[TakeProfit, ...]:
    """Several targets, each for a part; only the last may leave out which.

    Raises BadSignal(`invalid-take-profit-…`).
    """
    raw = payload.get("takeProfit")
    if not isinstance(raw, list):
        return ()
    if not raw:
        raise bad("invalid-take-profit-value-required")
    if len(raw) > MOST_RUNGS:
        raise _no_ladder(f"`takeProfit` has {len(raw)} targets; it may have 1 to {MOST_RUNGS}.")
    rungs = [_rung(each, warnings) for each in raw]
    if any(not (rung.quantity or rung.quantity_percent) for rung in rungs[:-1]):
        raise _no_ladder("A target in `takeProfit` does not say how much it closes.")
    if sum((rung.quantity_percent or 0 for rung in rungs), 0) > 100:
        raise _no_ladder("The targets in `takeProfit` close more than 100 percent.")
    return tuple(rungs)


def _rung(raw: object, warnings: list[str]) -> TakeProfit:
    if not isinstance(raw, dict):
        raise _no_object("invalid-take-profit-value-required", "takeProfit", raw)
    warnings += RUNG.remarks(raw, "takeProfit.")
    quantity = _value(raw, "takeProfit", "quantity", "invalid-payload")
    percent = _value(raw, "takeProfit", "quantityPercent", "invalid-payload")
    if quantity and percent:
        raise _no_ladder("A target in `takeProfit` has both `quantity` and `quantityPercent`.")
    return msgspec.structs.replace(_target(raw), quantity=quantity, quantity_percent=percent)


def _target(raw: dict[str, Any]) -> TakeProfit:
    percent = _value(raw, "takeProfit", "percent", "invalid-take-profit-percent")
    amount = _value(raw, "takeProfit", "amount", "invalid-take-profit-amount")
    limit_price = _value(raw, "takeProfit", "limitPrice", "invalid-take-profit-limit-price")
    pnl_amount = _value(raw, "takeProfit", "pnlAmount", "invalid-take-profit-pnl-amount")
    if amount and percent:
        raise bad("invalid-take-profit-amount-and-percent")
    said = [value for value in (percent, amount, limit_price, pnl_amount) if value]
    if len(said) > 1:
        raise bad("invalid-take-profit-relative-and-absolute")
    if not said:
        raise bad("invalid-take-profit-value-required")
    return TakeProfit(
        limit_price=limit_price, percent=percent, amount=amount, pnl_amount=pnl_amount
    )


def stop_loss(payload: Mapping[str, Any], warnings: list[str]) -> StopLoss | None:
    """The stop of an entry.

    Raises BadSignal(`invalid-stop-loss-…`).
    """
    raw = payload.get("stopLoss")
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise _no_object("invalid-stop-loss-value-required", "stopLoss", raw)
    warnings += STOP_LOSS.remarks(raw, "stopLoss.")
    kind = one_of(raw, "type", STOP_TYPES, "invalid-stop-loss-type", field="stopLoss.type")
    stop = StopLoss(
        type=kind,
        percent=_value(raw, "stopLoss", "percent", "invalid-stop-loss-percent"),
        amount=_value(raw, "stopLoss", "amount", "invalid-stop-loss-amount"),
        stop_price=_value(raw, "stopLoss", "stopPrice", "invalid-stop-loss-stop-price"),
        limit_price=_value(raw, "stopLoss", "limitPrice", "invalid-stop-loss-limit-price"),
        trail_amount=_trail_amount(raw),
        trail_percent=_value(raw, "stopLoss", "trailPercent", "invalid-stop-loss-trail-percent"),
        pnl_amount=_value(raw, "stopLoss", "pnlAmount", "invalid-stop-loss-pnl-amount"),
    )
    if stop.trail_amount and stop.trail_percent:
        raise bad("invalid-stop-loss-trail-value")
    if kind == "trailing_stop":
        return _trailing(stop)
    return _resting(stop, warnings)


def _trail_amount(raw: dict[str, Any]) -> Decimal | None:
    """`trailPrice` is the older name of `trailAmount`."""
    older = _value(raw, "stopLoss", "trailPrice", "invalid-stop-loss-trail-price")
    newer = _value(raw, "stopLoss", "trailAmount", "invalid-stop-loss-trail-amount")
    return newer or older


def _trailing(stop: StopLoss) -> StopLoss:
    """A trailing stop. `amount` and `percent` are its trail where no trail is named."""
    if stop.pnl_amount:
        raise bad(
            "invalid-payload",
            "stopLoss.pnlAmount",
            "`stopLoss.pnlAmount` does not go with a trailing stop.",
            "Send `trailAmount` or `trailPercent`, or the type stop.",
        )
    trail_amount, trail_percent = stop.trail_amount, stop.trail_percent
    if not trail_amount and not trail_percent:
        if stop.amount and stop.percent:
            raise bad("invalid-stop-loss-amount-and-percent")
        trail_amount, trail_percent = stop.amount, stop.percent
    if not trail_amount and not trail_percent:
        raise bad("invalid-stop-loss-trail-value-required")
    return StopLoss(type=stop.type, trail_amount=trail_amount, trail_percent=trail_percent)


def _resting(stop: StopLoss, warnings: list[str]) -> StopLoss:
    if stop.amount and stop.percent:
        raise bad("invalid-stop-loss-amount-and-percent")
    relative = stop.amount or stop.percent
    absolute = stop.stop_price or stop.limit_price
    if (relative and absolute) or (stop.pnl_amount and (relative or absolute)):
        raise bad("invalid-stop-loss-relative-and-absolute")
    if stop.limit_price and not stop.stop_price:
        raise bad("invalid-stop-loss-stop-price-required")
    trail = stop.trail_amount or stop.trail_percent
    if relative or absolute or stop.pnl_amount:
        if trail:
            warnings.append("`stopLoss` has a trail but is not a trailing_stop; it was left out.")
        if stop.limit_price and stop.type == "stop":
            warnings.append("`stopLoss.limitPrice` is used with the type stop_limit only.")
        return StopLoss(
            type=stop.type,
            stop_price=stop.stop_price,
            limit_price=stop.limit_price if stop.type != "stop" else None,
            percent=stop.percent,
            amount=stop.amount,
            pnl_amount=stop.pnl_amount,
        )
    if trail and stop.type is None:
        warnings.append("`stopLoss` has a trail but no type; it was read as a trailing_stop.")
        return StopLoss(
            type="trailing_stop", trail_amount=stop.trail_amount, trail_percent=stop.trail_percent
        )
    raise bad("invalid-stop-loss-value-required")


def _value(raw: dict[str, Any], inside: str, name: str, code: str) -> Decimal | None:
    return number(raw, name, code, field=f"{inside}.{name}")


def _no_object(code: str, field: str, raw: object) -> Exception:
    return wrong(code, field, raw, f"`{field}` is not an object.")


def _no_ladder(said: str) -> Exception:
    fix = 'For example [{"percent": 5, "quantityPercent": 50}, {"percent": 10}].'
    return bad("invalid-payload", "takeProfit", said, fix)
