"""A sealed record opens with its key, for what it belongs to, as it was; and otherwise never."""

import shutil
import stat
import subprocess
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.vault import envelopes, keks
from execution.vault.envelopes import Envelope, Unreadable
from execution.vault.keks import CannotMake, EnvironmentKeks, FileKeks, KekSource, MissingKek

TENANT, CONNECTION = UUID(int=1), UUID(int=2)
BELONGS = envelopes.of_credentials(TENANT, CONNECTION, 3)
PLAIN = b'{"secret":"tell nobody"}'
MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
NO_TOKEN = "no SoftHSM here: install softhsm2 to try keys in a PKCS#11 token"


def environment() -> KekSource:
    """Two keys of an operator."""
    keys = [urlsafe_b64encode(bytes([n]) * 32).decode() for n in (1, 2)]
    return EnvironmentKeks(f"first:{keys[0]} second:{keys[1]}")


SEALED = envelopes.seal(environment(), "first", PLAIN, BELONGS)


@given(st.binary(max_size=4000), st.uuids(), st.uuids(), st.integers(1, 2**62))
def test_what_was_sealed_opens_again(plain: bytes, a: UUID, b: UUID, version: int) -> None:
    belongs = envelopes.of_credentials(a, b, version)
    sealed = envelopes.seal(environment(), "first", plain, belongs)
    assert envelopes.unseal(environment(), sealed, belongs) == plain
    again = envelopes.rewrap(environment(), sealed, belongs, "second")
    assert (again.sealed, again.kek_id) == (sealed.sealed, "second")
    assert envelopes.unseal(environment(), again, belongs) == plain


def with_sealed(sealed: bytes) -> Envelope:
    return replace(SEALED, sealed=sealed)


def with_key(wrapped_key: bytes) -> Envelope:
    return replace(SEALED, wrapped_key=wrapped_key)


@pytest.mark.parametrize(
    ("whole", "changed"),
    [(SEALED.sealed, with_sealed), (SEALED.wrapped_key, with_key)],
    ids=["sealed", "wrapped key"],
)
def test_every_byte_that_is_flipped_is_noticed(
    whole: bytes, changed: Callable[[bytes], Envelope]
) -> None:
    for at in range(len(whole)):
        for bit in (1, 0x80):
            bad = bytearray(whole)
            bad[at] ^= bit
            with pytest.raises(Unreadable):
                envelopes.unseal(environment(), changed(bytes(bad)), BELONGS)


@given(st.integers(0, len(SEALED.sealed) - 1))
def test_what_is_cut_off_is_noticed(length: int) -> None:
    with pytest.raises(Unreadable):
        envelopes.unseal(environment(), replace(SEALED, sealed=SEALED.sealed[:length]), BELONGS)


@pytest.mark.parametrize(
    "belongs",
    [
        envelopes.of_credentials(uuid4(), CONNECTION, 3),
        envelopes.of_credentials(TENANT, uuid4(), 3),
        envelopes.of_credentials(TENANT, CONNECTION, 4),
        envelopes.of_credentials(CONNECTION, TENANT, 3),
        envelopes.of_transport_key("3"),
    ],
    ids=["tenant", "connection", "version", "swapped", "kind"],
)
def test_a_record_opens_for_nothing_else(belongs: bytes) -> None:
    with pytest.raises(Unreadable):
        envelopes.unseal(environment(), SEALED, belongs)


def test_parts_of_two_records_of_one_owner_do_not_fit() -> None:
    other = envelopes.seal(environment(), "first", PLAIN, BELONGS)
    for mixed in (
        Envelope(SEALED.sealed, other.wrapped_key, "first"),
        Envelope(SEALED.sealed, SEALED.wrapped_key, "second"),
    ):
        with pytest.raises(Unreadable):
            envelopes.unseal(environment(), mixed, BELONGS)


def test_an_error_never_says_what_was_in_it() -> None:
    with pytest.raises(Unreadable) as caught:
        envelopes.unseal(environment(), replace(SEALED, sealed=b"\x01" + PLAIN), BELONGS)
    assert "nobody" not in str(caught.value) and caught.value.__cause__ is None


def test_a_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    source = FileKeks(tmp_path / "keys")
    (path,) = tmp_path.glob(f"keys/kek-{source.first()}.key")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_key_that_was_retired_is_used_no_more_and_kept_aside(tmp_path: Path) -> None:
    source = FileKeks(tmp_path)
    kek_id = source.make()
    sealed = envelopes.seal(source, kek_id, PLAIN, BELONGS)
    source.retire(kek_id)
    assert not source.has(kek_id)
    with pytest.raises(MissingKek):
        envelopes.unseal(source, sealed, BELONGS)
    assert (tmp_path / "retired" / f"kek-{kek_id}.key").exists()


@pytest.mark.parametrize("kek_id", ["../escape", "a/b", "", "a" * 41])
def test_a_name_that_leaves_the_folder_is_no_key(tmp_path: Path, kek_id: str) -> None:
    assert not FileKeks(tmp_path).has(kek_id)


def test_the_operator_makes_keys_of_the_environment() -> None:
    assert environment().first() == "first"
    assert environment().has("second") and not environment().has("third")
    with pytest.raises(CannotMake, match="FILLWIRE_KEKS"):
        environment().make()


@pytest.mark.parametrize(
    "settings",
    [
        {"FILLWIRE_KEK_SOURCE": "cloud"},
        {"FILLWIRE_KEK_SOURCE": "environment"},
        {"FILLWIRE_KEK_SOURCE": "environment", "FILLWIRE_KEKS": "one:c2hvcnQ="},
        {"FILLWIRE_KEK_SOURCE": "pkcs11"},
        {},
    ],
)
def test_a_source_that_is_not_set_up_says_so(settings: dict[str, str]) -> None:
    with pytest.raises(keks.KekError) as caught:
        keks.source(settings, None)
    assert "c2hvcnQ" not in str(caught.value)


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], KekSource]]:
    """A software token of its own; skipped, in so many words, where there is none."""
    module = next((each for each in MODULES if Path(each).exists()), None)
    tool = shutil.which("softhsm2-util")
    if module is None or tool is None:
        pytest.skip(NO_TOKEN)
    (tmp_path / "tokens").mkdir()
    settings = tmp_path / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {tmp_path}/tokens\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(settings))
    made = [tool, "--init-token", "--free", "--label", "fillwire", "--pin", "1234"]
    subprocess.run([*made, "--so-pin", "4321"], check=True, capture_output=True)
    asked = {
        "FILLWIRE_KEK_SOURCE": "pkcs11",
        "FILLWIRE_PKCS11_MODULE": module,
        "FILLWIRE_PKCS11_TOKEN": "fillwire",
        "FILLWIRE_PKCS11_PIN": "1234",
    }
    yield lambda: keks.source(asked, None)
    import pkcs11

    pkcs11.lib(module).reinitialize()


def test_a_token_wraps_and_never_gives_its_key_away(token: Callable[[], KekSource]) -> None:
    import pkcs11

    source = token()
    kek_id, other = source.first(), source.make()
    sealed = envelopes.seal(source, kek_id, PLAIN, BELONGS)
    assert envelopes.unseal(source, sealed, BELONGS) == PLAIN
    assert (
        envelopes.unseal(source, envelopes.rewrap(source, sealed, BELONGS, other), BELONGS) == PLAIN
    )
    assert source.has(kek_id) and not source.has("another")
    with pytest.raises(Unreadable):
        envelopes.unseal(source, replace(sealed, kek_id=other), BELONGS)
    for at in range(0, len(sealed.wrapped_key), 7):
        bad = bytearray(sealed.wrapped_key)
        bad[at] ^= 1
        with pytest.raises(Unreadable):
            envelopes.unseal(source, replace(sealed, wrapped_key=bytes(bad)), BELONGS)
    held = source._key(kek_id)  # type: ignore[attr-defined]
    with pytest.raises(pkcs11.AttributeSensitive):
        held[pkcs11.Attribute.VALUE]


def test_a_token_with_another_pin_does_not_open(token: Callable[[], KekSource]) -> None:
    from execution.vault.pkcs11 import Pkcs11Keks

    module = next(each for each in MODULES if Path(each).exists())
    with pytest.raises(keks.KekError) as caught:
        Pkcs11Keks(module, "fillwire", "9999")
    assert "9999" not in str(caught.value)
