"""Signals as pages and API show them, with how their trades went. Few queries a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Uuid, case, column, func, select, true, values
from sqlalchemy.orm import aliased

from web.db import db, mine
from web.paging import Page, newest_first
from web.signals.models import Refusal, Signal
from web.strategies.models import StrategyIntake
from web.trades.models import FILLED_STATES, OPEN_STATES, Trade

# Trades of each signal of a list, and of one by itself.
MOST_COUNTED, MOST_COUNTED_OF_ONE = 500, 20_000


@dataclass(frozen=True)
class Counts:
    """How the trades of one signal went."""

    trades: int = 0
    filled: int = 0
    skipped: int = 0
    failed: int = 0
    total_ms: float | None = None
    states: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    # Its trades were made, however few: what is not there will not come.
    drained: bool = True
    # Only the first trades were looked at.
    has_more: bool = False

    @property
    def is_open(self) -> bool:
        """Whether some trade is not over."""
        return any(state in OPEN_STATES for state in self.states)


NONE = Counts()


def page(*, strategy_id: UUID | None, limit: int, cursor: str | None) -> Page[Signal]:
    """This tenant's signals, newest first. Raises BadCursor."""
    query = select(Signal).where(mine(Signal))
    if strategy_id is not None:
        query = query.where(Signal.strategy_id == strategy_id)
    return newest_first(
        query,
        Signal.accepted_at,
        Signal.id,
        lambda row: (row.accepted_at, row.id),
        limit=limit,
        cursor=cursor,
    )


def counts(signals: Sequence[Signal]) -> Mapping[UUID, Counts]:
    """How the trades of these signals went, in one query; of a list no more of each are looked at
    than a page can bear."""
    if not signals:
        return {}
    most = MOST_COUNTED if len(signals) > 1 else MOST_COUNTED_OF_ONE
    wanted = values(column("id", Uuid), name="wanted").data([(row.id,) for row in signals])
    looked = select(Trade).where(Trade.signal_id == wanted.c.id).limit(most + 1).lateral()
    trade = aliased(Trade, looked)
    over = trade.state.not_in(OPEN_STATES)
    filled = trade.state.in_(FILLED_STATES)
    skipped = trade.state == "SKIPPED"
    end = func.coalesce(trade.filled_at, trade.first_fill_at, trade.acknowledged_at)
    rows = db.session.execute(
        select(
            wanted.c.id,
            func.count(),
            func.count(case((filled, 1))),
            func.count(case((skipped, 1))),
            func.count(case((over & ~filled & ~skipped, 1))),
            func.max(func.extract("epoch", end - trade.received_at)) * 1000,
            func.array_agg(trade.state.distinct()),
            func.array_remove(func.array_agg(trade.reason.distinct()), None),
        )
        .select_from(wanted.join(looked, true()))
        .group_by(wanted.c.id)
    )
    found = {
        signal_id: Counts(
            trades,
            filled_,
            skipped_,
            failed,
            None if ms is None else float(ms),
            tuple(states),
            tuple(reasons),
            has_more=trades > most,
        )
        for signal_id, trades, filled_, skipped_, failed, ms, states, reasons in rows
    }
    untraded = [signal for signal in signals if signal.id not in found]
    return {**found, **_without_trades(untraded)}


def _without_trades(signals: Sequence[Signal]) -> Mapping[UUID, Counts]:
    """Whether those without a trade are still waiting for theirs."""
    if not signals:
        return {}
    rows = db.session.execute(
        select(StrategyIntake.strategy_id, StrategyIntake.drained_seq).where(
            StrategyIntake.strategy_id.in_({signal.strategy_id for signal in signals})
        )
    )
    drained = {row.strategy_id: row.drained_seq for row in rows}
    return {
        signal.id: Counts(drained=signal.seq <= drained.get(signal.strategy_id, 0))
        for signal in signals
    }


def last_refusals(strategy_id: UUID, limit: int = 10) -> Sequence[Refusal]:
    """What was refused lately."""
    return db.session.scalars(
        select(Refusal)
        .where(Refusal.strategy_id == strategy_id)
        .order_by(Refusal.last_at.desc())
        .limit(limit)
    ).all()


def neighbours(signal: Signal) -> tuple[UUID | None, UUID | None]:
    """The ids of the signal before and the one after, of the same strategy."""
    found = db.session.execute(
        select(Signal.seq, Signal.id).where(
            Signal.strategy_id == signal.strategy_id,
            Signal.seq.in_((signal.seq - 1, signal.seq + 1)),
        )
    )
    rows = {row.seq: row.id for row in found}
    return rows.get(signal.seq - 1), rows.get(signal.seq + 1)
