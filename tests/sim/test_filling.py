"""What fills, whose it is, and who takes over: told step by step."""

from typing import Any
from uuid import UUID

import pytest

from protos.execution.v1 import execution_pb2 as pb
from tests.sim.script import Script, slow

FILLED = ("FILLED", "unspecified")
WORKING = ("WORKING", "unspecified")
AT_90 = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="90")
STOP: dict[str, Any] = {"stop_loss": pb.Protection(percent="5")}
OTHER: dict[str, Any] = {"subscription_id": UUID(int=4).hex, "strategy_id": UUID(int=5).hex}


# -- what fills


@pytest.mark.rule("H.partial", "H.stop")
def test_each_part_that_fills_is_guarded_at_once() -> None:
    script, one = slow()
    script.submit(one, script.trade("buy", "4", entry=AT_90, **STOP))
    script.wait(1)
    [entry] = script.orders()
    for part, guarded in ((1, 1), (2, 3), (1, 4)):
        script.fill(entry, part)
        script.wait(1)
        stops = [name for name in script.working() if name != entry]
        resting = script.venue.account("A").orders
        assert sum(resting[name][0].leaves for name in stops) == guarded


@pytest.mark.rule("G5.recorded", "G5.stop")
def test_what_fills_beyond_its_order_is_recorded_and_stops_entries_on_its_lane_only() -> None:
    script, one = slow()
    script.submit(one, enter := script.trade("buy", "5"))
    script.wait(1)
    script.fill_newest(6)
    assert (script.outcome(enter), script.position) == (FILLED, 6)
    more = script.trade("buy", "1", allow_add=True)
    elsewhere = script.trade("buy", "1", instrument="MSFT")
    script.submit(one, more, elsewhere)
    script.wait(1)
    assert script.outcome(more)[0] == "SKIPPED"
    assert script.written() == ["entry", "entry"]
    script.submit(one, script.trade("exit"))
    script.wait(1)
    script.fill_newest(6)
    assert script.position == 0


# -- who holds what


@pytest.mark.rule("A.stored", "A.whole", "A.own")
def test_whose_the_account_is_is_settled_at_the_first_trade_and_survives_a_restart() -> None:
    script, one = slow()
    script.hold(one)
    script.submit(one, script.trade("buy", "3", **OTHER))
    script.wait(0.1)
    script.fill_newest(3)
    one.loop.kill()
    one = script.start("one")
    script.submit(one, script.trade("exit", **OTHER))
    script.wait(0.1)
    script.fill_newest(3)
    assert script.position == 5
    script.submit(one, script.trade("buy", "3", **OTHER))
    script.wait(0.1)
    script.fill_newest(3)
    # Who was alone there first closes the account's whole position still.
    script.submit(one, script.trade("exit"))
    script.wait(0.1)
    script.fill_newest(8)
    assert script.position == 0


@pytest.mark.rule("A.account", "A.serial")
def test_two_connections_to_one_account_share_its_lanes() -> None:
    script, one = slow()
    script.hold(one)
    second = {**OTHER, "connection_id": UUID(int=6).hex, "tenant_id": UUID(int=7).hex}
    script.submit(one, leave := script.trade("exit", **second))
    script.wait(1)
    # It sees that the position is somebody else's.
    assert script.outcome(leave) == ("SKIPPED", "no_position")
    assert len(script.database.tables.leases) == 1


@pytest.mark.rule("G3.takeover", "G3.one", "G1.asked", "G1.horizon", "G1.resent")
def test_who_takes_over_sends_nothing_without_an_answer_again_before_its_absence_is_proven() -> (
    None
):
    script = Script(slowness=1e9, horizon=5.0)
    one = script.start("one", drop=1.0, silent=1.0)
    script.submit(one, enter := script.trade("buy", "5"))
    script.wait(0.5)
    [sent] = script.orders()
    one.loop.kill()
    script.start("one")
    script.wait(3)
    assert (script.outcome(enter), script.written()) == (("BLOCKED", "in_doubt"), [])
    script.wait(5)
    assert [arrival.cl_ord_id for arrival in script.venue.arrivals] == [sent]
    script.fill_newest(5)
    assert script.outcome(enter) == FILLED


@pytest.mark.rule("K.price.replaces")
def test_a_breakeven_guards_also_what_anothers_other_side_nets_just_now() -> None:
    script, one = slow()
    script.submit(one, enter := script.trade("buy", "3", **STOP))
    script.wait(0.1)
    script.fill_newest(3)
    script.submit(one, script.trade("sell", "1", **OTHER))
    script.wait(0.1)
    script.fill_newest(1)
    script.submit(one, even := script.trade("breakeven", breakeven_offset="-2"))
    script.wait(1)
    assert script.protection(enter) == ("CLOSED", "superseded")
    assert script.protection(even) == ("UNPROTECTED", "netted")
    script.submit(one, script.trade("buy", "1", **OTHER))
    script.wait(0.1)
    script.fill_newest(1)
    script.wait(1)
    assert script.protection(even) == ("PROTECTED", "unspecified")
    resting = script.venue.account("A").orders
    assert sum(resting[name][0].leaves for name in script.working()) == script.position == 3
