"""Where servers may keep data and find their binaries.

PostgreSQL refuses to run as root, so root hands both servers to `nobody`, who must be
able to walk to the data and to the binaries. The mode of a folder that is not ours is
never changed: where the walk fails, data and a copy of the binaries go below
`/var/lib/fillwire`.
"""

import os
import pwd
import shutil
import stat
import sys
from pathlib import Path

from web.ops.children import Identity

SHARED = Path("/var/lib/fillwire")


class NoServer(Exception):
    """No usable server binary; the message says what to set instead."""


def identity() -> Identity | None:
    """Whom to run the servers as: None for ourselves, `nobody` when we are root."""
    if os.geteuid() != 0:
        return None
    if sys.platform == "darwin":
        raise NoServer("do not run as root on macOS, or set DATABASE_URL and REDIS_URL")
    nobody = pwd.getpwnam("nobody")
    return Identity(uid=nobody.pw_uid, gid=nobody.pw_gid)


def open_to(path: Path, who: Identity | None) -> bool:
    """Whether this user can walk to `path` and into it."""
    if who is None:
        return True
    return all(_may_walk(folder, who) for folder in (path, *path.parents) if folder.exists())


def data_folder(wanted: Path, who: Identity | None, *, unique: str) -> Path:
    """`wanted`, or a reachable folder of the same data below /var/lib/fillwire."""
    return wanted if open_to(wanted.parent, who) else SHARED / unique / wanted.name


def make(folder: Path, who: Identity | None) -> None:
    """Create a private folder that belongs to the server's user."""
    if who is not None and SHARED in folder.parents:
        for parent in (SHARED, folder.parent):
            parent.mkdir(mode=0o755, exist_ok=True)
            parent.chmod(0o755)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    own(folder, who)


def own(path: Path, who: Identity | None) -> None:
    """Give the file or folder to the server's user."""
    if who is not None:
        os.chown(path, who.uid, who.gid)


def write_private(path: Path, text: str, who: Identity | None) -> None:
    """Write a file that only the server's user may read, replacing it at once."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    own(fresh, who)
    fresh.replace(path)


def reachable_copy(parts: list[Path], who: Identity | None, *, version: str) -> list[Path]:
    """The same files where this user can run them: in place, or copied side by side."""
    if all(open_to(part, who) and _all_readable(part, who) for part in parts):
        return parts
    target = SHARED / "bin" / version
    for part in parts:
        if not (target / part.name).exists():
            _copy(part, target / part.name)
    return [target / part.name for part in parts]


def _copy(source: Path, target: Path) -> None:
    make(target.parent, None)
    for folder in (SHARED, SHARED / "bin", target.parent):
        folder.chmod(0o755)
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    if source.is_dir():
        shutil.copytree(source, fresh, symlinks=True)
    else:
        shutil.copy2(source, fresh)
    for path in (fresh, *fresh.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if mode & stat.S_IXUSR else 0o044))
    try:
        fresh.replace(target)
    except OSError:  # another process copied the same version first
        shutil.rmtree(fresh, ignore_errors=True)


def _may_walk(folder: Path, who: Identity) -> bool:
    status = folder.stat()
    if status.st_uid == who.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    return bool(status.st_mode & stat.S_IXOTH)


def _all_readable(part: Path, who: Identity | None) -> bool:
    if who is None:
        return True
    files = [part, *part.rglob("*")] if part.is_dir() else [part]
    return all(file.is_symlink() or file.stat().st_mode & stat.S_IROTH for file in files)
