"""Keys that are almost ours: they would be ignored, and their sender would not know. Pure."""

from collections.abc import Collection, Iterable

# What other products call our fields, and slips that one edit does not explain.
_ALIASES = {
    "qty": "quantity",
    "size": "quantity",
    "contracts": "quantity",
    "amount": "quantity",
    "symbol": "ticker",
    "side": "action",
    "tp": "takeProfit",
    "sl": "stopLoss",
    "tif": "timeInForce",
    "type": "orderType",
    "timestamp": "time",
    "direction": "sentiment",
    "marketposition": "sentiment",
    "takeprofitpercent": "takeProfit",
    "takeprofitprice": "takeProfit",
    "stoplosspercent": "stopLoss",
    "stoplossprice": "stopLoss",
    "expiry": "expiration",
    "strike": "strikePrice",
}
_LEAST_LENGTH = 5
_MOST_KEYS = 64
_MOST_LENGTH = 40


class Fields:
    """The fields of one object of the language, and what people write for them."""

    def __init__(self, names: Collection[str], *, aliases: bool = False) -> None:
        self.names = frozenset(names)
        self._near: dict[str, str] = {}
        for name in sorted(names):
            plain = _plain(name)
            if len(plain) >= _LEAST_LENGTH:
                for shorter in _shorter(plain):
                    self._near.setdefault(shorter, name)
        for name in names:
            self._near[_plain(name)] = name
        if aliases:
            self._near = {**_ALIASES, **self._near}

    def remarks(self, keys: Iterable[str], inside: str = "") -> list[str]:
        """A remark on each unknown key that looks like a known one."""
        found = []
        for key in list(keys)[:_MOST_KEYS]:
            if key not in self.names and (meant := self.meant_by(key)):
                found.append(f"`{inside}{key}` is not read. Did you mean `{inside}{meant}`?")
        return found

    def meant_by(self, key: str) -> str | None:
        """The field that differs from this key by spelling or one edit."""
        if len(key) > _MOST_LENGTH:
            return None
        plain = _plain(key)
        if plain in self._near:
            return self._near[plain]
        if len(plain) < _LEAST_LENGTH:
            return None
        return next((self._near[s] for s in _shorter(plain) if s in self._near), None)


def _plain(key: str) -> str:
    return key.replace("_", "").replace("-", "").replace(" ", "").lower()


def _shorter(plain: str) -> Iterable[str]:
    """The word with one letter left out: two words share one if one edit parts them."""
    return (plain[:index] + plain[index + 1 :] for index in range(len(plain)))
