#!/usr/bin/env python3
"""Check an exported audit trail against a signed checkpoint: intact, or the first bad row.

    python verify.py EXPORT CHECKPOINT [--key HEX]

One file that needs nothing but Python 3.11 and `cryptography`. What is checked:

- Each line of EXPORT is JSON that ends with one newline: an event, a signal, a fact of
  execution, or the seal of those above it. An event and a seal are hashed as they stand:
  SHA-256 over the bytes of the line without the newline.
- Events are numbered from 1 without a gap (`seq`). A seal lists the hash of each event since
  the seal before (`events.rows`), and the hash of that seal's own line (`previous`; 64 zeros
  in the first). Seals are numbered from 1 without a gap (`seal`). The last line is a seal.
- A seal of version 2 lists `ranges` of signals and facts, each by the account or strategy they
  are `of`: `first`, `last`, `count`, and a SHA-256 over the SHA-256 (32 bytes) of each row in
  the order of `seq`. A signal's is over the text in `sealed`, which holds the SHA-256 of its
  `body` and of `parsed`; both are null where they were removed because they told who somebody
  is. A fact's is over `seq` as 8 bytes, the highest first, and the bytes in `fact`. Those rows
  stand before the seal, and each is spelled as `_spelled` below spells it.
- Each non-empty line of CHECKPOINT is JSON with an Ed25519 `signature` (base64) over the bytes
  `fillwire-audit-checkpoint-1`, a newline, then chain, number of the seal, its hash and `at`,
  each followed by a newline. The last line counts. The export must hold that seal with that
  hash, so that nothing up to it was left out.
- `--key` is the public key that must have signed, as Fillwire shows it. Without it the file's
  own key is believed: whoever could write both files could have made both.
"""

import argparse
import hashlib
import json
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIRST = "0" * 64
SIGNED_AS = "fillwire-audit-checkpoint-1"
# Lines between two reports of progress.
STEP = 100_000
_NAMES = {
    "signals": frozenset({"body", "chain", "of", "parsed", "sealed", "seq", "type"}),
    "facts": frozenset({"chain", "fact", "of", "seq", "type"}),
}


class Bad(Exception):
    """The first row that is not as it was sealed, and why."""


@dataclass
class Chain:
    """How far a trail has been followed."""

    name: str | None = None
    seal: int = 0
    seal_hash: str = FIRST
    event: int = 0
    lines: int = 0
    # Hashes of the events that no seal was met for yet.
    open: list[str] = field(default_factory=list)
    # The same of signals and facts, with their seq, by kind and whose they are.
    rows: dict[tuple[str, str], list[tuple[int, bytes]]] = field(default_factory=dict)
    # How many were met, and of how many signals the content was removed.
    signals: int = 0
    facts: int = 0
    removed: int = 0
    # The seal that a checkpoint names, and the hash of it that was met.
    wanted: int = 0
    met: str | None = None

    def follow(self, line: bytes) -> None:
        """Take the next line, newline included. Raises Bad."""
        self.lines += 1
        if line[-1:] != b"\n":
            raise Bad(f"line {self.lines} has no end: the file was cut")
        line = line[:-1]
        row = self._read(line)
        if row.get("type") == "event":
            self._event(row, line)
        elif row.get("type") == "seal":
            self._seal(row, line)
        elif row.get("type") == "signal":
            self._row("signals", row, line, self._signal(row))
        elif row.get("type") == "fact":
            self._row("facts", row, line, self._fact(row))
        else:
            raise Bad(f"line {self.lines} is neither an event nor a seal nor what a seal covers")

    def end(self) -> None:
        """There are no more lines. Raises Bad."""
        if self.open:
            raise Bad(f"event {self.event - len(self.open) + 1} has no seal after it: cut or added")
        if self.rows:
            raise Bad(f"{_first(self.rows)} has no seal after it: cut or added")
        if not self.seal:
            raise Bad("there is no seal in it")

    def _read(self, line: bytes) -> dict[str, Any]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise Bad(f"line {self.lines} cannot be read") from None
        if not isinstance(row, dict):
            raise Bad(f"line {self.lines} is no row")
        if self.name is None:
            self.name = row.get("chain")
        elif row.get("chain") != self.name:
            raise Bad(f"line {self.lines} belongs to another chain")
        return row

    def _event(self, row: dict[str, Any], line: bytes) -> None:
        if row.get("seq") != self.event + 1:
            raise Bad(f"event {self.event + 1} is missing: after it comes {row.get('seq')!r}")
        self.event += 1
        self.open.append(digest(line))

    def _seal(self, row: dict[str, Any], line: bytes) -> None:
        number = self.seal + 1
        if row.get("seal") != number:
            raise Bad(f"seal {number} is missing: in its place is {row.get('seal')!r}")
        if row.get("previous") != self.seal_hash:
            raise Bad(f"seal {number} does not follow seal {self.seal}: one of them was changed")
        sealed = row.get("events")
        rows = sealed.get("rows") if isinstance(sealed, dict) else None
        first = self.event - len(self.open) + 1
        if not isinstance(sealed, dict) or not isinstance(rows, list):
            raise Bad(f"seal {number} does not say what it seals")
        for offset, (found, expected) in enumerate(zip(self.open, rows, strict=False)):
            if found != expected:
                raise Bad(f"event {first + offset} is not as it was sealed")
        if len(rows) != len(self.open) or sealed.get("first") != first:
            raise Bad(f"seal {number} covers other events than stand before it")
        self._ranges(number, [] if row.get("version") == 1 else row.get("ranges"))
        self.open, self.rows = [], {}
        self.seal, self.seal_hash = number, digest(line)
        if number == self.wanted:
            self.met = self.seal_hash

    def _signal(self, row: dict[str, Any]) -> bytes:
        """The hash of a signal. Raises Bad when its content is not what it says."""
        sealed = str(row.get("sealed"))
        try:
            said = json.loads(sealed)
            inside = (said[3], said[6], said[7])
            body = None if row["body"] is None else _bytes(row["body"])
            parsed = None if row["parsed"] is None else row["parsed"].encode()
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
            raise Bad(f"line {self.lines} is no signal") from None
        for content, hashed in ((body, inside[1]), (parsed, inside[2])):
            found = hashed if content is None else digest(content)
            if found != hashed:
                raise Bad(f"signal {row.get('seq')} of {row.get('of')} is not as it was sealed")
        if inside[0] != row.get("seq"):
            raise Bad(f"line {self.lines} is another signal than it says")
        self.signals += 1
        self.removed += body is None
        return hashlib.sha256(sealed.encode()).digest()

    def _fact(self, row: dict[str, Any]) -> bytes:
        """The hash of a fact. Raises Bad."""
        try:
            numbered = row["seq"].to_bytes(8, "big") + _bytes(row["fact"])
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
            raise Bad(f"line {self.lines} is no fact") from None
        self.facts += 1
        return hashlib.sha256(numbered).digest()

    def _row(self, kind: str, row: dict[str, Any], line: bytes, hashed: bytes) -> None:
        if line != _spelled(row, _NAMES[kind]):
            raise Bad(f"line {self.lines} is not spelled as it was exported")
        before = self.rows.setdefault((kind, row["of"]), [])
        if before and before[-1][0] >= row["seq"]:
            raise Bad(f"line {self.lines} is out of order")
        before.append((row["seq"], hashed))

    def _ranges(self, number: int, ranges: Any) -> None:
        """Whether what stands before a seal is what it covers. Raises Bad."""
        if not isinstance(ranges, list):
            raise Bad(f"seal {number} does not say what it covers")
        for each in ranges:
            try:
                kind, of, first, last = each["kind"], each["of"], each["first"], each["last"]
                count, expected = each["count"], each["sha256"]
            except (LookupError, TypeError):
                raise Bad(f"seal {number} does not say what it covers") from None
            found = self.rows.pop((kind, of), [])
            where = f"{kind} {first} to {last} of {of}"
            if len(found) != count:
                raise Bad(f"of the {where} there are {len(found)}, not {count}")
            over = digest(b"".join(hashed for _, hashed in found))
            if over != expected:
                raise Bad(f"one of the {where} is not as it was sealed")
        if self.rows:
            raise Bad(f"{_first(self.rows)} is not covered by seal {number}, which follows it")


@dataclass(frozen=True)
class Checkpoint:
    """A seal that was vouched for, outside the system."""

    chain: str
    seal: int
    hash: str
    at: str
    key: str
    signature: str

    @property
    def signed(self) -> bytes:
        """The bytes under the signature."""
        return signed_bytes(self.chain, self.seal, self.hash, self.at)


def digest(line: bytes) -> str:
    """The hash of a row: of its line, without the newline."""
    return hashlib.sha256(line).hexdigest()


def _spelled(row: dict[str, Any], names: frozenset[str]) -> bytes:
    """The one way to write this row; nothing, where it has other names than it should."""
    if row.keys() != names or not isinstance(row["of"], str) or type(row["seq"]) is not int:
        return b""
    return json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(
        errors="replace"
    )


def _bytes(text: str) -> bytes:
    """From base64, in its one spelling. Raises ValueError."""
    found = b64decode(text, validate=True)
    if b64encode(found).decode() != text:
        raise ValueError(text)
    return found


def _first(rows: dict[tuple[str, str], list[tuple[int, bytes]]]) -> str:
    (kind, of), found = next(iter(rows.items()))
    return f"number {found[0][0]} of the {kind} of {of}"


def signed_bytes(chain: str, seal: int, hash: str, at: str) -> bytes:
    """What a checkpoint's signature is made over."""
    return "".join(f"{each}\n" for each in (SIGNED_AS, chain, seal, hash, at)).encode()


def read_checkpoint(text: str, key: str | None = None) -> Checkpoint:
    """The last checkpoint in a file, its signature checked. Raises Bad."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    lines = [line for line in text.splitlines() if line.strip()]
    try:
        row = json.loads(lines[-1])
        names = ("chain", "seal", "hash", "at", "key", "signature")
        found = Checkpoint(**{name: row[name] for name in names})
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(found.key))
        public.verify(b64decode(found.signature, validate=True), found.signed)
    except InvalidSignature:
        raise Bad("the checkpoint was changed: its signature is not right") from None
    except (LookupError, TypeError, ValueError):
        raise Bad("the checkpoint cannot be read") from None
    if key is not None and key.strip().lower() != found.key:
        raise Bad(f"the checkpoint was signed with another key: {found.key}")
    return found


def check(
    lines: Iterable[bytes], checkpoint: Checkpoint, progress: Callable[[int], None] | None = None
) -> Chain:
    """Follow a whole export up to its end. Raises Bad."""
    chain = Chain(wanted=checkpoint.seal)
    for line in lines:
        chain.follow(line)
        if progress is not None and chain.lines % STEP == 0:
            progress(chain.lines)
    chain.end()
    vouch(chain, checkpoint)
    return chain


def vouch(chain: Chain, checkpoint: Checkpoint) -> None:
    """Whether the checkpoint is of what was followed. Raises Bad."""
    if chain.name != checkpoint.chain:
        raise Bad("the checkpoint is of another chain")
    if chain.met is None:
        raise Bad(f"seal {checkpoint.seal} of the checkpoint is missing: the export was cut")
    if chain.met != checkpoint.hash:
        raise Bad(f"seal {checkpoint.seal} is not the one of the checkpoint: the trail was forked")


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when everything is intact, 1 when not, 2 when a file cannot be read."""
    parser = argparse.ArgumentParser(description="Check an exported audit trail.")
    parser.add_argument("export", type=Path, help="the trail, as it was downloaded")
    parser.add_argument("checkpoint", type=Path, help="a signed checkpoint of it")
    parser.add_argument("--key", help="the public key that must have signed, in hex")
    given = parser.parse_args(arguments)
    try:
        checkpoint = read_checkpoint(given.checkpoint.read_text(), given.key)
        chain = check(_lines(given.export), checkpoint, _tell)
    except Bad as bad:
        print(f"NOT INTACT: {bad}")  # noqa: T201
        return 1
    except (OSError, UnicodeDecodeError) as problem:
        print(f"cannot be read: {problem}", file=sys.stderr)  # noqa: T201
        return 2
    later = chain.seal - checkpoint.seal
    print(  # noqa: T201
        f"INTACT: {chain.event} events, {chain.signals} signals and {chain.facts} facts under "
        f"{chain.seal} seals of {chain.name}; the checkpoint of {checkpoint.at} vouches for seal "
        f"{checkpoint.seal}" + (f", {later} came after it" if later else "")
    )
    if chain.removed:
        print(f"The content of {chain.removed} signals was removed; their hashes hold")  # noqa: T201
    if given.key is None:
        print(f"Signed with {checkpoint.key}: compare it with --key")  # noqa: T201
    return 0


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


def _tell(lines: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{lines} lines", end="", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    raise SystemExit(main())
