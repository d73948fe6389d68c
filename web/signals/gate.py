"""What a message must show beside the secret: where it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass

from web import addresses
from web.addresses import Network
from web.signals.refusals import CATALOGUE, BadSignal, bad
from web.strategies.allowed import PUBLISHED, Senders

_CODES = {
    Senders.TRADINGVIEW: "not-trading-view",
    Senders.TRENDSPIDER: "not-trend-spider",
    Senders.ADDRESSES: "invalid-ip-address",
}
_PRIVATE = (
    " It is no public address: behind a proxy, FILLWIRE_TRUSTED_PROXIES says how many there are."
)


@dataclass(slots=True)
class Request:
    """One message as it was posted."""

    body: bytes
    content_type: str = "application/json"
    # Of the secret in the URL; None where something else names the strategy.
    secret_digest: bytes | None = None
    key: str | None = None
    address: str = ""
    # A person sent it from the strategy's own pages: no limit on senders is meant for it.
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """The limits of one webhook."""

    senders: Senders
    networks: Sequence[Network]

    def check(self, request: Request) -> None:
        """Raises BadSignal for a message from elsewhere."""
        if self.senders is not Senders.ANYONE:
            self._check_address(request.address)

    def _check_address(self, text: str) -> None:
        address = addresses.read(text)
        if address is None:
            raise bad("invalid-ip-address-format")
        if any(address in network for network in self.networks):
            return
        raise _stranger(_CODES[self.senders], str(address), is_public=address.is_global)


def build(senders: Senders, own: Sequence[str]) -> Gate:
    """The gate of a webhook that takes messages from these."""
    texts = PUBLISHED.get(senders, own)
    found = (addresses.read_network(text) for text in texts)
    return Gate(senders, tuple(network for network in found if network))


def _stranger(code: str, address: str, *, is_public: bool) -> BadSignal:
    """The refusal, with the address to look for in one's own network."""
    known = CATALOGUE[code]
    fix = known.fix if is_public else known.fix + _PRIVATE
    return bad(code, message=f"{known.message} It came from {address}.", fix=fix)
