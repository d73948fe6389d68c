"""One exit takes the place of others that rest, while instances come and go: step by step."""

import pytest

from protos.execution.v1 import execution_pb2 as pb
from tests.sim.instance import Instance
from tests.sim.script import Script, slow

AT_101 = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="101", time_in_force="gtc")
AT_102 = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="102", time_in_force="gtc")


def resting() -> tuple[Script, Instance, list[str]]:
    """Six are held; exits of two and of one rest, and no cancel reaches the broker."""
    script, one = slow()
    script.hold(one, 6)
    for quantity, style in (("2", AT_101), ("1", AT_102)):
        script.submit(one, script.trade("exit", quantity, exit=style))
        script.wait(0.1)
    assert len(script.working()) == 2
    script.wires["one"].drop = script.wires["one"].silent = 1.0
    return script, one, script.working()


@pytest.mark.rule("K.words.urgent", "K.words.closing")
@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("is_over", [False, True])
def test_what_a_displaced_exit_filled_is_part_of_the_wider_one(
    *, restarts: bool, is_over: bool
) -> None:
    script, one, [first, second] = resting()
    script.submit(one, leave := script.trade("exit", "4"))
    script.wait(0.1)
    script.fill(first, 1)
    if is_over:
        script.venue.cancel("A", first, "one")
    script.wait(0.1)
    if restarts:
        one.loop.kill()
        one = script.start("one")
    script.wires["one"].drop = script.wires["one"].silent = 0.0
    script.wait(30)
    assert not {first, second} & set(script.working())
    script.fill_newest(3)
    assert script.outcome(leave) == ("FILLED", "unspecified")
    assert script.position == 2
