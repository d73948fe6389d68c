"""Positions that move without a fill: a contract expired, or an account began anew.

What is heard again changes nothing: moves are numbered, and come in order. A position that
is gone is gone for every subscription that had a share of it.
"""

from collections.abc import Sequence
from datetime import datetime

from execution.accounts import recording
from execution.accounts.accounts import Account
from execution.domain.positions import FLAT, Position
from execution.domain.reports import PositionMove
from execution.journal.rows import Entry
from execution.lanes import known
from execution.lanes.lanes import Lane


def apply(account: Account, said: PositionMove) -> tuple[Entry, Lane | None] | None:
    """Move the position; the fact to record, and the lane that changed. None for a move
    that was heard before."""
    if said.sequence <= account.moved_seq:
        return None
    account.moved_seq = said.sequence
    if not said.instrument:
        return recording.moved(account, None, said), None
    lane = account.lane(known.lane_of(said.instrument))
    book = lane.book(said.instrument)
    quantity = book.whole.quantity + said.quantity
    book.whole = Position(quantity, book.whole.avg_price) if quantity else FLAT
    book.note(said.sequence)
    if not quantity:
        book.own = dict.fromkeys(book.own, FLAT)
    return recording.moved(account, lane, said), lane


def over(symbols: Sequence[str], at: datetime) -> list[str]:
    """Those of the contracts whose last day has passed."""
    found = ((symbol, known.find(symbol)) for symbol in symbols)
    return [symbol for symbol, meant in found if meant is not None and meant.is_expired(at)]
