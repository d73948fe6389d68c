"""What a restart finds again of trades on their way."""

from typing import Any
from unittest.mock import sentinel
from uuid import UUID, uuid4

import pytest

from execution.accounts.accounts import Account, rebuild
from execution.domain import planning
from execution.domain.orders import Order
from execution.domain.trades import AccountRef
from execution.domain.words import ExecType, Leg
from execution.journal.rows import AccountImage, OutcomeImage, Stored
from execution.lanes.lanes import Run
from execution.messages import messages
from protos.execution.v1 import execution_pb2 as pb
from tests.unit.lane_kit import Desk
from tests.unit.planning_kit import BUY, NOON, an_order

REF = AccountRef("paper", "paper", "acme")


def rebuilt(
    account: Account | None = None,
    *,
    withdrawn: int = 0,
    declared: dict[str, str] | None = None,
    numbers: dict[str, str] | None = None,
    said: tuple[str, str] = ("WORKING", ""),
    order: Order | None = None,
) -> Run:
    """The run of a stored flip, whose last word was that it works unless it `said` another."""
    trade = pb.Trade(
        trade_id=uuid4().hex,
        strategy_id=uuid4().hex,
        subscription_id=uuid4().hex,
        account=messages.account(REF),
        action=pb.ACTION_BUY,
        instrument="AAPL",
        quantity="5",
        allow_swap=True,
    )
    trade.accepted_time.FromDatetime(NOON)
    trade_id = UUID(hex=trade.trade_id)
    image = AccountImage(UUID(int=1), REF, epoch=1)
    image.open = [Stored(1, trade_id, trade.SerializeToString(), withdrawn, declared or {})]
    image.outcomes = {trade_id: OutcomeImage(1, *said, numbers or {})}
    image.orders = {trade_id: [order or an_order(Leg.ENTRY, BUY, "5")]}
    nobody: Any = sentinel.unused
    account = account or Account(UUID(int=1), REF, messages.account(REF), nobody, nobody)
    rebuild(account, image)
    return account.runs[trade_id]


def test_an_entry_that_was_withdrawn_is_not_sent_again() -> None:
    run = rebuilt(withdrawn=pb.REASON_CANCELED_BY_MEMBER)
    assert (run.withdrawn, run.entry_dropped) == ("canceled_by_member",) * 2
    assert run.is_superseded
    assert not rebuilt().is_superseded


@pytest.mark.parametrize("dropped", ["superseded", "flip_timeout", ""])
def test_the_dropped_half_of_a_flip_stays_dropped(dropped: str) -> None:
    run = rebuilt(numbers={"dropped": dropped} if dropped else {})
    assert run.entry_dropped == dropped


@pytest.mark.parametrize(
    ("said", "withdrawn"),
    [
        (("CANCELED", "canceled_by_member"), "canceled_by_member"),
        # Withdrawn after it was filled: what it opened stays guarded.
        (("FILLED", ""), ""),
    ],
)
def test_what_was_withdrawn_and_is_over_says_so_again(
    said: tuple[str, str], withdrawn: str
) -> None:
    told = {"dropped": "canceled_by_member"}
    run = rebuilt(withdrawn=pb.REASON_CANCELED_BY_MEMBER, numbers=told, said=said)
    assert run.progress().withdrawn == withdrawn


def test_what_is_over_is_not_withdrawn_before_it_was_gone_through_again() -> None:
    desk = Desk()
    run = rebuilt(desk.account, said=("FILLED", ""))
    desk.engine.withdraw(desk.account, run.trade.trade_id, "canceled_by_member")
    desk.steps.run()
    assert (run.withdrawn, desk.journal.entries) == ("", [])


def test_what_a_person_said_of_an_order_leaves_what_was_withdrawn() -> None:
    run = rebuilt(withdrawn=pb.REASON_CANCELED_BY_MEMBER, declared={"c1": "declared_absent"})
    assert (run.withdrawn, run.tickets[0].declared) == ("canceled_by_member", "declared_absent")


def test_what_was_given_back_and_let_go_is_withdrawn_like_any_other() -> None:
    # The store forgets a withdrawal of before when it is let go.
    given_back = ("WAITING_APPROVAL", "internal_error")
    run = rebuilt(withdrawn=pb.REASON_CANCELED_BY_MEMBER, said=given_back)
    assert run.withdrawn == "canceled_by_member"


@pytest.mark.parametrize("state", ["WORKING", "NEEDS_ATTENTION"])
def test_a_trade_that_was_over_before_its_last_word_is_over_still(state: str) -> None:
    run = rebuilt(said=(state, ""), numbers={"over": "yes", "dropped": "declared_absent"})
    assert (run.is_done, run.is_lingering, run.entry_dropped) == (True, True, "declared_absent")
    run = rebuilt(said=(state, ""), numbers={"dropped": "declared_absent"})
    assert not run.is_done


def test_a_trade_that_cannot_be_gone_through_keeps_nothing_of_its_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    order = an_order(Leg.ENTRY, BUY, "5", (ExecType.NEW, ""))
    run = rebuilt(desk.account, said=("CANCELED", ""), order=order)

    def fail(*_: object) -> None:
        raise ValueError("ours")

    monkeypatch.setattr(planning, "decide", fail)
    desk.engine.prepare(desk.account, run.tickets)
    desk.engine.resume(desk.account, run.tickets)
    assert run.is_lingering
