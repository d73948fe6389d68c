"""Approval, expiry, newer signals and second people: exactly one decision wins."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protos.execution.v1 import execution_pb2 as pb
from tests.integration.road_kit import Road
from tests.integration.waiting_kit import ANN, BOB, Desk, wait
from web.trades import approval
from web.trades.models import Trade


def test_an_approval_waits_for_a_pause_that_is_on_its_way(road: Road, desk: Desk) -> None:
    waiting = wait(road)
    answers: list[str] = []
    approver = threading.Thread(
        target=lambda: answers.append(desk.do(approval.approve, waiting.trade_id))
    )
    with road.owner.transaction():
        road.owner.execute("UPDATE web.subscriptions SET enabled = false")
        approver.start()
        _until_blocked(road)
    approver.join(10)
    assert answers == ["paused"]


def test_of_many_who_decide_at_once_exactly_one_wins(road: Road, desk: Desk) -> None:
    waiting = wait(road)
    contenders = [
        (approval.approve, ANN),
        (approval.approve, BOB),
        (approval.reject, "key:one"),
        (approval.cancel, "key:two"),
    ]
    answers: dict[str, str] = {}

    def contend(verb: Callable[..., Trade], actor: str) -> None:
        answers[actor] = desk.do(verb, waiting.trade_id, actor)

    threads = [threading.Thread(target=contend, args=each) for each in contenders]
    with road.owner.transaction():
        # All of them find it waiting, and queue up for its row.
        road.owner.execute("SELECT FROM web.trades FOR UPDATE")
        for thread in threads:
            thread.start()
        _until_blocked(road, len(threads))
    for thread in threads:
        thread.join(10)
    assert sorted(answers.values()) == ["lost", "lost", "lost", "won"]
    [(winner,)] = road.trades("decided_by")
    assert answers[winner] == "won"
    assert road.owner.execute("SELECT count(*) FROM web.audit_events").fetchone() == (1,)


def test_an_exit_that_is_being_drained_beats_the_approval_behind_it(road: Road, desk: Desk) -> None:
    waiting = wait(road)
    road.signal(waiting.strategy, action="exit")
    answers: list[str] = []
    approver = threading.Thread(
        target=lambda: answers.append(desk.do(approval.approve, waiting.trade_id))
    )
    with road.owner.transaction():
        road.owner.execute("SELECT FROM web.trades FOR UPDATE")
        drain = threading.Thread(target=road.drain.drain_due)
        drain.start()
        _until_blocked(road)
        approver.start()
        _until_blocked(road, 2)
    drain.join(10)
    approver.join(10)
    assert answers == ["lost"]
    assert desk.state(waiting.trade_id) == ("SKIPPED", "superseded")


OUTCOMES = {
    "approve": ("PENDING", None),
    "reject": ("SKIPPED", "rejected_by_member"),
    "cancel": ("SKIPPED", "canceled_by_member"),
    "expire": ("EXPIRED", "approval_expired"),
    "exit": ("SKIPPED", "superseded"),
}
VERBS = {"approve": approval.approve, "reject": approval.reject, "cancel": approval.cancel}


@dataclass
class Model:
    """What should become of a waiting trade, whatever happens in whatever order."""

    outcome: tuple[str, str | None] = ("WAITING_APPROVAL", None)
    decided: tuple[str, str] = ("", "")
    exit_is_due: bool = False
    # An exit was accepted before the approval, and has not been drained yet.
    is_behind_exit: bool = False
    is_handed: bool = False

    @property
    def waits(self) -> bool:
        return self.outcome[0] == "WAITING_APPROVAL"

    def decide(self, verb: str, actor: str) -> str:
        """What the person hears."""
        if self.waits:
            self.outcome, self.decided = OUTCOMES[verb], (verb, actor)
            self.is_behind_exit = verb == "approve" and self.exit_is_due
            return "won"
        # Repeating one's own decision answers the same.
        return "won" if self.decided == (verb, actor) else "lost"

    def drain(self, *, is_execution_there: bool) -> None:
        if self.exit_is_due and (self.waits or self.is_behind_exit):
            self.outcome = OUTCOMES["exit"]
        self.exit_is_due = self.is_behind_exit = False
        approved = self.outcome == OUTCOMES["approve"]
        self.is_handed = self.is_handed or (approved and is_execution_there)


DECISIONS = st.tuples(st.sampled_from(sorted(VERBS)), st.sampled_from([ANN, BOB]))
EVENTS = st.sampled_from(["expire", "exit", "drain", "lose"])


@pytest.mark.rule("B3.approval")
@given(steps=st.lists(DECISIONS | EVENTS, max_size=8))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_the_order_exactly_one_decision_holds(
    road: Road, desk: Desk, steps: list[tuple[str, str] | str]
) -> None:
    waiting, model = wait(road), Model()
    trade_id = waiting.trade_id
    for step in steps:
        match step:
            case (verb, actor):
                heard = model.decide(verb, actor)
                assert desk.do(VERBS[verb], trade_id, actor) == heard
            case "expire":
                if model.waits:
                    model.outcome = OUTCOMES["expire"]
                desk.pass_time(trade_id, 601)
                desk.turn()
            case "exit":
                model.exit_is_due = True
                road.signal(waiting.strategy, action="exit")
            case "drain":
                model.drain(is_execution_there=True)
                road.drain.drain_due()
            case "lose":
                model.drain(is_execution_there=False)
                road.lose()
        assert desk.state(trade_id) == model.outcome
        assert (trade_id.hex in road.store.trades) == model.is_handed
    assert road.store.order.count(trade_id.hex) == model.is_handed


def _until_blocked(road: Road, sessions: int = 1) -> None:
    """Return once that many sessions wait for a row that we hold."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        row = road.owner.execute(
            "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
        ).fetchone()
        if row and row[0] >= sessions:
            return
    raise AssertionError("nobody waits for the row")


@pytest.mark.rule("A.origin")
def test_the_orders_of_an_approved_trade_are_of_origin_approval(road: Road, desk: Desk) -> None:
    waiting = wait(road)
    desk.do(approval.approve, waiting.trade_id)
    road.drain.drain_due()
    assert road.store.trades[waiting.trade_id.hex].origin == pb.ORIGIN_APPROVAL
    assert road.trades("decided_by") == [(ANN,)]
