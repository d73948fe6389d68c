"""What ends the trades that wait: every newer signal of the right kind, and every switch."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from protos import ids
from tests import factories
from tests.integration.road_kit import Road
from tests.integration.waiting_kit import Desk, Waiting, wait
from web.trades import waiting as timers

APPROVAL: dict[str, Any] = {}
DELAYED: dict[str, Any] = {"delay_seconds": 30}
SUPERSEDED = ("SKIPPED", "superseded")


@pytest.mark.rule(
    "B3.exit", "B3.opposite", "B3.reverse", "B3.cancel", "B3.approval", "B3.delayed", "B3.skipped"
)
@pytest.mark.parametrize("kind", [APPROVAL, DELAYED], ids=["approval", "delayed"])
@pytest.mark.parametrize(
    "newer",
    [
        {"action": "exit"},
        {"action": "sell"},
        {"action": "reverse"},
        {"action": "cancel"},
        {"action": "sell", "sentiment": "flat"},
        {"action": "buy", "sentiment": "flat"},
    ],
    ids=lambda fields: " ".join(fields.values()),
)
def test_an_entry_that_waits_is_ended_by_what_turns_away_from_it(
    road: Road, desk: Desk, kind: dict[str, Any], newer: dict[str, Any]
) -> None:
    waiting = wait(road, **kind)
    road.signal(waiting.strategy, **newer)
    road.drain.drain_due()
    assert desk.state(waiting.trade_id) == SUPERSEDED


@pytest.mark.rule("B3.opposite", "B3.approval")
@pytest.mark.parametrize(
    ("waits", "newer", "ends"),
    [
        ("sell", "buy", True), ("sell", "sell", False), ("add", "buy", True), ("add", "sell", True),
        ("reverse", "buy", True), ("reverse", "sell", True), ("add", "add", False),
    ],
)  # fmt: skip
def test_what_waits_is_ended_by_the_other_side_and_what_has_none_by_either(
    road: Road, desk: Desk, waits: str, newer: str, ends: bool
) -> None:
    waiting = wait(road, action=waits)
    road.signal(waiting.strategy, action=newer)
    road.drain.drain_due()
    left = SUPERSEDED if ends else ("WAITING_APPROVAL", None)
    assert desk.state(waiting.trade_id) == left


@pytest.mark.rule("B3.approval", "B3.delayed", "B3.others")
@pytest.mark.parametrize("kind", [APPROVAL, DELAYED], ids=["approval", "delayed"])
@pytest.mark.parametrize(
    "newer",
    [
        {"action": "buy"},
        {"action": "add"},
        {"action": "breakeven"},
        {"action": "exit", "ticker": "MSFT"},
        {"action": "sell", "delay_seconds": 30},
    ],
    ids=lambda fields: " ".join(map(str, fields.values())),
)
def test_an_entry_that_waits_is_left_by_what_does_not(
    road: Road, desk: Desk, kind: dict[str, Any], newer: dict[str, Any]
) -> None:
    waiting = wait(road, **kind)
    before = desk.state(waiting.trade_id)
    road.signal(waiting.strategy, **newer)
    road.drain.drain_due()
    assert desk.state(waiting.trade_id) == before


@pytest.mark.rule("B3.others")
def test_the_same_waiting_entry_of_another_subscription_stays(road: Road, desk: Desk) -> None:
    waiting, other = wait(road), wait(road)
    road.signal(waiting.strategy, action="exit")
    road.drain.drain_due()
    assert desk.state(waiting.trade_id) == SUPERSEDED
    assert desk.state(other.trade_id)[0] == "WAITING_APPROVAL"


def scope_of(waiting: Waiting, scope: str) -> UUID:
    """What a switch of that scope is about."""
    return {
        "platform": uuid4(),
        "broker": ids.broker_id("paper", "paper"),
        "tenant": waiting.strategy.tenant_id,
        "strategy": waiting.strategy.id,
        "connection": waiting.subscription.connection_id,
    }[scope]


@pytest.mark.rule("B3.switch", "B3.approval", "B3.delayed", "B3.never")
@pytest.mark.parametrize("scope", ["platform", "broker", "tenant", "strategy", "connection"])
@pytest.mark.parametrize("kind", [APPROVAL, DELAYED], ids=["approval", "delayed"])
def test_a_switch_of_each_scope_ends_the_entries_that_wait_and_no_exit(
    road: Road, desk: Desk, kind: dict[str, Any], scope: str
) -> None:
    waiting = wait(road, **kind)
    leave = road.signal(waiting.strategy, action="exit", ticker="MSFT", delay_seconds=30)
    road.drain.drain_due()
    timers.halt(road.owner, [(scope, scope_of(waiting, scope))])
    assert desk.state(waiting.trade_id) == SUPERSEDED
    assert desk.state(ids.trade_id(leave, waiting.subscription.id))[0] == "DELAYED"
    desk.pass_time(waiting.trade_id, 60)
    desk.turn()
    road.drain.drain_due()
    assert waiting.trade_id.hex not in road.store.trades


@pytest.mark.rule("B3.switch", "B3.others")
@pytest.mark.parametrize("scope", ["broker", "tenant", "strategy", "connection"])
def test_a_switch_of_others_ends_nothing_that_waits(road: Road, desk: Desk, scope: str) -> None:
    waiting = wait(road)
    timers.halt(road.owner, [(scope, uuid4())])
    assert desk.state(waiting.trade_id)[0] == "WAITING_APPROVAL"


@pytest.mark.rule("E6.recorded", "E6.live", "K.words.test")
def test_a_test_signal_leaves_a_trade_that_says_so_and_is_not_handed_over(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    factories.subscription(road.owner, strategy)
    road.signal(strategy, test=True)
    road.drain.drain_due()
    assert road.trades("state", "reason") == [("SKIPPED", "test")]
    [(message,)] = road.trades("message")
    assert message == "A test signal: recorded and explained, never sent."
    assert road.store.trades == {}
