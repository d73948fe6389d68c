"""What is sealed in ranges: a strategy's signals by their seq, an account's facts by theirs.

Digests are made off the road, some rows at a time. The same rows can be had again as lines of
an export, so that whoever has one makes the digests anew.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import structlog
from psycopg import Connection
from psycopg.rows import TupleRow

from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from web.audit import lines
from web.execution_client import ExecutionDown

# What one seal takes at most.
RANGES, SIGNALS, FACTS = 10, 1000, 1000
# All facts are read by one cursor.
_ALL = UUID(int=0)
_OF = {"signals": "strategy", "facts": "account"}

log = structlog.get_logger()

_DUE = """
SELECT due.tenant_id, due.strategy_id, due.after + 1, due.last, d.rows, d.digest FROM (
    SELECT i.tenant_id, i.strategy_id, coalesce(m.seq, 0) AS after,
        least(i.seq, coalesce(m.seq, 0) + %s) AS last
    FROM web.strategy_intake i
    LEFT JOIN web.audit_marks m ON m.kind = 'signals' AND m.of_id = i.strategy_id
    WHERE i.seq > coalesce(m.seq, 0) LIMIT %s
) due CROSS JOIN LATERAL web.digest_sealed_signals(due.strategy_id, due.after + 1, due.last) d
"""
_CURSOR = "SELECT cursor FROM web.audit_marks WHERE kind = 'facts'"
_ROWS = "SELECT seq, sealed, body, parsed FROM web.sealed_signals(%s, %s, %s)"


class Facts(Protocol):
    """What execution keeps. Both raise ExecutionDown."""

    def digest_facts(self, cursor: str, *, max_facts: int) -> pb.DigestFactsResponse:
        """Digests over the facts after a cursor."""

    def fact_range(
        self, account_id: UUID, tenant_id: UUID | None, first: int, last: int
    ) -> Sequence[pb.StoredFact]:
        """What a digest was made over."""


@dataclass(frozen=True)
class Range:
    """Rows of one kind and owner, by their numbers, and the hash over them."""

    chain: UUID
    kind: str
    of: UUID
    first: int
    last: int
    count: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """As a seal has it."""
        return {
            "count": self.count,
            "first": self.first,
            "kind": self.kind,
            "last": self.last,
            "of": ids.show(_OF[self.kind], self.of),
            "sha256": self.sha256,
        }


@dataclass(frozen=True)
class Found:
    """Ranges to seal, the marks (kind, of, seq, cursor) that say so, and whether more wait."""

    ranges: Sequence[Range] = ()
    marks: Sequence[tuple[str, UUID, int, str | None]] = ()
    more: bool = False


Source = Callable[[Connection[TupleRow]], Found]


def sources(facts: Facts | None) -> tuple[Source, ...]:
    """Where ranges come from."""
    return (find_signals,) if facts is None else (find_signals, partial(find_facts, facts))


def find_signals(connection: Connection[TupleRow]) -> Found:
    """Signals that no seal covers yet."""
    rows = connection.execute(_DUE, (SIGNALS, RANGES)).fetchall()
    found = [
        Range(tenant, "signals", strategy, first, last, count, digest.hex())
        for tenant, strategy, first, last, count, digest in rows
    ]
    marks = [("signals", each.of, each.last, None) for each in found]
    return Found(found, marks, len(found) == RANGES)


def find_facts(facts: Facts, connection: Connection[TupleRow]) -> Found:
    """Facts that no seal covers yet; none while execution is away."""
    row = connection.execute(_CURSOR).fetchone()
    before = row[0] if row is not None else ""
    try:
        page = facts.digest_facts(before, max_facts=FACTS)
    except ExecutionDown as error:
        log.warning("facts_not_sealed", error=str(error))
        return Found()
    found = [
        Range(
            UUID(each.tenant_id) if each.tenant_id else lines.PLATFORM,
            "facts",
            UUID(each.account_id),
            each.first,
            each.last,
            each.count,
            each.sha256.hex(),
        )
        for each in page.ranges
    ]
    return Found(found, [("facts", _ALL, 0, page.cursor)] if found else [], page.has_more)


def rows(
    connection: Connection[TupleRow], facts: Facts, chain: UUID, seal: Mapping[str, Any]
) -> Iterator[str]:
    """The lines of what a seal covers in ranges, as it is stored now. Raises ExecutionDown."""
    if seal["version"] < 2:
        return
    for each in seal["ranges"]:
        of = ids.read(_OF[each["kind"]], each["of"])
        assert of is not None
        if each["kind"] == "signals":
            found = connection.execute(_ROWS, (of, each["first"], each["last"]))
            yield from (signal_line(chain, each["of"], row) for row in found)
        else:
            tenant = None if chain == lines.PLATFORM else chain
            for fact in facts.fact_range(of, tenant, each["first"], each["last"]):
                yield fact_line(chain, each["of"], fact)


def count(seal: str) -> int:
    """How many lines belong to a seal beside its events."""
    if '"ranges":[]' in seal:
        return 0
    return sum(each["count"] for each in json.loads(seal)["ranges"])


def signal_line(chain: UUID, of: str, row: TupleRow) -> str:
    """A signal of `web.sealed_signals` in an export."""
    seq, sealed, body, parsed = row
    return lines.text(
        {
            "body": None if body is None else b64encode(body).decode(),
            "chain": lines.name(chain),
            "of": of,
            "parsed": parsed,
            "sealed": sealed,
            "seq": seq,
            "type": "signal",
        }
    )


def fact_line(chain: UUID, of: str, fact: pb.StoredFact) -> str:
    """A fact in an export."""
    return lines.text(
        {
            "chain": lines.name(chain),
            "fact": b64encode(fact.fact).decode(),
            "of": of,
            "seq": fact.seq,
            "type": "fact",
        }
    )
