"""Keys around credentials change while sessions trade, and nobody is logged out by it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from grpc import aio

from protos.execution.v1 import credentials_pb2 as pb
from tests.conftest import Database
from tests.integration.execution_kit import SECONDS, running, start_server
from tests.integration.keys_kit import Keyed, seal

FILLED = ("FILLED", "unspecified")
MEMBERS = 12


@pytest.fixture
async def keyed(database: Database, tmp_path: Path) -> AsyncIterator[Keyed]:
    """Execution with a folder for its keys, and the venue."""
    async with running(database, keys_folder=tmp_path / "keys") as kit:
        found = Keyed(kit)
        yield found
        await found.close()


def retired(keks: list[pb.Kek]) -> list[str]:
    return [kek.kek_id for kek in keks if kek.HasField("retired_time")]


async def test_keys_are_wrapped_anew_under_load_and_every_login_works_after(keyed: Keyed) -> None:
    members = [await keyed.member() for _ in range(MEMBERS)]
    for member in members:
        assert not (await keyed.put(member)).problem
    (before,) = await keyed.keks()
    assert (before.current, before.records) == (True, MEMBERS + 1)
    trades = [keyed.trade(member) for member in members]
    trading = asyncio.gather(*(keyed.kit.submit(trade) for trade in trades))
    new = await keyed.rotate()
    late = await keyed.member()
    assert not (await keyed.put(late)).problem
    await trading
    for trade in trades:
        assert await keyed.kit.outcome(trade) == FILLED
    keks = await keyed.until(lambda keks: retired(keks) == [before.kek_id])
    assert {kek.kek_id: kek.records for kek in keks} == {before.kek_id: 0, new: MEMBERS + 2}
    assert not (Path(str(keyed.kit.keys_folder)) / f"kek-{before.kek_id}.key").exists()
    await keyed.kit.restart()
    again = Keyed(keyed.kit)
    for member in members:
        assert await again.trades(member, "exit") == FILLED
    assert await again.trades(late) == FILLED
    assert set(keyed.logins()) == {""}
    await again.close()


async def test_a_rotation_that_was_cut_off_goes_on_by_itself(keyed: Keyed) -> None:
    member = await keyed.member()
    await keyed.put(member)
    (first,) = await keyed.keks()
    # As after a kill between the change and the wrapping: the row says it, nothing is wrapped.
    async with keyed.kit.server._vault._vault.store.changing() as change:
        source = keyed.kit.server._vault._vault.source
        assert source is not None
        await change.use_kek(source.make())
    await keyed.kit.restart()
    again = Keyed(keyed.kit)
    await again.until(lambda keks: retired(keks) == [first.kek_id])
    assert await again.trades(member) == FILLED
    await again.close()


async def test_a_record_that_does_not_open_keeps_the_key_that_it_needs(keyed: Keyed) -> None:
    good, bad = await keyed.member(), await keyed.member()
    for member in (good, bad):
        await keyed.put(member)
    (first,) = await keyed.keks()
    await keyed.sql(
        "UPDATE execution.credentials SET wrapped_key = sealed WHERE connection_id = %s",
        bad.connection_id,
    )
    new = await keyed.rotate()
    await keyed.until(lambda keks: {k.kek_id: k.records for k in keks} == {first.kek_id: 1, new: 2})
    async with asyncio.timeout(SECONDS):
        while (await keyed.state(bad)).problem != pb.CREDENTIAL_PROBLEM_UNREADABLE:
            await asyncio.sleep(0.02)
    assert retired(await keyed.keks()) == []
    assert await keyed.trades(good) == FILLED
    assert not (await keyed.put(await keyed.new_key(bad))).problem
    await keyed.until(lambda keks: retired(keks) == [first.kek_id])
    assert await keyed.trades(bad) == FILLED


async def test_what_was_sealed_to_the_former_key_pair_opens_for_a_while(keyed: Keyed) -> None:
    member = await keyed.member()
    former = await keyed.transport_key()
    sealed = seal(former, member)
    await keyed.operator.RotateTransportKey(pb.RotateTransportKeyRequest(), timeout=SECONDS)
    assert (await keyed.transport_key()).key_id != former.key_id
    assert not (await keyed.put(member, sealed)).problem
    await keyed.sql("UPDATE execution.transport_keys SET ends_at = now() WHERE ends_at > now()")
    assert (await keyed.put(member, sealed)).problem == pb.CREDENTIAL_PROBLEM_SEAL


async def test_a_key_that_the_source_does_not_have_is_not_used(keyed: Keyed) -> None:
    await keyed.put(await keyed.member())
    with pytest.raises(aio.AioRpcError) as refused:
        await keyed.rotate("nowhere")
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert len(await keyed.keks()) == 1


async def test_without_its_key_nothing_opens_and_nothing_is_sealed(keyed: Keyed) -> None:
    member = await keyed.member()
    await keyed.put(member)
    for file in Path(str(keyed.kit.keys_folder)).iterdir():
        file.rename(file.with_suffix(".gone"))
    answer = await keyed.web.ListBrokers(pb.ListBrokersRequest(), timeout=SECONDS)
    assert not answer.HasField("transport_key") and answer.brokers
    assert await keyed.trades(member) == ("REJECTED", "broker_auth")
    assert [kek.present for kek in await keyed.keks()] == [False]


async def test_an_account_logs_in_with_what_another_instance_stored(keyed: Keyed) -> None:
    member = await keyed.member()
    assert await keyed.trades(member) == ("REJECTED", "broker_auth")
    await keyed.kit.server._vault._rotation.notice()
    kit = keyed.kit
    server = await start_server(kit.database, kit.venue, "execution-2", keys_folder=kit.keys_folder)
    beside = Keyed(replace(kit, server=server))
    assert not (await beside.put(member)).problem
    await keyed.kit.server._vault._rotation.notice()
    await keyed.kit.until(lambda: keyed.logins() == ["none_stored", ""])
    assert await keyed.trades(member) == FILLED
    await beside.close()
    await server.stop()


async def test_what_a_lost_key_wraps_holds_up_nothing_else(keyed: Keyed) -> None:
    lost, kept = await keyed.member(), await keyed.member()
    assert not (await keyed.put(lost)).problem
    (first,) = await keyed.keks()
    await keyed.sql("UPDATE execution.transport_keys SET ends_at = now() + interval '1 day'")
    source = keyed.kit.server._vault._vault.source
    assert source is not None
    # Before anything is wrapped anew the folder loses the first key.
    folder = Path(str(keyed.kit.keys_folder))
    file = folder / f"kek-{first.kek_id}.key"
    file.rename(file.with_suffix(".gone"))
    second = await keyed.rotate()
    assert not (await keyed.put(kept)).problem
    third = await keyed.rotate()
    keks = await keyed.until(lambda keks: retired(keks) == [second])
    assert {k.kek_id: k.records for k in keks} == {first.kek_id: 2, second: 0, third: 2}
    assert await keyed.trades(kept) == FILLED
    # It comes back, from a backup.
    file.with_suffix(".gone").rename(file)
    await keyed.kit.server._vault._rotation.rewrap()
    await keyed.until(lambda keks: retired(keks) == [first.kek_id, second])
    assert await keyed.trades(lost) == FILLED


async def test_a_folder_that_takes_no_files_stops_no_rotation(keyed: Keyed) -> None:
    member = await keyed.member()
    await keyed.put(member)
    (first,) = await keyed.keks()
    # Where `retired` cannot be made, as in a folder that is mounted to be read.
    (Path(str(keyed.kit.keys_folder)) / "retired").write_text("")
    await keyed.rotate()
    await keyed.until(lambda keks: retired(keks) == [first.kek_id])
    rotation = keyed.kit.server._vault._rotation
    await rotation.rewrap_now()
    assert await keyed.trades(member) == FILLED
