"""What support writes back to a customer, in plain words. Pure."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from protos import reasons
from web.trades.models import Trade
from web.trades.reference import plain


def about_signal(
    told: str, accepted_at: datetime, trades: Sequence[Trade], names: dict[str, str], url: str
) -> str:
    """What became of a signal, on each of the account's connections."""
    lines = [f"Your alert “{told}” reached us at {_clock(accepted_at)}."]
    if not trades:
        lines.append("No subscription of yours was enabled for it, so nothing was traded.")
    lines += [about_trade(trade, names.get(trade.connection_id.hex, "")) for trade in trades]
    return "\n".join([*lines, f"Everything we know of it, step by step: {url}"])


def about_trade(trade: Trade, connection: str) -> str:
    """One sentence or two: what was done, or why not, and what to do."""
    where = f"On {connection} ({trade.mode.upper()})".strip()
    fills = _fills(trade)
    if fills:
        return f"{where}: {fills}."
    why = trade.message or (trade.reason or trade.state).replace("_", " ").lower()
    known = reasons.CATALOGUE.get(trade.reason or "")
    fix = f" {plain(known.fix)}" if known is not None else ""
    return f"{where} nothing was filled: {why}{fix}"


def _fills(trade: Trade) -> str:
    told: Iterable[str] = (
        f"{'bought' if order.side == 'buy' else 'sold'} {format(fill.qty, 'f')} "
        f"{order.instrument} at {format(fill.price, 'f')}"
        for order in trade.orders
        for fill in order.fills
        if not fill.is_busted
    )
    return ", ".join(told)


def _clock(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%H:%M:%S UTC on %d %B %Y")
