"""What docs/asvs.md and SECURITY.md say of us is so, where no other test looks."""

import ast
import math
import re
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from itsdangerous import URLSafeTimedSerializer

from web import config
from web.accounts import passwords, recovery
from web.changes import tickets
from web.ops.roles import ROOT

PAGE = ROOT / "docs" / "asvs.md"
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
# How many requirements of the first two levels each section of ASVS 5.0.0 has.
SECTIONS = (
    "1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.2:2 3.3:4 3.4:6 3.5:5 3.7:2 4.1:3 "
    "4.2:1 4.3:2 4.4:4 5.1:1 5.2:3 5.3:2 5.4:3 6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4 7.1:3 "
    "7.2:4 7.3:2 7.4:5 7.5:2 7.6:2 8.1:2 8.2:3 8.3:1 8.4:1 9.1:3 9.2:4 10.1:2 10.2:2 10.3:4 "
    "10.4:11 10.5:5 10.6:2 10.7:3 11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1 12.1:3 12.2:2 12.3:4 "
    "13.1:1 13.2:5 13.3:2 13.4:5 14.1:2 14.2:4 14.3:3 15.1:3 15.2:3 15.3:7 16.1:1 16.2:5 16.3:4 "
    "16.4:3 16.5:3 17.1:1 17.2:4 17.3:2"
)


def rows() -> list[tuple[str, str, str, str]]:
    found: list[tuple[str, str, str, str]] = ROW.findall(PAGE.read_text())
    return found


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_every_requirement_of_the_first_two_levels_has_one_row() -> None:
    wanted = [
        f"{section}.{number}"
        for section, count in (each.split(":") for each in SECTIONS.split())
        for number in range(1, int(count) + 1)
    ]
    assert [number for number, *_ in rows()] == wanted
    assert [level for _, level, *_ in rows()].count("1") == 70
    assert len(wanted) == 253


def test_every_row_names_a_test_that_exists_or_says_why_not() -> None:
    for number, _, _, shown in rows():
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", shown)
        for path, name in named:
            assert name in functions_of(ROOT / path), f"{number}: {path}::{name}"
        reasons = r"(not applicable|open|written): \S.{4,}"
        assert named or re.match(reasons, shown), number
        document = re.match(r"written: (\S+\.md)(?:, \"(.+)\")?", shown)
        if document:
            text = (ROOT / document[1]).read_text()
            assert document[2] is None or f"\n## {document[2]}\n" in text, number


def test_our_own_rules_forbid_what_we_say_we_do_not_do() -> None:
    rules = yaml.safe_load((ROOT / "tests/security/rules.yml").read_text())["rules"]
    names = {rule["id"] for rule in rules}
    assert len(names) == len(rules) >= 20
    assert {rule["severity"] for rule in rules} == {"ERROR"}
    text = (ROOT / "tests/security/static.py").read_text()
    assert "--metrics=off" in text and "rules.yml" in text
    assert {"sql-from-pieces", "code-from-data", "outgoing-http", "weak-hash"} <= names


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("web", {"pickle", "marshal", "shelve", "random", "xml", "requests", "pdb", "telnetlib"}),
        ("execution", {"pickle", "marshal", "shelve", "xml", "pdb", "subprocess"}),
        ("protos", {"pickle", "marshal", "shelve", "random", "xml", "pdb"}),
    ],
)
def test_no_program_imports_what_is_dangerous(folder: str, forbidden: set[str]) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert not forbidden & {alias.name.partition(".")[0] for alias in node.names}, path
            elif isinstance(node, ast.ImportFrom) and node.module:
                assert node.module.partition(".")[0] not in forbidden, path
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec"), path


def test_password_fields_are_masked_and_may_be_pasted_into() -> None:
    pages = [path.read_text() for path in (ROOT / "web/templates").rglob("*.html")]
    fields = re.findall(r"<input[^>]*name=\"[^\"]*password[^\"]*\"[^>]*>", "".join(pages))
    assert len(fields) >= 3
    for each in fields:
        assert 'type="password"' in each, each
        assert 'autocomplete="off"' not in each and "paste" not in each, each


def test_a_password_is_taken_as_it_was_typed() -> None:
    for typed in (" a plank, an oyster ", "Ünïcode ἀρχή oyster", "x" * 256):
        kept = passwords.hash_password(typed)
        assert passwords.is_right(kept, typed)
        assert not passwords.is_right(kept, typed.strip().lower()[:72] + "?")


def test_passwords_are_hashed_by_argon2id_with_current_parameters() -> None:
    kept = passwords.hash_password("liberty plank oyster")
    found = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$", kept)
    assert found is not None
    memory, passes, _ = map(int, found.groups())
    assert memory >= 19 * 1024 and passes >= 2


def test_recovery_codes_have_more_than_112_bits() -> None:
    spelled = recovery._spell(b"\xff" * recovery._BYTES).replace("-", "")
    assert len(spelled) * math.log2(32) >= 112


def test_a_ticket_is_good_for_its_time_its_purpose_and_our_key() -> None:
    ours, listener = "k" * 32, tickets.Listener(uuid4(), uuid4(), uuid4(), "viewer")
    ticket = tickets.issue(ours, listener)
    assert tickets.read(ours, ticket).listener == listener
    content = [*(uuid4().hex for _ in range(3)), "viewer", "0"]
    elsewhere = URLSafeTimedSerializer(ours, salt="csrf-token").dumps(content)
    for bad in (ticket[:-1], ticket.swapcase(), elsewhere, "", "a.b.c"):
        with pytest.raises(tickets.BadTicket):
            tickets.read(ours, bad)
    with pytest.raises(tickets.BadTicket):
        tickets.read("o" * 32, ticket)
    assert timedelta(seconds=tickets.LIFE_SECONDS) <= timedelta(minutes=1)


def test_production_refuses_default_secrets() -> None:
    with pytest.raises(config.BadConfig, match="FILLWIRE_SECRET_KEY"):
        config.read({"FILLWIRE_PRODUCTION": "1"})
    with pytest.raises(config.BadConfig, match="FILLWIRE_SEALING_KEY"):
        config.read({"FILLWIRE_PRODUCTION": "1", "FILLWIRE_SECRET_KEY": "my own"})


def test_keys_are_256_bits() -> None:
    for name in ("FILLWIRE_SEALING_KEY", "FILLWIRE_AUDIT_KEY"):
        with pytest.raises(config.BadConfig, match=f"{name} must be 32 bytes"):
            config.read({name: "c2hvcnQ="})


def test_every_key_of_the_configuration_is_in_the_inventory() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    keys = [name for name in config.VARIABLES if name.endswith("_KEY")]
    assert len(keys) >= 3
    assert [name for name in keys if f"`{name}`" not in text] == []


def test_every_event_of_security_is_in_the_inventory() -> None:
    listed = set(re.findall(r"`([a-z]+_[a-z_]+)`", (ROOT / "SECURITY.md").read_text()))
    sources = "".join(
        path.read_text() for folder in ("web", "protos") for path in (ROOT / folder).rglob("*.py")
    )
    logged = set(re.findall(r"log\.\w+\(\s*\"([a-z_]+)\"", sources))
    logged |= set(re.findall(r"_refused\(\"([a-z_]+)\"", sources))
    about = {name for name in logged if re.search("refused$|sign_in|tries|_unusable", name)}
    assert about - {"trades_refused_by_execution"} <= listed


def test_no_secret_is_in_the_repository() -> None:
    secret = re.compile(
        rb"-----BEGIN [A-Z ]*PRIVATE KEY|fw_live_[A-Za-z0-9_-]{20,}|AKIA[A-Z0-9]{16}"
    )
    for folder in ("web", "execution", "protos", "migrations", "docs", "deploy", "requirements"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert not secret.search(path.read_bytes()), path


def test_every_part_is_locked_by_version_and_hash() -> None:
    for name in ("run.txt", "test.txt"):
        text = (ROOT / "requirements" / name).read_text()
        parts = re.findall(r"^[A-Za-z0-9_.-]+(?:\[[\w,-]+\])?\S*", text, re.MULTILINE)
        assert len(parts) > 20
        for part in re.split(r"\n(?=\S)", text.strip()):
            assert re.match(r"[\w.\[\],-]+==\S+", part) and "--hash=sha256:" in part, part[:60]


def test_no_migration_makes_a_person() -> None:
    for path in (ROOT / "migrations").rglob("*.py"):
        text = path.read_text()
        top = re.sub(r"(?is)create (or replace )?function.*?\$\$.*?\$\$", "", text)
        assert not re.search(r"(?i)insert into web\.(people|staff|api_keys|members)\b", top), path
