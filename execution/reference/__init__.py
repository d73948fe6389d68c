"""Reference data: the table of futures roots, and which days exchanges keep.

Read on first use: an installation that trades stocks on paper never loads any of it.
"""

import csv
import functools
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from importlib import resources

from execution.domain import expiries
from execution.domain.futures import Root
from execution.domain.instruments import Reference
from execution.domain.sessions import Day

# On these nothing of the market trades; on its other holidays futures do, until noon.
_GREAT_HOLIDAYS = ("New Year", "Good Friday", "Christmas Day")
_EXCHANGES = {"us": "XNYS", "uk": "XLON", "de": "XETR"}


@functools.cache
def roots() -> Mapping[str, Root]:
    """The table of futures, by root."""
    table = resources.files("execution.reference").joinpath("futures.csv")
    with table.open(encoding="utf-8") as lines:
        return {row["root"]: _read_root(row) for row in csv.DictReader(lines)}


@functools.lru_cache(maxsize=4096)
def day(market: str, at: date) -> Day:
    """What kind of day it is for a market's exchanges."""
    closed, half = _special_days(market)
    name = closed.get(at)
    if name is None:
        return Day.HALF if at in half else Day.FULL
    return Day.CLOSED if name.startswith(_GREAT_HOLIDAYS) else Day.HOLIDAY


@functools.cache
def load() -> Reference:
    """Everything that resolving an instrument needs."""
    return Reference(roots(), day)


@functools.cache
def _special_days(market: str) -> tuple[Mapping[date, str], Mapping[date, str]]:
    # The library takes 10 MB and 50 ms: only who trades by the calendar pays.
    import holidays

    exchange = _EXCHANGES[market]
    closed = holidays.financial_holidays(exchange, language="en_US")
    if holidays.HALF_DAY not in closed.supported_categories:
        return closed, {}
    return closed, holidays.financial_holidays(exchange, categories=(holidays.HALF_DAY,))


def _read_root(row: Mapping[str, str]) -> Root:
    return Root(
        root=row["root"],
        name=row["name"],
        exchange=row["exchange"],
        calendar=row["calendar"],
        currency=row["currency"],
        tick=Decimal(row["tick"]),
        point_value=Decimal(row["point_value"]),
        months=row["months"],
        has_serial_months=row["serial"] == "yes",
        rule=expiries.read_rule(row["expiry"]),
        around=Decimal(row["around"]),
    )
