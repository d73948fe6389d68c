"""Tamper with an exported trail, at random and many times: each time it must be noticed.

    python -m tests.tampers --times 10000 --events 100000

Most are judged in this process, from the last seal before the change on; every `--by-command`-th
is written to a file and judged by the standalone verifier from the first line.
"""

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain as joined
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from execution.journal import digests
from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from web.audit import checkpoints, lines, ranges, sealing, verify
from web.audit.ranges import Range

TENANT, STRATEGY, ACCOUNT = UUID(int=7), UUID(int=8), UUID(int=9)
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
VERIFIER = Path(verify.__file__)
FIRST = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


@dataclass
class Trail:
    """An export, with the places of its seals and what was met there."""

    lines: list[bytes]
    # Index of each seal's line, and the chain as it was after it.
    seals: list[int]
    states: list[verify.Chain]
    checkpoint: str
    groups: Sequence["Group"]

    def state_before(self, index: int) -> tuple[int, verify.Chain]:
        """Where to begin so that a change at this line is met: line, and state there."""
        low, high = 0, len(self.seals)
        while low < high:
            middle = (low + high) // 2
            if self.seals[middle] < index:
                low = middle + 1
            else:
                high = middle
        if low == 0:
            return 0, verify.Chain(wanted=len(self.seals))
        return self.seals[low - 1] + 1, replace(self.states[low - 1], open=[], rows={})


@dataclass
class Covered:
    """How many signals and facts were made."""

    signals: int = 0
    facts: int = 0


@dataclass(frozen=True)
class Tamper:
    """From the first changed line on, what stands there instead."""

    at: int
    rest: Callable[[], Iterator[bytes]]


def event(seq: int, draw: random.Random) -> str:
    """The line of one event."""
    size = draw.randrange(1, 500)
    return lines.text(
        {
            "action": draw.choice(["subscription:change", "strategy:change", "switch:set"]),
            "actor": f"person:per_{draw.getrandbits(128):032x}",
            "after": {"enabled": True, "settings": {"quantity": str(size)}, "version": seq},
            "at": lines.moment(FIRST + timedelta(seconds=seq)),
            "before": {"enabled": False, "settings": {"quantity": "1"}, "version": seq - 1},
            "chain": lines.name(TENANT),
            "id": seq,
            "origin": {"request": f"req_{draw.getrandbits(96):024x}"},
            "reason": draw.choice([None, "drill", "Zoë said so"]),
            "seq": seq,
            "subject": f"sub_{draw.getrandbits(128):032x}",
            "type": "event",
        }
    )


@dataclass(frozen=True)
class Group:
    """What one seal covers, as lines: events, and rows of ranges."""

    events: Sequence[str]
    rows: Sequence[str] = ()
    covers: Sequence[Range] = ()


def signal(seq: int, draw: random.Random) -> tuple[str, bytes]:
    """The line of one signal, and its hash."""
    body = b'{"ticker": "AAPL", "action": "buy", "id": "%d"}' % draw.getrandbits(64)
    parsed = '{"price": 228.40, "action": "buy"}'
    hashed = (verify.digest(body), verify.digest(parsed.encode()))
    row = json.dumps([f"{draw.getrandbits(128):032x}", 0, 0, seq, "traderspost", "", *hashed, 0, 0])
    content = (None, None) if draw.random() < 0.1 else (body, parsed)
    line = ranges.signal_line(TENANT, ids.show("strategy", STRATEGY), (seq, row, *content))
    return line, hashlib.sha256(row.encode()).digest()


def fact(seq: int, draw: random.Random) -> tuple[str, tuple[int, bytes]]:
    """The line of one fact, and what its digest is made over."""
    said = pb.Fact(seq=seq, trade_id=f"{draw.getrandbits(128):032x}").SerializeToString()
    stored = pb.StoredFact(seq=seq, fact=said)
    return ranges.fact_line(TENANT, ids.show("account", ACCOUNT), stored), (seq, said)


def group(seq: int, covered: Covered, count: int, draw: random.Random) -> Group:
    """So many events, and now and then some signals and facts."""
    events = [event(seq + offset + 1, draw) for offset in range(count)]
    if draw.random() > 0.3:
        return Group(events)
    sent = [signal(covered.signals + 1 + each, draw) for each in range(draw.randrange(1, 6))]
    told = [fact(covered.facts + 1 + 2 * each, draw) for each in range(draw.randrange(1, 12))]
    over = hashlib.sha256(b"".join(hashed for _, hashed in sent)).hexdigest()
    numbered = [each for _, each in told]
    first, last = covered.signals + 1, covered.signals + len(sent)
    covers = [
        Range(TENANT, "signals", STRATEGY, first, last, len(sent), over),
        Range(
            TENANT,
            "facts",
            ACCOUNT,
            numbered[0][0],
            numbered[-1][0],
            len(told),
            digests.digest(numbered).hex(),
        ),
    ]
    covered.signals, covered.facts = last, numbered[-1][0]
    return Group(events, [line for line, _ in [*sent, *told]], covers)


def sealed(
    groups: Sequence[Group], *, number: int = 0, seq: int = 0, previous: str = verify.FIRST
) -> Iterator[tuple[str, bool]]:
    """Groups with their seals, going on after a seal; and whether a line is one."""
    for each in groups:
        number += 1
        yield from ((line, False) for line in (*each.events, *each.rows))
        line = sealing.seal_line(
            TENANT,
            number,
            previous=previous,
            first=seq + 1,
            rows=each.events,
            covers=each.covers,
            at=FIRST + timedelta(seconds=seq),
        )
        yield line, True
        previous, seq = verify.digest(line.encode()), seq + len(each.events)


def make(events: int, seed: int) -> Trail:
    """A trail of so many events, one to eight a seal."""
    draw = random.Random(seed)
    groups: list[Group] = []
    seq, covered = 0, Covered()
    while seq < events:
        count = min(draw.randrange(1, 9), events - seq)
        groups.append(group(seq, covered, count, draw))
        seq += count
    made = list(sealed(groups))
    raw = [f"{line}\n".encode() for line, _ in made]
    seals = [index for index, (_, is_seal) in enumerate(made) if is_seal]
    chain, states = verify.Chain(wanted=len(seals)), []
    for line, (_, is_seal) in zip(raw, made, strict=True):
        chain.follow(line)
        if is_seal:
            states.append(replace(chain, open=[], rows={}))
    last = made[-1][0]
    checkpoint = checkpoints.signed(KEY, TENANT, len(seals), events, last, lines.moment(FIRST))
    return Trail(raw, seals, states, checkpoint, groups)


def flip(trail: Trail, draw: random.Random) -> Tamper:
    """One bit of one line."""
    at = draw.randrange(len(trail.lines))
    changed = bytearray(trail.lines[at])
    changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return Tamper(at, lambda: _relined(bytes(changed), trail.lines, at + 1))


def drop(trail: Trail, draw: random.Random) -> Tamper:
    """One to three lines in a row."""
    count = draw.randrange(1, 4)
    at = draw.randrange(len(trail.lines) - count + 1)
    return Tamper(at, lambda: iter(trail.lines[at + count :]))


def swap(trail: Trail, draw: random.Random) -> Tamper:
    """Two lines, each in the other's place."""
    one, two = sorted(draw.sample(range(len(trail.lines)), 2))
    found = trail.lines

    def rest() -> Iterator[bytes]:
        yield found[two]
        yield from found[one + 1 : two]
        yield found[one]
        yield from found[two + 1 :]

    return Tamper(one, rest)


def truncate(trail: Trail, draw: random.Random) -> Tamper:
    """Everything after some byte."""
    at = draw.randrange(1, len(trail.lines))
    kept = trail.lines[at][: draw.choice([0, draw.randrange(len(trail.lines[at]))])]
    return Tamper(at, lambda: iter([kept] if kept else []))


def fork(trail: Trail, draw: random.Random) -> Tamper:
    """From a seal on another story, sealed in itself: one in twenty is as long as the first,
    the others run into it again."""
    count = len(trail.seals)
    number = draw.randrange(count)
    end = count if draw.random() < 0.05 else min(number + draw.randrange(1, 200), count)
    begin = trail.seals[number - 1] + 1 if number else 0
    before = trail.states[number - 1] if number else verify.Chain()
    by_rows = draw.random() < 0.5

    def rest() -> Iterator[bytes]:
        first, *later = trail.groups[number:end]
        if first.rows and by_rows:
            # A fact less, and no signal of theirs.
            changed = replace(first, rows=(), covers=())
        else:
            told = first.events[0].replace('"quantity":"', '"quantity":"9', 1)
            changed = replace(first, events=[told, *first.events[1:]])
        made = sealed([changed, *later], number=number, seq=before.event, previous=before.seal_hash)
        yield from (f"{line}\n".encode() for line, _ in made)
        yield from trail.lines[trail.seals[end - 1] + 1 :]

    return Tamper(begin, rest)


KINDS = (flip, drop, swap, truncate, fork)


def notices(trail: Trail, tamper: Tamper, checkpoint: verify.Checkpoint) -> str | None:
    """What the verifier says of it; None when it says nothing."""
    begin, chain = trail.state_before(tamper.at)
    try:
        for line in joined(trail.lines[begin : tamper.at], tamper.rest()):
            chain.follow(line)
        chain.end()
        verify.vouch(chain, checkpoint)
    except verify.Bad as bad:
        return str(bad)
    return None


def judged_by_command(trail: Trail, tamper: Tamper, folder: Path) -> str | None:
    """The same, by the file alone, in a process that cannot see the repository."""
    export, checkpoint = folder / "export.jsonl", folder / "checkpoint.jsonl"
    with export.open("wb") as file:
        file.writelines(trail.lines[: tamper.at])
        file.writelines(tamper.rest())
    checkpoint.write_text(trail.checkpoint + "\n")
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(export), str(checkpoint)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 1 else None


def _relined(changed: bytes, whole: Sequence[bytes], after: int) -> Iterator[bytes]:
    """The lines of a file whose bytes were changed: a newline may have come or gone."""
    if not changed.endswith(b"\n") and after < len(whole):
        changed, after = changed + whole[after], after + 1
    # A file is read up to each newline, and to nothing else that looks like the end of a line.
    *ended, rest = changed.split(b"\n")
    yield from (part + b"\n" for part in ended)
    if rest:
        yield rest
    yield from whole[after:]


def run(times: int, events: int, seed: int, by_command: int) -> int:
    """Tamper so often; how often nobody noticed."""
    began = time.process_time()
    trail = make(events, seed)
    checkpoint = verify.read_checkpoint(trail.checkpoint)
    verify.check(trail.lines, checkpoint)
    draw, missed = random.Random(seed + 1), 0
    said: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(times):
            kind = KINDS[turn % len(KINDS)]
            tamper = kind(trail, draw)
            if by_command and turn % by_command == 0:
                found = judged_by_command(trail, tamper, Path(folder))
            else:
                found = notices(trail, tamper, checkpoint)
            if found is None:
                missed += 1
                print(json.dumps({"missed": kind.__name__, "line": tamper.at, "turn": turn}))
            said[kind.__name__] += found is not None
    print(f"{events} events under {len(trail.seals)} seals, {times} tampers, {missed} not noticed")
    print(dict(said), f"{time.process_time() - began:.0f} s of processor time")
    return missed


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--by-command", type=int, default=97, metavar="N")
    given = parser.parse_args()
    return 1 if run(given.times, given.events, given.seed, given.by_command) else 0


if __name__ == "__main__":
    raise SystemExit(main())
