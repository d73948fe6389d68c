"""Every gRPC method with another tenant's ids: unknown, or named with its reason."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import grpc
import psycopg
import pytest
from grpc import aio

from protos import ids
from protos.execution.v1 import credentials_pb2 as sealed
from protos.execution.v1 import credentials_pb2_grpc
from protos.execution.v1 import execution_pb2 as pb
from tests.integration.execution_kit import SECONDS, running
from tests.integration.switches_kit import SCOPES, Desk
from tests.isolation import rpcs

US = uuid4().hex
TABLES = ("instructions", "orders", "facts", "positions", "switches", "credentials")

Ask = Callable[["Theirs"], Awaitable[Any]]


class Theirs(Desk):
    """Another tenant, who holds a position with a stop."""

    bought: pb.Trade
    order_id: str

    @property
    def broker_account(self) -> pb.Account:
        return pb.Account(broker="paper", environment="paper", account=self.account)

    @property
    def credentials(self) -> Any:
        """The service of credentials."""
        assert self.stub
        return credentials_pb2_grpc.CredentialsStub(self._channel)

    def add_credentials(self) -> None:
        """As if they had connected a broker."""
        with psycopg.connect(self.database.url("owner")) as owner:
            owner.execute("INSERT INTO execution.keks (id, is_current) VALUES ('gone', false)")
            owner.execute(
                "INSERT INTO execution.credentials (connection_id, tenant_id, account_id, broker, "
                "environment, account, version, sealed, wrapped_key, kek_id, ends) "
                "VALUES (%s, %s, %s, 'other', 'paper', 'x', 1, '', '', 'gone', '{}')",
                (self.connection, self.tenant, uuid4()),
            )

    def rows(self) -> list[tuple[Any, ...]]:
        """All that execution has written down."""
        with psycopg.connect(self.database.url("execution")) as execution:
            return [
                execution.execute(
                    f"SELECT '{table}', md5(string_agg(t::text, '|' ORDER BY t::text)) "
                    f"FROM execution.{table} t".encode()
                ).fetchone()
                or ()
                for table in TABLES
            ]


@pytest.fixture
async def theirs(database: Any) -> AsyncIterator[Theirs]:
    async with running(database) as kit:
        kit.__class__ = Theirs
        assert isinstance(kit, Theirs)
        kit.bought = kit.trade("buy", "5")
        assert await kit.run(kit.bought) == ("FILLED", "unspecified")
        await kit.limits(max_orders_per_minute=100)
        kit.order_id = kit.orders(kit.bought.trade_id)[0].order_id
        kit.add_credentials()
        yield kit


async def cancel(theirs: Theirs) -> bool:
    request = pb.CancelTradesRequest(trade_ids=[theirs.bought.trade_id], tenant_id=US)
    answer = await theirs.stub.CancelTrades(request, timeout=SECONDS)
    return [each.status for each in answer.results] == [pb.STORE_STATUS_NOT_FOUND]


async def resolve(theirs: Theirs) -> bool:
    word = pb.DOUBT_WORD_ABSENT
    request = pb.ResolveDoubtRequest(trade_id=theirs.bought.trade_id, word=word, tenant_id=US)
    answer = await theirs.stub.ResolveDoubt(request, timeout=SECONDS)
    return bool(answer.status == pb.DOUBT_STATUS_NOT_FOUND)


async def see(theirs: Theirs) -> bool:
    fields = {"order_id": theirs.order_id, "filled": "9", "seen_by": "person:us"}
    request = pb.SeeOverfillRequest(**fields, tenant_id=US)
    return await unknown(theirs.stub.SeeOverfill(request, timeout=SECONDS))


async def switch(theirs: Theirs) -> bool:
    request = pb.SetSwitchRequest(
        scope=SCOPES["tenant"],
        scope_id=theirs.tenant,
        mode=pb.SWITCH_MODE_STOP_ALL,
        set_by="person:us",
        tenant_id=US,
    )
    return await unknown(theirs.stub.SetSwitch(request, timeout=SECONDS))


async def limits(theirs: Theirs) -> bool:
    request = pb.ListSwitchesRequest(limits_of=[uuid4().hex])
    answer = await theirs.stub.ListSwitches(request, timeout=SECONDS)
    return not answer.limits and not answer.switches


async def range_of_facts(theirs: Theirs) -> bool:
    account = ids.account_id("paper", "paper", theirs.account).hex
    request = pb.ListFactRangeRequest(account_id=account, tenant_id=US, first=1, last=100)
    answer = await theirs.stub.ListFactRange(request, timeout=SECONDS)
    return not answer.facts


async def close(theirs: Theirs) -> bool:
    """Their account, alone and with their connection and subscription."""
    mine = {"connection_id": uuid4().hex, "subscription_id": uuid4().hex}
    other = {"connection_id": theirs.connection, "subscription_id": theirs.subscription.hex}
    for named in ({}, {"connection_id": ""}, {"subscription_id": ""}):
        for base in (mine, other):
            request = pb.ClosePositionRequest(
                key="us",
                tenant_id=US,
                account=theirs.broker_account,
                instrument="AAPL",
                asked_by="person:us",
                **{**base, **named},
            )
            if not await unknown(theirs.stub.ClosePosition(request, timeout=SECONDS)):
                return False
    return True


async def look(theirs: Theirs) -> bool:
    """Their account, by our connection and by theirs."""
    for connection_id in (uuid4().hex, theirs.connection):
        request = pb.GetConnectionStateRequest(
            tenant_id=US, connection_id=connection_id, account=theirs.broker_account
        )
        if not await unknown(theirs.stub.GetConnectionState(request, timeout=SECONDS)):
            return False
    return True


async def remove(theirs: Theirs) -> bool:
    request = sealed.RemoveCredentialsRequest(tenant_id=US, connection_id=theirs.connection)
    await theirs.credentials.RemoveCredentials(request, timeout=SECONDS)
    # Answered as if there were none; that the row is there still, `rows` tells.
    return True


async def list_credentials(theirs: Theirs) -> bool:
    for some in ([], [theirs.connection]):
        request = sealed.ListCredentialsRequest(tenant_id=US, connection_ids=some)
        answer = await theirs.credentials.ListCredentials(request, timeout=SECONDS)
        if answer.credentials:
            return False
    return True


async def unknown(call: Awaitable[Any]) -> bool:
    try:
        await call
    except aio.AioRpcError as error:
        return error.code() is grpc.StatusCode.NOT_FOUND
    return False


DRIVES: dict[str, Ask] = {
    "Execution.CancelTrades": cancel,
    "Execution.ResolveDoubt": resolve,
    "Execution.SeeOverfill": see,
    "Execution.SetSwitch": switch,
    "Execution.ListSwitches": limits,
    "Execution.ListFactRange": range_of_facts,
    "Execution.ClosePosition": close,
    "Execution.GetConnectionState": look,
    "Credentials.RemoveCredentials": remove,
    "Credentials.ListCredentials": list_credentials,
}


@pytest.mark.parametrize("name", [name for name, _ in rpcs.methods()])
def test_each_method_says_of_each_id_how_it_is_kept_apart(name: str) -> None:
    method, line = dict(rpcs.methods())[name], rpcs.line_of(name)
    if line.everybody:
        assert not rpcs.web_may_call(method), "web acts for one tenant: check it, or say why not"
        return
    fields = rpcs.fields_of(method.input_type)
    assert line.checked | set(line.trusted) == fields, "add them to tests/isolation/rpcs.py"
    assert (name in DRIVES) == bool(line.checked), "drive what is checked below"


def test_there_is_no_line_of_a_method_that_is_gone() -> None:
    names = {name for name, _ in rpcs.methods()}
    services = {name.partition(".")[0] for name in names}
    assert set(rpcs.RPCS) <= names | services


async def test_another_tenants_ids_are_unknown_to_every_method(theirs: Theirs) -> None:
    before = theirs.rows()
    for name, ask in DRIVES.items():
        assert await ask(theirs), name
    assert theirs.rows() == before


async def test_a_trade_of_theirs_is_not_overwritten_by_its_id(theirs: Theirs) -> None:
    before = theirs.rows()[1:]
    own = {"tenant_id": US, "connection_id": uuid4().hex}
    stolen = theirs.trade("sell", "9", trade_id=theirs.bought.trade_id, **own)
    assert await theirs.submit(stolen) == ["CONFLICT"]
    assert theirs.rows()[1:] == before


async def test_flattening_under_our_name_closes_nothing_of_theirs(theirs: Theirs) -> None:
    request = pb.SetSwitchRequest(
        scope=SCOPES["strategy"],
        scope_id=theirs.strategy.hex,
        mode=pb.SWITCH_MODE_FLATTEN,
        set_by="person:us",
        tenant_id=US,
    )
    answer = await theirs.stub.SetSwitch(request, timeout=SECONDS)
    assert list(answer.trade_ids) == []
    assert await theirs.venue_positions() == {"AAPL": "5"}


async def test_their_own_name_finds_them(theirs: Theirs) -> None:
    """What is refused above is there."""
    of = theirs.tenant
    cancels = pb.CancelTradesRequest(trade_ids=[theirs.bought.trade_id], tenant_id=of)
    answer = await theirs.stub.CancelTrades(cancels, timeout=SECONDS)
    assert [each.status for each in answer.results] == [pb.STORE_STATUS_STORED]
    seen = {"order_id": theirs.order_id, "filled": "9", "seen_by": "person:them"}
    looked = pb.SeeOverfillRequest(**seen, tenant_id=of)
    assert not await unknown(theirs.stub.SeeOverfill(looked, timeout=SECONDS))
    mine = sealed.ListCredentialsRequest(tenant_id=of)
    shown = await theirs.credentials.ListCredentials(mine, timeout=SECONDS)
    assert [each.connection_id for each in shown.credentials] == [theirs.connection]
    named = pb.ListSwitchesRequest(limits_of=[theirs.connection])
    told = await theirs.stub.ListSwitches(named, timeout=SECONDS)
    assert [each.connection_id for each in told.limits] == [theirs.connection]
