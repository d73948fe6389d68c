"""New keys while everything goes on: what is stored is wrapped anew beside the work, some records
at a time, and the key before is retired once nothing needs it.

Also notices what other instances did: credentials that changed are logged in with anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from execution.brokers.credentials import Asks
from execution.holding.rules import Venue
from execution.journal.journal import StoreUnavailable
from execution.vault import envelopes
from execution.vault.envelopes import Unreadable
from execution.vault.keks import CannotMake, KekError
from execution.vault.store import Row
from execution.vault.vault import Vault
from protos import wire
from protos.execution.v1 import credentials_pb2 as pb

log = structlog.get_logger()

LOOK_SECONDS = 5.0
MOST_AT_ONCE = 50
UNREADABLE = "the stored keys cannot be opened"


class Rotation:
    """The keys around credentials, and their change."""

    def __init__(
        self,
        vault: Vault,
        brokers: Mapping[Venue, Asks],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._vault = vault
        self._brokers = brokers
        self._sleep = sleep
        self._seen: dict[tuple[str, str, str], tuple[int, int]] | None = None
        # Versions that do not open: they keep their key, until they are replaced.
        self._unreadable: set[int] = set()
        self._rewrapping = asyncio.Lock()

    async def run(self) -> None:
        """Look for what changed and what is left to wrap anew, for ever."""
        while True:
            try:
                await self.notice()
            except StoreUnavailable as error:
                log.warning("credentials_not_looked_at", cause=error)
            await self.rewrap_now()
            await self._sleep(LOOK_SECONDS)

    async def rewrap_now(self) -> None:
        """Without waiting for the next look. What fails is tried again then."""
        try:
            await self.rewrap()
        except (StoreUnavailable, KekError) as error:
            log.warning("not_wrapped_anew", cause=error)

    async def notice(self) -> None:
        """Log in anew where credentials changed. Raises StoreUnavailable."""
        before, self._seen = self._seen, await self._vault.store.versions()
        if before is None:
            return
        for whose in before.keys() | self._seen.keys():
            asks = self._brokers.get(whose[:2])
            if asks is not None and before.get(whose) != self._seen.get(whose):
                asks.renew(whose[2])

    async def use(self, kek_id: str) -> str:
        """Wrap with another key from now on: one that is named, or a new one. Raises KekError,
        StoreUnavailable."""
        source = self._vault.source
        if source is None:
            raise CannotMake("there is no source of key-encryption keys; the log says why")
        if not kek_id:
            kek_id = await asyncio.to_thread(source.make)
        elif not await asyncio.to_thread(source.has, kek_id):
            raise CannotMake(f"the source does not have {kek_id}")
        async with self._vault.store.changing() as change:
            await change.lock()
            await change.use_kek(kek_id)
        log.info("kek_changed", kek_id=kek_id, source=source.kind)
        return kek_id

    async def rewrap(self) -> int:
        """Wrap anew what is wrapped with another key; how much was. Raises KekError,
        StoreUnavailable."""
        async with self._rewrapping:
            if len([kek for kek in await self._vault.store.keks() if not kek["retired_at"]]) < 2:
                return 0
            missing = await self._missing()
            done = await self._rewrap_transport_keys(missing)
            passed: set[int] = set()
            while (some := await self._rewrap_some(missing, passed)) is not None:
                done += some
            await self._retire()
            return done

    async def keys(self) -> pb.GetKeysResponse:
        """Which there are, and how much is wrapped with each. Raises StoreUnavailable."""
        source = self._vault.source
        answer = pb.GetKeysResponse(source=source.kind if source else "")
        for row in await self._vault.store.keks():
            kek = pb.Kek(kek_id=row["id"], current=row["is_current"], records=row["records"])
            kek.present = source is not None and await asyncio.to_thread(source.has, row["id"])
            wire.stamp(kek.made_time, row["made_at"])
            if row["retired_at"] is not None:
                wire.stamp(kek.retired_time, row["retired_at"])
            answer.keks.append(kek)
        if (key := await self._vault.store.current_transport_key()) is not None:
            answer.transport_key.key_id = key.id
            answer.transport_key.public_key = key.public_key
        return answer

    async def _missing(self) -> set[str]:
        """Keys that wrap something and that the source does not have: what they wrap waits for
        them, and holds up nothing else."""
        source = self._vault.source
        if source is None:
            raise CannotMake("there is no source of key-encryption keys; the log says why")
        found = set()
        for kek in await self._vault.store.keks():
            wraps = kek["records"] and not kek["is_current"]
            if wraps and not await asyncio.to_thread(source.has, kek["id"]):
                found.add(kek["id"])
                log.error("kek_missing", kek_id=kek["id"])
        return found

    async def _rewrap_some(self, missing: set[str], passed: set[int]) -> int | None:
        """A transaction's worth, but for what cannot be unwrapped now, which is `passed`; None
        when nothing is left."""
        unreadable: list[Row] = []
        async with self._vault.store.changing() as change:
            kek_id = await change.current_kek()
            if kek_id is None:
                return None
            rows = await change.to_rewrap(kek_id, [*self._unreadable, *passed], MOST_AT_ONCE)
            if not rows:
                return None
            waits = {row.version for row in rows if row.envelope.kek_id in missing}
            passed |= waits
            for row in rows:
                if row.version in waits:
                    continue
                belongs = envelopes.of_credentials(row.tenant_id, row.connection_id, row.version)
                try:
                    envelope = await self._vault.rewrap(row.envelope, belongs, kek_id)
                except Unreadable:
                    unreadable.append(row)
                    continue
                await change.rewrapped(row, envelope)
        for row in unreadable:
            await self._set_aside(row)
        return len(rows) - len(waits) - len(unreadable)

    async def _rewrap_transport_keys(self, missing: set[str]) -> int:
        async with self._vault.store.changing() as change:
            kek_id = await change.current_kek()
            found = await change.transport_to_rewrap(kek_id) if kek_id else []
            rows = [row for row in found if row.envelope.kek_id not in missing]
            for row in rows:
                belongs = envelopes.of_transport_key(row.id)
                try:
                    envelope = await self._vault.rewrap(row.envelope, belongs, kek_id or "")
                except Unreadable:
                    log.error("transport_key_unreadable", key_id=row.id)
                    await change.forget_transport_key(row.id)
                    continue
                await change.transport_rewrapped(row.id, envelope)
        return len(rows)

    async def _set_aside(self, row: Row) -> None:
        """Disabled, with a reason: whoever owns it replaces it."""
        log.error("credentials_unreadable", connection_id=row.connection_id.hex)
        self._unreadable.add(row.version)
        await self._vault.store.note(row, "unreadable", UNREADABLE)
        if (asks := self._brokers.get((row.broker, row.environment))) is not None:
            asks.renew(row.account)

    async def _retire(self) -> None:
        async with self._vault.store.changing() as change:
            retired = await change.retire_keks()
        for kek_id in retired:
            log.info("kek_retired", kek_id=kek_id)
            if self._vault.source is not None:
                await asyncio.to_thread(self._vault.source.retire, kek_id)
