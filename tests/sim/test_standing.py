"""Who may send: nobody whose accounts others may have taken. And when it can last have been."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from tests.sim.instance import BROKER, Instance
from tests.sim.script import Script

ACCOUNT = ids.account_id(BROKER, BROKER, "A")


def slow_to_say_that_it_lives(one: Instance, seconds: float) -> None:
    """Its heartbeats reach the database so much later, one beside the other."""
    store = one._holding._store
    beat = store.heartbeat

    async def late(instance: str, target: str) -> datetime:
        await asyncio.sleep(seconds)
        return await beat(instance, target)

    store.heartbeat = late  # type: ignore[method-assign]


def test_a_heartbeat_that_was_long_on_its_way_does_not_hide_what_others_took() -> None:
    script = Script()
    one, two = script.start("one"), script.start("two")
    script.submit(one, script.trade("buy", "5"))
    script.wait(1)
    slow_to_say_that_it_lives(one, 6.4)
    script.wait(5.5)
    # Written down while nobody else had the account, and held back.
    script.submit(one, script.trade("exit"))
    script.wait(1.3)
    assert two.holds(ACCOUNT) and script.written() == ["entry"]
    script.wait(5)
    # Its next holder asked about the exit before it sent it.
    assert [arrival.author for arrival in script.venue.arrivals] == ["one.1", "two.2"]
    assert script.position == 0 and not one.holds(ACCOUNT)


def test_an_exit_that_is_withdrawn_while_nobody_is_sure_is_not_sent() -> None:
    script = Script()
    one = script.start("one")
    script.submit(one, script.trade("buy", "5"))
    script.wait(1)
    slow_to_say_that_it_lives(one, 7.0)
    script.wait(5.3)
    script.submit(one, leave := script.trade("exit"))
    script.wait(0.3)
    script.withdraw(one, leave)
    script.wait(5)
    assert script.written() == ["entry"] and script.position == 5
    assert script.outcome(leave) == ("SKIPPED", "superseded")


def restarted(script: Script, one: Instance, **faults: float) -> Instance:
    """Killed, and there again at once."""
    one.loop.kill()
    return script.start("one", **faults)


@pytest.mark.rule("G1.horizon", "G3.takeover")
def test_an_absence_is_proven_though_nobody_holds_the_account_for_so_long() -> None:
    script = Script(slowness=1e9, horizon=5.0)
    one = script.start("one", drop=1.0, silent=1.0)
    script.submit(one, script.trade("buy", "5"))
    script.wait(0.5)
    # The first who takes it knows that nobody sends it after that, and says so.
    for _ in range(3):
        one = restarted(script, one)
        assert script.written() == []
        script.wait(2)
    assert script.written() == ["entry"]


@pytest.mark.rule("G1.horizon", "G3.takeover")
def test_after_it_was_sent_again_an_absence_is_proven_anew() -> None:
    script = Script(slowness=1e9, horizon=5.0)
    one = script.start("one", drop=1.0, silent=1.0)
    script.submit(one, script.trade("buy", "5"))
    script.wait(0.5)
    one = restarted(script, one, drop=1.0, silent=1.0)
    script.wait(5.5)
    assert [kind for kind in sendings(script) if kind == "resent"]
    restarted(script, one)
    script.wait(4)
    assert script.written() == []
    script.wait(2)
    assert script.written() == ["entry"]
    assert sendings(script) == ["sending", "unanswered", "resent", "unanswered", "resent"]


def test_what_cannot_be_written_down_is_not_sent_again() -> None:
    script = Script(slowness=1e9, horizon=1.0)
    one = script.start("one")
    script.hold(one)
    script.wires["one"].drop = 1.0
    script.submit(one, script.trade("exit"))
    script.wait(0.1)
    one.adapter.lose(0.01)
    script.wait(0.1)
    script.wires["one"].drop = 0.0
    script.database.faults.away_until = script.world.seconds + 4.0
    script.wait(4.0)
    assert script.written() == ["entry"]
    script.wait(3.0)
    assert script.written() == ["entry", "exit"]


def sendings(script: Script) -> list[str]:
    """What is on record of an order before anybody answered."""
    kinds = [row["kind"] for row in script.database.tables.facts]
    return [kind for kind in kinds if kind in ("sending", "unanswered", "resent")]


def test_an_account_that_was_taken_on_while_it_was_read_is_let_go() -> None:
    script = Script(slowness=1e9)
    one = script.start("one")
    low = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="90")
    script.submit(one, script.trade("buy", "5", entry=low))
    script.wait(1)
    two = script.start("two")
    take = two._holding._store.take

    async def long(*asked: Any) -> Any:
        images = await take(*asked)
        if images:
            # It stands still, and goes on reading after that.
            two.loop.pause(10.0)
            await asyncio.sleep(11.5)
        return images

    two._holding._store.take = long  # type: ignore[assignment,method-assign]
    one.loop.kill()
    script.wait(7)
    three = script.start("three")
    script.wait(8)
    assert three.holds(ACCOUNT)
    script.wait(7)
    assert three.holds(ACCOUNT) and not two.holds(ACCOUNT)


def test_what_was_sent_again_and_is_forgotten_by_the_broker_is_counted_on() -> None:
    script = Script(slowness=1e9, horizon=5.0)
    one = script.start("one", drop=1.0, silent=1.0)
    low = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="90")
    script.submit(one, script.trade("buy", "5", entry=low))
    script.wait(0.5)
    one = restarted(script, one)
    script.wait(6)
    assert script.written() == ["entry"]
    one = restarted(script, one)
    script.venue.account("A").orders.clear()
    script.wait(10)
    assert sendings(script).count("resent") == 2
    numbers = [row["seq"] for row in script.database.tables.facts]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_clock_that_is_set_proves_nothing_absent() -> None:
    script = Script(slowness=1e9, horizon=5.0)
    one = script.start("one", drop=1.0, silent=1.0)
    script.wait(0.5)
    runtime = one._holding.runtime
    # Its machine slept: it finds out with its next heartbeat.
    runtime._clock = lambda: script.world.at() - timedelta(seconds=60)
    script.submit(one, script.trade("buy", "5"))
    script.wait(0.1)
    one.adapter.lose(0.01)
    script.wait(4)
    assert abs(runtime.now() - script.world.at()) < timedelta(seconds=1)
    assert sendings(script) == ["sending"]
    script.wait(3)
    assert sendings(script) == ["sending", "resent"]
