"""Find the strategy that a connector's name and token stand for, and its terms."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from web.accounts.attempts import PER_ADDRESS, PER_LOGIN, Attempts
from web.signals import webhooks
from web.signals.crypto_arsenal import NAME, TOKEN
from web.signals.storage import Row, Statement, Storage
from web.signals.webhooks import Secret
from web.strategies.rules import Connector, Convention, Market, Mode

CACHE_SECONDS = 30.0
LONGEST_NAME = 100

_FIND = Statement("find_connector", "SELECT * FROM web.find_connector($1, $2)", binary=(1,))
_OF = Statement("connector_at", "SELECT * FROM web.connector_at($1)")


class WrongConnector(Exception):
    """Name or token is missing or wrong; which of them is not told."""

    def __init__(self, wait_seconds: int = 0) -> None:
        super().__init__()
        self.wait_seconds = wait_seconds


class Tries(Attempts):
    """Wrong names and tokens, by name and by address.

    They only change the answer. A right pair is never held up by wrong ones: senders
    share addresses, and anybody may know a name.
    """

    def _keys(self, email: str, address: str) -> tuple[tuple[str, int], ...]:
        return (f"name {email}", PER_LOGIN), (f"address {address}", PER_ADDRESS)


@dataclass(frozen=True, slots=True)
class Known:
    """A connector as messages are checked against it."""

    name: str
    token: Secret
    terms: Connector

    def fits(self, payload: Mapping[str, Any]) -> bool:
        """Is what the message names of it right? In constant time."""
        name, token = payload.get(NAME), payload.get(TOKEN)
        return (name is None or hmac.compare_digest(_text(name).encode(), self.name.encode())) & (
            token is None or self.token.fits(_digest(token))
        )


class Connectors:
    """The connectors of one process, remembered for half a minute."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._tries = Tries()
        self._webhooks: dict[tuple[str, bytes], tuple[float, UUID]] = {}
        self._known: dict[UUID, tuple[float, int, Known | None]] = {}

    def find(self, payload: Mapping[str, Any], address: str) -> UUID:
        """The webhook that the message's name and token stand for.

        Raises WrongConnector, NotStored.
        """
        name, token = payload.get(NAME), payload.get(TOKEN)
        if name is None or token is None:
            raise self.wrong(payload, address)
        key = (_text(name), _digest(token))
        cached = self._webhooks.get(key)
        if cached and time.monotonic() - cached[0] < CACHE_SECONDS:
            return cached[1]
        self._webhooks.pop(key, None)
        row = self._storage.run(_FIND, (key[0].encode(), key[1]))
        if row is None:
            raise self.wrong(payload, address)
        found = UUID(row[0])
        self._webhooks[key] = (time.monotonic(), found)
        return found

    def wrong(self, payload: Mapping[str, Any], address: str) -> WrongConnector:
        """Count a wrong try; the error says how long to wait once there were too many."""
        name = _text(payload.get(NAME))
        wait = self._tries.wait_seconds(name, address)
        if not wait:
            self._tries.failed(name, address)
        return WrongConnector(wait)

    def of_strategy(self, strategy_id: UUID, version: int) -> Known | None:
        """The strategy's connector as of this version of it, if it has one.

        Raises NotStored.
        """
        cached = self._known.get(strategy_id)
        if cached and cached[1] == version and time.monotonic() - cached[0] < CACHE_SECONDS:
            return cached[2]
        row = self._storage.run(_OF, (strategy_id.hex.encode(),))
        known = None if row is None else _known(row)
        self._known[strategy_id] = (time.monotonic(), version, known)
        return known


def _known(row: Row) -> Known:
    *told, formers = row
    name, token_hash, instrument, market, mode, convention, leverage, reserve = map(str, told)
    terms = Connector(
        instrument,
        Market(market),
        Mode(mode),
        Convention(convention),
        Decimal(leverage),
        Decimal(reserve),
    )
    token = webhooks.secret(token_hash, webhooks.read_formers(formers), "connector")
    return Known(name, token, terms)


def _text(raw: object) -> str:
    """A name as it may be looked up; what cannot be one is like no name at all."""
    text = format(raw, "f") if isinstance(raw, Decimal) else raw
    fits = isinstance(text, str) and len(text) <= LONGEST_NAME and text.isprintable()
    return str(text) if fits else ""


def _digest(token: object) -> bytes:
    text = format(token, "f") if isinstance(token, Decimal) else str(token)
    return hashlib.sha256(text.encode()).digest()
