"""What the embedded default remembers between starts: ports, passwords and keys.

One file in the data folder that only its owner may read, and a lock beside it so that
two supervisors never share a folder.
"""

import fcntl
import json
import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import uuid4

from web.ops import children, redis_users

# The one that people ask for comes first: it is not exchanged for another.
PORTS = ("web", "postgres", "redis", "execution", "paper", "live")
PASSWORDS = ("super", "redis", "owner", "web", "worker", "staff", "execution", "paper")
# Users of Redis beside its owner.
REDIS_USERS = tuple(name for name in redis_users.RULES if name != redis_users.OWNER)
WEB_PORT = 8000


class Busy(Exception):
    """Another supervisor holds this data folder, or the asked port is taken."""


@dataclass
class State:
    """Made at the first start; ports may move when somebody else took them."""

    unique: str
    secret_key: str
    sealing_key: str
    passwords: dict[str, str]
    ports: dict[str, int] = field(default_factory=dict)
    # A folder of an earlier release has none of these yet.
    redis_passwords: dict[str, str] = field(default_factory=lambda: _draw_passwords(REDIS_USERS))
    audit_key: str = field(default_factory=lambda: _draw_key())


def make_folder(folder: Path) -> None:
    """Create the data folder; one that exists keeps its mode.

    As root it can be walked through, not listed: the servers below it run as `nobody`.
    """
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    for name in ("run", "log"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the data folder. Raises Busy when another supervisor has it."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"another `fillwire up` runs on {folder}") from None
        yield
    finally:
        os.close(descriptor)


def load(folder: Path) -> State:
    """The remembered state, or a new one with fresh secrets."""
    path = folder / "state.json"
    if path.exists():
        return State(**json.loads(path.read_text()))
    return State(
        unique=uuid4().hex[:12],
        secret_key=secrets.token_urlsafe(32),
        sealing_key=_draw_key(),
        passwords=_draw_passwords(PASSWORDS),
    )


def save(folder: Path, state: State) -> None:
    """Remember it."""
    write_private(folder / "state.json", json.dumps(asdict(state), indent=1))


def choose_ports(state: State, *, web_port: int | None, names: Sequence[str] = PORTS) -> list[str]:
    """Keep the remembered ports that are free, choose others; name the ones that moved.

    Raises Busy when the port that was asked for is taken.
    """
    if web_port is not None:
        if not children.is_free(web_port):
            raise Busy(f"port {web_port} is taken: name another with --port")
        state.ports["web"] = web_port
    elif "web" not in state.ports and children.is_free(WEB_PORT):
        state.ports["web"] = WEB_PORT
    moved: list[str] = []
    taken: set[int] = set()
    for name in names:
        known = state.ports.get(name)
        # Nobody listens yet, so one of ours may look free to another of ours.
        if known is None or known in taken or not children.is_free(known):
            state.ports[name] = _free_port(but=taken | set(state.ports.values()))
            if known is not None:
                moved.append(name)
        taken.add(state.ports[name])
    return moved


def _draw_key() -> str:
    return urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _draw_passwords(names: Sequence[str]) -> dict[str, str]:
    return {name: secrets.token_urlsafe(24) for name in names}


def _free_port(*, but: set[int]) -> int:
    while (port := children.free_port()) in but:
        continue
    return port


def write_private(path: Path, text: str) -> None:
    """Replace the file at once; only its owner may read it."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
