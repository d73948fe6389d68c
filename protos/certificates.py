"""What a service shows and trusts: one folder, read again when it changes.

The folder holds `tls.crt` (with what leads to the authority, if anything does), `tls.key` and
`ca.crt`, as most tools that issue certificates lay them out.
"""

import ipaddress
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import grpc
import structlog
from grpc import aio

from protos.config import CannotStart
from protos.services import Service

log = structlog.get_logger()

# How old what we know of the folder may be.
LOOK_SECONDS = 5.0
HANDSHAKE_MS = 2000
Options = Sequence[tuple[str, str | int]]


class Unusable(CannotStart):
    """There is no safe way to listen or to call; the message says how to make one."""


@dataclass(frozen=True)
class Bundle:
    """What was in the folder at one time."""

    authorities: bytes
    certificate: bytes
    key: bytes = field(repr=False)

    @property
    def at_server(self) -> grpc.ServerCertificateConfiguration:
        """What a server shows, and asks of whoever comes."""
        return grpc.ssl_server_certificate_configuration(
            [(self.key, self.certificate)], self.authorities
        )

    @property
    def at_client(self) -> grpc.ChannelCredentials:
        """What a client shows, and asks of the server."""
        return grpc.ssl_channel_credentials(self.authorities, self.key, self.certificate)


class Certificates:
    """The folder of one service. Safe to share between threads."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: object = None
        self._look_at = 0.0
        self._bundle: Bundle | None = None

    def current(self) -> Bundle:
        """The newest pair that fits together. Raises Unusable when there never was one."""
        bundle = self._bundle
        if bundle is not None and self._clock() < self._look_at:
            return bundle
        with self._lock:
            return self._look()

    def _look(self) -> Bundle:
        self._look_at = self._clock() + LOOK_SECONDS
        try:
            seen = [_mark(self._folder / name) for name in ("ca.crt", "tls.crt", "tls.key")]
            if self._bundle is None or seen != self._seen:
                fresh = _read(self._folder)
                if self._bundle is not None and fresh != self._bundle:
                    log.info("certificate_read_again", folder=str(self._folder))
                self._bundle, self._seen = fresh, seen
        except (OSError, ValueError, Unusable) as error:
            if self._bundle is None:
                raise Unusable(
                    f"no usable certificate in {self._folder}: {error}. It should hold tls.crt, "
                    "tls.key and ca.crt: `fillwire certs` makes them"
                ) from None
            log.warning("certificate_unusable", folder=str(self._folder), cause=error)
        return self._bundle


def at(folder: Path | None) -> Certificates | None:
    """The certificates of a folder; None where there is none."""
    return Certificates(folder) if folder else None


def listen(server: aio.Server, address: str, certificates: Certificates | None) -> int:
    """Listen, for those who show a certificate of our authority; the port.

    Without certificates, in plain text, on the loopback only. Raises Unusable.
    """
    if certificates is None:
        refuse_plaintext(address, "listen on")
        return server.add_insecure_port(address)
    shown = certificates.current()

    def fresh() -> grpc.ServerCertificateConfiguration | None:
        nonlocal shown
        if (bundle := certificates.current()) == shown:
            return None
        shown = bundle
        return bundle.at_server

    credentials = grpc.dynamic_ssl_server_credentials(
        shown.at_server,
        # Asked at each connection; None says that nothing is new.
        cast(Callable[[], grpc.ServerCertificateConfiguration], fresh),
        require_client_authentication=True,
    )
    return server.add_secure_port(address, credentials)


def channel(target: str, server: Service, bundle: Bundle | None, options: Options) -> grpc.Channel:
    """A channel to a service, whatever its address is called. Raises Unusable."""
    if bundle is None:
        refuse_plaintext(target, "call")
        return grpc.insecure_channel(target, options=options)
    return grpc.secure_channel(target, bundle.at_client, options=_expecting(server, options))


def async_channel(
    target: str, server: Service, bundle: Bundle | None, options: Options
) -> aio.Channel:
    """The same for asyncio."""
    if bundle is None:
        refuse_plaintext(target, "call")
        return aio.insecure_channel(target, options=options)
    return aio.secure_channel(target, bundle.at_client, options=_expecting(server, options))


def refuse_plaintext(target: str, doing: str) -> None:
    """Raise Unusable unless every address of a target is this machine's own."""
    if target.startswith(("unix:", "unix-abstract:")) or is_own(target):
        return
    raise Unusable(
        f"will not {doing} {target} in plain text, which others could read and write: set "
        "FILLWIRE_CERTIFICATES to the folder of this service's certificate (`fillwire certs` "
        "makes it), or use an address of 127.0.0.1"
    )


def _expecting(server: Service, options: Options) -> Options:
    named: dict[str, str | int] = {
        # Addresses come and go; who answers is told by the certificate alone.
        "grpc.ssl_target_name_override": server.value,
        # A connection is given up after so long: a handshake is several round trips.
        "grpc.min_reconnect_backoff_ms": HANDSHAKE_MS,
    }
    return tuple({**dict(options), **named}.items())


def is_own(target: str) -> bool:
    """Whether every address of a target is this machine's own."""
    return all(map(_is_loopback, _hosts(target)))


def _hosts(target: str) -> list[str]:
    """The hosts of `host:port`, `ipv4:a:1,b:2`, `dns:///host:port`."""
    bare = re.sub(r"^(ipv4|ipv6|dns):(//[^/]*/)?", "", target)
    return [re.sub(r":\d+$", "", each).strip("[]") for each in bare.split(",")]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _mark(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_ino, status.st_size


def _read(folder: Path) -> Bundle:
    """Read the folder. Raises OSError, ValueError, and Unusable while its files do not fit."""
    # Whoever has no certificates does without the memory.
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    bundle = Bundle(*((folder / name).read_bytes() for name in ("ca.crt", "tls.crt", "tls.key")))
    x509.load_pem_x509_certificates(bundle.authorities)
    ours = x509.load_pem_x509_certificates(bundle.certificate)[0].public_key()
    if load_pem_private_key(bundle.key, None).public_key() != ours:
        raise Unusable("tls.key is not the key of tls.crt")
    return bundle
