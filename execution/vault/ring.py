"""The credentials of one broker and environment, for whoever logs in there."""

import structlog

from execution.brokers.base import AuthFailed, InDoubt
from execution.brokers.credentials import Key, Typed
from execution.holding.rules import Venue
from execution.journal.journal import StoreUnavailable
from execution.vault.envelopes import Unreadable
from execution.vault.store import Row
from execution.vault.vault import Vault
from protos import ids

log = structlog.get_logger()


class KeyRing:
    """See `brokers.credentials.Opens`."""

    def __init__(self, vault: Vault, venue: Venue) -> None:
        self._vault = vault
        self._venue = venue

    async def of(self, account: str) -> list[Key]:
        """Those that are stored for an account, the newest first. Raises InDoubt."""
        try:
            rows = await self._vault.store.of_account(ids.account_id(*self._venue, account))
        except StoreUnavailable as error:
            raise InDoubt("the database is away") from error
        return [StoredKey(self._vault, row) for row in rows]


class StoredKey:
    """The credentials of one connection."""

    def __init__(self, vault: Vault, row: Row) -> None:
        self._vault = vault
        self._row = row

    async def open(self) -> Typed:
        """What was typed. Raises AuthFailed."""
        try:
            return await self._vault.open(self._row)
        except Unreadable as error:
            log.error(
                "credentials_unreadable",
                connection_id=self._row.connection_id.hex,
                cause=error,
            )
            text = "the stored keys cannot be opened"
            raise AuthFailed(text, problem="unreadable") from None

    async def note(self, problem: str, text: str) -> None:
        """How the login went. One that cannot be noted is no reason to be kept out."""
        try:
            await self._vault.store.note(self._row, problem, text)
        except StoreUnavailable as error:
            log.warning("login_not_noted", cause=error)
