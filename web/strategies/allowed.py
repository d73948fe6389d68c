"""From whom a webhook takes messages. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from web import addresses

MOST = 100
# Longer, and an alert that means it again is lost.
LONGEST_WINDOW = 300
_EXAMPLES = "Use 203.0.113.7, 203.0.113.0/24 or 2001:db8::/48."


class Senders(StrEnum):
    """Who may send."""

    ANYONE = "anyone"
    TRADINGVIEW = "tradingview"
    TRENDSPIDER = "trendspider"
    ADDRESSES = "addresses"


# The addresses that they say they send from: TradingView's help on webhooks, and
# TrendSpider's announcement of them.
PUBLISHED: Mapping[Senders, Sequence[str]] = {
    Senders.TRADINGVIEW: ("52.89.214.238", "34.212.75.30", "54.218.53.128", "52.32.178.7"),
    Senders.TRENDSPIDER: ("3.12.143.24",),
}


class BadWebhook(Exception):
    """A field of a webhook cannot be so."""

    def __init__(self, field: str, message: str, fix: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
        self.fix = fix


def read_senders(raw: str) -> Senders:
    """The word for who may send.

    Raises BadWebhook.
    """
    try:
        return Senders(raw)
    except ValueError:
        fix = f"Use one of: {', '.join(Senders)}."
        raise BadWebhook("senders", f"`{raw[:40]}` is not one we know.", fix) from None


def read_window(seconds: int) -> int:
    """How long equal messages are one.

    Raises BadWebhook.
    """
    if not 0 <= seconds <= LONGEST_WINDOW:
        message = f"`{seconds}` s is not a window."
        raise BadWebhook("dedupe_seconds", message, f"Use 0 to {LONGEST_WINDOW} seconds.")
    return seconds


def read_addresses(raw: Sequence[str], *, needed: bool) -> list[str]:
    """Addresses and networks, each spelled in one way and told once.

    Raises BadWebhook naming the first that is none.
    """
    found = []
    for text in raw:
        network = addresses.read_network(text.strip())
        if network is None:
            message = f"`{text[:60]}` is no address."
            raise BadWebhook("addresses", message, _EXAMPLES)
        if network.prefixlen == 0:
            message = f"`{text[:60]}` is every address."
            raise BadWebhook("addresses", message, "Let anyone send, if that is meant.")
        found.append(str(network).removesuffix(f"/{network.max_prefixlen}"))
    found = list(dict.fromkeys(found))
    if len(found) > MOST:
        message = f"There are {len(found)} addresses."
        raise BadWebhook("addresses", message, f"Use at most {MOST}; a network counts as one.")
    if needed and not found:
        raise BadWebhook("addresses", "The list is empty.", "Name the addresses you send from.")
    return found
