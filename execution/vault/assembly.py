"""The vault put together, with the adapters that log in with what it holds."""

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

import structlog
from grpc import aio

from execution.brokers.paper_keys import PaperKeysAdapter
from execution.config import Config
from execution.holding.rules import Venue
from execution.journal.store import Store
from execution.vault import keks
from execution.vault.keks import KekError, KekSource
from execution.vault.ring import KeyRing
from execution.vault.rotation import Rotation
from execution.vault.service import Credentials
from execution.vault.servicer import CredentialsServicer, VaultServicer
from execution.vault.store import CredentialStore
from execution.vault.vault import Vault
from protos.certificates import Certificates
from protos.execution.v1 import credentials_pb2_grpc

log = structlog.get_logger()

PAPER_KEYS: Venue = ("paper_keys", "paper")


class Assembly:
    """Of one execution."""

    def __init__(self, config: Config, store: Store, shown: Certificates | None) -> None:
        self._vault = Vault(CredentialStore(store), _source(config))
        ring = KeyRing(self._vault, PAPER_KEYS)
        self.adapters: Mapping[Venue, PaperKeysAdapter] = {
            PAPER_KEYS: PaperKeysAdapter(config.paper_target, ring, shown)
        }
        self._rotation = Rotation(self._vault, self.adapters)

    def add_to(
        self, server: aio.Server, spawn: Callable[[Coroutine[Any, Any, None]], None]
    ) -> None:
        """Answer on this server."""
        credentials = CredentialsServicer(Credentials(self._vault, self.adapters))
        credentials_pb2_grpc.add_CredentialsServicer_to_server(credentials, server)
        vault = VaultServicer(
            self._vault, self._rotation, lambda: spawn(self._rotation.rewrap_now())
        )
        credentials_pb2_grpc.add_VaultServicer_to_server(vault, server)

    def tell(self, on_login: Callable[[Venue, str, str, str], None]) -> None:
        """Say how logins went."""
        for venue, adapter in self.adapters.items():
            adapter.on_login = partial(on_login, venue)

    async def run(self) -> None:
        """What goes on beside, for ever."""
        await self._rotation.run()


def _source(config: Config) -> KekSource | None:
    """Without one, accounts that need no credentials go on; the log says what is wrong."""
    try:
        return keks.source(config.keks, config.keys_folder)
    except KekError as error:
        log.error("no_kek_source", cause=error)
        return None
