"""Moves without a fill reach every connection to the account, once, and behind later fills."""

from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from tests.integration.test_projector import Stage
from tests.integration.test_projector import stage as stage

Connections = tuple[UUID, UUID]


@pytest.fixture
def connections(stage: Stage) -> Connections:
    """Two connections of one tenant to the account that facts speak of."""
    account_id, second = ids.account_id("paper", "paper", "P1"), uuid4()
    stage.owner.execute(
        "INSERT INTO web.broker_accounts (id, broker, environment, account) "
        "VALUES (%s, 'paper', 'paper', 'P1') ON CONFLICT DO NOTHING",
        (account_id,),
    )
    first = stage.subscription.connection_id
    stage.owner.execute(
        "UPDATE web.connections SET broker_account_id = %s WHERE id = %s", (account_id, first)
    )
    stage.owner.execute(
        "INSERT INTO web.connections (id, tenant_id, broker_account_id, name, mode, state) "
        "VALUES (%s, %s, %s, 'second', 'paper', 'ok')",
        (second, stage.subscription.tenant_id, account_id),
    )
    return first, second


def moved(stage: Stage, seq: int, instrument: str = "AAPL") -> pb.Fact:
    position = pb.Position(instrument=instrument, quantity="0")
    if instrument:
        position.own[stage.subscription.id.hex] = "0"
    change = pb.PositionChange(
        position=position, cause="reset", change_qty="-5", cash="12.5", text="gone", broker_seq=9
    )
    fact = stage.fact(seq, position_change=change)
    for name in ("trade_id", "tenant_id", "connection_id", "subscription_id"):
        fact.ClearField(name)
    return fact


def test_a_move_is_told_at_both_connections_and_empties_the_position(
    stage: Stage, connections: Connections
) -> None:
    stage.projector.apply("", "c1", stage.filled())
    stage.projector.apply("c1", "c2", [moved(stage, 5), moved(stage, 6, "")])
    held = stage.rows("SELECT connection_id, quantity, own FROM web.positions ORDER BY quantity")
    own = {f"sub_{stage.subscription.id.hex}": "0"}
    assert sorted(held) == sorted((each, Decimal(0), own) for each in connections)
    told = stage.rows("SELECT cause, instrument, change_qty, cash FROM web.position_changes")
    assert sorted(told) == [
        ("reset", "", Decimal(-5), Decimal("12.5")),
        ("reset", "", Decimal(-5), Decimal("12.5")),
        ("reset", "AAPL", Decimal(-5), Decimal("12.5")),
        ("reset", "AAPL", Decimal(-5), Decimal("12.5")),
    ]
    kinds = stage.rows("SELECT DISTINCT object_id FROM web.changes WHERE kind = 'position'")
    assert {row[0] for row in kinds} == set(connections)


def test_reading_from_the_beginning_gives_the_same_rows(
    stage: Stage, connections: Connections
) -> None:
    facts = [*stage.filled(), moved(stage, 5)]
    stage.projector.apply("", "c1", facts)
    rows = stage.rows("SELECT * FROM web.position_changes ORDER BY 1, 2"), stage.read_models()
    stage.projector.apply("c1", "c2", facts)
    again = stage.rows("SELECT * FROM web.position_changes ORDER BY 1, 2"), stage.read_models()
    assert again == rows


@pytest.mark.rule("A.sum")
def test_a_fill_after_a_move_holds_in_whatever_batch_they_come(
    stage: Stage, connections: Connections
) -> None:
    sending, new, fill, outcome = stage.filled()
    fill.seq = 9
    stage.projector.apply("", "c1", [sending, new, moved(stage, 5), fill, outcome])
    first = connections[0]
    held = stage.rows("SELECT connection_id, quantity FROM web.positions")
    assert (first, Decimal(5)) in held


def test_a_move_of_an_account_without_connections_tells_nobody(stage: Stage) -> None:
    stage.projector.apply("", "c1", [moved(stage, 5)])
    assert stage.rows("SELECT * FROM web.position_changes") == []
    assert stage.rows("SELECT cursor FROM web.fact_cursor") == [("c1",)]
