"""What facts tell of an order on its way, beside its reports."""

import pytest

from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from tests.integration.test_projector import Stage
from tests.integration.test_projector import stage as stage


@pytest.mark.rule("G1.resent")
def test_an_order_that_was_sent_again_says_when(stage: Stage) -> None:
    sent, *answered = stage.filled()
    again = stage.fact(sent.seq, order_resent=pb.OrderResent(order_id=stage.order_id.hex, count=1))
    again.canonical_id = "again"
    told = "SELECT ord_status, resent_at FROM web.orders"
    stage.projector.apply("", "c1", [sent, again])
    assert stage.rows(told) == [("PENDING_NEW", at := wire.to_datetime(again.time))]
    stage.projector.apply("c1", "c2", answered)
    assert stage.rows(told) == [("FILLED", at)]
