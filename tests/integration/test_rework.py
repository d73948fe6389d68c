"""Facts that were put aside and that staff asked to have worked in again."""

import psycopg

from protos.execution.v1 import execution_pb2 as pb
from tests.conftest import Database
from tests.integration.test_projector import Stage, stage
from web import rework

__all__ = ["stage"]

ASIDE = "SELECT outcome, requeued_at IS NOT NULL, error FROM web.quarantined_facts"


def asked(stage: Stage, fact: pb.Fact | None, raw: bytes = b"") -> None:
    """Staff asked for it."""
    stage.owner.execute(
        "INSERT INTO web.quarantined_facts (broker, environment, account, canonical_id, fact, "
        "error, requeued_at) VALUES ('paper', 'paper', 'P1', 'f9', %s, 'once unreadable', now())",
        (fact.SerializeToString() if fact else raw,),
    )


def turn(database: Database) -> set[str]:
    with psycopg.connect(database.url("worker"), autocommit=True) as worker:
        return rework.turn(worker)


def test_a_fact_that_can_be_read_now_is_worked_in(stage: Stage, database: Database) -> None:
    *before, fill, _ = stage.filled()
    stage.projector.apply("", "c1", before)
    asked(stage, fill)
    assert turn(database) == {stage.subscription.tenant_id.hex}
    assert stage.rows("SELECT ord_status FROM web.orders") == [("FILLED",)]
    assert stage.rows("SELECT exec_id FROM web.fills") == [("E1",)]
    assert stage.rows(ASIDE) == [("worked in", True, "once unreadable")]
    assert turn(database) == set()


def test_what_came_later_stays(stage: Stage, database: Database) -> None:
    sending, new, fill, outcome = stage.filled()
    stage.projector.apply("", "c1", [sending, fill, outcome])
    before = stage.read_models()
    asked(stage, new)
    turn(database)
    assert stage.read_models()[0][0][0] == "FILLED"
    assert stage.read_models()[1:3] == before[1:3]
    assert stage.rows("SELECT state FROM web.trades") == [("FILLED",)]


def test_what_still_cannot_be_read_is_put_aside_again(stage: Stage, database: Database) -> None:
    asked(stage, None, b"\xff\xff nothing of ours")
    assert turn(database) == set()
    ((outcome, is_asked, error),) = stage.rows(ASIDE)
    assert (outcome, is_asked) == (None, False)
    assert "not a fact" in error
