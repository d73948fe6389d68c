"""Key-encryption keys in a PKCS#11 token: they never leave it, it wraps and unwraps."""

import os
import threading
from typing import Any

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass

from execution.vault.envelopes import NONCE_BYTES, Unreadable
from execution.vault.keks import KekError, MissingKek, new_id

_PREFIX = "fillwire-kek-"
_KEY_BITS = 256
_LOCK = threading.Lock()


class Pkcs11Keks:
    """Non-extractable AES-256 keys, by label. One session, used by one thread at a time."""

    kind = "pkcs11"

    def __init__(self, module: str, token: str, pin: str) -> None:
        if not (module and token):
            raise KekError("set FILLWIRE_PKCS11_MODULE, FILLWIRE_PKCS11_TOKEN, FILLWIRE_PKCS11_PIN")
        try:
            library = pkcs11.lib(module)
            self._session = library.get_token(token_label=token).open(rw=True, user_pin=pin)
        except (pkcs11.PKCS11Error, RuntimeError) as error:
            raise KekError(f"the token {token} does not open: {_word(error)}") from None

    def first(self) -> str:
        """The key to begin with."""
        return self.make()

    def make(self) -> str:
        """A new key, drawn by the token."""
        kek_id = new_id()
        with _LOCK:
            try:
                self._session.generate_key(
                    KeyType.AES,
                    _KEY_BITS,
                    label=_PREFIX + kek_id,
                    id=kek_id.encode(),
                    store=True,
                    template={
                        Attribute.SENSITIVE: True,
                        Attribute.EXTRACTABLE: False,
                        Attribute.ENCRYPT: True,
                        Attribute.DECRYPT: True,
                    },
                )
            except pkcs11.PKCS11Error as error:
                raise KekError(f"the token made no key: {_word(error)}") from None
        return kek_id

    def has(self, kek_id: str) -> bool:
        """Whether the token has that one."""
        with _LOCK:
            try:
                return self._key(kek_id) is not None
            except MissingKek:
                return False

    def retire(self, kek_id: str) -> None:
        """It stays in the token, for who restores a backup that is older."""

    def wrap(self, kek_id: str, key: bytes, belongs: bytes) -> bytes:
        """The key, readable only by the token. Raises MissingKek."""
        nonce = os.urandom(NONCE_BYTES)
        with _LOCK:
            try:
                sealed = self._key(kek_id).encrypt(
                    key, mechanism=Mechanism.AES_GCM, mechanism_param=_params(nonce, belongs)
                )
            except pkcs11.PKCS11Error as error:
                raise MissingKek(f"the token did not wrap: {_word(error)}") from None
        return nonce + bytes(sealed)

    def unwrap(self, kek_id: str, wrapped: bytes, belongs: bytes) -> bytes:
        """The key again. Raises MissingKek, and Unreadable for what was changed."""
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        with _LOCK:
            key = self._key(kek_id)
            try:
                plain = key.decrypt(
                    sealed, mechanism=Mechanism.AES_GCM, mechanism_param=_params(nonce, belongs)
                )
            except pkcs11.PKCS11Error:
                raise Unreadable("it was changed, or is of something else") from None
        return bytes(plain)

    def _key(self, kek_id: str) -> Any:
        try:
            return self._session.get_key(
                object_class=ObjectClass.SECRET_KEY, label=_PREFIX + kek_id
            )
        except pkcs11.NoSuchKey:
            raise MissingKek(f"the token has no {_PREFIX}{kek_id}") from None
        except pkcs11.PKCS11Error as error:
            raise MissingKek(f"the token does not answer: {_word(error)}") from None


def _params(nonce: bytes, belongs: bytes) -> GCMParams:
    return GCMParams(nonce, belongs, 128)


def _word(error: Exception) -> str:
    return type(error).__name__
