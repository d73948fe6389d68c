"""The waterfall as SVG geometry: bars on one shared axis of milliseconds. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from web.signals.waterfall import Segment, Waterfall

WIDTH = 1000
LEFT = 150
RIGHT = 90
ROW = 44
BAR = 20
AXIS = 28
_STEPS = (1.0, 2.0, 2.5, 5.0)


@dataclass(frozen=True)
class Bar:
    """One segment on the drawing."""

    x: float
    width: float
    segment: Segment


@dataclass(frozen=True)
class Row:
    """One trade on the drawing."""

    y: float
    name: str
    bars: Sequence[Bar]
    end_x: float
    total_ms: float


@dataclass(frozen=True)
class Tick:
    """One mark on the axis."""

    x: float
    ms: float


@dataclass(frozen=True)
class Chart:
    """Everything a template needs to draw."""

    height: float
    rows: Sequence[Row]
    ticks: Sequence[Tick]
    width: int = WIDTH
    bar: int = BAR


def draw(named: Sequence[tuple[str, Waterfall]]) -> Chart | None:
    """The bars of these trades; None when there is nothing to draw."""
    longest = max((waterfall.total_ms for _, waterfall in named), default=0.0)
    if longest <= 0:
        return None
    scale = (WIDTH - LEFT - RIGHT) / longest
    rows = [
        Row(
            y=AXIS + index * ROW,
            name=name,
            bars=[
                Bar(
                    _round(LEFT + segment.start_ms * scale),
                    max(1.0, _round((segment.length_ms or 0.0) * scale)),
                    segment,
                )
                for segment in waterfall.drawn
            ],
            end_x=_round(LEFT + waterfall.total_ms * scale),
            total_ms=waterfall.total_ms,
        )
        for index, (name, waterfall) in enumerate(named)
    ]
    ticks = [Tick(_round(LEFT + ms * scale), ms) for ms in _ticks(longest)]
    return Chart(AXIS + len(rows) * ROW, rows, ticks)


def _ticks(longest: float) -> list[float]:
    power = 0.001
    while True:
        for step in _STEPS:
            if longest / (step * power) <= 6:
                size = step * power
                return [index * size for index in range(int(longest / size) + 1)]
        power *= 10


def _round(value: float) -> float:
    return round(value, 1)
