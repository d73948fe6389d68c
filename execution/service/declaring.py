"""What a person says of an order that can neither be found nor proven absent, or of an exit that
its spread filter holds.

Durable fact: the word, on the trade's instruction. If we die right after, whoever holds the
account finds it there. It is believed only while the order is still in such doubt.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from execution.domain.words import TradeState
from execution.errors import BadRequest
from execution.journal import ringing, told
from execution.journal.rows import OutcomeImage
from execution.journal.store import Store
from execution.messages import messages
from execution.service import owning
from protos.execution.v1 import execution_pb2 as pb

_WORDS = {
    pb.DOUBT_WORD_ABSENT: pb.REASON_DECLARED_ABSENT,
    pb.DOUBT_WORD_PRESENT: pb.REASON_DECLARED_PRESENT,
}

FIND = """
SELECT i.account_id, i.trade, i.done_at IS NOT NULL AS is_over,
    coalesce(i.cancel_reason, 0) AS withdrawn, i.canceled_at,
    o.fact AS outcome, o.at AS outcome_at, p.fact AS protection, p.at AS protection_at
FROM execution.instructions i
LEFT JOIN LATERAL (SELECT fact, at FROM execution.facts f WHERE f.trade_id = i.trade_id
    AND f.kind = 'outcome' ORDER BY f.seq DESC LIMIT 1) o ON true
LEFT JOIN LATERAL (SELECT fact, at FROM execution.facts f WHERE f.trade_id = i.trade_id
    AND f.kind = 'protection' ORDER BY f.seq DESC LIMIT 1) p ON true
WHERE i.trade_id = %s
"""

# Of each doubt the first word holds; a cancel of before is overtaken by it. Its time is when the
# doubt was told, by the clock that orders are written down by: none of those in doubt is younger,
# and what is sent once it was believed is.
SAY = """
UPDATE execution.instructions SET cancel_reason = %(word)s, canceled_at = %(since)s
WHERE trade_id = %(trade)s AND done_at IS NULL
  AND (cancel_reason IS NULL OR NOT cancel_reason = ANY(%(words)s) OR canceled_at < %(since)s)
RETURNING trade_id
"""


class Declaring:
    """Takes people's words on doubtful trades. `believe` and `check` act on what this instance
    holds; the holder elsewhere is rung for."""

    def __init__(
        self,
        store: Store,
        believe: Callable[[UUID, str, datetime], None],
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
        status = await self._resolve(trade_id, request.word, of=request.tenant_id)
        return pb.ResolveDoubtResponse(status=status)

    async def _resolve(self, trade_id: UUID, word: pb.DoubtWord, *, of: str) -> pb.DoubtStatus:
        rows = await self._store.ask(FIND, (trade_id,))
        if not rows or not owning.is_of(rows[0]["trade"], of):
            return pb.DOUBT_STATUS_NOT_FOUND
        [row] = rows
        said = _WORDS.get(word)
        since = _held_since(row) if word == pb.DOUBT_WORD_LET_GO else _in_doubt_since(row)
        if said and row["withdrawn"] == said and (since is None or since <= row["canceled_at"]):
            return pb.DOUBT_STATUS_TAKEN
        if row["is_over"] or since is None:
            return pb.DOUBT_STATUS_NOT_IN_DOUBT
        if said:
            words = list(_WORDS.values())
            parameters = {"word": said, "trade": trade_id, "words": words, "since": since}
            if not await self._store.ask(SAY, parameters):
                return pb.DOUBT_STATUS_NOT_IN_DOUBT
            self._believe(trade_id, messages.REASON_WORDS[said], since)
            await self._store.ask(ringing.RING, ([row["account_id"]],))
        elif not self._check(trade_id):
            await self._store.ask(ringing.RING_TO_CHECK, (trade_id.hex, row["account_id"]))
        return pb.DOUBT_STATUS_TAKEN


def _in_doubt_since(row: DictRow) -> datetime | None:
    """When a person was last told that nobody can prove anything of its orders; None for those
    of which nobody need say anything."""
    found: list[datetime] = []
    if _stands(row).state == TradeState.NEEDS_ATTENTION:
        found.append(row["outcome_at"])
    kept = row["protection"]
    if kept is not None and told.protection(bytes(kept), 0).numbers.get("doubted"):
        found.append(row["protection_at"])
    return max(found, default=None)


def _held_since(row: DictRow) -> datetime | None:
    last = _stands(row)
    is_held = (last.state, last.reason) == (TradeState.BLOCKED, "spread_too_wide")
    since: datetime = row["outcome_at"]
    return since if is_held else None


def _stands(row: DictRow) -> OutcomeImage:
    outcome = row["outcome"]
    return OutcomeImage(0, "", "", {}) if outcome is None else told.outcome(bytes(outcome), None)


def _id(text: str) -> UUID:
    try:
        return UUID(hex=text)
    except ValueError:
        raise BadRequest(f"not an id: {text!r}") from None
