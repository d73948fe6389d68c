"""Who looks after orders that nobody can prove anything of: at the venue, and then says so."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg

from tests.e2e.stack import Stack

LOOKS_SECONDS = 2.0
# Trades that need a person, themselves or for what guards them, with an order that never reached
# the venue.
_NEVER_ARRIVED = """
    SELECT trade.id FROM web.trades AS trade
     WHERE (trade.state = 'NEEDS_ATTENTION' AND trade.reason = 'not_provable'
            OR trade.protection_details->>'doubted' IS NOT NULL)
       AND EXISTS (
           SELECT FROM execution.orders AS written
            WHERE written.trade_id = trade.id
              AND (trade.protection_details->>'doubted' IS NULL
                   OR written.cl_ord_id IN (SELECT split_part(doubt, '.', 1) FROM
                       jsonb_array_elements_text(trade.protection_details->'doubted') AS doubt))
              AND NOT EXISTS (
                SELECT FROM paper.arrivals AS arrival
                 WHERE arrival.cl_ord_id = written.cl_ord_id))
"""


@contextmanager
def looking(stack: Stack) -> Iterator[set[str]]:
    """Declares what is not at the venue absent, as long as this lasts; which trades those were."""
    declared: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOKS_SECONDS):
            try:
                declared.update(_declare(stack))
            except (httpx.HTTPError, psycopg.OperationalError):
                # Whatever is away, comes back.
                continue

    person = threading.Thread(target=look)
    person.start()
    try:
        yield declared
    finally:
        over.set()
        person.join()


def _declare(stack: Stack) -> Iterator[str]:
    with stack.database() as connection:
        found = [row[0].hex for row in connection.execute(_NEVER_ARRIVED)]
    for trade_id in found:
        answer = stack.api("POST", f"/trades/trd_{trade_id}/declare", json={"order": "absent"})
        if answer.is_success:
            yield trade_id
