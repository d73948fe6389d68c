"""Messages that ask for a position: read into a Target, or None for flat. Pure.

What orders a target gives is worked out where position and balance are known.
"""

from decimal import Decimal

from web.signals.fields import Fields
from web.signals.rules import Target
from web.strategies.rules import Connector, Mode

# MultiCharts counts contracts; a tenth of each is traded.
PORTION = Decimal("0.1")
SIDES = ("long", "short", "flat")

# The names of the newest templates, then those of the ones before them, with the meaning
# they have there.
MODES = {
    "percentage of balance with compounding": "balance_percent",
    "percentage of initial balance only": "initial_percent",
    "initial balance compound with percentage of profit": "initial_and_profit",
    "fixed quote amount": "fixed_quote",
    "strategy order size": "order_size",
    "fixed base amount": "fixed_base",
    "percentage of balance at no position": "flat_percent",
    "strategy percentage with fixed capital": "fixed_capital",
    "availablebalancepercent": "balance_percent",
    "compoundavailablebalancepercent": "balance_percent",
    "nocompoundavailablebalancepercent": "initial_percent",
    "totalbalancepercent": "flat_percent",
    "fixedtotalbalance": "fixed_capital",
}
_NEED_ORDER_SIZE = ("order_size", "fixed_capital")


def read(fields: Fields, mode: Mode, connector: Connector) -> Target | None:
    """What the message wants; None when it wants to be flat.

    Raises BadSignal.
    """
    match mode:
        case Mode.SIDE_SYNC:
            return _side_sync(fields, connector)
        case Mode.SIZE_SYNC:
            return _size_sync(fields, connector)
        case Mode.MULTICHARTS:
            return _multicharts(fields, connector)
        case Mode.PERCENT:
            return _percent(fields, connector)
        case _:
            return _sync(fields, connector)


def _side_sync(fields: Fields, connector: Connector) -> Target | None:
    """`comment/side/prevSide`; from the right, so that a comment may hold slashes."""
    parts = _log_parts(fields, 3, "comment/side/prevSide")
    side, prev_side = _side(fields, "log", parts[-2]), _side(fields, "log", parts[-1])
    if side == "flat":
        return None
    return Target(mode="whole", side=side, prev_side=prev_side, leverage=connector.multiplier)


def _size_sync(fields: Fields, connector: Connector) -> Target | None:
    """`comment/side/size/prevSide/prevSize`."""
    parts = _log_parts(fields, 5, "comment/side/size/prevSide/prevSize")
    side, prev_side = _side(fields, "log", parts[-4]), _side(fields, "log", parts[-2])
    size, prev_size = _amount(fields, parts[-3]), _amount(fields, parts[-1])
    if side == "flat" or not size:
        return None
    return Target(
        mode="units",
        side=side,
        size=size,
        prev_side=prev_side,
        prev_size=prev_size,
        leverage=connector.multiplier,
    )


def _multicharts(fields: Fields, connector: Connector) -> Target | None:
    """CSV whose second field is the number of contracts, negative for short."""
    log = fields.text("log")
    fields.required("log", log)
    parts = (log or "").split(",")
    if len(parts) < 2:
        fix = "Send the bridge's own line, with the contracts as its second field."
        raise fields.bad("log", "has no second field.", fix)
    contracts = Fields({"log": parts[1]}, fields.warnings).number("log", signed=True)
    fields.required("log", contracts)
    if not contracts:
        return None
    side = "long" if contracts > 0 else "short"
    size = abs(contracts) * PORTION
    return Target(mode="units", side=side, size=size, leverage=connector.multiplier)


def _percent(fields: Fields, connector: Connector) -> Target | None:
    """Order value against the sender's capital, as a share of the balance when flat."""
    position = fields.inside("position")
    side = _side(position, "position", position.text("position"))
    size = position.number("position_size", signed=True)
    position.required("position_size", size)
    if side == "flat" or not size:
        return None
    capital = position.number("capital")
    order_size, price = position.number("order_size"), position.number("order_price")
    for name, value in (("capital", capital), ("order_size", order_size), ("order_price", price)):
        position.required(name, value)
    return Target(
        mode="fixed_capital",
        side=side,
        size=abs(size),
        prev_side=_prev_side(position, "prev_position"),
        prev_size=_magnitude(position.number("prev_position_size", signed=True)),
        value=capital,
        order_size=order_size,
        order_price=price,
        leverage=connector.multiplier,
    )


def _sync(fields: Fields, connector: Connector) -> Target | None:
    """`entryOrder` says how much, `position` says where the strategy stands."""
    order, position = fields.inside("entryOrder"), fields.inside("position")
    name = order.text("mode")
    order.required("mode", name)
    mode = MODES.get(" ".join((name or "").lower().split()))
    if mode is None:
        fix = "Use a mode of the template, for example Fixed Quote Amount."
        raise order.bad("mode", f"is `{(name or '')[:60]}`.", fix)
    side = _side(position, "side", position.text("side"))
    size = position.number("size", signed=True)
    position.required("size", size)
    if side == "flat" or not size:
        return None
    # The sender's own order says how much: a value, even 0, means nothing beside it.
    value = None if mode == "order_size" else order.number("value")
    if mode != "order_size":
        order.required("value", value)
    order_size, price = order.number("size"), order.number("price")
    if mode in _NEED_ORDER_SIZE:
        order.required("size", order_size)
    if mode == "fixed_capital":
        order.required("price", price)
    return Target(
        mode=mode,
        side=side,
        size=abs(size),
        prev_side=_prev_side(position, "prev_side"),
        prev_size=_magnitude(position.number("prev_size", signed=True)),
        value=value,
        order_size=order_size,
        order_price=price,
        leverage=connector.multiplier,
    )


def _log_parts(fields: Fields, count: int, shape: str) -> list[str]:
    log = fields.text("log")
    parts = (log or "").split("/")
    if len(parts) < count:
        fix = f"This connector expects `log` as {shape}."
        raise fields.bad("log", f"has fewer than {count} parts.", fix)
    return parts


def _amount(fields: Fields, text: str) -> Decimal:
    """A size in a log: its sign says nothing that the side does not."""
    found = Fields({"log": text}, fields.warnings).number("log", signed=True)
    fields.required("log", found)
    return abs(found or Decimal(0))


def _side(fields: Fields, name: str, raw: str | None) -> str:
    word = (raw or "").strip().lower()
    if word not in SIDES:
        fix = "Send long, short or flat."
        raise fields.bad(name, f"has the side `{word[:40]}`.", fix)
    return word


def _prev_side(fields: Fields, name: str) -> str | None:
    return _side(fields, name, fields.text(name)) if name in fields else None


def _magnitude(value: Decimal | None) -> Decimal | None:
    return None if value is None else abs(value)
