"""Trades that we fail to plan: one that closes is not lost by it, and somebody hears of it."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from execution.domain.trades import Style, Trade
from execution.domain.words import OrdType, Origin, Sentiment
from protos.execution.v1 import execution_pb2 as pb
from tests.unit.lane_kit import Desk, held

# No number at all: whatever compares with it fails.
NONSENSE = "NaN"


def holding(quantity: str = "5") -> Desk:
    desk = Desk()
    desk.enter(1, "buy", quantity)
    desk.steps.run()
    desk.fill_at_once()
    assert held(desk) == Decimal(quantity)
    return desk


def told(desk: Desk, trade: Trade) -> list[tuple[str, str, str]]:
    """State, reason and alarm of each outcome."""
    facts = [pb.Fact.FromString(row.fact) for entry in desk.journal.entries for row in entry.facts]
    return [
        (
            pb.TradeState.Name(fact.trade_outcome.state).removeprefix("TRADE_STATE_"),
            pb.Reason.Name(fact.trade_outcome.reason).removeprefix("REASON_").lower(),
            pb.AlarmKind.Name(fact.alarm.kind).removeprefix("ALARM_KIND_").lower(),
        )
        for fact in facts
        if fact.trade_id == trade.trade_id.hex and fact.HasField("trade_outcome")
    ]


@pytest.mark.parametrize(
    "failing",
    [
        {"action": "exit"},
        {"action": "sell"},
        {"action": "sell", "sentiment": Sentiment.BULLISH},
        {"action": "exit", "quantity": None, "exit": Style(OrdType.LIMIT, Decimal(NONSENSE))},
    ],
    ids=str,
)
def test_an_exit_that_we_fail_to_plan_waits_for_one_click_with_an_alarm(
    failing: dict[str, Any],
) -> None:
    desk = holding()
    trade = desk.enter(1, **({"quantity": NONSENSE} | failing))
    desk.steps.run()
    assert told(desk, trade) == [("WAITING_APPROVAL", "internal_error", "exit_failed")]
    assert held(desk) == 5 and desk.broker.orders == {}
    # It may come again, as web hands it over once a person let it go.
    again = desk.enter(1, "exit", "5", revives=True)
    desk.steps.run()
    desk.fill_at_once()
    assert told(desk, again)[-1][0] == "FILLED" and held(desk) == 0
    assert trade.trade_id not in desk.account.runs


def test_an_exit_that_web_does_not_know_is_tried_again_here() -> None:
    desk = holding()
    trade = desk.enter(1, "exit", NONSENSE, origin=Origin.KILL_SWITCH)
    desk.steps.run()
    assert told(desk, trade) == [("NEEDS_ATTENTION", "internal_error", "internal_error")]
    assert desk.account.runs[trade.trade_id].has_retry_timer


def test_what_was_begun_is_not_called_over_when_we_fail_to_go_on() -> None:
    desk = holding()
    unpriced = Style(OrdType.LIMIT, Decimal(NONSENSE))
    trade = desk.enter(1, "reverse", None, entry=unpriced)
    desk.steps.run()
    desk.fill_at_once()
    assert held(desk) == 0
    assert told(desk, trade)[-1] == ("NEEDS_ATTENTION", "internal_error", "internal_error")
    assert not desk.account.runs[trade.trade_id].is_done


@pytest.mark.parametrize("subscription", [1, 2])
def test_an_entry_that_we_fail_to_plan_is_over_and_stops_no_other(subscription: int) -> None:
    desk = Desk()
    trade = desk.enter(1, "buy", NONSENSE, entry=Style(OrdType.LIMIT, Decimal(NONSENSE)))
    good = desk.enter(subscription, "buy", "5")
    desk.steps.run()
    desk.fill_at_once()
    assert told(desk, trade) == [("SKIPPED", "internal_error", "unspecified")]
    assert told(desk, good)[-1][0] == "FILLED"
    assert UUID(int=1_000_001) == trade.subscription_id
