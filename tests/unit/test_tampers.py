"""Whatever is done to an exported trail is noticed, and what is whole is said to be."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests import tampers
from tests.tampers import KINDS, Trail
from web import cli
from web.audit import checkpoints, lines, verify


@pytest.fixture(scope="module")
def trail() -> Trail:
    return tampers.make(events=400, seed=3)


def files(trail: Trail, folder: Path, lines: list[bytes] | None = None) -> list[str]:
    export, checkpoint = folder / "export.jsonl", folder / "checkpoint.jsonl"
    export.write_bytes(b"".join(trail.lines if lines is None else lines))
    checkpoint.write_text(f"{trail.checkpoint}\n")
    return [str(export), str(checkpoint)]


def test_no_tamper_is_missed() -> None:
    assert tampers.run(times=400, events=2000, seed=1, by_command=100) == 0


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_judging_from_the_last_seal_on_says_what_judging_from_the_start_says(
    trail: Trail, kind: object, tmp_path: Path
) -> None:
    checkpoint = verify.read_checkpoint(trail.checkpoint)
    draw = random.Random(5)
    for _ in range(20):
        tamper = kind(trail, draw)  # type: ignore[operator]
        whole = [*trail.lines[: tamper.at], *tamper.rest()]
        with pytest.raises(verify.Bad) as told:
            verify.check(whole, checkpoint)
        assert str(told.value) == tampers.notices(trail, tamper, checkpoint)


def test_the_file_alone_says_intact_with_counts(trail: Trail, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", str(tampers.VERIFIER), *files(trail, tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [json.loads(line)["type"] for line in trail.lines]
    counts = ", ".join(f"{rows.count(kind)} {kind}s" for kind in ("event", "signal"))
    facts = f"{rows.count('fact')} facts under {len(trail.seals)} seals of ten_"
    assert rows.count("fact") > 0
    assert done.stdout.startswith(f"INTACT: {counts} and {facts}")


def test_the_command_names_the_first_bad_row(trail: Trail, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in trail.lines]
    kinds = [row["type"] for row in rows]
    at = next(each for each in range(99, len(rows)) if kinds[each : each + 2] == ["event"] * 2)
    seq = rows[at]["seq"]
    changed = list(trail.lines)
    changed[at] = changed[at].replace(b'"enabled":true', b'"enabled":null')
    result = CliRunner().invoke(cli.main, ["verify-audit", *files(trail, tmp_path, changed)])
    assert (result.exit_code, result.output) == (
        1,
        f"NOT INTACT: event {seq} is not as it was sealed\n",
    )
    del changed[at]
    result = CliRunner().invoke(cli.main, ["verify-audit", *files(trail, tmp_path, changed)])
    assert f"event {seq} is missing" in result.output


def test_a_row_that_a_range_covers_is_missed_and_known_when_changed(trail: Trail) -> None:
    checkpoint = verify.read_checkpoint(trail.checkpoint)
    rows = [json.loads(line) for line in trail.lines]
    for kind in ("signal", "fact"):
        at = next(index for index, row in enumerate(rows) if row["type"] == kind)
        without = [*trail.lines[:at], *trail.lines[at + 1 :]]
        with pytest.raises(verify.Bad, match=rf"of the {kind}s \d+ to \d+ of \w+ there are"):
            verify.check(without, checkpoint)
        twice = [*trail.lines[: at + 1], *trail.lines[at:]]
        with pytest.raises(verify.Bad, match="out of order"):
            verify.check(twice, checkpoint)
    emptied = next(row for row in rows if row["type"] == "signal" and row["body"] is None)
    at = rows.index(emptied)
    refilled = lines.text(emptied | {"body": "e30="})
    changed = [*trail.lines[:at], f"{refilled}\n".encode(), *trail.lines[at + 1 :]]
    with pytest.raises(verify.Bad, match="is not as it was sealed"):
        verify.check(changed, checkpoint)


@pytest.mark.parametrize("slack", [b"e31=", b"e30", b"e30=\\n", b" e30="])
def test_bytes_have_one_spelling(slack: bytes) -> None:
    chain = verify.Chain()
    with pytest.raises(verify.Bad):
        chain.follow(b'{"chain":"x","fact":"' + slack + b'","of":"acc_1","seq":1,"type":"fact"}\n')
    chain = verify.Chain()
    chain.follow(b'{"chain":"x","fact":"e30=","of":"acc_1","seq":1,"type":"fact"}\n')
    assert chain.facts == 1


def test_a_trail_that_went_on_after_its_checkpoint_is_intact(trail: Trail) -> None:
    number = len(trail.seals) // 2
    seal = trail.lines[trail.seals[number - 1]][:-1].decode()
    line = checkpoints.signed(tampers.KEY, tampers.TENANT, number, 1, seal, "then")
    followed = verify.check(trail.lines, verify.read_checkpoint(line))
    assert (followed.seal, followed.event) == (len(trail.seals), 400)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"[1]\n", "no row"),
        (b"\n", "cannot be read"),
        (b'{"chain":"x","type":"event","seq":1}\n', "no seal after it"),
        (b'{"chain":"x","type":"note"}\n', "neither"),
        (b'{"chain":"x","type":"seal","seal":1}\n', "does not follow"),
        (b'{"chain":"x","type":"seal","seal":1,"previous":"' + b"0" * 64 + b'"}\n', "what it"),
        (b"[" * 100_000 + b"\n", "cannot be read"),
        (b"\xff\xfe\n", "cannot be read"),
    ],
)
def test_any_bytes_get_an_answer(trail: Trail, line: bytes, why: str) -> None:
    with pytest.raises(verify.Bad, match=why):
        verify.check([line], verify.read_checkpoint(trail.checkpoint))


def test_nothing_at_all_is_not_intact(trail: Trail) -> None:
    with pytest.raises(verify.Bad, match="no seal"):
        verify.check([], verify.read_checkpoint(trail.checkpoint))


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "x", '{"chain":1,"seal":2}'])
def test_a_checkpoint_that_is_none_says_so(text: str) -> None:
    with pytest.raises(verify.Bad, match="cannot be read"):
        verify.read_checkpoint(text)
