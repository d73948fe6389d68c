"""How web seals what a person typed so that only execution can open it: HPKE (RFC 9180)."""

from uuid import UUID

from cryptography.hazmat.primitives import hpke

SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
# What was sealed opens for so long; a page may stand open meanwhile.
LIFE_SECONDS = 15 * 60


def context(
    key_id: str, tenant_id: UUID, connection_id: UUID, broker: str, environment: str
) -> bytes:
    """What a seal is for: it opens for nothing else."""
    words = ("fillwire credentials 1", key_id, tenant_id.hex, connection_id.hex)
    return "\n".join((*words, broker, environment)).encode()
