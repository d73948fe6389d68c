"""Keys of a broker on their road: sealed, tried, stored, opened for a login."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from protos.execution.v1 import credentials_pb2 as pb
from protos.execution.v1 import execution_pb2
from tests.conftest import Database
from tests.integration.execution_kit import running
from tests.integration.keys_kit import Keyed, seal

FILLED = ("FILLED", "unspecified")


@pytest.fixture
async def keyed(database: Database, tmp_path: Path) -> AsyncIterator[Keyed]:
    """Execution with a folder for its keys, and the venue."""
    async with running(database, keys_folder=tmp_path / "keys") as kit:
        found = Keyed(kit)
        yield found
        await found.close()


async def test_keys_that_are_right_log_in_and_trade(keyed: Keyed) -> None:
    member = await keyed.member()
    assert not (await keyed.put(member)).problem
    assert await keyed.trades(member) == FILLED
    state = await keyed.state(member)
    assert (state.problem, state.HasField("used_time")) == (0, True)
    assert dict(state.ends) == {"key_id": member.key_id[-4:], "secret": member.secret[-4:]}
    assert keyed.logins() == [""]


async def test_a_test_tells_of_the_account_and_stores_nothing(keyed: Keyed) -> None:
    member = await keyed.member()
    found = await keyed.test(member)
    assert (found.problem, found.account, found.currency) == (0, member.account, "USD")
    assert (found.balance, list(found.permissions)) == ("100000", ["read", "trade"])
    assert await keyed.sql("SELECT * FROM execution.credentials") == []


@pytest.mark.parametrize(
    ("permissions", "problem", "named"),
    [
        (("read",), pb.CREDENTIAL_PROBLEM_MISSING_PERMISSION, "trade"),
        (("read", "trade", "withdraw"), pb.CREDENTIAL_PROBLEM_REFUSED_PERMISSION, "withdraw"),
    ],
)
async def test_keys_that_may_do_too_little_or_too_much_are_not_kept(
    keyed: Keyed, permissions: tuple[str, ...], problem: int, named: str
) -> None:
    found = await keyed.put(await keyed.member(permissions=permissions))
    assert found.problem == problem
    assert named in [*found.missing, *found.refused]
    assert await keyed.sql("SELECT * FROM execution.credentials") == []


async def test_a_wrong_secret_is_told_before_it_is_kept(keyed: Keyed) -> None:
    member = await keyed.member()
    found = await keyed.put(replace(member, secret="x" * 40))
    assert found.problem == pb.CREDENTIAL_PROBLEM_WRONG_KEY
    assert (await keyed.put(member, key_id="PK1")).problem == pb.CREDENTIAL_PROBLEM_FIELD
    assert (await keyed.put(member, more="x")).problem == pb.CREDENTIAL_PROBLEM_FIELD


async def test_an_account_without_keys_trades_nothing(keyed: Keyed) -> None:
    member = await keyed.member()
    assert await keyed.trades(member) == ("REJECTED", "broker_auth")
    assert keyed.logins() == ["none_stored"]


async def test_a_revoked_key_is_told_as_a_fact_and_new_keys_let_it_go_on(keyed: Keyed) -> None:
    member = await keyed.member()
    await keyed.put(member)
    assert await keyed.trades(member) == FILLED
    await keyed.revoke(member)
    await keyed.kit.until(lambda: keyed.logins() == ["", "revoked"])
    assert await keyed.trades(member, "exit") == ("REJECTED", "broker_auth")
    assert (await keyed.state(member)).problem == pb.CREDENTIAL_PROBLEM_REVOKED
    assert not (await keyed.put(await keyed.new_key(member))).problem
    await keyed.kit.until(lambda: keyed.logins() == ["", "revoked", ""])
    assert await keyed.trades(member, "exit") == FILLED


async def test_keys_that_are_replaced_lose_no_order(keyed: Keyed) -> None:
    member = await keyed.member()
    await keyed.put(member)
    resting = keyed.trade(member, ord_type=2, limit_price="1.00")
    await keyed.kit.submit(resting)
    await keyed.kit.until(lambda: ("WORKING", "unspecified") in keyed.kit.outcomes(resting))
    await keyed.put(await keyed.new_key(member))
    await keyed.revoke(member)
    orders = await keyed.sql("SELECT ord_status FROM paper.orders")
    assert orders == [("NEW",)]
    assert await keyed.trades(member, "cancel") == ("DONE", "unspecified")
    await keyed.kit.read_facts()
    assert [state for state, _ in keyed.kit.outcomes(resting)] == ["WORKING", "CANCELED"]


async def test_keys_that_are_removed_open_nothing_any_more(keyed: Keyed) -> None:
    member = await keyed.member()
    await keyed.put(member)
    assert await keyed.trades(member) == FILLED
    await keyed.remove(member)
    assert await keyed.trades(member, "exit") == ("REJECTED", "broker_auth")
    assert await keyed.sql("SELECT * FROM execution.credentials") == []


async def test_a_restart_logs_in_again(keyed: Keyed) -> None:
    member = await keyed.member()
    await keyed.put(member)
    assert await keyed.trades(member) == FILLED
    await keyed.kit.restart()
    assert await keyed.trades(member, "exit") == FILLED


async def test_a_refresh_logs_in_again_and_says_how_that_went(keyed: Keyed) -> None:
    member = await keyed.member()
    await keyed.put(member)
    assert await keyed.trades(member) == FILLED
    resting = keyed.trade(member, "add", ord_type=2, limit_price="1.00")
    await keyed.kit.submit(resting)
    await keyed.kit.until(lambda: ("WORKING", "unspecified") in keyed.kit.outcomes(resting))
    before = (await keyed.state(member)).used_time.ToNanoseconds()
    answer = await keyed.refresh(member)
    assert (answer.status, answer.problem) == (execution_pb2.REFRESH_STATUS_DONE, "")
    assert (await keyed.state(member)).used_time.ToNanoseconds() > before
    assert await keyed.sql("SELECT DISTINCT ord_status FROM paper.orders ORDER BY 1") == [
        ("FILLED",),
        ("NEW",),
    ]
    assert await keyed.trades(member, "exit") == FILLED
    await keyed.revoke(member)
    assert (await keyed.refresh(member)).problem == "revoked"


async def test_a_refresh_takes_up_what_nobody_holds(keyed: Keyed) -> None:
    member = await keyed.member()
    await keyed.put(member)
    assert not (await keyed.state(member)).HasField("used_time")
    assert (await keyed.refresh(member)).status == execution_pb2.REFRESH_STATUS_ASKED
    await keyed.kit.until(lambda: keyed.logins() == [""])
    assert (await keyed.state(member)).HasField("used_time")
    assert (await keyed.refresh(member)).status == execution_pb2.REFRESH_STATUS_DONE


async def test_keys_of_another_account_do_not_take_a_connections_place(keyed: Keyed) -> None:
    member, other = await keyed.member(), await keyed.member()
    await keyed.put(member)
    mixed = replace(other, tenant_id=member.tenant_id, connection_id=member.connection_id)
    found = await keyed.put(mixed)
    assert found.problem == pb.CREDENTIAL_PROBLEM_OTHER_ACCOUNT
    foreign = replace(member, tenant_id=uuid4())
    assert (await keyed.put(foreign)).problem == pb.CREDENTIAL_PROBLEM_OTHER_ACCOUNT
    assert await keyed.trades(member) == FILLED


async def test_what_web_sealed_opens_for_that_connection_only_and_not_for_long(
    keyed: Keyed,
) -> None:
    member, other = await keyed.member(), await keyed.member()
    sealed = seal(await keyed.transport_key(), member)
    for name, value in (
        ("connection_id", other.connection_id.hex),
        ("tenant_id", other.tenant_id.hex),
        ("key_id", "another"),
    ):
        moved = pb.SealedCredentials()
        moved.CopyFrom(sealed)
        setattr(moved, name, value)
        assert (await keyed.put(other, moved)).problem == pb.CREDENTIAL_PROBLEM_SEAL
    late = seal(await keyed.transport_key(), member, datetime.now(UTC) - timedelta(minutes=16))
    assert (await keyed.put(member, late)).problem == pb.CREDENTIAL_PROBLEM_SEAL
    assert not (await keyed.put(member, sealed)).problem


async def test_rows_that_change_places_open_for_nobody(keyed: Keyed) -> None:
    ours, theirs = await keyed.member(), await keyed.member()
    await keyed.put(ours)
    await keyed.put(theirs)
    await keyed.sql(
        "UPDATE execution.credentials c SET sealed = o.sealed, wrapped_key = o.wrapped_key "
        "FROM execution.credentials o WHERE o.connection_id <> c.connection_id"
    )
    assert await keyed.trades(ours) == ("REJECTED", "broker_auth")
    await keyed.kit.until(lambda: keyed.logins() == ["unreadable"])
    assert (await keyed.state(ours)).problem == pb.CREDENTIAL_PROBLEM_UNREADABLE
    told = "".join(map(str, keyed.kit.facts))
    assert ours.secret not in told and theirs.secret not in told


async def test_a_row_that_names_another_account_opens_for_nobody(keyed: Keyed) -> None:
    ours, theirs = await keyed.member(), await keyed.member()
    await keyed.put(ours)
    await keyed.sql(
        "UPDATE execution.credentials SET account = %s, account_id = gen_random_uuid()",
        theirs.account,
    )
    assert await keyed.trades(ours) == ("REJECTED", "broker_auth")
    assert await keyed.trades(theirs) == ("REJECTED", "broker_auth")


async def test_nobody_but_execution_reads_the_table(keyed: Keyed) -> None:
    await keyed.put(await keyed.member())
    for role in ("web", "worker", "staff", "paper"):
        async with await psycopg.AsyncConnection.connect(
            keyed.kit.database.url(role), autocommit=True
        ) as connection:
            for table in ("credentials", "transport_keys", "keks"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    await connection.execute(f"SELECT * FROM execution.{table}")


async def test_an_account_with_keys_is_closed_to_sessions_without(keyed: Keyed) -> None:
    member = await keyed.member()
    await keyed.put(member)
    trade = keyed.kit.trade()
    trade.account.account = member.account
    assert await keyed.kit.run(trade) == ("REJECTED", "broker_auth")
    plain = keyed.kit.trade()
    assert await keyed.kit.run(plain) == FILLED
