"""Protection beside what else goes on: restarts, other subscriptions, doubt."""

from uuid import uuid4

import pytest

from tests.integration.execution_kit import Kit
from tests.integration.protection_kit import guarded, protections, resting, stands

pytestmark = pytest.mark.usefixtures("watchful")


async def test_stops_that_were_resized_before_a_restart_are_not_taken_for_refused(
    kit: Kit,
) -> None:
    enter = kit.trade("buy", "6", **guarded())
    await kit.run(enter)
    for left in ("5", "4", "3", "2"):
        await kit.run(kit.trade("exit", "1"))
        await stands(kit, enter, "PROTECTED", left)
    await kit.restart()
    await kit.run(kit.trade("exit", "1"))
    await stands(kit, enter, "PROTECTED", "1")
    assert await resting(kit) == [("STOP", 1)]
    assert await kit.venue_positions() == {"AAPL": "1"}


async def test_a_breakeven_beside_anothers_stop_closes_only_what_that_leaves(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5"))
    theirs = kit.trade("buy", "3", subscription_id=uuid4().hex, **guarded())
    await kit.run(theirs)
    even = kit.trade("breakeven", "", signal_price="235")
    assert await kit.run(even) == ("DONE", "unspecified")
    await stands(kit, even, "PROTECTED", "5")
    assert await resting(kit) == [("LIMIT", 3), ("STOP", 3), ("STOP", 5)]
    assert protections(kit, theirs)[-1] == ("PROTECTED", "3")


async def test_a_share_that_was_closed_with_the_account_is_not_closed_again(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5"))
    other = uuid4().hex
    await kit.run(kit.trade("buy", "3", subscription_id=other))
    assert (await kit.run(kit.trade("exit", "")))[0] == "FILLED"
    await kit.restart()
    await kit.run(kit.trade("buy", "5"))
    late = kit.trade("exit", "", subscription_id=other)
    assert await kit.run(late) == ("SKIPPED", "no_position")
    assert await kit.venue_positions() == {"AAPL": "5"}
