"""Two operators at once: one takes a key-encryption key up again while the other's rotation retires
it. It is either current and there, or retired and refused."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from execution.vault.keks import CannotMake, FileKeks
from execution.vault.rotation import Rotation
from execution.vault.vault import Vault
from tests.conftest import Database
from tests.integration.execution_kit import running
from tests.integration.keys_kit import Keyed

FILLED = ("FILLED", "unspecified")
# How long one waits in the middle for what the other does.
GRACE_SECONDS = 1.0


@pytest.fixture
async def keyed(database: Database, tmp_path: Path) -> AsyncIterator[Keyed]:
    """Execution with a folder for its keys, and the venue."""
    async with running(database, keys_folder=tmp_path / "keys") as kit:
        found = Keyed(kit)
        yield found
        await found.close()


class Slow(FileKeks):
    """Waits in the middle of what it is asked."""

    def __init__(self, folder: Path, *, has: Callable[[], Any], retire: Callable[[], Any]) -> None:
        super().__init__(folder)
        self._after_has, self._before_retire = has, retire

    def has(self, kek_id: str) -> bool:
        found = super().has(kek_id)
        self._after_has()
        return found

    def retire(self, kek_id: str) -> None:
        self._before_retire()
        super().retire(kek_id)


def nothing() -> None:
    """Without waiting."""


def operator(
    keyed: Keyed, has: Callable[[], Any] = nothing, retire: Callable[[], Any] = nothing
) -> Rotation:
    """A rotation of another execution, on the same keys."""
    store = keyed.kit.server._vault._vault.store
    source = Slow(Path(str(keyed.kit.keys_folder)), has=has, retire=retire)
    return Rotation(Vault(store, source), {})


async def whole(keyed: Keyed, *members: Any) -> None:
    """Everything stored opens, with keys that are there; what is retired wraps nothing."""
    keks = await keyed.keks()
    assert [kek.present for kek in keks if kek.current] == [True]
    assert all(kek.present for kek in keks if kek.records)
    assert not any(kek.records for kek in keks if kek.HasField("retired_time"))
    vault = keyed.kit.server._vault._vault
    for member in members:
        for row in await vault.store.of_tenant(member.tenant_id):
            assert (await vault.open(row))["secret"] == member.secret


async def test_a_key_that_is_taken_up_again_is_not_retired_meanwhile(keyed: Keyed) -> None:
    member = await keyed.member()
    await keyed.put(member)
    (first,) = await keyed.keks()
    looked, retired = threading.Event(), threading.Event()

    def wait() -> None:
        looked.set()
        retired.wait(GRACE_SECONDS)

    await operator(keyed).use("")
    taking = asyncio.create_task(operator(keyed, has=wait).use(first.kek_id))
    await asyncio.to_thread(looked.wait)
    await operator(keyed).rewrap()
    retired.set()
    assert await taking == first.kek_id
    late = await keyed.member()
    assert not (await keyed.put(late)).problem
    await whole(keyed, member, late)
    assert await keyed.trades(late) == FILLED


async def test_a_key_that_is_being_retired_is_not_taken_up_again(keyed: Keyed) -> None:
    member = await keyed.member()
    await keyed.put(member)
    (first,) = await keyed.keks()
    began, taken = threading.Event(), threading.Event()

    def wait() -> None:
        began.set()
        taken.wait(GRACE_SECONDS)

    await operator(keyed).use("")
    retiring = asyncio.create_task(operator(keyed, retire=wait).rewrap())
    await asyncio.to_thread(began.wait)
    with pytest.raises(CannotMake):
        await operator(keyed).use(first.kek_id)
    taken.set()
    await retiring
    late = await keyed.member()
    assert not (await keyed.put(late)).problem
    await whole(keyed, member, late)


async def test_whatever_operators_do_at_once_nothing_is_lost(keyed: Keyed) -> None:
    members = [await keyed.member() for _ in range(4)]
    for member in members:
        await keyed.put(member)
    known = [kek.kek_id for kek in await keyed.keks()]

    async def busy(number: int) -> None:
        mine = operator(keyed)
        for turn in range(6):
            with suppress(CannotMake):
                known.append(await mine.use(known[turn % len(known)] if number % 2 else ""))
            await mine.rewrap()

    async def put(member: Any) -> None:
        for _ in range(6):
            assert not (await keyed.put(member)).problem

    await asyncio.gather(*map(busy, range(3)), *map(put, members))
    await operator(keyed).rewrap()
    await whole(keyed, *members)
