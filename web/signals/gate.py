"""What a message must show beside the secret: where it comes from, and a signature. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from web import addresses
from web.addresses import Network
from web.signals import signatures
from web.signals.refusals import CATALOGUE, BadSignal, bad
from web.signals.signatures import Key
from web.strategies.allowed import PUBLISHED, Senders

_CODES = {
    Senders.TRADINGVIEW: "not-trading-view",
    Senders.TRENDSPIDER: "not-trend-spider",
    Senders.ADDRESSES: "invalid-ip-address",
}
_PRIVATE = (
    " It is no public address: behind a proxy, FILLWIRE_TRUSTED_PROXIES says how many there are."
)


class Request(msgspec.Struct):
    """One message as it was posted."""

    body: bytes
    content_type: str = "application/json"
    # Of the secret in the URL; None where something else names the strategy.
    secret_digest: bytes | None = None
    key: str | None = None
    # As WSGI has them: HTTP_WEBHOOK_ID, REMOTE_ADDR.
    headers: dict[str, Any] = {}
    # A person sent it from the strategy's own pages: no limit on senders is meant for it.
    is_ours: bool = False

    @property
    def address(self) -> str:
        """Where it came from."""
        return str(self.headers.get("REMOTE_ADDR", ""))


@dataclass(frozen=True, slots=True)
class Gate:
    """The limits of one webhook."""

    senders: Senders
    networks: Sequence[Network]
    # Without any, messages need no signature.
    keys: Sequence[Key] = ()

    def check(self, request: Request, now: float) -> None:
        """Raises BadSignal for a message from elsewhere, or one that is not signed.

        A signed message is known by its signed id, whatever else its headers say: else
        who has one could have it traded again under another key.
        """
        if self.senders is not Senders.ANYONE:
            self._check_address(request.address)
        if self.keys:
            request.key = signatures.verify(self.keys, request.headers, request.body, now)

    def _check_address(self, text: str) -> None:
        address = addresses.read(text)
        if address is None:
            raise bad("invalid-ip-address-format")
        if any(address in network for network in self.networks):
            return
        raise _stranger(_CODES[self.senders], str(address), is_public=address.is_global)


def build(senders: Senders, own: Sequence[str], keys: Sequence[Key] = ()) -> Gate:
    """The gate of a webhook that takes messages from these, signed with one of the keys."""
    texts = PUBLISHED.get(senders, own)
    found = (addresses.read_network(text) for text in texts)
    return Gate(senders, tuple(network for network in found if network), keys)


def _stranger(code: str, address: str, *, is_public: bool) -> BadSignal:
    """The refusal, with the address to look for in one's own network."""
    known = CATALOGUE[code]
    fix = known.fix if is_public else known.fix + _PRIVATE
    return bad(code, message=f"{known.message} It came from {address}.", fix=fix)
