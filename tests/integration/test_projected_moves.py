"""Moves without a fill reach every connection to the account, once, and behind later fills."""

from decimal import Decimal
from typing import Any
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


def hand_order(stage: Stage, seq: int, exec_type: "pb.ExecType", **order: Any) -> pb.Fact:
    """A report of an order that somebody placed at the broker: sell 3 of AAPL."""
    report = pb.ExternalReport(
        order=pb.Order(
            order_id="0" * 31 + "7", cl_ord_id="theirs", broker_order_id="B7",
            origin=pb.ORIGIN_EXTERNAL, instrument="AAPL", side=pb.SIDE_SELL,
            ord_type=pb.ORD_TYPE_MARKET, **order,
        ),
        exec_type=exec_type, broker_seq=seq,
    )  # fmt: skip
    if exec_type == pb.EXEC_TYPE_FILL:
        report.exec_id, report.last_qty, report.last_px = "X1", "3", "230"
        report.change.CopyFrom(
            pb.PositionChange(
                position=pb.Position(instrument="AAPL", quantity="2", avg_price="228.40"),
                cause="external", change_qty="-3", price="230", text="traded at the broker",
            )
        )  # fmt: skip
        report.change.position.own[stage.subscription.id.hex] = "2"
    fact = stage.fact(seq, external_report=report)
    for name in ("trade_id", "tenant_id", "connection_id", "subscription_id"):
        fact.ClearField(name)
    return fact


def by_hand(stage: Stage) -> list[pb.Fact]:
    """Taken in, then filled."""
    first = hand_order(stage, 5, pb.EXEC_TYPE_NEW, order_qty="3")
    first.external_report.order.ord_status = pb.ORD_STATUS_NEW
    fill = hand_order(stage, 6, pb.EXEC_TYPE_FILL, cum_qty="3")
    fill.external_report.order.ord_status = pb.ORD_STATUS_FILLED
    return [first, fill]


@pytest.mark.rule("A.origin", "A.external")
@pytest.mark.parametrize("batches", [1, 2])
def test_an_order_by_hand_is_shown_at_both_connections_and_moves_the_position(
    stage: Stage, connections: Connections, batches: int
) -> None:
    stage.projector.apply("", "c1", stage.filled())
    first, fill = by_hand(stage)
    if batches == 1:
        stage.projector.apply("c1", "c2", [first, fill])
    else:
        stage.projector.apply("c1", "c1b", [first])
        stage.projector.apply("c1b", "c2", [fill])
    orders = stage.rows(
        "SELECT connection_id, trade_id, origin, cl_ord_id, ord_type, order_qty, cum_qty, avg_px, "
        "ord_status FROM web.orders WHERE trade_id IS NULL"
    )
    told = (None, "external", "theirs", "market", Decimal(3), Decimal(3), Decimal(230), "FILLED")
    assert sorted(orders) == sorted((each, *told) for each in connections)
    fills = stage.rows("SELECT qty, price, exec_id FROM web.fills WHERE trade_id IS NULL")
    assert fills == [(Decimal(3), Decimal(230), "X1")] * 2
    held = stage.rows("SELECT quantity, own FROM web.positions")
    assert held == [(Decimal(2), {f"sub_{stage.subscription.id.hex}": "2"})] * 2


def test_orders_by_hand_read_from_the_beginning_give_the_same_rows(
    stage: Stage, connections: Connections
) -> None:
    facts = [*stage.filled(), *by_hand(stage)]
    stage.projector.apply("", "c1", facts)
    rows = stage.rows("SELECT * FROM web.orders ORDER BY id"), stage.read_models()
    stage.projector.apply("c1", "c2", facts)
    assert (stage.rows("SELECT * FROM web.orders ORDER BY id"), stage.read_models()) == rows
