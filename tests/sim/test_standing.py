"""Who may send: nobody whose accounts others may have taken."""

import asyncio
from datetime import datetime

from protos import ids
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
