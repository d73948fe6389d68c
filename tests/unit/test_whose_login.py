"""A connection is let in by keys of its own; what is asked in the name of another one is refused
before anything is sent, and tells nothing of the account."""

from execution.brokers.credentials import Login, Logins
from execution.domain.words import TradeState
from protos.execution.v1 import execution_pb2 as pb
from tests.unit.lane_kit import Desk

OURS, THEIRS = "aa" * 16, "bb" * 16


def logins(**problems: str) -> Logins:
    """Of both; no problem: let in."""
    whose = {"ours": OURS, "theirs": THEIRS}
    return Logins(tuple(Login(whose[who], "t", problem, "no") for who, problem in problems.items()))


def problem(found: Logins, connection_id: str = "") -> str:
    refusal = found.refusal(connection_id)
    return refusal.problem if refusal is not None else ""


def test_one_that_is_let_in_opens_the_account_and_no_other_connection() -> None:
    found = logins(ours="revoked", theirs="")
    assert (problem(found), problem(found, OURS), problem(found, THEIRS)) == ("", "revoked", "")
    assert problem(found, "cc" * 16) == "none_stored"
    assert problem(logins(ours="revoked", theirs="wrong_key")) == "revoked"
    assert problem(Logins()) == problem(Logins(), OURS) == "none_stored"


def test_who_is_gone_is_told_and_an_account_without_keys_as_a_whole() -> None:
    before = {each.connection_id: each for each in logins(ours="", theirs="").each}
    told = {each.connection_id: each.problem for each in logins(theirs="").told(before)}
    assert told == {THEIRS: "", OURS: "none_stored"}
    assert [(each.connection_id, each.problem) for each in Logins().told({})] == [
        ("", "none_stored")
    ]


def outcomes(desk: Desk) -> list[tuple[str, str, bool]]:
    """Every outcome so far, and whether it tells what it was decided from."""
    found = []
    for entry in desk.journal.entries:
        for row in entry.facts:
            fact = pb.Fact.FromString(row.fact)
            if fact.HasField("trade_outcome"):
                said = fact.trade_outcome
                word = pb.TradeState.Name(said.state).removeprefix("TRADE_STATE_")
                why = pb.Reason.Name(said.reason).removeprefix("REASON_").lower()
                found.append((word, why, said.HasField("decision")))
    return found


def a_desk(found: Logins) -> Desk:
    """Theirs hold five."""
    desk = Desk()
    desk.account.logins = found
    desk.enter(2, "buy", "5", connection_id=THEIRS)
    desk.steps.run()
    desk.fill_all()
    return desk


def test_nothing_is_sent_for_who_is_kept_out_while_others_trade() -> None:
    desk = a_desk(logins(ours="revoked", theirs=""))
    before = len(outcomes(desk))
    for action in ("buy", "exit", "cancel"):
        desk.enter(1, action, "5" if action == "buy" else None, connection_id=OURS)
    desk.steps.run()
    assert not desk.broker.orders
    refused = (TradeState.REJECTED.value, "broker_auth", False)
    assert outcomes(desk)[before:] == [refused] * 3
    desk.enter(2, "exit", None, connection_id=THEIRS)
    desk.steps.run()
    assert len(desk.broker.orders) == 1


def test_an_order_that_rests_is_canceled_once_its_own_connection_is_back() -> None:
    desk = a_desk(logins(ours="", theirs=""))
    trade = desk.enter(1, "buy", "5", connection_id=OURS)
    desk.steps.run()
    desk.account.logins = logins(ours="none_stored", theirs="")
    desk.engine.withdraw(desk.account, trade.trade_id, "superseded")
    desk.steps.run()
    assert not desk.broker.canceled
    desk.account.logins = logins(ours="", theirs="")
    desk.engine.withdraw(desk.account, trade.trade_id, "superseded")
    [run] = [r for r in desk.account.runs.values() if r.trade.trade_id == trade.trade_id]
    desk.engine._dispatch.cancel(desk.account, run.tickets[0], OURS)
    desk.steps.run()
    assert desk.broker.canceled
