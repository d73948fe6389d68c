"""Digests over facts as they are stored, for the audit trail that web keeps.

Whoever changes a fact in this database afterwards cannot change what was sealed there.
"""

import asyncio
import hashlib
from collections.abc import Iterable
from itertools import islice
from uuid import UUID

from google.protobuf.message import DecodeError

from execution.errors import BadRequest
from execution.journal.facts import page_size
from execution.journal.store import Store
from protos.execution.v1 import execution_pb2 as pb

# Between two looks at what else the process has to do: trades come first.
STEP = 100
# What one range may hold at most; those we made ourselves are far below.
MOST_BETWEEN = 10_000


class Digests:
    """Reads facts for those who keep digests of them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def digest_facts(self, request: pb.DigestFactsRequest) -> pb.DigestFactsResponse:
        """Digests over the next page. Raises BadRequest, StoreUnavailable."""
        most = page_size(request.max_facts)
        try:
            rows, cursor = await self._store.numbered_after(request.cursor, most)
        except ValueError:
            raise BadRequest(f"not a cursor: {request.cursor!r}") from None
        found: dict[tuple[UUID, str], list[tuple[int, bytes]]] = {}
        waiting = iter(rows)
        while step := list(islice(waiting, STEP)):
            for account, seq, fact in step:
                found.setdefault((account, tenant_of(fact)), []).append((seq, fact))
            await asyncio.sleep(0)
        response = pb.DigestFactsResponse(cursor=cursor, has_more=len(rows) == most)
        for (account, tenant), numbered in found.items():
            response.ranges.append(_range(account, tenant, sorted(numbered)))
        return response

    async def list_range(self, request: pb.ListFactRangeRequest) -> pb.ListFactRangeResponse:
        """The facts of one range. Raises BadRequest, StoreUnavailable."""
        try:
            account = UUID(hex=request.account_id)
        except ValueError:
            raise BadRequest(f"not an id: {request.account_id!r}") from None
        rows = await self._store.numbered_between(
            account, request.first, request.last, MOST_BETWEEN
        )
        return pb.ListFactRangeResponse(
            facts=[
                pb.StoredFact(seq=seq, fact=fact)
                for seq, fact in rows
                if tenant_of(fact) == request.tenant_id
            ]
        )


def tenant_of(fact: bytes) -> str:
    """Whose it is; nobody's, where it does not say so or cannot be read any more."""
    try:
        tenant: str = pb.Fact.FromString(fact).tenant_id
    except DecodeError:
        return ""
    return tenant


def digest(facts: Iterable[tuple[int, bytes]]) -> bytes:
    """Over facts with their numbers, in order."""
    whole = hashlib.sha256()
    for seq, fact in facts:
        whole.update(hashlib.sha256(seq.to_bytes(8, "big") + fact).digest())
    return whole.digest()


def _range(account: UUID, tenant: str, numbered: list[tuple[int, bytes]]) -> pb.FactRange:
    return pb.FactRange(
        account_id=account.hex,
        tenant_id=tenant,
        first=numbered[0][0],
        last=numbered[-1][0],
        count=len(numbered),
        sha256=digest(numbered),
    )
