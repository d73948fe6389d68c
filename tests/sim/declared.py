"""What the statements do by which a person's word on an order in doubt is taken."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from execution.service import declaring

Row = dict[str, Any]
Statements = dict[str, Callable[[str, Any], list[Row]]]


def statements(instructions: Mapping[UUID, Row], facts: Sequence[Row]) -> Statements:
    """The statements of `declaring`, on these tables."""

    def last(trade_id: UUID, kind: str) -> bytes | None:
        found = [f for f in facts if (f["trade_id"], f["kind"]) == (trade_id, kind)]
        return max(found, key=lambda f: int(f["seq"]))["fact"] if found else None

    def find(_author: str, parameters: Any) -> list[Row]:
        [trade_id] = parameters
        row = instructions[trade_id]
        told = {kind: last(trade_id, kind) for kind in ("outcome", "protection")}
        return [{**row, **told, "is_over": row["done_at"] is not None}]

    def say(_author: str, parameters: Row) -> list[Row]:
        row = instructions[parameters["trade"]]
        if row["done_at"] is not None:
            return []
        row["declared"] = {**parameters["words"].obj, **(row["declared"] or {})}
        return [{"declared": row["declared"]}]

    return {declaring.FIND: find, declaring.SAY: say}
