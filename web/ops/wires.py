"""What goes over the network in production: nothing that others could read or write."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from protos import certificates
from web.ops import roles

DATABASES = ("DATABASE_URL", *(variable for _, variable in roles.RUNTIME.values()))
_AUTHORITY = "/run/fillwire/ca.crt"
# These ask for encryption and take whoever answers.
_UNPROVEN = {"require", "prefer", "allow", "disable"}
# Certificates are renewed long before.
SOON = timedelta(days=3)


@dataclass(frozen=True)
class Wire:
    """One way to a neighbour."""

    is_safe: bool
    variable: str
    told: str


def look(environment: Mapping[str, str], now: datetime) -> Iterator[Wire]:
    """Each way that this environment names. Never tells a password."""
    for variable in DATABASES:
        if url := environment.get(variable):
            yield _database(variable, url)
    if url := environment.get("REDIS_URL"):
        yield _redis("REDIS_URL", url)
    folder = environment.get("FILLWIRE_CERTIFICATES")
    if folder:
        yield _certificate(Path(folder), now)
    for variable in ("FILLWIRE_EXECUTION_TARGET", "FILLWIRE_PAPER_TARGET"):
        if (target := environment.get(variable)) and not folder:
            yield _call(variable, target)


def _database(variable: str, url: str) -> Wire:
    parts = urlsplit(url)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    # A socket has no host, or one in the options that is a path.
    host = options.get("host", parts.netloc.rpartition("@")[2])
    if not host or host.startswith("/") or certificates.is_own(host):
        return Wire(True, variable, "on this machine")
    mode = options.get("sslmode", "prefer")
    if mode in _UNPROVEN:
        return Wire(
            False,
            variable,
            f"{host} is reached with sslmode={mode}, which takes whoever answers: end the URL "
            f"with ?sslmode=verify-full&sslrootcert={_AUTHORITY}, the authority that signed the "
            "server's certificate",
        )
    return Wire(True, variable, f"{host}, sslmode={mode}")


def _redis(variable: str, url: str) -> Wire:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme == "unix" or certificates.is_own(host):
        return Wire(True, variable, "on this machine")
    if parts.scheme != "rediss":
        return Wire(
            False,
            variable,
            f"{host} is reached in plain text: write rediss:// and end the URL with "
            f"?ssl_ca_certs={_AUTHORITY}, the authority that signed the server's certificate",
        )
    if parse_qs(parts.query).get("ssl_cert_reqs", ["required"])[-1] != "required":
        return Wire(False, variable, f"{host}: ssl_cert_reqs takes whoever answers: leave it out")
    if not parts.username or parts.username == "default":
        return Wire(
            False,
            variable,
            f"{host} is reached as everybody: give each program a user of its own "
            "(`fillwire redis-users` writes the ACL file)",
        )
    return Wire(True, variable, f"{host}, as {parts.username}")


def _certificate(folder: Path, now: datetime) -> Wire:
    from web.ops import authority

    variable = "FILLWIRE_CERTIFICATES"
    try:
        certificates.Certificates(folder).current()
        left = authority.ends_at(folder / "tls.crt") - now
    except certificates.Unusable as problem:
        return Wire(False, variable, str(problem))
    told = f"{folder}, good for {max(left.days, 0)} more days"
    if left < SOON:
        return Wire(False, variable, f"{told}: run `fillwire certs`, or see why it did not")
    return Wire(True, variable, told)


def _call(variable: str, target: str) -> Wire:
    try:
        certificates.refuse_plaintext(target, "call")
    except certificates.Unusable as problem:
        return Wire(False, variable, str(problem))
    return Wire(True, variable, "on this machine, in plain text")
