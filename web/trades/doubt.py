"""A person looks after trades whose orders can neither be found nor proven absent.

Durable fact: who said what, in the audit, before execution hears of it. If we die in between,
the trade waits on; said again, it is done. What then is, execution tells by its facts.
"""

from collections.abc import Callable, Sequence

from flask import current_app
from sqlalchemy import select

from protos.execution.v1 import execution_pb2 as pb
from web.alarms.models import Alarm
from web.db import db, mine
from web.execution_client import ExecutionClient
from web.paging import Moment, Page, in_order
from web.trades import approval, reads
from web.trades.approval import NotWaiting
from web.trades.models import Order, Trade

Says = Callable[..., Trade]
_ITSELF = (Trade.state == "NEEDS_ATTENTION") & (Trade.reason == "not_provable")
_DOUBTFUL = _ITSELF | Trade.protection_details["doubted"].astext.is_not(None)
# The alarms that such trades raise.
KINDS = ("not_provable", "guard_not_provable")
REASONS = {
    pb.DOUBT_WORD_ABSENT: "declared_absent",
    pb.DOUBT_WORD_PRESENT: "declared_present",
}


def check(trade: Trade, *, actor: str) -> Trade:
    """Have execution ask the broker once more, now. Raises NotWaiting, ExecutionDown."""
    return _say(trade, pb.DOUBT_WORD_CHECK, actor, "check")


def declare_absent(trade: Trade, *, actor: str, seen: Sequence[str] = ()) -> Trade:
    """The broker never had the order: the trade ends, and nothing more is sent for it. `seen`
    are the doubts that the person was shown; of others nothing is said.

    Repeating changes nothing. Raises NotWaiting, ExecutionDown.
    """
    return _say(trade, pb.DOUBT_WORD_ABSENT, actor, "declare_absent", seen)


def declare_present(trade: Trade, *, actor: str, seen: Sequence[str] = ()) -> Trade:
    """The broker has the order, and the person looks after it there: the trade ends here. `seen`
    are the doubts that the person was shown; of others nothing is said.

    Repeating changes nothing. Raises NotWaiting, ExecutionDown.
    """
    return _say(trade, pb.DOUBT_WORD_PRESENT, actor, "declare_present", seen)


def waiting(*, limit: int, cursor: str | None) -> Page[Trade]:
    """This tenant's trades in such doubt, the oldest first. Raises BadCursor."""
    raised = select(Alarm.trade_id).where(
        mine(Alarm), Alarm.kind.in_(KINDS), Alarm.ended_at.is_(None)
    )
    return in_order(
        reads.with_orders(select(Trade)).where(mine(Trade), _DOUBTFUL, Trade.id.in_(raised)),
        (Trade.accepted_at, Trade.id),
        Moment,
        lambda row: (row.accepted_at, row.id),
        limit=limit,
        cursor=cursor,
    )


def _say(
    trade: Trade, word: pb.DoubtWord, actor: str, verb: str, seen: Sequence[str] = ()
) -> Trade:
    doubts = seen or trade.doubts
    # Who let the trade go is still who did.
    stands = {"state": trade.state, "decided_by": trade.decided_by}
    still = _DOUBTFUL & (Trade.state == trade.state)
    if approval.decide_once(trade, still, actor, verb, **stands):
        client: ExecutionClient = current_app.extensions["fillwire.execution"]
        if client.resolve_doubt(trade.id, word, tenant_id=trade.tenant_id, doubts=doubts):
            db.session.refresh(trade)
            return trade
    db.session.refresh(trade)
    if word in REASONS and _was_said(trade, REASONS[word]):
        return trade
    raise NotWaiting(trade)


def _was_said(trade: Trade, reason: str) -> bool:
    """True where that is what became of an order of it."""
    ended = select(Order.id).where(Order.trade_id == trade.id, Order.reason == reason)
    return trade.reason == reason or bool(db.session.scalar(select(ended.exists())))
