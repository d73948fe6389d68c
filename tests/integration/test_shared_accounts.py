"""Two tenants with connections to one account, each with a key of its own: nobody trades, looks or
cancels by the login of the other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protos.execution.v1 import credentials_pb2 as pb
from protos.execution.v1 import execution_pb2
from tests.conftest import Database
from tests.integration.execution_kit import SECONDS, running, start_server
from tests.integration.keys_kit import Keyed, Member

FILLED = ("FILLED", "unspecified")
REFUSED = ("REJECTED", "broker_auth")


@pytest.fixture
async def keyed(database: Database, tmp_path: Path) -> AsyncIterator[Keyed]:
    """Execution with a folder for its keys, and the venue."""
    async with running(database, keys_folder=tmp_path / "keys") as kit:
        found = Keyed(kit)
        yield found
        await found.close()


async def both(keyed: Keyed) -> tuple[Member, Member]:
    """Ours and theirs, both let in, both trading."""
    ours = await keyed.member()
    theirs = await keyed.beside(ours)
    for member in (ours, theirs):
        assert not (await keyed.put(member)).problem
        assert await keyed.trades(member) == FILLED
        assert await keyed.trades(member, "exit") == FILLED
    return ours, theirs


async def refused(keyed: Keyed, member: Member) -> None:
    """Until it is told that the venue revoked the member's key."""
    await keyed.kit.until(lambda: keyed.logins(member)[-1:] == ["revoked"])


async def arrivals(keyed: Keyed) -> int:
    """How many orders came to the venue."""
    [(count,)] = await keyed.sql("SELECT count(*) FROM paper.arrivals")
    return int(count)


async def test_who_removes_its_keys_trades_no_more_and_the_other_does(keyed: Keyed) -> None:
    ours, theirs = await both(keyed)
    before = await arrivals(keyed)
    await keyed.remove(ours)
    for action in ("buy", "exit", "cancel"):
        assert await keyed.trades(ours, action) == REFUSED
    assert await arrivals(keyed) == before
    assert await keyed.trades(theirs) == FILLED
    assert await keyed.trades(theirs, "exit") == FILLED
    await keyed.kit.until(lambda: keyed.logins(ours) == ["", "none_stored"])
    assert keyed.logins(theirs) == [""]
    assert not (await keyed.put(ours)).problem
    assert await keyed.trades(ours) == FILLED
    await keyed.kit.until(lambda: keyed.logins(ours) == ["", "none_stored", ""])


async def test_a_key_that_the_venue_revokes_is_the_end_for_its_own_connection_only(
    keyed: Keyed,
) -> None:
    for first in (0, 1):
        members = await both(keyed)
        revoked, other = members[first], members[1 - first]
        await keyed.revoke(revoked)
        await refused(keyed, revoked)
        assert await keyed.trades(revoked) == REFUSED
        assert await keyed.trades(other) == FILLED
        assert (await keyed.state(revoked)).problem == pb.CREDENTIAL_PROBLEM_REVOKED
        assert (await keyed.state(other)).problem == 0
        assert keyed.logins(other) == [""]
        assert not (await keyed.put(renewed := await keyed.new_key(revoked))).problem
        assert await keyed.kit.run(keyed.trade(renewed, allow_add=True)) == FILLED


async def test_a_login_says_whose_it_is_and_alarms_nobody_else(keyed: Keyed) -> None:
    ours, theirs = await both(keyed)
    await keyed.revoke(ours)
    await refused(keyed, ours)
    told = [fact for fact in keyed.kit.facts if fact.HasField("account_login")]
    whose = {(fact.tenant_id, fact.connection_id) for fact in told}
    assert whose == {(m.tenant_id.hex, m.connection_id.hex) for m in (ours, theirs)}
    alarmed = [f.connection_id for f in keyed.kit.facts if f.HasField("alarm")]
    assert alarmed == [ours.connection_id.hex]


async def test_who_never_had_keys_trades_by_nobody_elses(keyed: Keyed) -> None:
    ours = await keyed.member()
    await keyed.put(ours)
    stranger = await keyed.beside(ours)
    assert await keyed.trades(stranger) == REFUSED
    assert await keyed.trades(ours) == FILLED


async def test_it_is_so_after_a_restart_and_at_another_instance(keyed: Keyed) -> None:
    ours, theirs = await both(keyed)
    await keyed.remove(ours)
    await keyed.kit.restart()
    again = Keyed(keyed.kit)
    assert await again.trades(ours) == REFUSED
    assert await again.trades(theirs) == FILLED
    await again.close()
    kit = keyed.kit
    beside = await start_server(kit.database, kit.venue, "execution-2", keys_folder=kit.keys_folder)
    kit.server, first = beside, kit.server
    await kit.close_channels()
    assert await keyed.kit.run(keyed.trade(ours)) == REFUSED
    assert await keyed.kit.run(keyed.trade(theirs, "exit")) == FILLED
    await beside.stop()
    kit.server = first


async def test_an_order_that_rests_is_not_canceled_by_the_login_of_another(keyed: Keyed) -> None:
    ours, theirs = await both(keyed)
    resting = keyed.trade(ours, ord_type=2, limit_price="1.00")
    await keyed.kit.submit(resting)
    await keyed.kit.until(lambda: ("WORKING", "unspecified") in keyed.kit.outcomes(resting))
    await keyed.remove(ours)
    request = execution_pb2.CancelTradesRequest(
        trade_ids=[resting.trade_id],
        reason=execution_pb2.REASON_SUPERSEDED,
        tenant_id=ours.tenant_id.hex,
    )
    await keyed.kit.stub.CancelTrades(request, timeout=SECONDS)
    assert await keyed.trades(theirs) == FILLED
    open_orders = "SELECT ord_status FROM paper.orders WHERE ord_status = 'NEW'"
    assert await keyed.sql(open_orders) == [("NEW",)]
    await keyed.put(ours)
    await keyed.kit.until(lambda: ("CANCELED", "superseded") in keyed.kit.outcomes(resting))
    assert await keyed.sql(open_orders) == []


async def test_a_preview_tells_who_is_kept_out_nothing_of_the_account(keyed: Keyed) -> None:
    ours, theirs = await both(keyed)
    await keyed.remove(ours)

    async def preview(member: Member) -> execution_pb2.Preview:
        sized = keyed.trade(member, "exit")
        request = execution_pb2.PreviewTradesRequest(trades=[sized])
        answer = await keyed.kit.stub.PreviewTrades(request, timeout=SECONDS)
        found: execution_pb2.Preview = answer.previews[0]
        return found

    told = await preview(ours)
    assert (told.state, told.reason) == (
        execution_pb2.TRADE_STATE_REJECTED,
        execution_pb2.REASON_BROKER_AUTH,
    )
    assert not told.HasField("seen")
    assert (await preview(theirs)).HasField("seen")


async def test_a_trade_that_is_refused_records_nothing_of_the_account(keyed: Keyed) -> None:
    ours, _ = await both(keyed)
    await keyed.remove(ours)
    await keyed.kit.until(lambda: keyed.logins(ours)[-1:] == ["none_stored"])
    for action in ("buy", "exit", "sell"):
        trade = keyed.trade(ours, action)
        assert await keyed.kit.run(trade) == REFUSED
        told = [fact for fact in keyed.kit.facts if fact.trade_id == trade.trade_id]
        assert not any(f.trade_outcome.HasField("decision") for f in told)
        assert not any(f.HasField("order_sending") for f in told)


async def test_a_key_that_was_refused_is_not_shown_again_when_others_change(keyed: Keyed) -> None:
    ours, theirs = await both(keyed)
    await keyed.revoke(ours)
    await refused(keyed, ours)
    marked = "UPDATE execution.credentials SET problem_text = 'noted' WHERE problem <> ''"
    await keyed.sql(marked)
    assert not (await keyed.put(await keyed.new_key(theirs))).problem
    assert await keyed.trades(theirs) == FILLED
    assert (await keyed.state(ours)).text == "noted"
