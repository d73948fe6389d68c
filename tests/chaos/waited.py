"""How long orders were in the dark, from the facts on record."""

from collections.abc import Collection
from typing import Any

import psycopg

from tests.e2e import evidence


def seconds(connection: psycopg.Connection[Any], cl_ord_ids: Collection[str]) -> list[float | None]:
    """For each of these orders, from its being written down to the outcome of its trade;
    None for one that a person has to look at."""
    facts = evidence.gather(connection, ()).facts
    began = {
        each.trade_id: each.at
        for each in facts
        if each.kind == "order_sending" and each.cl_ord_id in cl_ord_ids
    }
    ended = {each.trade_id: each for each in facts if each.kind == "trade_outcome"}
    found: list[float | None] = []
    for trade_id, at in began.items():
        outcome = ended.get(trade_id)
        is_known = outcome is not None and outcome.state != "NEEDS_ATTENTION"
        found.append((outcome.at - at).total_seconds() if outcome and is_known else None)
    return found
