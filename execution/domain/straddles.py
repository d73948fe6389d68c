"""Both sides of an underlying at once: calls and puts, or months against each other. Pure.

They may come to no position at all when they are added up, and are still to be closed.
"""

from collections.abc import Collection

from execution.domain import table
from execution.domain.decisions import Scope
from execution.domain.table import Close
from execution.domain.trades import Trade
from execution.domain.words import Action, Sentiment, Side


def first(trade: Trade, scope: Scope) -> Close | None:
    """The side that is closed first, where a trade that wants to be flat meets both."""
    if not all(scope.against(side) for side in Side):
        return None
    closing = [Side.SELL if lot.quantity > 0 else Side.BUY for lot in scope.lots]
    return next((close for side in closing if (close := _close(trade, side))), None)


def rest(trade: Trade, scope: Scope, side: Side, closed: Collection[str]) -> Close | None:
    """The other side, once what orders of `side` close is closed; in other contracts only, for
    what came to be in these meanwhile was not meant."""
    left = [lot for lot in scope.against(side.opposite) if scope.lots]
    if not left or any(lot.instrument in closed for lot in left):
        return None
    return _close(trade, side.opposite)


def _close(trade: Trade, side: Side) -> Close | None:
    wants_flat = trade.sentiment is Sentiment.FLAT or (
        trade.action is Action.EXIT and trade.signal_quantity is None
    )
    bound = table.bound(trade, Close(side, None)) if wants_flat else None
    return bound if isinstance(bound, Close) else None
