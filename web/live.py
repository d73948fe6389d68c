"""The live process: Server-Sent Events, so that `web` never holds a stream.

`GET /stream?ticket=…&after=N` tells what changed after N: ids only; the page fetches the
rest from `web`. The ticket comes from `web` and opens one stream. Nothing is stored here:
if this process dies, pages poll, come back, and resume from the number they saw last.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from web import config as configuration
from web.changes import tickets
from web.changes.events import shown
from web.changes.feed import POLL_SECONDS, Change, Feed, NotTheirs
from web.changes.tickets import BadTicket, Listener, Ticket
from web.config import Config
from web.headers import EVERYWHERE, HSTS, NO_PAGE

HEARTBEAT_SECONDS = 15.0
STREAMS_PER_PERSON = 2
# A browser that goes from page to page asks for the next stream before the last is seen to end.
PLACE_SECONDS = 2.0

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = structlog.get_logger()

# What reading may fail with while the database is away.
_AWAY = (psycopg.Error, PoolTimeout, TimeoutError, OSError)


class Refused(Exception):
    """No stream for this request."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Live:
    """The ASGI application."""

    def __init__(self, config: Config | None = None) -> None:
        self._config = config
        self._feed: Feed
        self._used: dict[str, float] = {}
        self._streams: Counter[UUID] = Counter()
        self._ended = asyncio.Condition()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection of a browser, or the server's start and stop."""
        match scope["type"]:
            case "lifespan":
                await self._lifespan(receive, send)
            case "http":
                await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._config = self._config or configuration.read(secrets=[configuration.SIGNING])
                self._feed = Feed(self._config.web_database_url, self._config.redis_url)
                await self._feed.open()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._feed.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["path"]:
            case "/healthz":
                await _answer(send, 200, "ok\n", self._headers(scope))
            case "/stream" if scope["method"] == "GET":
                try:
                    ticket = await self._admit(scope)
                except Refused as refused:
                    log.warning("stream_refused", status=refused.status)
                    await _answer(send, refused.status, refused.text, self._headers(scope))
                    return
                await self._serve(scope, ticket, receive, send)
            case _:
                await _answer(send, 404, "There is nothing here.\n", self._headers(scope))

    async def _admit(self, scope: Scope) -> Ticket:
        """Take the ticket, once there is a place. Raises Refused."""
        assert self._config is not None
        origin = _header(scope, b"origin")
        if origin and origin not in self._config.origins:
            raise Refused(403, "Only our own pages may listen.\n")
        try:
            ticket = tickets.read(self._config.secret_key, _parameter(scope, "ticket"))
        except BadTicket:
            raise Refused(403, "The ticket is not valid. Ask for a new one.\n") from None
        now = time.monotonic()
        self._used = {number: at for number, at in self._used.items() if at > now}
        if ticket.number in self._used:
            raise Refused(403, "The ticket was used. Ask for a new one.\n")
        self._used[ticket.number] = now + tickets.LIFE_SECONDS + 1
        await self._wait_for_a_place(ticket.listener.person_id)
        return ticket

    async def _wait_for_a_place(self, person: UUID) -> None:
        """Until one of their streams ended, or not for long. Raises Refused."""
        try:
            async with asyncio.timeout(PLACE_SECONDS), self._ended:
                await self._ended.wait_for(lambda: self._streams[person] < STREAMS_PER_PERSON)
        except TimeoutError:
            text = f"{STREAMS_PER_PERSON} streams are open already: poll.\n"
            raise Refused(429, text) from None

    async def _serve(self, scope: Scope, ticket: Ticket, receive: Receive, send: Send) -> None:
        who = ticket.listener
        self._streams[who.person_id] += 1
        stream = asyncio.get_running_loop().create_task(self._stream(scope, who, send))
        gone = asyncio.get_running_loop().create_task(_until_gone(receive))
        try:
            await asyncio.wait((stream, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._streams[who.person_id] -= 1
            for task in (stream, gone):
                task.cancel()
            async with self._ended:
                self._ended.notify_all()
            await asyncio.gather(stream, gone, return_exceptions=True)

    async def _stream(self, scope: Scope, who: Listener, send: Send) -> None:
        """Until the browser leaves, or they may not listen any more: then the page asks for
        another ticket, which it gets as whoever they are by then."""
        await _start(send, self._headers(scope))
        number = _resume_from(scope)
        heard = time.monotonic()
        with self._feed.bell(who.tenant_id) as bell:
            while True:
                bell.clear()
                try:
                    if number is None:
                        number = await self._feed.number(who)
                        await _write(send, f"event: hello\nid: {number}\ndata: {{}}\n\n")
                    changes = await self._feed.after(who, number)
                except NotTheirs:
                    log.info("stream_ended", tenant_id=who.tenant_id.hex)
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                    return
                except _AWAY as error:
                    log.warning("changes_unread", error=error)
                    changes = ()
                    await asyncio.sleep(POLL_SECONDS / 2)
                if changes:
                    await _write(send, _events(changes))
                    number, heard = changes[-1].number, time.monotonic()
                    continue
                if time.monotonic() - heard >= HEARTBEAT_SECONDS - POLL_SECONDS:
                    await _write(send, ": still here\n\n")
                    heard = time.monotonic()
                await _wait(bell)

    def _headers(self, scope: Scope) -> Sequence[tuple[bytes, bytes]]:
        """On every answer; only our own origins may read them, whatever the request says."""
        assert self._config is not None
        origin = _header(scope, b"origin")
        allowed = origin if origin in self._config.origins else self._config.web_url
        said = EVERYWHERE | {
            "Access-Control-Allow-Origin": allowed,
            "Vary": "origin",
            "Cache-Control": "no-store",
            "Content-Security-Policy": NO_PAGE,
            # Pages of `web` read it, and that is another port.
            "Cross-Origin-Resource-Policy": "same-site",
        }
        if self._config.live_url.startswith("https://"):
            said["Strict-Transport-Security"] = HSTS
        return [(name.lower().encode(), value.encode()) for name, value in said.items()]


def _events(changes: Sequence[Change]) -> str:
    """The changes as events. Only the last of a number carries it, so none is skipped."""
    lines: list[str] = []
    for change, following in zip(changes, [*changes[1:], None], strict=True):
        if following is None or following.number != change.number:
            lines.append(f"id: {change.number}")
        lines.append(f"event: {change.kind}.updated")
        lines.append(f'data: {{"id":"{shown(change.kind, change.object_id)}"}}\n')
    return "\n".join(lines) + "\n"


def _resume_from(scope: Scope) -> int | None:
    text = _header(scope, b"last-event-id") or _parameter(scope, "after")
    return int(text) if text.isdecimal() and len(text) < 18 else None


async def _wait(bell: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(POLL_SECONDS):
            await bell.wait()
    except TimeoutError:
        return


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _start(send: Send, headers: Sequence[tuple[bytes, bytes]]) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"x-accel-buffering", b"no"),
                *headers,
            ],
        }
    )
    await _write(send, "retry: 2000\n\n")


async def _write(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _answer(
    send: Send, status: int, text: str, headers: Sequence[tuple[bytes, bytes]]
) -> None:
    start = [(b"content-type", b"text/plain; charset=utf-8"), *headers]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": text.encode()})


def _header(scope: Scope, name: bytes) -> str:
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def _parameter(scope: Scope, name: str) -> str:
    query: bytes = scope["query_string"]
    return parse_qs(query.decode("latin-1")).get(name, [""])[0]


app = Live()
