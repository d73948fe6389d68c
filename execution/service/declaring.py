"""What a person says of orders that can neither be found nor proven absent, or of an exit that
its spread filter holds.

Durable fact: the word, by the names of the doubts, on the trade's instruction. If we die right
after, whoever holds the account finds it there. It is believed only while an order is in that
doubt, and holds for no other.
"""

from collections.abc import Callable, Mapping
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from execution.domain.words import DECLARED_ABSENT, DECLARED_PRESENT, TradeState
from execution.errors import BadRequest
from execution.journal import ringing, told
from execution.journal.store import Store
from execution.service import owning
from protos.execution.v1 import execution_pb2 as pb

_WORDS = {
    pb.DOUBT_WORD_ABSENT: DECLARED_ABSENT,
    pb.DOUBT_WORD_PRESENT: DECLARED_PRESENT,
}

FIND = """
SELECT i.account_id, i.trade, i.done_at IS NOT NULL AS is_over, i.declared,
    (SELECT f.fact FROM execution.facts f WHERE f.trade_id = i.trade_id AND f.kind = 'outcome'
     ORDER BY f.seq DESC LIMIT 1) AS outcome,
    (SELECT f.fact FROM execution.facts f WHERE f.trade_id = i.trade_id AND f.kind = 'protection'
     ORDER BY f.seq DESC LIMIT 1) AS protection
FROM execution.instructions i WHERE i.trade_id = %s
"""

# Of each doubt the first word holds.
SAY = """
UPDATE execution.instructions SET declared = %(words)s || coalesce(declared, '{}')
WHERE trade_id = %(trade)s AND done_at IS NULL
RETURNING declared
"""


class Declaring:
    """Takes people's words on doubtful trades. `believe` and `check` act on what this instance
    holds; the holder elsewhere is rung for."""

    def __init__(
        self,
        store: Store,
        believe: Callable[[UUID, Mapping[str, str]], None],
        check: Callable[[UUID], bool],
    ) -> None:
        self._store = store
        self._believe = believe
        self._check = check

    async def resolve(self, request: pb.ResolveDoubtRequest) -> pb.ResolveDoubtResponse:
        """Check again, or take a declaration. Raises BadRequest, StoreUnavailable."""
        trade_id = _id(request.trade_id)
        if request.word not in (pb.DOUBT_WORD_CHECK, pb.DOUBT_WORD_LET_GO, *_WORDS):
            raise BadRequest(f"not a word on a doubt: {request.word}")
        return pb.ResolveDoubtResponse(status=await self._resolve(trade_id, request))

    async def _resolve(self, trade_id: UUID, request: pb.ResolveDoubtRequest) -> pb.DoubtStatus:
        rows = await self._store.ask(FIND, (trade_id,))
        if not rows or not owning.is_of(rows[0]["trade"], request.tenant_id):
            return pb.DOUBT_STATUS_NOT_FOUND
        [row], word = rows, request.word
        if word == pb.DOUBT_WORD_LET_GO:
            return await self._check_now(trade_id, row, stands=_is_held(row))
        doubted = _doubted(row)
        if word == pb.DOUBT_WORD_CHECK:
            return await self._check_now(trade_id, row, stands=bool(doubted))
        shown = frozenset(request.doubts) or doubted
        return await self._declare(trade_id, row, doubted & shown, shown, _WORDS[word])

    async def _check_now(self, trade_id: UUID, row: DictRow, *, stands: bool) -> pb.DoubtStatus:
        if row["is_over"] or not stands:
            return pb.DOUBT_STATUS_NOT_IN_DOUBT
        if not self._check(trade_id):
            await self._store.ask(ringing.RING_TO_CHECK, (trade_id.hex, row["account_id"]))
        return pb.DOUBT_STATUS_TAKEN

    async def _declare(
        self,
        trade_id: UUID,
        row: DictRow,
        doubted: frozenset[str],
        shown: frozenset[str],
        said: str,
    ) -> pb.DoubtStatus:
        known: Mapping[str, str] = row["declared"] or {}
        if doubted and not row["is_over"]:
            words = Jsonb(dict.fromkeys(sorted(doubted), said))
            parameters = {"words": words, "trade": trade_id}
            for taken in await self._store.ask(SAY, parameters):
                known = taken["declared"]
            self._believe(trade_id, known)
            await self._store.ask(ringing.RING, ([row["account_id"]],))
        # Said again, it is as it was.
        meant = [known.get(name) for name in doubted or shown] or list(known.values())
        return pb.DOUBT_STATUS_TAKEN if said in meant else pb.DOUBT_STATUS_NOT_IN_DOUBT


def _doubted(row: DictRow) -> frozenset[str]:
    """The doubts of a trade of which a person was told last."""
    outcome, protection = row["outcome"], row["protection"]
    found: list[str] = []
    if outcome is not None:
        last = told.outcome(bytes(outcome), None)
        if last.state == TradeState.NEEDS_ATTENTION:
            found += last.numbers.get("doubted", "").split()
    if protection is not None:
        found += told.protection(bytes(protection), 0).numbers.get("doubted", "").split()
    return frozenset(found)


def _is_held(row: DictRow) -> bool:
    if row["outcome"] is None:
        return False
    last = told.outcome(bytes(row["outcome"]), None)
    return (last.state, last.reason) == (TradeState.BLOCKED, "spread_too_wide")


def _id(text: str) -> UUID:
    try:
        return UUID(hex=text)
    except ValueError:
        raise BadRequest(f"not an id: {text!r}") from None
