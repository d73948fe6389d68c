"""Whether a broker lets an account in reaches every connection to it, and why it does not."""

from decimal import Decimal
from uuid import UUID

from protos.execution.v1 import execution_pb2 as pb
from tests.integration.test_projected_moves import Connections, moved
from tests.integration.test_projected_moves import connections as connections
from tests.integration.test_projector import Stage
from tests.integration.test_projector import stage as stage


def login(stage: Stage, seq: int, problem: str, text: str = "", of: UUID | None = None) -> pb.Fact:
    """Of one connection, or of the account."""
    fact = stage.fact(seq, account_login=pb.AccountLogin(problem=problem, text=text))
    for name in ("trade_id", "tenant_id", "connection_id", "subscription_id"):
        fact.ClearField(name)
    if of is not None:
        fact.connection_id = of.hex
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


def state_of(stage: Stage, connection: UUID) -> object:
    [(state,)] = stage.rows(f"SELECT state FROM web.connections WHERE id = '{connection}'")
    return state


def test_a_login_of_one_connection_is_none_of_the_others(
    stage: Stage, connections: Connections
) -> None:
    ours, theirs = connections
    told = [login(stage, 1, "", of=theirs), login(stage, 2, "revoked", "it was", of=ours)]
    stage.projector.apply("", "c1", told)
    assert (state_of(stage, ours), state_of(stage, theirs)) == ("needs_login", "ok")
    assert stage.rows("SELECT connection_id, kind FROM web.alarms") == [(ours, "login_refused")]
    stage.projector.apply("c1", "c2", [login(stage, 3, "", of=ours)])
    assert (state_of(stage, ours), state_of(stage, theirs)) == ("ok", "ok")


def test_what_is_told_last_counts_of_an_account_or_of_a_connection(
    stage: Stage, connections: Connections
) -> None:
    ours, theirs = connections
    told = [login(stage, 1, "revoked", of=ours), login(stage, 2, ""), login(stage, 3, "", of=ours)]
    stage.projector.apply("", "c1", [*told, login(stage, 4, "wrong_key", of=theirs)])
    assert (state_of(stage, ours), state_of(stage, theirs)) == ("ok", "needs_login")


def test_who_is_kept_out_sees_nothing_new_of_the_account_and_catches_up_after(
    stage: Stage, connections: Connections
) -> None:
    ours, theirs = connections
    stage.projector.apply("", "c1", [moved(stage, 1), login(stage, 2, "revoked", of=ours)])
    later = moved(stage, 3)
    later.position_change.position.quantity = "7"
    later.alarm.kind = pb.ALARM_KIND_SHARE_TAKEN
    later.alarm.numbers.update({"taken": "1", "left": "2"})
    stage.projector.apply("c1", "c2", [later])

    def held() -> dict[object, object]:
        return dict(stage.rows("SELECT connection_id, quantity FROM web.positions"))

    def changes() -> int:
        sql = f"SELECT FROM web.position_changes WHERE connection_id = '{ours}'"
        return len(stage.rows(sql))

    assert held() == {ours: Decimal(0), theirs: Decimal(7)}
    assert changes() == 1
    alarms = stage.rows("SELECT connection_id FROM web.alarms WHERE kind = 'share_taken'")
    assert alarms == [(theirs,)]
    stage.projector.apply("c2", "c3", [login(stage, 4, "", of=ours)])
    assert held() == {ours: Decimal(7), theirs: Decimal(7)}


def test_what_came_before_a_login_ended_is_still_seen(
    stage: Stage, connections: Connections
) -> None:
    ours, _ = connections
    facts = [login(stage, 1, "", of=ours), moved(stage, 2), login(stage, 3, "revoked", of=ours)]
    stage.projector.apply("", "c1", facts)
    assert len(stage.rows(f"SELECT FROM web.positions WHERE connection_id = '{ours}'")) == 1
