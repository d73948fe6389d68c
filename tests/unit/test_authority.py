"""The private authority: what it signs, when it signs anew, and who may read it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509

from execution import config as execution_config
from execution.paper import config as paper_config
from protos import certificates
from protos.certificates import Certificates, Unusable
from protos.config import CannotStart
from protos.services import Service
from tests import tls_kit
from web import cli
from web.execution_client import ExecutionClient
from web.ops import authority
from web.ops.keeping import Shown

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DAY = timedelta(days=1)


def signer_of(folder: Path) -> list[str]:
    """Which authorities of the folder have signed the certificate of web."""
    made = x509.load_pem_x509_certificate((folder / "web" / "tls.crt").read_bytes())
    signers = []
    for path in (folder / "ca").glob("*.crt"):
        try:
            made.verify_directly_issued_by(x509.load_pem_x509_certificate(path.read_bytes()))
        except Exception:
            continue
        signers.append(path.stem)
    return signers


def test_only_its_owner_may_read_what_it_makes(tmp_path: Path) -> None:
    tls_kit.make(tmp_path / "made")
    modes = {path: path.stat().st_mode & 0o077 for path in (tmp_path / "made").rglob("*")}
    assert len(modes) > 3 * len(authority.NAMES)
    assert set(modes.values()) == {0}


@pytest.mark.parametrize("service", Service)
def test_each_service_is_named_by_one_uri(tmp_path: Path, service: Service) -> None:
    folder = tls_kit.make(tmp_path)
    made = x509.load_pem_x509_certificate((folder.of(service) / "tls.crt").read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    assert uris == [f"spiffe://fillwire/{service.value}"]


def test_the_key_of_the_authority_stays_where_it_is(tmp_path: Path) -> None:
    tls_kit.make(tmp_path)
    (authority_key,) = (tmp_path / "ca").glob("*.key")
    given = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert given.count(authority_key.read_bytes()) == 1


def test_a_certificate_is_renewed_ten_days_before_it_ends(tmp_path: Path) -> None:
    assert authority.renew(tmp_path, NOW) == list(authority.NAMES)
    assert authority.renew(tmp_path, NOW + 19 * DAY) == []
    assert authority.renew(tmp_path, NOW + 20 * DAY) == list(Service)
    assert authority.renew(tmp_path, NOW + 21 * DAY) == []


@pytest.mark.parametrize("damaged", ["tls.crt", "tls.key"])
def test_what_is_damaged_is_made_again(tmp_path: Path, damaged: str) -> None:
    authority.renew(tmp_path, NOW)
    (tmp_path / "relay" / damaged).write_text("nothing")
    assert authority.renew(tmp_path, NOW) == [Service.RELAY]


def test_an_authority_signs_nothing_before_everybody_knows_it(tmp_path: Path) -> None:
    authority.renew(tmp_path, NOW)
    (first,) = signer_of(tmp_path)
    late = NOW + authority.AUTHORITY_LIFE - timedelta(days=300)
    authority.renew(tmp_path, late)
    known = (tmp_path / "web" / "ca.crt").read_text()
    assert known.count("BEGIN CERTIFICATE") == 2
    assert signer_of(tmp_path) == [first]
    assert authority.renew(tmp_path, late + 2 * DAY) == list(authority.NAMES)
    assert first not in signer_of(tmp_path)


def test_a_database_is_named_by_its_hosts(tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    options = ["certs", "--folder", str(folder), "--host", "postgres=db.internal"]
    first = CliRunner().invoke(cli.main, [*options, "--host", "postgres=10.0.0.9"])
    assert first.exit_code == 0, first.output
    made = x509.load_pem_x509_certificate((folder / "postgres" / "tls.crt").read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "db.internal" in names.get_values_for_type(x509.DNSName)
    assert "10.0.0.9" in map(str, names.get_values_for_type(x509.IPAddress))
    assert "for postgres\n" in CliRunner().invoke(cli.main, options).output
    assert CliRunner().invoke(cli.main, options).output == "All are good.\n"


def test_whoever_only_knows_others_gets_no_key(tmp_path: Path) -> None:
    folder = tls_kit.make(tmp_path).path
    assert [path.name for path in (folder / "trust").iterdir()] == ["ca.crt"]
    assert (folder / "trust" / "ca.crt").read_bytes() == (folder / "web" / "ca.crt").read_bytes()


def test_a_host_of_something_else_is_refused(tmp_path: Path) -> None:
    options = ["certs", "--folder", str(tmp_path), "--host", "web=db.internal"]
    result = CliRunner().invoke(cli.main, options)
    assert result.exit_code == 1
    assert "write postgres or redis=HOST" in result.output


def test_the_supervisor_renews_what_is_ours_only(tmp_path: Path) -> None:
    said: list[str] = []
    ours, theirs = (
        Shown(tmp_path / name, said.append, is_ours=name == "ours") for name in ("ours", "theirs")
    )
    ours.keep()
    theirs.keep()
    assert ours.of(Service.WEB).is_dir() and not theirs.folder.exists()
    assert said == [f"Made certificates for {', '.join(authority.NAMES)}"]
    ours.renew()
    assert len(said) == 1
    ours.leave()


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_files_that_do_not_fit_together_change_nothing(tmp_path: Path) -> None:
    folder, clock = tls_kit.make(tmp_path), Clock()
    own = folder.of(Service.WEB)
    shown = Certificates(own, clock)
    first = shown.current()
    (own / "tls.key").write_bytes((folder.of(Service.RELAY) / "tls.key").read_bytes())
    clock.seconds += certificates.LOOK_SECONDS
    assert shown.current() is first
    (own / "tls.crt").write_bytes((folder.of(Service.RELAY) / "tls.crt").read_bytes())
    assert shown.current() is first  # it does not look all the time
    clock.seconds += certificates.LOOK_SECONDS
    assert shown.current() == folder.bundle(Service.RELAY)


def test_a_folder_without_a_certificate_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="`fillwire certs` makes them"):
        Certificates(tmp_path).current()


LOOPBACK = [
    "127.0.0.1:1", "localhost:1", "[::1]:1", "127.9.9.9:50051", "ipv4:127.0.0.1:1,127.0.0.1:2",
    "dns:///localhost:5", "unix:/run/execution.sock",
]  # fmt: skip
OTHERS = [
    "0.0.0.0:1", "[::]:1", "execution:50051", "10.0.0.1:1", "ipv4:127.0.0.1:1,10.0.0.2:1",
    "dns:///execution:5", "dns://127.0.0.1/execution:5", "127.0.0.1.example.com:5", ":50051",
    "localhost.evil:1", "ipv6:[::]:1", "*:1", "2130706433:1",
]  # fmt: skip


@pytest.mark.parametrize("target", LOOPBACK)
def test_the_loopback_may_be_plain(target: str) -> None:
    certificates.refuse_plaintext(target, "call")


@pytest.mark.parametrize("target", OTHERS)
def test_no_other_address_may_be_plain(target: str) -> None:
    with pytest.raises(Unusable, match="FILLWIRE_CERTIFICATES"):
        ExecutionClient(target)


@pytest.mark.parametrize("read", [execution_config.read, paper_config.read])
def test_production_does_not_start_without_a_certificate(read: object) -> None:
    environment = dict.fromkeys(
        (
            "FILLWIRE_EXECUTION_BIND",
            "FILLWIRE_EXECUTION_DATABASE_URL",
            "FILLWIRE_PAPER_TARGET",
            "FILLWIRE_PAPER_BIND",
            "FILLWIRE_PAPER_DATABASE_URL",
        ),
        "127.0.0.1:1",
    )
    assert callable(read)
    assert read(environment).certificates is None
    with pytest.raises(CannotStart, match="FILLWIRE_CERTIFICATES"):
        read({**environment, "FILLWIRE_PRODUCTION": "1"})
    shown = {"FILLWIRE_PRODUCTION": "1", "FILLWIRE_CERTIFICATES": "/run/fillwire"}
    assert read({**environment, **shown}).certificates == Path("/run/fillwire")
