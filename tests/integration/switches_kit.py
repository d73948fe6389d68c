"""A workspace with one connection, on real execution, that can be halted and limited."""

from typing import Any
from uuid import uuid4

import psycopg

from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import SECONDS, Kit

SCOPES = {
    "platform": pb.SWITCH_SCOPE_PLATFORM,
    "broker": pb.SWITCH_SCOPE_BROKER,
    "tenant": pb.SWITCH_SCOPE_TENANT,
    "strategy": pb.SWITCH_SCOPE_STRATEGY,
    "connection": pb.SWITCH_SCOPE_CONNECTION,
}
OFF, ENTRIES = pb.SWITCH_MODE_OFF, pb.SWITCH_MODE_STOP_ENTRIES
ALL, FLATTEN = pb.SWITCH_MODE_STOP_ALL, pb.SWITCH_MODE_FLATTEN


class Desk(Kit):
    """A tenant with one connection, whose trades are all of them."""

    tenant = uuid4().hex
    connection = uuid4().hex

    def trade(self, action: str = "buy", quantity: str = "5", **fields: Any) -> pb.Trade:
        own = {"tenant_id": self.tenant, "connection_id": self.connection}
        return super().trade(action, quantity, **{**own, **fields})

    def id_of(self, scope: str) -> str:
        found = {
            "broker": ids.broker_id("paper", "paper").hex,
            "tenant": self.tenant,
            "strategy": self.strategy.hex,
            "connection": self.connection,
        }
        return found.get(scope, "")

    async def switch(
        self, mode: Any, scope: str = "connection", scope_id: str | None = None
    ) -> pb.SetSwitchResponse:
        answer: pb.SetSwitchResponse = await self.stub.SetSwitch(
            pb.SetSwitchRequest(
                scope=SCOPES[scope],
                scope_id=self.id_of(scope) if scope_id is None else scope_id,
                mode=mode,
                set_by="person:test",
                why="a test",
            ),
            timeout=SECONDS,
        )
        return answer

    async def limits(self, **limits: Any) -> pb.LimitsState:
        request = pb.SetLimitsRequest(
            connection_id=self.connection, limits=pb.Limits(**limits), set_by="person:test"
        )
        state: pb.LimitsState = (await self.stub.SetLimits(request, timeout=SECONDS)).state
        return state

    async def listed(self) -> pb.ListSwitchesResponse:
        answer: pb.ListSwitchesResponse = await self.stub.ListSwitches(
            pb.ListSwitchesRequest(with_unprotected=True), timeout=SECONDS
        )
        return answer

    async def open_orders(self) -> list[paper_pb2.Order]:
        answer = await self.venue_stub.GetAccount(
            paper_pb2.GetAccountRequest(account=self.account), timeout=SECONDS
        )
        return list(answer.open_orders)

    async def drop_the_first(self, seconds: float) -> None:
        """The venue loses the next order, and can prove it only after a while."""
        await self.venue_stub.ConfigureAccount(
            paper_pb2.ConfigureAccountRequest(
                account=self.account,
                options=paper_pb2.Options(visibility_horizon_seconds=seconds, refuses_repeats=True),
                set_faults=True,
                faults=[paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_DROP)],
            ),
            timeout=SECONDS,
        )

    def orders(self, trade_id: str) -> list[pb.Order]:
        return [
            f.order_sending.order
            for f in self.facts
            if f.trade_id == trade_id and f.HasField("order_sending")
        ]

    def arrivals(self) -> list[str]:
        with psycopg.connect(self.database.url("owner")) as owner:
            rows = owner.execute(
                "SELECT cl_ord_id FROM paper.arrivals WHERE account = %s", [self.account]
            )
            return [row[0] for row in rows]


async def numbered(desk: Desk) -> None:
    """The account's facts are without a gap, also where an order was stopped."""
    await desk.read_facts()
    seqs = sorted(f.seq for f in desk.facts)
    assert seqs == list(range(1, len(seqs) + 1))
    stopped = [f for f in desk.facts if f.HasField("order_stopped")]
    assert len({f.canonical_id for f in desk.facts}) == len(desk.facts)
    assert all(":stopped:" in f.canonical_id for f in stopped)
