"""Orders under everything that a broker may do; and the machine that says so has eyes."""

import pytest
from hypothesis import settings

from tests.plants import core
from tests.unit.order_machine import OrderMachine

OrderMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestOrders = OrderMachine.TestCase


@pytest.mark.parametrize("name", core.PLANTS)
def test_a_planted_bug_is_caught(name: str) -> None:
    assert core.caught(name)
