"""The live process: streams resume where they stopped, with Redis or without."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from granian.constants import Interfaces
from granian.server.embed import Server

from tests.site.conftest import Site
from web.changes import tickets
from web.changes.feed import POLL_SECONDS
from web.changes.tickets import Listener
from web.config import Config
from web.live import PLACE_SECONDS, STREAMS_PER_PERSON, Live
from web.ops import children, processes, roles

SECONDS = 10


@contextmanager
def serving(config: Config) -> Iterator[str]:
    """The live process on a port of its own, in a thread."""
    import asyncio

    port = children.free_port()
    ready = threading.Event()
    holder: dict[str, Any] = {}

    async def run() -> None:
        server = Server(Live(config), port=port, interface=Interfaces.ASGI)
        holder["stop"] = server.stop
        holder["loop"] = asyncio.get_running_loop()
        ready.set()
        await server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    ready.wait(SECONDS)
    url = f"http://127.0.0.1:{port}"
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            if httpx.get(f"{url}/healthz").text == "ok\n":
                break
        except httpx.TransportError:
            time.sleep(0.02)
    try:
        yield url
    finally:
        holder["loop"].call_soon_threadsafe(holder["stop"])
        thread.join(SECONDS)


@pytest.fixture(scope="module")
def live(site: Site) -> Iterator[str]:
    """Without Redis: PostgreSQL alone must do."""
    with serving(replace(site.app.extensions["fillwire.config"])) as url:
        yield url


@contextmanager
def process(site: Site) -> Iterator[str]:
    """The live process itself, with the variables that the table gives it and no others."""
    config: Config = site.app.extensions["fillwire.config"]
    port = children.free_port()
    environ = {
        "FILLWIRE_WEB_DATABASE_URL": site.database.url("web"),
        "REDIS_URL": config.redis_url,
        "FILLWIRE_SECRET_KEY": config.secret_key,
        "FILLWIRE_WEB_URL": config.web_url,
        "FILLWIRE_LIVE_URL": f"http://127.0.0.1:{port}",
        "FILLWIRE_LIVE_BIND": f"127.0.0.1:{port}",
    }
    live = processes.BY_NAME["live"]
    assert set(environ) <= set(live.variables)
    running = subprocess.Popen(
        live.command, env={"PYTHONPATH": str(roles.ROOT), "PATH": "/usr/bin:/bin"} | environ
    )
    url = f"http://127.0.0.1:{port}"
    until = time.monotonic() + 3 * SECONDS
    try:
        while True:
            assert running.poll() is None
            assert time.monotonic() < until
            try:
                if httpx.get(f"{url}/healthz").text == "ok\n":
                    break
            except httpx.TransportError:
                time.sleep(0.05)
        yield url
    finally:
        running.terminate()
        running.wait(SECONDS)


def listener(site: Site, role: str = "viewer") -> Listener:
    """Somebody else of our workspace, signed in."""
    who = Listener(site.ours.tenant_id, uuid4(), uuid4(), role)
    for statement in (
        "INSERT INTO web.people (id, email) VALUES (%(person)s, %(person)s::text)",
        "INSERT INTO web.members (tenant_id, person_id, role) "
        "VALUES (%(tenant)s, %(person)s, %(role)s)",
        "INSERT INTO web.sessions (id, token_hash, person_id, tenant_id, expires_at) "
        "VALUES (%(session)s, %(hash)s, %(person)s, %(tenant)s, now() + interval '1 day')",
    ):
        site.owner.execute(
            statement.encode(),
            {
                "tenant": who.tenant_id,
                "person": who.person_id,
                "session": who.session_id,
                "hash": who.session_id.bytes,
                "role": role,
            },
        )
    return who


def ticket(site: Site, who: Listener | None = None) -> str:
    config: Config = site.app.extensions["fillwire.config"]
    return tickets.issue(config.secret_key, who or listener(site))


def change(site: Site, tenant_id: UUID, *trade_ids: UUID) -> None:
    """What drain and projector do when something of a tenant changed."""
    with psycopg.connect(site.database.url("worker")) as worker:
        worker.execute(
            "SELECT web.record_changes(%s, %s, %s)",
            ([tenant_id] * len(trade_ids), ["trade"] * len(trade_ids), list(trade_ids)),
        )


class Ended(Exception):
    """The stream is over."""


class Stream:
    """The events of one stream, read one at a time."""

    def __init__(self, response: httpx.Response) -> None:
        self.lines = response.iter_lines()

    def next(self) -> dict[str, str]:
        """The next event, comments and `retry` passed over."""
        fields: dict[str, str] = {}
        for line in self.lines:
            name, _, value = line.partition(": ")
            if line == "" and "event" in fields:
                return fields
            if name in ("event", "id", "data"):
                fields[name] = value
        raise Ended()


@contextmanager
def listening(url: str, ticket: str, after: int | None = None) -> Iterator[Stream]:
    query = {"ticket": ticket} | ({} if after is None else {"after": str(after)})
    with httpx.stream("GET", f"{url}/stream", params=query, timeout=SECONDS) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)


def test_a_stream_tells_what_changed_and_resumes_after_its_number(site: Site, live: str) -> None:
    first, second, third = uuid4(), uuid4(), uuid4()
    with listening(live, ticket(site)) as stream:
        start = int(stream.next()["id"])
        change(site, site.ours.tenant_id, first)
        told = stream.next()
    assert told["event"] == "trade.updated"
    assert told["data"] == f'{{"id":"trd_{first.hex}"}}'
    assert int(told["id"]) > start

    change(site, site.ours.tenant_id, second)
    change(site, site.theirs.tenant_id, uuid4())
    change(site, site.ours.tenant_id, third)
    with listening(live, ticket(site), after=int(told["id"])) as stream:
        resumed = [stream.next(), stream.next()]
    assert [event["data"] for event in resumed] == [
        f'{{"id":"trd_{trade_id.hex}"}}' for trade_id in (second, third)
    ]


def test_changes_of_one_commit_are_told_whole_or_again(site: Site, live: str) -> None:
    with listening(live, ticket(site)) as stream:
        start = int(stream.next()["id"])
        change(site, site.ours.tenant_id, *(uuid4() for _ in range(3)))
        events = [stream.next() for _ in range(3)]
    assert [event.get("id") for event in events[:2]] == [None, None]
    assert int(events[2]["id"]) > start


def test_a_ticket_opens_one_stream(site: Site, live: str) -> None:
    given = ticket(site)
    with listening(live, given) as stream:
        stream.next()
    for bad in (given, given + "x", ""):
        assert httpx.get(f"{live}/stream", params={"ticket": bad}).status_code == 403


def test_a_person_has_two_streams(site: Site, live: str) -> None:
    person = listener(site)
    with listening(live, ticket(site, person)), listening(live, ticket(site, person)):
        refused = httpx.get(f"{live}/stream", params={"ticket": ticket(site, person)})
        assert refused.status_code == 429
        assert str(STREAMS_PER_PERSON) in refused.text


def test_a_page_that_is_left_makes_room_for_the_next(site: Site, live: str) -> None:
    """The next asks first: browsers close a stream as they open the page that follows."""
    person = listener(site)
    with ExitStack() as left, listening(live, ticket(site, person)):
        left.enter_context(listening(live, ticket(site, person)))
        leaving = threading.Timer(PLACE_SECONDS / 4, left.close)
        leaving.start()
        with listening(live, ticket(site, person)) as stream:
            stream.next()
        leaving.join()


def test_only_our_own_pages_may_listen(site: Site, live: str) -> None:
    answer = httpx.get(
        f"{live}/stream",
        params={"ticket": ticket(site)},
        headers={"Origin": "https://evil.example"},
    )
    assert answer.status_code == 403
    assert answer.headers["access-control-allow-origin"] == "http://localhost"


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_this_machine_has_two_names(site: Site, live: str, name: str) -> None:
    headers = {"Origin": f"http://{name}"}
    with httpx.stream(
        "GET", f"{live}/stream", params={"ticket": ticket(site)}, headers=headers
    ) as answer:
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == f"http://{name}"


ENDS = {
    "removed": "DELETE FROM web.members WHERE person_id = %(person)s",
    "demoted": "UPDATE web.members SET role = 'viewer' WHERE person_id = %(person)s",
    "signed out": "UPDATE web.sessions SET revoked_at = now() WHERE id = %(session)s",
    "expired": "UPDATE web.sessions SET expires_at = now() WHERE id = %(session)s",
    "disabled": "UPDATE web.people SET disabled_at = now() WHERE id = %(person)s",
}


def test_a_stream_ends_within_seconds_of_what_allowed_it(site: Site) -> None:
    with process(site) as url, ExitStack() as open_ones:

        def begin(who: Listener, after: int | None = None) -> Stream:
            return open_ones.enter_context(listening(url, ticket(site, who), after))

        people = {name: listener(site, "trader") for name in ENDS}
        streams = {name: begin(who) for name, who in people.items()}
        stays = begin(listener(site, "trader"))
        for stream in (stays, *streams.values()):
            stream.next()
        for name, who in people.items():
            values = {"person": who.person_id, "session": who.session_id}
            site.owner.execute(ENDS[name].encode(), values)
        began = time.monotonic()
        for stream in streams.values():
            with pytest.raises(Ended):
                stream.next()
        assert time.monotonic() - began < 2 * POLL_SECONDS
        # What comes afterwards is for those who stayed, and no ticket of before brings it back.
        change(site, site.ours.tenant_id, uuid4())
        assert stays.next()["event"] == "trade.updated"
        for who in people.values():
            with pytest.raises(Ended):
                begin(who, after=0).next()


def test_redis_brings_the_news_at_once(site: Site, redis_url: str) -> None:
    from redis import Redis

    from web.queue import CHANGES_CHANNEL

    config = replace(site.app.extensions["fillwire.config"], redis_url=redis_url)
    with (
        serving(config) as url,
        listening(url, ticket(site)) as stream,
        Redis.from_url(redis_url) as redis,
    ):
        stream.next()
        while redis.publish(CHANGES_CHANNEL, uuid4().hex) == 0:
            time.sleep(0.01)
        change(site, site.ours.tenant_id, uuid4())
        began = time.monotonic()
        redis.publish(CHANGES_CHANNEL, site.ours.tenant_id.hex)
        stream.next()
        assert time.monotonic() - began < 1


def test_polling_tells_the_same(site: Site) -> None:
    client = site.signed_in(site.ours)
    number = client.get("/live/ticket").json["number"]  # type: ignore[index]
    trade_id = uuid4()
    change(site, site.ours.tenant_id, trade_id)
    found: dict[str, Any] = client.get(f"/live/changes?after={number}").get_json()
    told = found["number"]
    assert told > number
    assert found["events"] == [
        {"number": told, "type": "trade.updated", "id": f"trd_{trade_id.hex}"}
    ]
    assert client.get("/live/changes").json["events"] == []  # type: ignore[index]
