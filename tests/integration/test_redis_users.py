"""What each program may do in Redis, and what a worker does with what others put there."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from execution.limits import lending
from execution.limits.lending import Pool
from tests.integration.test_servers import private_folder, start
from web import jobs, queue
from web.admin import failed_jobs
from web.bell_job import FUNCTION, BellJob
from web.ops import children, places, redis_users, valkey
from web.queue import CHANGES_CHANNEL, QUEUE, Bell

USERS = [name for name in redis_users.RULES if name != redis_users.OWNER]


@pytest.fixture(scope="module")
def server() -> Iterator[valkey.Server]:
    with private_folder() as folder:
        server = valkey.Server(
            folder=folder / "valkey",
            port=children.free_port(),
            password="owner's",
            binary=valkey.find(places.identity()),
            identity=places.identity(),
            users={name: f"{name}'s" for name in USERS},
        )
        server.create()
        child = start(server, folder)
        yield server
        child.kill()
        child.wait()


@pytest.fixture
def owner(server: valkey.Server) -> Iterator[Any]:
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
        client.acl_log_reset()
        yield client


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (queue, lending):
        monkeypatch.setattr(module, "TIMEOUT_SECONDS", 5.0)


def denied(owner: Any) -> list[Any]:
    """What somebody was not allowed to do."""
    return [(each["username"], each["reason"], each["object"]) for each in owner.acl_log()]


@pytest.mark.parametrize("credentials", ["", ":owner's@", "default:owner's@"])
def test_nobody_gets_in_without_a_name(server: valkey.Server, credentials: str) -> None:
    url = f"redis://{credentials}127.0.0.1:{server.port}/0"
    with redis.Redis.from_url(url) as client, pytest.raises(redis.RedisError):
        client.ping()


def test_no_password_stands_in_the_file(server: valkey.Server) -> None:
    text = (server.folder / "users.acl").read_text()
    assert [name for name in (*USERS, "owner") if f"{name}'s" in text] == []
    assert (server.folder / "users.acl").stat().st_mode & 0o077 == 0


COMMANDS = [
    "flushall", "flushdb", "config get *", "config set maxmemory 1", "acl list", "acl setuser x on",
    "shutdown nosave", "monitor", "replicaof no one", "debug sleep 1", "module list", "save",
    "bgrewriteaof", "client kill id 1", "client pause 1", "script flush", "function flush",
    "keys *", "swapdb 0 1", "slowlog get", "migrate h 1 k 0 1", "cluster reset", "failover",
]  # fmt: skip


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("command", COMMANDS)
def test_what_belongs_to_whoever_runs_redis(owner: Any, user: str, command: str) -> None:
    told = owner.execute_command("ACL", "DRYRUN", user, *command.split())
    assert b"no permissions" in told


KEYS = {
    "bell": "fillwire:bell:0",
    "queue": "rq:queue:drain",
    "job": "rq:job:1",
    "books": "rq:worker:1",
    "limit": "fillwire:limit:x",
    "other": "session:1",
}
# Write and read; a program that only rings learns nothing from RQ's keys. The site's staff look
# at jobs that failed.
MAY = {
    "web": {"bell": "w", "queue": "w", "job": "rw"},
    "relay": {"bell": "w", "queue": "w", "job": "w"},
    "worker": {"bell": "rw", "queue": "rw", "job": "rw", "books": "rw"},
    "live": {},
    "execution": {"limit": "rw"},
}


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("key", KEYS)
def test_each_program_reaches_its_own_keys_only(owner: Any, user: str, key: str) -> None:
    reads = ["hgetall", "get", "lrange", "hmget"]
    writes = ["hset", "set", "rpush", "del", "expire"]
    rest = {"hmget": ["f"], "hset": ["f", "v"], "set": ["v"], "rpush": ["v"], "expire": ["9"],
            "lrange": ["0", "1"]}  # fmt: skip

    def can(commands: list[str]) -> bool:
        return b"OK" in [
            owner.execute_command("ACL", "DRYRUN", user, each, KEYS[key], *rest.get(each, []))
            for each in commands
        ]

    may = MAY[user].get(key, "")
    assert (can(writes), can(reads)) == ("w" in may, "r" in may)


CHANNELS = {"web": "p", "relay": "p", "worker": "ps", "live": "s", "execution": ""}


@pytest.mark.parametrize("user", USERS)
def test_who_announces_and_who_hears(owner: Any, user: str) -> None:
    def can(*command: str) -> bool:
        return bool(owner.execute_command("ACL", "DRYRUN", user, *command) == b"OK")

    assert can("publish", CHANGES_CHANNEL, "x") == ("p" in CHANNELS[user])
    assert can("subscribe", CHANGES_CHANNEL) == ("s" in CHANNELS[user])
    assert not can("publish", "elsewhere", "x") and not can("subscribe", "elsewhere")


@pytest.mark.parametrize("user", ["web", "relay", "worker"])
def test_whoever_rings_may_do_all_that_a_bell_does(
    server: valkey.Server, owner: Any, user: str
) -> None:
    bell = Bell(server.url_for(user))
    bell.ring()
    assert owner.llen("rq:queue:drain") == 1
    bell.ring()
    assert bell.listen() and bell.leave()
    bell.pass_on()
    bell.announce({"a" * 32})
    assert owner.llen("rq:queue:drain") == 2
    assert denied(owner) == []


def test_live_hears_what_was_announced(server: valkey.Server, owner: Any) -> None:
    with redis.Redis.from_url(server.url_for("live")) as client, client.pubsub() as pubsub:
        pubsub.subscribe(CHANGES_CHANNEL)
        assert pubsub.get_message(timeout=5)["type"] == "subscribe"
        Bell(server.url_for("relay")).announce({"a" * 32})
        assert pubsub.get_message(timeout=5)["data"] == b"a" * 32
        pubsub.ping()
    assert denied(owner) == []


async def test_execution_borrows(server: valkey.Server, owner: Any) -> None:
    pool = Pool(server.url_for("execution"), "execution-1")
    try:
        script = pool._borrow
        for _ in range(2):
            found = await script(keys=["fillwire:limit:x"], args=["me", 10, 1, 100, 100])
            assert found[1] == 10
    finally:
        await pool.close()
    assert denied(owner) == []


# -- what a worker does with what it finds


class Planted:
    """A pickle that makes a folder when it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return Path.mkdir, (self.folder,)


def plant(owner: Any, data: bytes, **fields: str) -> None:
    """Put a job on the queue, as somebody would who may write to Redis."""
    owner.hset("rq:job:planted", mapping={
        "data": data, "origin": QUEUE, "status": "queued", "timeout": "9",
        "created_at": "2026-11-22T00:00:00.000000Z", **fields,
    })  # fmt: skip
    owner.sadd("rq:queues", f"rq:queue:{QUEUE}")
    owner.rpush(f"rq:queue:{QUEUE}", "planted")


def work(server: valkey.Server) -> None:
    """All that is on the queue, as our worker does it."""
    with redis.Redis.from_url(server.url_for("worker")) as connection:
        jobs.listener(connection).work(burst=True, logging_level="CRITICAL")


def call(function: str, *arguments: object) -> bytes:
    return json.dumps([function, None, arguments, {}]).encode()


def test_a_pickle_is_not_read(server: valkey.Server, owner: Any, tmp_path: Path) -> None:
    made = tmp_path / "made"
    plant(owner, pickle.dumps(("os.getpid", None, (Planted(made),), {})))
    work(server)
    assert not made.exists()
    assert owner.llen(f"rq:queue:{QUEUE}") == 0
    assert denied(owner) == []
    # What RQ would have made of it, left as it comes.
    plant(owner, pickle.dumps(("os.getpid", None, (Planted(made),), {})))
    SimpleWorker([QUEUE], connection=owner).work(burst=True, logging_level="CRITICAL")
    assert made.exists()


def test_a_function_of_somebody_elses_is_not_called(
    server: valkey.Server, owner: Any, tmp_path: Path
) -> None:
    plant(owner, call("os.mkdir", str(tmp_path / "made")))
    work(server)
    assert not (tmp_path / "made").exists()
    # What RQ alone would have made of it.
    plant(owner, call("os.mkdir", str(tmp_path / "made")))
    theirs = Queue(QUEUE, connection=owner, serializer=JSONSerializer)
    SimpleWorker([theirs], connection=owner, serializer=JSONSerializer).work(
        burst=True, logging_level="CRITICAL"
    )
    assert (tmp_path / "made").exists()


TOLD: list[object] = []


def told(job: Job, *_: object) -> None:
    """What a callback would do."""
    TOLD.append(job.id)


def test_staff_see_put_back_and_discard_what_failed(server: valkey.Server, owner: Any) -> None:
    url = server.url_for("web")
    assert failed_jobs.listed(url, 10) == []
    plant(owner, call("os.getpid"))
    work(server)
    (job,) = failed_jobs.listed(url, 10)
    assert (job.id, job.what) == ("planted", "os.getpid")
    assert "would call 'os.getpid'" in job.error
    assert failed_jobs.put_back(url, "planted")
    assert failed_jobs.listed(url, 10) == []
    assert owner.lrange(f"rq:queue:{QUEUE}", 0, -1) == [b"planted"]
    assert not failed_jobs.put_back(url, "planted")
    work(server)
    assert [each.id for each in failed_jobs.listed(url, 10)] == ["planted"]
    assert failed_jobs.discard(url, "planted")
    assert not failed_jobs.discard(url, "planted")
    assert owner.exists("rq:job:planted") == 0
    assert failed_jobs.listed(url, 10) == []
    assert denied(owner) == []


def test_nobody_is_told_how_a_job_ended(server: valkey.Server, owner: Any) -> None:
    names = {f"{when}_callback_name": f"{__name__}.told" for when in ("failure", "success")}
    hook = {"url": "http://127.0.0.1:9/", "events": ["failed"]}
    plant(owner, call("os.getpid"), **names, webhooks=json.dumps([hook]), retries_left="5")
    work(server)
    assert TOLD == []
    found = BellJob.fetch("planted", owner, JSONSerializer)
    assert (found.get_status(), found.webhooks, found.retries_left) == ("failed", [], None)


def test_the_bell_puts_the_only_job_there_is(server: valkey.Server, owner: Any) -> None:
    Bell(server.url_for("web")).ring()
    (job_id,) = owner.lrange(f"rq:queue:{QUEUE}", 0, -1)
    job = BellJob.fetch(job_id.decode(), owner, JSONSerializer)
    assert (job.func_name, job.func, job.args) == (FUNCTION, jobs.drain, [0])
