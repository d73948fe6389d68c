"""Where key-encryption keys are: files of the data folder, the environment, or a token.

KekError
├── MissingKek   the source does not have that key
└── CannotMake   the source does not make keys: the operator does
"""

import os
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from execution.vault import envelopes
from execution.vault.envelopes import KEY_BYTES, Wraps
from protos.telling import Tellable

_NAME = re.compile(r"[A-Za-z0-9-]{1,40}")


class KekError(Tellable):
    """Something about the source of keys; the message says what, never a key."""


class MissingKek(KekError):
    """The source does not have that key."""


class CannotMake(KekError):
    """The source does not make keys by itself."""


class KekSource(Wraps, Protocol):
    """A source of key-encryption keys."""

    kind: str

    def first(self) -> str:
        """The key to begin with, made where there is none. Raises KekError."""

    def make(self) -> str:
        """A new key; its name. Raises CannotMake."""

    def has(self, kek_id: str) -> bool:
        """Whether it can wrap with that one."""

    def retire(self, kek_id: str) -> None:
        """Nothing is wrapped with that one any more."""


class _Known:
    """Keys that this process can read, used by name."""

    def _key(self, kek_id: str) -> bytes:
        raise NotImplementedError

    def has(self, kek_id: str) -> bool:
        """Whether it can wrap with that one."""
        try:
            return bool(self._key(kek_id))
        except MissingKek:
            return False

    def wrap(self, kek_id: str, key: bytes, belongs: bytes) -> bytes:
        """The key, readable only with that key-encryption key. Raises MissingKek."""
        return envelopes.encrypt(self._key(kek_id), key, belongs)

    def unwrap(self, kek_id: str, wrapped: bytes, belongs: bytes) -> bytes:
        """The key again. Raises MissingKek, and Unreadable for what was changed."""
        return envelopes.decrypt(self._key(kek_id), wrapped, belongs)


class FileKeks(_Known):
    """One file a key, for its owner only; made as they are needed."""

    kind = "file"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def first(self) -> str:
        """The key to begin with."""
        return self.make()

    def make(self) -> str:
        """A new key in a file of its own, which is on the disk before it is used."""
        try:
            return self._make()
        except OSError as error:
            raise CannotMake(f"{self._folder} takes no new key: {error.strerror}") from None

    def _make(self) -> str:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kek_id = new_id()
        number = os.open(self._path(kek_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(number, "wb") as file:
            file.write(urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return kek_id

    def retire(self, kek_id: str) -> None:
        """Aside, for who restores a backup that is older; nothing reads it there."""
        retired = self._folder / "retired"
        try:
            retired.mkdir(mode=0o700, exist_ok=True)
            if self._path(kek_id).exists():
                self._path(kek_id).replace(retired / self._path(kek_id).name)
        except OSError as error:
            # A folder that is only read, say: the key stays, and nothing is wrapped with it.
            raise KekError(f"key {kek_id} stays in its folder: {error.strerror}") from None

    def _key(self, kek_id: str) -> bytes:
        path = self._path(kek_id)
        try:
            text = path.read_bytes()
        except OSError:
            raise MissingKek(f"there is no readable {path.name} in {self._folder}") from None
        return _decoded(kek_id, text.strip())

    def _path(self, kek_id: str) -> Path:
        if not _NAME.fullmatch(kek_id):
            raise MissingKek("a key's name has letters, digits and dashes")
        return self._folder / f"kek-{kek_id}.key"


class EnvironmentKeks(_Known):
    """Keys from a variable, `name:base64url name:base64url …`; the operator makes them."""

    kind = "environment"

    def __init__(self, text: str) -> None:
        pairs = [pair.partition(":") for pair in text.split()]
        if not pairs or not all(_NAME.fullmatch(name) for name, _, _ in pairs):
            raise MissingKek("FILLWIRE_KEKS is name:key, more of them with a space between")
        self._keys = {name: _decoded(name, key.encode()) for name, _, key in pairs}

    def first(self) -> str:
        """The first that is named."""
        return next(iter(self._keys))

    def make(self) -> str:
        """Not here."""
        raise CannotMake("add a key to FILLWIRE_KEKS of every execution, then name it here")

    def retire(self, kek_id: str) -> None:
        """The operator takes it out of the variable."""

    def _key(self, kek_id: str) -> bytes:
        if kek_id not in self._keys:
            raise MissingKek(f"FILLWIRE_KEKS has no {kek_id}")
        return self._keys[kek_id]


def new_id() -> str:
    """A name for a new key."""
    return uuid4().hex[:12]


def source(settings: Mapping[str, str], folder: Path | None) -> KekSource:
    """The source that is configured. Raises KekError."""
    match settings.get("FILLWIRE_KEK_SOURCE") or "file":
        case "file":
            if folder is None:
                raise KekError("set FILLWIRE_DATA_DIR, or another FILLWIRE_KEK_SOURCE")
            return FileKeks(folder)
        case "environment":
            return EnvironmentKeks(settings.get("FILLWIRE_KEKS", ""))
        case "pkcs11":
            from execution.vault.pkcs11 import Pkcs11Keks

            return Pkcs11Keks(
                settings.get("FILLWIRE_PKCS11_MODULE", ""),
                settings.get("FILLWIRE_PKCS11_TOKEN", ""),
                settings.get("FILLWIRE_PKCS11_PIN", ""),
            )
        case _:
            raise KekError("FILLWIRE_KEK_SOURCE is none of file, environment and pkcs11")


def _decoded(kek_id: str, text: bytes) -> bytes:
    try:
        key = urlsafe_b64decode(text)
    except (NotBase64, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise MissingKek(f"key {kek_id} is not {KEY_BYTES} bytes in base64url")
    return key
