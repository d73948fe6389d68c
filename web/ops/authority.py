"""A private authority, and a certificate for each service.

One folder: `ca/` holds the authorities with their keys, and stays where certificates are made;
every other folder is what one service gets, and all that it gets: `tls.crt`, `tls.key`, `ca.crt`.
Who only has to know others by them gets the folder `trust`.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from protos.services import SERVERS, Service
from web.ops.state import write_private

LIFE = timedelta(days=30)
# Early enough for somebody to notice that it was not done.
RENEW_BEFORE = timedelta(days=10)
# Databases read a new one when they are told to, or started anew: whoever runs them has a season.
DATABASE_LIFE = timedelta(days=365)
DATABASE_RENEW_BEFORE = timedelta(days=90)
AUTHORITY_LIFE = timedelta(days=3650)
AUTHORITY_RENEW_BEFORE = timedelta(days=365)
# Everybody has read of a new authority by then; only then is anything signed by it.
SETTLED = timedelta(days=1)
# Clocks of neighbours differ.
_SKEW = timedelta(hours=1)

# Servers that are not ours: they show who they are, and call nobody.
DATABASES = ("postgres", "redis")
NAMES = (*Service, *DATABASES)
TRUST = "trust"


@dataclass(frozen=True)
class Authority:
    """Who signs."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return _pem(self.certificate)


def renew(
    folder: Path, now: datetime, hosts: Mapping[str, Sequence[str]] | None = None
) -> list[str]:
    """Make what is missing, nearly over, or was made for other hosts; says whose it was."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authorities = _authorities(folder / "ca", now)
    known = "".join(authority.pem for authority in authorities)
    # The newest that everybody has heard of; at the very start there is only one.
    settled = [
        each for each in authorities if each.certificate.not_valid_before_utc < now - SETTLED
    ]
    signer = (settled or authorities)[0]
    done = []
    for name in (TRUST, *NAMES):
        own = folder / name
        own.mkdir(mode=0o700, exist_ok=True)
        if not (own / "ca.crt").exists() or (own / "ca.crt").read_text() != known:
            write_private(own / "ca.crt", known)
    for name in NAMES:
        own = folder / name
        wanted = _names(name, (hosts or {}).get(name, ()))
        until = now + (DATABASE_RENEW_BEFORE if name in DATABASES else RENEW_BEFORE)
        if not _is_good(own, signer, wanted, until):
            _issue(own, name, signer, wanted, now)
            done.append(name)
    return done


def ends_at(certificate: Path) -> datetime:
    """When a certificate ends. Raises OSError, ValueError."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def _authorities(folder: Path, now: datetime) -> list[Authority]:
    """Those that are good, the newest first; another one when that ends within a year."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = [_load(path) for path in folder.glob("*.crt")]
    found = [each for each in found if each.certificate.not_valid_after_utc > now]
    found.sort(key=lambda each: each.certificate.not_valid_before_utc, reverse=True)
    if not found or found[0].certificate.not_valid_after_utc < now + AUTHORITY_RENEW_BEFORE:
        found.insert(0, _found(folder, now))
    return found


def _found(folder: Path, now: datetime) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Fillwire {now:%Y-%m-%d}")])
    certificate = (
        _begun(name, name, key.public_key(), now - _SKEW, now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority = Authority(certificate, key)
    path = folder / f"{certificate.serial_number:x}"
    write_private(path.with_suffix(".key"), _key_pem(key))
    write_private(path.with_suffix(".crt"), authority.pem)
    return authority


def _issue(
    folder: Path,
    name: str,
    signer: Authority,
    names: Sequence[x509.GeneralName],
    now: datetime,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    life = DATABASE_LIFE if name in DATABASES else LIFE
    ends = min(now + life, signer.certificate.not_valid_after_utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    uses = [ExtendedKeyUsageOID.CLIENT_AUTH] if name in set(Service) else []
    if name in SERVERS or name in DATABASES:
        uses.append(ExtendedKeyUsageOID.SERVER_AUTH)
    certificate = (
        _begun(subject, signer.certificate.subject, key.public_key(), now - _SKEW, ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()),
            critical=False,
        )
        .sign(signer.key, hashes.SHA256())
    )
    # Whoever reads between the two finds that they do not fit, and keeps what it has.
    write_private(folder / "tls.key", _key_pem(key))
    write_private(folder / "tls.crt", _pem(certificate))


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    begins: datetime,
    ends: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _names(name: str, hosts: Sequence[str]) -> list[x509.GeneralName]:
    """Who it is; of a database, where it may be reached as well."""
    if name not in DATABASES:
        return [x509.UniformResourceIdentifier(Service(name).uri), x509.DNSName(name)]
    return [_host(host) for host in (name, "localhost", "127.0.0.1", *hosts)]


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _is_good(
    folder: Path, signer: Authority, names: Sequence[x509.GeneralName], until: datetime
) -> bool:
    try:
        text = (folder / "tls.crt").read_bytes()
        key = serialization.load_pem_private_key((folder / "tls.key").read_bytes(), None)
        certificate = x509.load_pem_x509_certificate(text)
        certificate.verify_directly_issued_by(signer.certificate)
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except Exception:  # whatever is wrong with it, another one is made
        return False
    return (
        key.public_key() == certificate.public_key()
        and list(found.value) == list(names)
        and certificate.not_valid_after_utc > until
    )


def _load(path: Path) -> Authority:
    key = serialization.load_pem_private_key(path.with_suffix(".key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Authority(x509.load_pem_x509_certificate(path.read_bytes()), key)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def now() -> datetime:
    """The time of day."""
    return datetime.now(UTC)
