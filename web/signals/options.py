"""Which option contract a TradersPost message means. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from web.signals import times
from web.signals.contracts import Contract
from web.signals.refusals import bad
from web.signals.rules import OptionChoice, number, one_of, whole

FIELDS = (
    "optionType",
    "intrinsicValue",
    "expiration",
    "strikeCount",
    "strikesAway",
    "strikePrice",
)
OPTION_TYPES = {word: word for word in ("both", "call", "put")}
INTRINSIC_VALUES = {word: word for word in ("itm", "otm")}


def choice(
    payload: Mapping[str, Any], contract: Contract | None, today: date | None
) -> OptionChoice | None:
    """The contract named in `ticker`, or how to choose one; None when nothing is said of it.

    Raises BadSignal(`invalid-option-type`, `invalid-expiration`, `invalid-strike-…`, …).
    """
    asked = _asked(payload, in_ticker=contract is not None)
    if contract is not None:
        return _exact(contract, asked, today)
    if asked == OptionChoice():
        return None
    if asked.strike_price is not None and asked.expiration is not None:
        _refuse_expired(asked.expiration, today, "expiration")
    return asked


def _asked(payload: Mapping[str, Any], *, in_ticker: bool) -> OptionChoice:
    """The option fields, each checked, and together."""
    asked = OptionChoice(
        option_type=one_of(payload, "optionType", OPTION_TYPES, "invalid-option-type"),
        intrinsic_value=one_of(
            payload, "intrinsicValue", INTRINSIC_VALUES, "invalid-intrinsic-value"
        ),
        expiration=times.expiration(dict(payload)),
        strike_count=whole(payload, "strikeCount", "invalid-strike-count", least=1),
        strikes_away=whole(payload, "strikesAway", "invalid-strikes-away", least=0),
        strike_price=number(payload, "strikePrice", "invalid-strike-price"),
    )
    count, away = asked.strike_count, asked.strikes_away
    if count is not None and away is not None and 2 * away > count:
        raise bad(
            "invalid-strikes-away",
            message=f"`strikesAway` is {away}, more than half of `strikeCount`, which is {count}.",
        )
    if asked.strike_price is not None and not in_ticker:
        for name, value in (("expiration", asked.expiration), ("optionType", asked.option_type)):
            if value is None:
                raise bad("invalid-strike-price", message=f"`strikePrice` came without `{name}`.")
    return asked


def _exact(contract: Contract, asked: OptionChoice, today: date | None) -> OptionChoice:
    """The contract of the ticker, which overrides every other option field."""
    if contract.option_type and asked.option_type not in (None, "both", contract.option_type):
        raise bad(
            "invalid-ticker-and-option-type",
            message=f"`ticker` names a {contract.option_type}, `optionType` is "
            f"{asked.option_type}.",
        )
    if contract.expiration is None:
        raise bad("invalid-expiration", "ticker", "The contract in `ticker` has no such day.")
    expiration = contract.expiration.isoformat()
    _refuse_expired(expiration, today, "ticker")
    return OptionChoice(
        option_type=contract.option_type or asked.option_type,
        expiration=expiration,
        strike_price=contract.strike_price,
    )


def _refuse_expired(expiration: str, today: date | None, field: str) -> None:
    # ISO dates sort as they are written; a distance begins with a plus.
    if today is not None and not expiration.startswith("+") and expiration < today.isoformat():
        raise bad("invalid-expiration", field, f"This contract expired on {expiration}.")
