"""Kill switches in words, and which of several binds a trade. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

PLATFORM = UUID(int=0)
SCOPES = ("platform", "broker", "tenant", "strategy", "connection")
OFF, STOP_ENTRIES, STOP_ALL, FLATTEN = "off", "stop_entries", "stop_all", "flatten"
MODES = (OFF, STOP_ENTRIES, STOP_ALL, FLATTEN)

# What each does, as its button and its confirmation say it.
BUTTONS: Mapping[str, tuple[str, str]] = {
    STOP_ENTRIES: (
        "Stop entries",
        "Nothing is opened. Exits, stops and targets go on. Orders that already work at the "
        "broker stay there.",
    ),
    STOP_ALL: (
        "Stop all",
        "Nothing is sent, no exit either. Orders that already work at the broker stay there; "
        "positions without a stop there are listed below, and nobody closes them but you.",
    ),
    FLATTEN: (
        "Flatten, then stop",
        "Working orders are canceled, positions are closed at the market, and nothing is opened "
        "any more.",
    ),
}


@dataclass(frozen=True, slots=True)
class On:
    """A switch that is on."""

    scope: str
    scope_id: UUID
    mode: str
    set_at: datetime
    set_by: str
    why: str

    @property
    def title(self) -> str:
        """What it does, in two words."""
        return BUTTONS[self.mode][0]

    @property
    def numbers(self) -> dict[str, str]:
        """As a refused trade tells it."""
        return {"scope": self.scope, "mode": self.mode.replace("_", " ")}


def read(told: Iterable[Mapping[str, Any]]) -> tuple[On, ...]:
    """Switches as a query brings them, the widest first."""
    found = [
        On(
            row["scope"],
            UUID(row["scope_id"]),
            row["mode"],
            datetime.fromisoformat(row["set_at"]),
            row["set_by"],
            row["why"],
        )
        for row in told
    ]
    return tuple(sorted(found, key=lambda on: SCOPES.index(on.scope)))


def binding(
    on: Iterable[On], *, broker: UUID, tenant: UUID, strategy: UUID, connection: UUID
) -> On | None:
    """The strictest switch that binds a trade; the widest of equals."""
    mine = {
        "platform": PLATFORM,
        "broker": broker,
        "tenant": tenant,
        "strategy": strategy,
        "connection": connection,
    }
    found = [each for each in on if mine[each.scope] == each.scope_id]
    return next((each for each in found if each.mode == STOP_ALL), found[0] if found else None)
