"""An authority of the tests, and certificates that something is wrong with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from protos.certificates import Bundle, Certificates
from protos.services import Service
from web.ops import authority


@dataclass(frozen=True)
class Folder:
    """Certificates for every service, made as the product makes them."""

    path: Path

    def of(self, service: Service) -> Path:
        return self.path / service.value

    def certificates(self, service: Service) -> Certificates:
        return Certificates(self.of(service))

    def bundle(self, service: Service) -> Bundle:
        return self.certificates(service).current()

    def forge(self, *, uri: str = "", days: tuple[int, int] = (-1, 1)) -> Bundle:
        """What our own authority signed for somebody, good between two days from now."""
        key = next((self.path / "ca").glob("*.key"))
        signer = serialization.load_pem_private_key(key.read_bytes(), None)
        known = x509.load_pem_x509_certificate(key.with_suffix(".crt").read_bytes())
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        own = ec.generate_private_key(ec.SECP256R1())
        begins, ends = (authority.now() + timedelta(days=day) for day in days)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "web")]))
            .issuer_name(known.subject)
            .public_key(own.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
        )
        if uri:
            names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
            builder = builder.add_extension(names, critical=False)
        made = builder.sign(signer, hashes.SHA256())
        return Bundle(
            authorities=known.public_bytes(serialization.Encoding.PEM),
            certificate=made.public_bytes(serialization.Encoding.PEM),
            key=own.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )


def make(path: Path, hosts: Mapping[str, list[str]] | None = None) -> Folder:
    """A new authority with all it signs."""
    authority.renew(path, authority.now(), hosts)
    return Folder(path)
