"""A TCP proxy that can cut, slow down and hold back what passes through it."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

Direction = Literal["there", "back"]
_CHUNK = 64 * 1024


class FaultProxy:
    """Stands between clients and one server, in a thread of its own."""

    def __init__(self, *, port: int, server_port: int) -> None:
        self.port = port
        self._server_port = server_port
        self._loop = asyncio.new_event_loop()
        self._delay_seconds = 0.0
        self._ways: dict[Direction, asyncio.Event] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._listens = threading.Event()

    def start(self) -> None:
        """Listen; returns once it does."""
        self._thread.start()
        if not self._listens.wait(5):
            raise OSError(f"the proxy cannot listen on port {self.port}")

    def stop(self) -> None:
        """Cut everything and end."""
        self._do(self._loop.stop)
        self._thread.join(5)

    def cut(self) -> None:
        """Break every connection; new ones are let through."""
        self._do(self._cut)

    def delay(self, seconds: float) -> None:
        """Hold each piece of what passes for so long, either way."""
        self._do(lambda: setattr(self, "_delay_seconds", seconds))

    def hold(self, direction: Direction) -> None:
        """Let nothing through in one direction until healed, then what was held."""
        self._do(lambda: self._ways[direction].clear())

    def heal(self) -> None:
        """Be a wire again."""
        self._do(self._heal)

    def _do(self, what: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(what)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        serving = self._loop.create_task(self._serve())
        self._loop.run_forever()
        serving.cancel()
        self._cut()
        self._loop.run_until_complete(self._end_all())
        self._loop.close()

    async def _end_all(self) -> None:
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.sleep(0.01)

    async def _serve(self) -> None:
        for direction in ("there", "back"):
            self._ways[direction] = asyncio.Event()
            self._ways[direction].set()
        async with await asyncio.start_server(self._join, "127.0.0.1", self.port):
            self._listens.set()
            await asyncio.Event().wait()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            far_reader, far = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            self._end(writer)
            return
        self._writers.add(far)
        ways = (
            asyncio.create_task(self._pass(reader, far, "there")),
            asyncio.create_task(self._pass(far_reader, writer, "back")),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            self._end(writer)
            self._end(far)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction
    ) -> None:
        with suppress(OSError):
            while piece := await reader.read(_CHUNK):
                if self._delay_seconds:
                    await asyncio.sleep(self._delay_seconds)
                await self._ways[direction].wait()
                writer.write(piece)
                await writer.drain()

    def _end(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.close()

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def _heal(self) -> None:
        self._delay_seconds = 0.0
        for way in self._ways.values():
            way.set()
