"""While many orders wait to be written down, what can wait does, but not for long."""

from dataclasses import dataclass, field

import pytest

from execution.journal.pressure import Pressure

MANY, FEW = 100, 99


@dataclass
class Pressed:
    """A pressure whose clock is turned by hand."""

    now: float = 50.0
    pressure: Pressure = field(init=False)

    def __post_init__(self) -> None:
        self.pressure = Pressure(lambda: self.now)

    def press(self, seconds: float, sends: int = MANY) -> None:
        """So many orders wait, all the time."""
        until = self.now + seconds
        while self.now < until:
            self.pressure.see(sends)
            self.now += 0.01


def test_nobody_rests_while_few_orders_wait() -> None:
    calm = Pressed()
    calm.press(1.0, FEW)
    assert not calm.pressure.is_high() and calm.pressure.rest_after(0.01) == 0.0


@pytest.mark.parametrize(("heard", "rests"), [(0.01, 0.04), (1.0, 0.25)])
def test_whoever_hears_leaves_four_parts_of_the_time_to_orders_that_wait(
    heard: float, rests: float
) -> None:
    pressed = Pressed()
    pressed.press(1.0)
    assert pressed.pressure.rest_after(heard) == pytest.approx(rests)


def test_a_moment_with_few_between_two_batches_changes_nothing() -> None:
    pressed = Pressed()
    pressed.press(1.0)
    pressed.press(0.05, FEW)
    assert pressed.pressure.is_high()
    pressed.press(0.06, FEW)
    assert not pressed.pressure.is_high()


def test_what_is_pressed_for_long_is_heard_as_if_nothing_were() -> None:
    pressed = Pressed()
    pressed.press(2.9)
    assert pressed.pressure.is_high()
    pressed.press(0.2)
    assert not pressed.pressure.is_high()
    # Pressed again at once, it is the same haste.
    pressed.press(0.5, FEW)
    pressed.press(0.5)
    assert not pressed.pressure.is_high()
    pressed.press(1.1, FEW)
    pressed.press(0.1)
    assert pressed.pressure.is_high()
