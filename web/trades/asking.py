"""Which signals ask a person before they go. Pure."""

from dataclasses import dataclass

from web.signals.rules import Signal
from web.subscriptions.settings import Resolved

# What these actions close, of what is held.
_AGAINST = {"buy": ("short",), "sell": ("long",), "reverse": ("long", "short")}


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person is asked about before it goes."""

    auto_submit: bool
    exits_too: bool = False
    allow_add: bool = False

    @classmethod
    def of(cls, resolved: Resolved) -> "Approval":
        """As the settings say."""
        names = ("auto_submit", "approve_exits", "allow_add")
        return cls(*(bool(resolved[name]) for name in names))

    def asks(self, signal: Signal, *, may_open: bool) -> bool:
        """True when somebody has to agree; nobody is asked before a cancel or a stop."""
        if self.auto_submit or signal.action in ("cancel", "breakeven"):
            return False
        return self.exits_too or (may_open and not only_closes(signal))

    def closes_at_once(self, signal: Signal, stands: str) -> bool:
        """True for a buy or sell against what is held: it goes and closes, asking nobody, and
        may open nothing."""
        if self.auto_submit or self.exits_too:
            return False
        return closes(signal, stands, allow_add=self.allow_add)


def closes(signal: Signal, stands: str, *, allow_add: bool) -> bool:
    """True for a buy or sell against what is held. Puts may be held either way: where nothing is
    added to, that is as good."""
    if not may_close(signal):
        return False
    either = ("either",) if signal.action == "reverse" or not allow_add else ()
    return stands in (*_AGAINST[signal.action], *either) or _shrinks(signal, stands)


def may_close(signal: Signal) -> bool:
    """True for what opens or closes, as the position has it."""
    return signal.action in _AGAINST and not only_closes(signal)


def _shrinks(signal: Signal, stands: str) -> bool:
    """True for a sender that leaves part of the position that is held here as well."""
    target = signal.target
    if target is None or target.size is None or target.prev_size is None:
        return False
    return stands == target.side == target.prev_side and target.size < target.prev_size


def only_closes(signal: Signal) -> bool:
    """True when no position makes an entry of it: what limits entries must not stop it."""
    against = {"buy": "bearish", "sell": "bullish"}.get(signal.action)
    ends = signal.reduces or signal.action == "breakeven"
    return ends or signal.sentiment in {"flat", against} - {None}
