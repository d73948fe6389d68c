"""What the doctor says of the ways to neighbours in production."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from protos.services import Service
from web import cli
from web.ops import authority, redis_users, wires

NOW = authority.now().replace(microsecond=0)
VERIFIED = "?sslmode=verify-full&sslrootcert=/run/fillwire/ca.crt"
AUTHORITY = "?ssl_ca_certs=/run/fillwire/ca.crt"


def look(**environment: str) -> list[wires.Wire]:
    return list(wires.look(environment, NOW))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@127.0.0.1:5432/f",
        "postgresql://u:p@localhost/f",
        "postgresql://u:p@[::1]:5432/f",
        "postgresql:///f?host=/run/postgresql",
        f"postgresql://u:p@db.internal/f{VERIFIED}",
        "postgresql://u:p@db/f?sslmode=verify-ca&sslrootcert=system",
    ],
)
def test_a_database_that_proves_who_it_is_or_is_here(url: str) -> None:
    (wire,) = look(FILLWIRE_WEB_DATABASE_URL=url)
    assert wire.is_safe


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3cret@db.internal/f",
        "postgresql://u:s3cret@10.0.0.5:5432/f?sslmode=require",
        "postgresql://u:s3cret@db/f?sslmode=disable",
        "postgresql://u:s3cret@127.0.0.1,db2/f?sslmode=prefer",
        "postgresql:///f?host=db&password=s3cret",
    ],
)
def test_a_database_that_anybody_could_be(url: str) -> None:
    (wire,) = look(DATABASE_URL=url)
    assert not wire.is_safe
    assert "?sslmode=verify-full&sslrootcert=" in wire.told
    assert "s3cret" not in wire.told


@pytest.mark.parametrize(
    ("url", "cure"),
    [
        ("redis://web:s3cret@redis:6379/0", "write rediss://"),
        (f"rediss://:s3cret@redis:6379/0{AUTHORITY}", "fillwire redis-users"),
        (f"rediss://default:s3cret@redis:6379/0{AUTHORITY}", "fillwire redis-users"),
        ("rediss://web:s3cret@redis:6379/0?ssl_cert_reqs=none", "leave it out"),
    ],
)
def test_a_redis_that_others_could_read(url: str, cure: str) -> None:
    (wire,) = look(REDIS_URL=url)
    assert not wire.is_safe
    assert cure in wire.told and "s3cret" not in wire.told


@pytest.mark.parametrize(
    "url",
    ["redis://127.0.0.1:6379/0", "unix:///run/redis.sock", f"rediss://web:p@redis/0{AUTHORITY}"],
)
def test_a_redis_that_is_here_or_proves_who_it_is(url: str) -> None:
    (wire,) = look(REDIS_URL=url)
    assert wire.is_safe


def test_a_certificate_that_nobody_renews_is_told_in_time(tmp_path: Path) -> None:
    authority.renew(tmp_path, NOW)
    folder = str(tmp_path / Service.WEB)
    target = {"FILLWIRE_EXECUTION_TARGET": "execution:50051"}
    (fine,) = look(FILLWIRE_CERTIFICATES=folder, **target)
    assert fine.is_safe and "30 more days" in fine.told
    late = NOW + authority.LIFE - timedelta(days=2)
    (wire,) = wires.look({"FILLWIRE_CERTIFICATES": folder}, late)
    assert not wire.is_safe and "run `fillwire certs`" in wire.told


def test_calls_need_a_certificate_to_go_further_than_this_machine(tmp_path: Path) -> None:
    (plain,) = look(FILLWIRE_EXECUTION_TARGET="execution:50051")
    assert not plain.is_safe and "FILLWIRE_CERTIFICATES" in plain.told
    (here,) = look(FILLWIRE_PAPER_TARGET="127.0.0.1:50052")
    assert here.is_safe
    (empty,) = look(FILLWIRE_CERTIFICATES=str(tmp_path))
    assert not empty.is_safe and "`fillwire certs`" in empty.told


def test_the_doctor_fails_on_plain_text_in_production(tmp_path: Path) -> None:
    given = {"FILLWIRE_PRODUCTION": "1", "REDIS_URL": "redis://web:p@redis:6379/0"}
    options = ["doctor", "--data-dir", str(tmp_path)]
    result = CliRunner().invoke(cli.main, options, env=given)
    assert result.exit_code == 1
    assert "BAD  REDIS_URL: redis:6379 is reached in plain text" in result.output
    given["FILLWIRE_PRODUCTION"] = "0"
    assert "plain text" not in CliRunner().invoke(cli.main, options, env=given).output


def test_the_acl_file_needs_a_password_for_each_user() -> None:
    names = [f"FILLWIRE_REDIS_{name.upper()}_PASSWORD" for name in redis_users.RULES]
    given = dict.fromkeys(names, "s3cret")
    result = CliRunner().invoke(cli.main, ["redis-users"], env=given)
    assert result.output == redis_users.acl(dict.fromkeys(redis_users.RULES, "s3cret"))
    assert "s3cret" not in result.output
    result = CliRunner().invoke(cli.main, ["redis-users"], env={**given, names[1]: ""})
    assert (result.exit_code, result.output) == (1, f"Error: set {names[1]}\n")
