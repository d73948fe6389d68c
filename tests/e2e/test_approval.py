"""Approved trades reach the venue once, whoever dies between the click and the order."""

from typing import Any

import pytest

from tests.e2e import audit
from tests.e2e.lane import Lane
from tests.e2e.sender import History
from tests.e2e.stack import Options, Stack

STACK = Options(strategies=4)


def _waiting(lane: Lane) -> dict[str, Any]:
    """An entry that waits for approval."""
    stack = lane.stack
    number = stack.webhooks().index(lane.webhook)
    subscription = stack.ready["demo"]["strategies"][number]["subscription_id"]
    off = {"settings": {"auto_submit": {"source": "own", "value": False}}}
    stack.api("PATCH", f"/subscriptions/{subscription}", json=off).raise_for_status()
    signal_id = lane.send("buy", quantity=2)

    def found() -> list[dict[str, Any]]:
        listed = stack.get("/approvals", limit="100")["data"]
        return [each for each in listed if each["signal_id"] == signal_id]

    stack.until(lambda: bool(found()), 5, "a trade that waits")
    return found()[0]


@pytest.mark.parametrize("victim", ["worker", "execution", "relay"])
def test_an_approved_trade_fills_once_though_a_process_dies(
    stack: Stack, lane: Lane, victim: str
) -> None:
    trade = _waiting(lane)
    stack.kill(victim)
    answer = stack.api("POST", f"/trades/{trade['id']}/approve")
    assert (answer.status_code, answer.json()["state"]) == (200, "PENDING")
    filled = lane.trade(trade["signal_id"], within=15)
    assert filled["state"] == "FILLED"
    assert len(filled["orders"]) == 1
    stages = filled["stages"]
    assert stages["planned"] < stages["approved"] < stages["submitted"]
    assert lane.position() == 2
    report = audit.until_clean(stack, History(), seconds=15)
    assert not report.findings, str(report)


def test_an_exit_ends_what_waits_and_nothing_is_sent_for_it(stack: Stack, lane: Lane) -> None:
    trade = _waiting(lane)
    assert lane.do("exit") == ("SKIPPED", "no_position")
    answer = stack.api("POST", f"/trades/{trade['id']}/approve")
    assert (answer.status_code, answer.json()["reason"]) == (409, "superseded")
    assert stack.get(f"/trades/{trade['id']}")["orders"] == []
