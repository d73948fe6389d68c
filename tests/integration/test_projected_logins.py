"""Whether a broker lets an account in reaches every connection to it, and why it does not."""

from protos.execution.v1 import execution_pb2 as pb
from tests.integration.test_projected_moves import Connections
from tests.integration.test_projected_moves import connections as connections
from tests.integration.test_projector import Stage
from tests.integration.test_projector import stage as stage


def login(stage: Stage, seq: int, problem: str, text: str = "") -> pb.Fact:
    fact = stage.fact(seq, account_login=pb.AccountLogin(problem=problem, text=text))
    for name in ("trade_id", "tenant_id", "connection_id", "subscription_id"):
        fact.ClearField(name)
    if problem:
        fact.alarm.kind = pb.ALARM_KIND_LOGIN_REFUSED
        fact.alarm.numbers["text"] = text
    return fact


def states(stage: Stage) -> list[tuple[object, ...]]:
    rows = stage.rows("SELECT state, reported -> 'login' ->> 'text' FROM web.connections")
    return sorted(rows)


def test_a_refused_login_shows_at_both_connections_until_it_works_again(
    stage: Stage, connections: Connections
) -> None:
    stage.projector.apply("", "c1", [login(stage, 1, "revoked", "the key was revoked")])
    assert states(stage) == [("needs_login", "the key was revoked")] * 2
    told = stage.rows("SELECT connection_id, kind, message FROM web.alarms")
    assert {row[0] for row in told} == set(connections)
    assert {row[1] for row in told} == {"login_refused"}
    assert all("the key was revoked" in str(row[2]) for row in told)
    stage.projector.apply("c1", "c2", [login(stage, 2, "wrong_key"), login(stage, 3, "")])
    assert states(stage) == [("ok", "")] * 2


def test_a_connection_that_somebody_closed_stays_closed(
    stage: Stage, connections: Connections
) -> None:
    stage.owner.execute(
        "UPDATE web.connections SET state = 'closed' WHERE id = %s", (connections[1],)
    )
    stage.projector.apply("", "c1", [login(stage, 1, "")])
    assert sorted(row[0] for row in stage.rows("SELECT state FROM web.connections")) == [
        "closed",
        "ok",
    ]
