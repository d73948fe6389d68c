"""Calls to URLs that somebody gave us: over https, to public addresses, briefly, once.

The name is resolved once and the connection goes to that very address, so a resolver that
answers differently the next time (rebinding) gains nothing. Addresses as hosts, other ports,
logins and odd spellings are refused: a receiver of notifications has a name. A redirect is
an answer like any other. Nothing else in `web` may open a URL of a person's.
"""

import http.client
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

SECONDS = 5.0
MOST_BYTES = 64 * 1024
MOST_URL = 2000

# https, a name whose last part is letters, the one port, printable characters.
_URL = re.compile(
    r"https://((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}|"
    r"(?:[a-z0-9-]{1,63}\.)+xn--[a-z0-9-]{1,59})(?::443)?(/[!-\[\]-~]*)?",
    re.IGNORECASE,
)
# What the registries give out, without what leads back to IPv4 or is for examples.
_GIVEN_OUT = IPv6Network("2000::/3")
_NOT_REACHED = tuple(
    map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20"))
)

Resolve = Callable[[str], list[str]]


class Forbidden(Exception):
    """We do not call this; the message says why, for whoever gave the URL."""


class Unanswered(Exception):
    """No answer that counts: too slow, too long, no connection, no certificate."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


def is_public(address: str) -> bool:
    """Whether the address is somebody else's machine on the internet."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return found.is_global and not (found.is_multicast or found.is_reserved)
    return _is_public6(found)


def _is_public6(found: IPv6Address) -> bool:
    is_reached = found in _GIVEN_OUT and not any(found in each for each in _NOT_REACHED)
    return is_reached and found.is_global and found.scope_id is None


def look_up(name: str) -> list[str]:
    """All addresses of a name."""
    found = socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


@dataclass(frozen=True)
class Caller:
    """Calls URLs. What it resolves, reaches and trusts can be others in a test."""

    resolve: Resolve = look_up
    may_reach: Callable[[str], bool] = is_public
    port: int = 443
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    seconds: float = SECONDS

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body once. Raises Forbidden, Unanswered."""
        host, path = read(url)
        addresses = self._addresses(host)
        if not addresses or not all(map(self.may_reach, addresses)):
            raise Forbidden("This name does not lead to a public address.")
        try:
            return self._send(host, addresses[0], path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise Unanswered(type(error).__name__) from error

    def _addresses(self, host: str) -> list[str]:
        pool = ThreadPoolExecutor(1, "resolve")
        try:
            return pool.submit(self.resolve, host).result(self.seconds)
        except (OSError, UnicodeError, TooSlow) as error:
            raise Unanswered("The name is not known.") from error
        finally:
            pool.shutdown(wait=False)

    def _send(
        self, host: str, address: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        plain = socket.create_connection((address, self.port), self.seconds)
        # A server may send a byte now and then: time-outs of a socket would never pass.
        ending = threading.Timer(self.seconds, _end, (plain,))
        ending.start()
        try:
            with self.trust.wrap_socket(plain, server_hostname=host) as secured:
                connection = http.client.HTTPSConnection(host, timeout=self.seconds)
                connection.sock = secured
                connection.request("POST", path, body, {**headers, "Connection": "close"})
                answer = connection.getresponse()
                said = answer.read(MOST_BYTES + 1)
        finally:
            ending.cancel()
            plain.close()
        if len(said) > MOST_BYTES:
            raise Unanswered("The answer is too long.")
        return Answer(answer.status, said)


def read(url: str) -> tuple[str, str]:
    """Host and path of a URL that may be called. Raises Forbidden."""
    match = _URL.fullmatch(url) if len(url) <= MOST_URL else None
    if match is None or len(match[1]) > 253:
        raise Forbidden("Give an https:// URL with a public name, without port or login.")
    return match[1].lower(), (match[2] or "/").partition("#")[0]


def _end(plain: socket.socket) -> None:
    with suppress(OSError):
        plain.shutdown(socket.SHUT_RDWR)
