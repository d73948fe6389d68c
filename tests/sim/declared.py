"""What the statements do by which a person's word on an order in doubt is taken."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from execution.service import declaring
from protos import wire
from protos.execution.v1 import execution_pb2 as pb

Row = dict[str, Any]
Statements = dict[str, Callable[[str, Any], list[Row]]]


def statements(instructions: Mapping[UUID, Row], facts: Sequence[Row]) -> Statements:
    """The statements of `declaring`, on these tables."""

    def last(trade_id: UUID, kind: str) -> Row:
        found = [f for f in facts if (f["trade_id"], f["kind"]) == (trade_id, kind)]
        if not found:
            return {kind: None, f"{kind}_at": None}
        fact = max(found, key=lambda f: int(f["seq"]))["fact"]
        return {kind: fact, f"{kind}_at": wire.to_datetime(pb.Fact.FromString(fact).time)}

    def find(_author: str, parameters: Any) -> list[Row]:
        [trade_id] = parameters
        row = instructions[trade_id]
        told = last(trade_id, "outcome") | last(trade_id, "protection")
        is_over, withdrawn = row["done_at"] is not None, row["cancel_reason"] or 0
        return [{**row, **told, "is_over": is_over, "withdrawn": withdrawn}]

    def say(_author: str, parameters: Row) -> list[Row]:
        row = instructions[parameters["trade"]]
        is_first = row["cancel_reason"] not in parameters["words"]
        if row["done_at"] is not None or not (is_first or row["canceled_at"] < parameters["since"]):
            return []
        row["cancel_reason"], row["canceled_at"] = parameters["word"], parameters["since"]
        return [{"trade_id": parameters["trade"]}]

    return {declaring.FIND: find, declaring.SAY: say}
