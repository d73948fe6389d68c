"""Read the fields of a message one by one, and remember what was odd about them. Pure."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from web.signals.refusals import BadSignal

MAX_DIGITS = 28
MAX_TEXT = 500

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_ABSENT = ("", "nan", "na", "null", "none")


class Fields:
    """The fields of one JSON object; `where` names the object it lies in."""

    def __init__(self, payload: Mapping[str, Any], warnings: list[str], where: str = "") -> None:
        self._payload = payload
        self._where = where
        self.warnings = warnings

    def __contains__(self, name: str) -> bool:
        return self._payload.get(name) is not None

    def inside(self, name: str) -> "Fields":
        """The object in a field; an empty one when it is absent. Raises BadSignal."""
        found = self._payload.get(name)
        if found is None:
            found = {}
        if not isinstance(found, Mapping):
            raise self.bad(name, "is not an object.", f"Send `{name}` as {{…}} with fields.")
        return Fields(found, self.warnings, f"{name}.")

    def text(self, name: str, *, as_it_is: bool = False) -> str | None:
        """Text, or a number as text; None when absent or empty.

        A placeholder that nobody filled in is a refusal, or only a warning for text that
        is kept `as_it_is`. Raises BadSignal.
        """
        raw = self._payload.get(name)
        if raw is None:
            self._note_null(name)
            return None
        if isinstance(raw, bool) or not isinstance(raw, str | int | Decimal):
            raise self.bad(name, "is not text.", f"Send `{name}` as text.")
        text = format(raw, "f") if isinstance(raw, Decimal) else str(raw)
        if "{{" in text:
            bad = self._placeholder(name, text)
            if not as_it_is:
                raise bad
            self.warnings.append(bad.message)
        return clean(text).strip()[:MAX_TEXT] or None

    def number(
        self,
        name: str,
        *,
        code: str = "invalid-payload",
        zero: bool = False,
        signed: bool = False,
    ) -> Decimal | None:
        """A number above zero; `zero` and `signed` allow more. What stands for nothing is
        None, with a warning. Raises BadSignal(code)."""
        raw = self._payload.get(name)
        if raw is None:
            self._note_null(name)
            return None
        text = raw.strip() if isinstance(raw, str) else raw
        if isinstance(text, str):
            if text.lower() in _ABSENT:
                self.warnings.append(f"`{self._where}{name}` is {_show(raw)}: taken as not sent.")
                return None
            if not _NUMBER.fullmatch(text):
                raise self._no_number(name, text, code)
        value = self._decimal(name, text, code)
        if not signed and (value < 0 or (not value and not zero)):
            least = "0 or more" if zero else "above 0"
            raise self.bad(name, f"must be {least}.", f"Send a number {least}.", code)
        return value

    def required(self, name: str, value: Decimal | str | None) -> None:
        """Raises BadSignal when there is no value."""
        if value is None:
            raise self.bad(name, "is missing.", f"Add `{self._where}{name}` to the message.")

    def bad(self, name: str, message: str, fix: str, code: str = "invalid-payload") -> BadSignal:
        """A refusal that names the field."""
        where = f"{self._where}{name}"
        return BadSignal(code, f"`{where}` {message}", fix, where)

    def _decimal(self, name: str, raw: object, code: str) -> Decimal:
        if isinstance(raw, bool) or not isinstance(raw, str | int | Decimal):
            raise self._no_number(name, _show(raw), code)
        value = Decimal(raw)
        digits, exponent = value.as_tuple().digits, value.as_tuple().exponent
        if not isinstance(exponent, int):
            raise self._no_number(name, str(raw), code)
        if len(digits) > MAX_DIGITS or abs(exponent) > MAX_DIGITS:
            fix = "Send fewer digits."
            raise self.bad(name, f"has more than {MAX_DIGITS} digits.", fix, code)
        return value

    def _note_null(self, name: str) -> None:
        if name in self._payload:
            self.warnings.append(f"`{self._where}{name}` is null: taken as not sent.")

    def _no_number(self, name: str, text: str, code: str) -> BadSignal:
        if "{{" in text:
            return self._placeholder(name, text, code)
        if "," in text:
            fix = 'Leave the thousands comma out: "42000.5".'
        elif "%" in text:
            fix = "Leave the percent sign out."
        else:
            fix = 'Send a plain number, for example 10 or "85.50".'
        return self.bad(name, f"is {_show(text)}, not a number.", fix, code)

    def _placeholder(self, name: str, text: str, code: str = "invalid-payload") -> BadSignal:
        if "alert_message" in text:
            fix = "Put only {{strategy.order.alert_message}} in the alert's message box."
        else:
            fix = "TradingView fills {{…}} only in the alert's message box; in alert() join "
            fix += "str.tostring(close) instead."
        return self.bad(name, f"is still {_show(text)}: nobody filled it in.", fix, code)


def clean(text: str) -> str:
    """Without the one character that no database text may hold."""
    return text.replace("\0", "")


def _show(raw: object) -> str:
    text = clean(raw) if isinstance(raw, str) else json.dumps(raw, default=str)
    return f"`{text[:40]}`" + ("…" if len(text) > 40 else "")
