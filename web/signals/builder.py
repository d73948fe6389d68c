"""The message builder: a form that becomes a message, and a message that fills the form.

A form is flat: the name of a field is its path in the message, `takeProfit.percent`, and
its value is text, as it will be sent. What the form has no field for is kept as `rest`,
so that reading a message and writing it again loses nothing. Pure.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from web.signals import body as bodies

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?")
_encoder = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True)
class Field:
    """One field of the form."""

    name: str
    label: str
    group: str
    choices: tuple[str, ...] = ()
    help: str = ""


@dataclass(frozen=True)
class Form:
    """What is in the form: text by field name, and the part of the message beyond it."""

    values: Mapping[str, str] = field(default_factory=dict)
    rest: Mapping[str, Any] = field(default_factory=dict)


TRADERSPOST = (
    Field("ticker", "Ticker", "What"),
    Field(
        "action",
        "Action",
        "What",
        ("buy", "sell", "exit", "add", "reverse", "cancel", "breakeven"),
    ),
    Field(
        "sentiment",
        "Sentiment",
        "What",
        ("bullish", "bearish", "flat"),
        "The position wanted afterwards. With buy and sell only.",
    ),
    Field("quantity", "Quantity", "How much"),
    Field(
        "quantityType",
        "Quantity is",
        "How much",
        (
            "fixed_quantity",
            "dollar_amount",
            "risk_dollar_amount",
            "risk_percent",
            "percent_of_equity",
            "percent_of_position",
        ),
    ),
    Field("price", "Price seen", "Price", help="What the sender saw when it decided."),
    Field(
        "orderType",
        "Order type",
        "Price",
        ("market", "limit", "stop", "stop_limit", "trailing_stop"),
    ),
    Field("limitPrice", "Limit price", "Price"),
    Field("stopPrice", "Stop price", "Price"),
    Field("trailAmount", "Trail, in price", "Price"),
    Field("trailPercent", "Trail, in percent", "Price"),
    Field("timeInForce", "Time in force", "Price", ("day", "gtc", "opg", "cls", "ioc", "fok")),
    Field("takeProfit.percent", "Take profit, percent", "Protection"),
    Field("takeProfit.amount", "Take profit, in price", "Protection"),
    Field("takeProfit.limitPrice", "Take profit at", "Protection"),
    Field("stopLoss.type", "Stop type", "Protection", ("stop", "stop_limit", "trailing_stop")),
    Field("stopLoss.percent", "Stop, percent", "Protection"),
    Field("stopLoss.amount", "Stop, in price", "Protection"),
    Field("stopLoss.stopPrice", "Stop at", "Protection"),
    Field("time", "Sent at", "Timing"),
    Field("delay", "Wait, seconds", "Timing"),
    Field("cancelAfter", "Cancel after, seconds", "Timing"),
    Field("rejectAfter", "Too old after, seconds", "Timing"),
    Field("interval", "Interval", "Timing", help="For your own eyes."),
)
CRYPTO_ARSENAL = (
    Field("connectorName", "Connector name", "Connector"),
    Field("connectorToken", "Connector token", "Connector"),
    Field(
        "action",
        "Action",
        "What",
        (
            "openLong",
            "closeLong",
            "openShort",
            "closeShort",
            "buy",
            "sell",
            "cancel",
            "cancelAll",
        ),
    ),
    Field("fixed", "Fixed amount", "How much", help="In coins or contracts. Wins over percent."),
    Field("percent", "Percent", "How much"),
    Field("limit", "Limit price", "Price", help="Empty: a market order."),
    Field("profit", "Take profit at", "Protection"),
    Field("loss", "Stop at", "Protection"),
    Field("clientOrderId", "Order tag", "More"),
    Field("delaySeconds", "Wait, seconds", "More"),
    Field("log", "Log", "More"),
)
DIALECTS: Mapping[str, Sequence[Field]] = {
    "traderspost": TRADERSPOST,
    "crypto-arsenal": CRYPTO_ARSENAL,
}


def write(form: Form) -> str:
    """The message that a form means: filled fields only, numbers as numbers."""
    message: dict[str, Any] = {}
    for name, text in form.values.items():
        if text.strip():
            outer, _, inner = name.partition(".")
            if inner:
                message.setdefault(outer, {})[inner] = _value(text)
            else:
                message[outer] = _value(text)
    for name, value in form.rest.items():
        known = message.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            message[name] = {**value, **known}
        else:
            message.setdefault(name, value)
    return msgspec.json.format(_encoder.encode(message), indent=2).decode()


def read(dialect: str, message: bytes) -> Form:
    """The form that a message fills.

    Raises BadSignal when it is not a JSON object.
    """
    names = {each.name for each in DIALECTS[dialect]}
    values: dict[str, str] = {}
    rest: dict[str, Any] = {}
    for outer, value in bodies.read(message).items():
        if isinstance(value, dict):
            inner = {key: each for key, each in value.items() if f"{outer}.{key}" not in names}
            texts = {f"{outer}.{key}": each for key, each in value.items() if key not in inner}
            if inner or not texts:
                rest[outer] = inner
        else:
            texts = {outer: value} if outer in names else {}
            if not texts:
                rest[outer] = value
        for name, each in texts.items():
            if _is_plain(each):
                values[name] = _text(each)
            elif "." in name:
                rest.setdefault(outer, {})[name.partition(".")[2]] = each
            else:
                rest[outer] = each
    return Form(values, rest)


def expand(message: str, samples: Mapping[str, str]) -> str:
    """The message as it will be sent, its placeholders replaced by samples."""
    for placeholder, sample in samples.items():
        message = message.replace(placeholder, sample)
    return message


def groups(dialect: str) -> Iterator[tuple[str, list[Field]]]:
    """The fields of a dialect by group, in order."""
    fields = DIALECTS[dialect]
    for group in dict.fromkeys(each.group for each in fields):
        yield group, [each for each in fields if each.group == group]


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float | Decimal) and not isinstance(value, bool)


def _text(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _value(text: str) -> str | Decimal:
    return Decimal(text.strip()) if _NUMBER.fullmatch(text.strip()) else text.strip()
