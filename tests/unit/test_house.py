"""The rules of the house that a program can check."""

import ast
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from web import config as web_config
from web.ops import postgres, processes, roles, wires

ROOT = roles.ROOT
GENERATED = re.compile(r"_pb2(_grpc)?\.pyi?$")
# Spelled in parts, or this file would be found as well.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("jsdelivr", "net"),
        ("unpkg", "com"),
        ("cdnjs", "cloudflare", "com"),
    )
)


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def test_no_tracked_file_names_a_registry_host() -> None:
    guilty = [
        str(path.relative_to(ROOT))
        for path in tracked_files()
        if path.is_file() and any(host.encode() in path.read_bytes() for host in REGISTRY_HOSTS)
    ]
    assert guilty == []


def test_no_module_written_by_hand_is_over_400_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked_files()
        if path.suffix == ".py" and path.is_file() and not GENERATED.search(path.name)
        if (lines := len(path.read_text().splitlines())) > 400
        if "migrations" not in path.parts
    }
    assert long == {}


def test_committed_stubs_are_what_the_protos_give(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    subprocess.run(
        [sys.executable, "-m", "protos.compile", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        check=True,
    )
    fresh = {
        str(file.relative_to(tmp_path)): file.read_text()
        for file in tmp_path.rglob("*")
        if file.is_file()
    }
    committed = {name: (ROOT / name).read_text() for name in fresh}
    assert fresh == committed


def compose() -> dict[str, dict[str, dict[str, object]]]:
    loaded: dict[str, dict[str, dict[str, object]]] = yaml.safe_load(
        (ROOT / "docker-compose.yml").read_text()
    )
    return loaded


def test_the_compose_file_has_every_process_of_the_table() -> None:
    beside = {"migrate", "certs"}
    assert set(compose()["services"]) == {row.name for row in processes.PROCESSES} | beside


@pytest.mark.parametrize("process", processes.PROGRAMS, ids=lambda row: row.name)
def test_the_compose_file_gives_each_program_its_variables(process: processes.Process) -> None:
    given = set(compose()["services"][process.name]["environment"])  # type: ignore[call-overload]
    # The supervisor names instances, and tests arm faults and change limits.
    optional = {
        "FILLWIRE_INSTANCE",
        "FILLWIRE_FAULT",
        "FILLWIRE_WEBHOOK_LIMITS",
        "FILLWIRE_PAPER_SEED",
        "FILLWIRE_PAPER_VISIBILITY_SECONDS",
    }
    assert given - set(process.variables) == set()
    assert set(process.variables) - given - optional == set()


def test_the_composed_log_may_grow_as_ours_before_a_checkpoint_is_asked_for() -> None:
    told = compose()["services"]["postgres"]["command"]
    assert isinstance(told, list)
    for name in ("max_wal_size", "min_wal_size"):
        assert f"{name}={postgres._SETTINGS[name]}" in told


def test_each_process_gets_the_databases_and_keys_it_works_with_and_no_others() -> None:
    guarded = re.compile(r"FILLWIRE_(\w+)_(?:DATABASE_URL|KEY)$")
    assert {
        row.name: {found[1].lower() for name in row.variables if (found := guarded.match(name))}
        for row in processes.PROGRAMS
    } == {
        "paper": {"paper"},
        "execution": {"execution"},
        # Reads tickets, changes, and whether whoever listens still may.
        "live": {"web", "secret"},
        # Opens people's words in the trail for them, and signs checkpoints.
        "relay": {"worker", "sealing", "audit"},
        "worker": {"worker"},
        "web": {"web", "staff", "secret", "sealing"},
    }


@pytest.mark.parametrize("process", processes.PROGRAMS, ids=lambda row: row.name)
def test_the_compose_file_sends_nothing_in_plain_text(process: processes.Process) -> None:
    service = compose()["services"][process.name]
    given: dict[str, str] = service["environment"]  # type: ignore[assignment]
    # A certificate is made when the containers start.
    known = {
        name: re.sub(r"\$\{[^}]*\}", "secret", value)
        for name, value in given.items()
        if name != "FILLWIRE_CERTIFICATES" and not name.endswith("_TARGET")
    }
    found = list(wires.look(known, datetime.now(UTC)))
    assert found and [wire for wire in found if not wire.is_safe] == []
    shown = process.name if "FILLWIRE_CERTIFICATES" in given else "trust"
    assert [
        mount["volume"]["subpath"]
        for mount in service["volumes"]  # type: ignore[attr-defined]
        if isinstance(mount, dict)
    ] == [shown]


def test_every_variable_the_code_reads_is_in_the_table() -> None:
    execution_config = pytest.importorskip("execution.config")
    read = {*web_config.VARIABLES, *execution_config.VARIABLES}
    assert read - set(processes.KNOWN) == set()


def test_no_other_file_reads_our_variables() -> None:
    asked = re.compile(r"environ[^\n]*(FILLWIRE_\w+|REDIS_URL|DATABASE_URL)")
    allowed = {"config.py", "cli.py", "log.py", "faults.py", "demo.py"}
    guilty = [
        str(path.relative_to(ROOT))
        for folder in ("web", "execution", "protos")
        for path in (ROOT / folder).rglob("*.py")
        if path.name not in allowed and "ops" not in path.parts
        if asked.search(path.read_text())
    ]
    assert guilty == []


def test_the_checker_knows_nothing_of_what_it_checks() -> None:
    told = "import sys, tests.e2e.checker, tests.e2e.evidence; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {name.partition(".")[0] for name in done.stdout.split()}.isdisjoint({"web", "execution"})


def test_the_front_door_is_plain_sh() -> None:
    subprocess.run(["sh", "-n", str(ROOT / "fillwire")], check=True)


def is_column(node: ast.expr) -> bool:
    """A column of a query: the database compares it."""
    match node:
        case ast.Attribute(value=ast.Name(id=owner)):
            return owner[0].isupper()
        case _:
            return False


def names_a_secret(node: ast.expr) -> bool:
    """A variable, an attribute or the answer of a function that is called so."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return bool(re.search("secret|token|password|digest|signature|hmac", name.lower()))
        case ast.Call(func=func):
            return names_a_secret(func)
        case _:
            return False


def test_secrets_are_compared_in_constant_time() -> None:
    """`==` ends at the first byte that differs, which a patient stranger can measure."""
    guilty = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "web").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Compare)
        and all(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops)
        for sides in [(node.left, *node.comparators)]
        if any(map(names_a_secret, sides))
        if not any(isinstance(side, ast.Constant) or is_column(side) for side in sides)
    ]
    assert guilty == []
