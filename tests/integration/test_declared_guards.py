"""A stop that nobody can prove anything of, at a real venue: what a person says of it, and what
is left of that after a restart."""

import pytest

from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import Kit
from tests.integration.protection_kit import faults_only, guarded, resting, restrict, stands
from tests.integration.test_declaring import ABSENT, CHECK, NOT_IN_DOUBT, PRESENT, TAKEN, say

pytestmark = [pytest.mark.usefixtures("impatient"), pytest.mark.rule("G1.declare")]

DROP_THE_STOP = paper_pb2.Fault(nth=2, kind=paper_pb2.FAULT_KIND_DROP)


async def doubtful(kit: Kit) -> pb.Trade:
    """Five that were bought, and a stop that never arrived, where nothing proves that."""
    await restrict(kit, no_brackets=True, refuses_repeats=False)
    await faults_only(kit, DROP_THE_STOP)
    trade = kit.trade("buy", "5", **guarded())
    assert await kit.run(trade) == ("FILLED", "unspecified")
    await kit.until(lambda: bool(doubted(kit, trade)))
    assert (await resting(kit), kit.outcomes(trade)[-1][0]) == ([], "FILLED")
    return trade


def doubted(kit: Kit, trade: pb.Trade) -> str:
    told = [f for f in kit.facts if f.trade_id == trade.trade_id and f.HasField("trade_protection")]
    return told[-1].trade_protection.numbers.get("doubted", "") if told else ""


async def test_declared_absent_it_is_sent_anew(kit: Kit) -> None:
    trade = await doubtful(kit)
    assert await say(kit, trade, CHECK) == TAKEN
    assert await say(kit, trade, ABSENT) == TAKEN
    await stands(kit, trade, "PROTECTED", "5")
    assert await resting(kit) == [("STOP", 5)]
    assert await say(kit, trade, ABSENT) == TAKEN
    assert await say(kit, trade, PRESENT) == NOT_IN_DOUBT


async def test_of_doubts_that_nobody_was_shown_nothing_is_said(kit: Kit) -> None:
    trade = await doubtful(kit)
    shown = doubted(kit, trade)
    assert await say(kit, trade, PRESENT, "another") == NOT_IN_DOUBT
    assert doubted(kit, trade) == shown
    assert await say(kit, trade, ABSENT, shown, "another") == TAKEN
    await stands(kit, trade, "PROTECTED", "5")
    # Said again from the same page it is as it was.
    assert await say(kit, trade, ABSENT, shown) == TAKEN
    assert await say(kit, trade, PRESENT, shown) == NOT_IN_DOUBT


async def test_an_exit_behind_it_goes_once_somebody_looks_after_it(kit: Kit) -> None:
    trade = await doubtful(kit)
    leave = kit.trade("exit", "")
    await kit.submit(leave)
    await kit.until(lambda: ("BLOCKED", "flatten_debt") in kit.outcomes(leave))
    assert await say(kit, trade, PRESENT) == TAKEN
    await kit.until(lambda: kit.outcomes(leave)[-1][0] == "FILLED")
    assert await kit.venue_positions() == {}


async def test_the_word_survives_a_restart_and_says_nothing_of_the_next(kit: Kit) -> None:
    trade = await doubtful(kit)
    first = doubted(kit, trade)
    # Of those from now on: the stop, the exit, and the stop that is made anew behind that.
    await faults_only(kit, paper_pb2.Fault(nth=3, kind=paper_pb2.FAULT_KIND_DROP))
    assert await say(kit, trade, ABSENT) == TAKEN
    await stands(kit, trade, "PROTECTED", "5")
    await kit.restart()
    # A partial exit has the stop made anew, and that one does not arrive.
    assert (await kit.run(kit.trade("exit", "2")))[0] == "FILLED"
    await kit.until(lambda: doubted(kit, trade) not in ("", first))
    assert await say(kit, trade, ABSENT) == TAKEN
    await stands(kit, trade, "PROTECTED", "3")
    assert await resting(kit) == [("STOP", 3)]
