"""Folders for servers that a test starts: in memory, where there is plenty of it.

A clone of the template is some 900 files, which a disk takes ten times as long for. Killing a
server proves as much there: what it has written stays, on a disk as in memory.
"""

import shutil
import tempfile
import time
from pathlib import Path

from web.ops import places

_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 2 << 30
_LEFT_SECONDS = 24 * 3600


def folder(prefix: str) -> Path:
    """A new folder that the servers' user can walk to; whoever asks removes it."""
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=_base()))
    made.chmod(0o711)
    return made


def _base() -> Path:
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH_BYTES:
        _clear_what_was_left()
        return _MEMORY
    # A run as root needs a folder that the servers' user can walk to.
    return Path("/tmp" if places.identity() is not None else tempfile.gettempdir())


def _clear_what_was_left() -> None:
    """A run that was killed removes nothing, and memory does not come back by itself."""
    for old in _MEMORY.glob("fillwire_*"):
        try:
            if time.time() - old.stat().st_mtime > _LEFT_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
        except FileNotFoundError:  # another worker was first
            continue
