"""The fault proxy of the chaos trials, before an echo."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from tests.chaos.proxy import FaultProxy
from tests.e2e.stack import free_port

_opened: list[asyncio.StreamWriter] = []


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(100):
                writer.write(piece)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    proxy = FaultProxy(port=free_port(), server_port=server.sockets[0].getsockname()[1])
    proxy.start()
    yield proxy
    proxy.stop()
    server.close()
    for writer in _opened:
        writer.close()
    _opened.clear()
    await asyncio.sleep(0)


async def _say(proxy: FaultProxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    ends = await asyncio.open_connection("127.0.0.1", proxy.port)
    _opened.append(ends[1])
    ends[1].write(b"one")
    assert await asyncio.wait_for(ends[0].read(100), 5) == b"one"
    return ends


async def test_it_breaks_what_is_open_and_lets_new_ones_through(proxy: FaultProxy) -> None:
    reader, _ = await _say(proxy)
    proxy.cut()
    assert await asyncio.wait_for(reader.read(100), 5) == b""
    await _say(proxy)


@pytest.mark.parametrize("direction", ["there", "back"])
async def test_what_it_holds_arrives_when_it_is_healed(proxy: FaultProxy, direction: str) -> None:
    reader, writer = await _say(proxy)
    proxy.hold("there" if direction == "there" else "back")
    writer.write(b"two")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(heard := asyncio.ensure_future(reader.read(9))), 0.2)
    proxy.heal()
    assert await asyncio.wait_for(heard, 5) == b"two"


async def test_it_delays_both_ways(proxy: FaultProxy) -> None:
    reader, writer = await _say(proxy)
    proxy.delay(0.1)
    started = time.monotonic()
    writer.write(b"two")
    assert await asyncio.wait_for(reader.read(9), 5) == b"two"
    assert time.monotonic() - started >= 0.2
