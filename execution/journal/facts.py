"""Reading facts by cursor: pages, and a bell that wakes the streams after a commit."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from protos.execution.v1 import execution_pb2 as pb

DEFAULT_FACTS = 500
MOST_FACTS = 2000
# A commit of another instance is noticed after this long.
POLL_SECONDS = 0.1
# After a ring: what an order is sent with, acknowledged and filled with comes in a few
# milliseconds, and costs whoever follows little more than one of them.
GATHER_SECONDS = 0.015
# The same where the last page was of several orders: a page costs as much as the facts on it, and
# following must not take the processor of what is to be sent. Of hundreds it costs nothing beside.
BUSY_GATHER_SECONDS = 0.05
BUSY_FACTS = range(9, 200)
# Nothing to tell for so long: say that.
QUIET_SECONDS = 1.0
# While many orders wait to be written down, after each page: nobody waits to be sent by reading.
YIELD_SECONDS = 0.25
# A fact may wait for an older transaction: look again soon after a commit of ours.
SOON_SECONDS = (0.01, 0.03)


class Bell:
    """Wakes every waiting stream at once."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        # Streams end, for their callers to go elsewhere.
        self.is_closed = False
        # Whether the machine is wanted for what is to be sent.
        self.is_pressed: Callable[[], bool] = _never

    def ring(self) -> None:
        """Facts were committed."""
        self._event.set()
        self._event = asyncio.Event()

    def close(self) -> None:
        """End every stream."""
        self.is_closed = True
        self.ring()

    def listen(self) -> asyncio.Event:
        """Taken before facts are read, so that no ring after that is missed."""
        return self._event


async def rang(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the ring; False when the time passed first."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
        return True
    return False


def response(facts: list[bytes], cursor: str) -> bytes:
    """A StreamFactsResponse of facts as stored: none is read only to be written again."""
    parts: list[bytes] = []
    for fact in facts:
        parts += (b"\x0a", _varint(len(fact)), fact)
    parts.append(pb.StreamFactsResponse(cursor=cursor).SerializeToString())
    return b"".join(parts)


def gather_seconds(last: int) -> float:
    """How long to gather after a ring, when the last page had so many facts."""
    return BUSY_GATHER_SECONDS if last in BUSY_FACTS else GATHER_SECONDS


def page_size(asked: int) -> int:
    """How many facts a response carries."""
    return min(asked, MOST_FACTS) if asked > 0 else DEFAULT_FACTS


def _never() -> bool:
    """Until the journal is there."""
    return False


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
