"""How a broker is, for the whole of a run."""

from dataclasses import dataclass


@dataclass
class Habits:
    """How often it does what, and what it can."""

    refuses_repeats: bool = True
    looks_up: bool = True
    horizon: float = 2.0
    has_brackets: bool = False
    has_stops: bool = True
    # How often a look finds the price where a target or a stop may be.
    wanders: float = 0.0
    # Of market orders: how long the whole of it may take.
    slowness: float = 0.05
    # How often: fills in parts, resting orders that are met, refusals.
    parts: float = 0.2
    met: float = 0.5
    # That the price comes to a guard that rests at the broker.
    guards_met: float = 0.35
    refusals: float = 0.03
    # That a canceled order is filled after all.
    late_fills: float = 0.0
    # A refusal is also on record, as a report.
    reports_refusals: bool = True
    numbers_reports: bool = True
    # Where they are not numbered, an order's end may be heard before its fills.
    mixes_reports: bool = False
    # That what rests is canceled by the broker, which says so to those only that ask.
    unsaid_ends: float = 0.0
    # So many orders and cancels of an account in any so many microseconds; 0 for any number.
    most: int = 0
    window: int = 0
