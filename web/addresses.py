"""Whose request is it? The sender's own address, also behind proxies.

Every proxy adds the address it was called from at the right end of X-Forwarded-For, so
the entry that the outermost of ours added stands as many places from the right as there
are proxies. What stands left of it is what the sender wrote, and may be a lie.
"""

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# A network of all IPv4 addresses, as IPv6 spells them.
_MAPPED_BITS = 96


class Proxies:
    """Puts the sender's address where everybody looks for it."""

    def __init__(self, app: "WSGIApplication", trusted: int) -> None:
        self._app = app
        self._trusted = trusted

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """One request."""
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
        environ["REMOTE_ADDR"] = behind(forwarded, self._trusted)
        return self._app(environ, start_response)


def behind(forwarded: str, trusted: int) -> str:
    """The entry that the outermost of so many proxies added; empty where there is none."""
    entries = forwarded.rsplit(",", trusted)
    return entries[-trusted].strip() if len(entries) >= trusted else ""


def read(text: str) -> Address | None:
    """The address, without its port; an IPv4 address that is spelled as IPv6 is IPv4.

    None for what is no address.
    """
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    if "%" in text:
        return None
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def read_network(text: str) -> Network | None:
    """A network or a single address, as 203.0.113.0/24; None for what is neither."""
    if "%" in text:
        return None
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        return None
    if isinstance(found, IPv6Network) and found.prefixlen >= _MAPPED_BITS:
        mapped = found.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, found.prefixlen - _MAPPED_BITS))
    return found
