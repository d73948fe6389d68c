"""Bugs for the processes of a whole stack, each asleep until its file is in the data folder.

The product has no hooks for it: its modules are changed as they are imported.
"""

import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

# Long enough for a process to be killed within.
LATE_SECONDS = 0.4


def switch(folder: Path, name: str) -> Path:
    """The file that wakes a bug."""
    return folder / "plants" / name


def is_awake(name: str) -> bool:
    """True while the bug is to do its harm, in this process."""
    folder = os.environ.get("FILLWIRE_DATA_DIR")
    return folder is not None and switch(Path(folder), name).exists()


def answer_before_commit(service: Any) -> None:
    """The sender hears yes while its signal is on its way to the database."""

    def run(self: Any, parameters: Any, alone: Any) -> Any:
        if not is_awake("answer_before_commit"):
            return real(self, parameters, alone)

        def store() -> None:
            time.sleep(LATE_SECONDS)
            real(self, parameters, alone)

        threading.Thread(target=store, daemon=True).start()
        return ["NEW", parameters[2].decode(), "1", None, None]

    real = service.GroupCommit.run
    service.GroupCommit.run = run


def forget_what_failed_behind_the_commit(service: Any) -> None:
    """A failure behind the commit is answered as one before it."""

    def doubt(self: Any, webhook: Any, body: bytes) -> None:
        if not is_awake("forget_what_failed_behind_the_commit"):
            real(self, webhook, body)

    real = service.Intake.doubt
    service.Intake.doubt = doubt


def take_silence_for_stored(client: Any) -> None:
    """What execution did not answer is taken for handed over."""

    def submit(self: Any, groups: Any) -> Any:
        try:
            return real(self, groups)
        except client.ExecutionDown:
            if not is_awake("take_silence_for_stored"):
                raise
            return [client.pb.GroupResult() for _ in groups]

    real = client.ExecutionClient.submit
    client.ExecutionClient.submit = submit


def trust_the_bell(service: Any) -> None:
    """Nobody looks for what no ring told of."""

    def drain_due(self: Any, *, older_than_seconds: float = 0.0, **how: Any) -> Any:
        if older_than_seconds and is_awake("trust_the_bell"):
            return False, set()
        return real(self, older_than_seconds=older_than_seconds, **how)

    real = service.Drain.drain_due
    service.Drain.drain_due = drain_due


def double_projector(projector: Any) -> None:
    """Two follow the facts, each with a cursor and with ids of its own."""

    def apply(self: Any, cursor: str, to: str, facts: Any) -> Any:
        if is_awake("double_projector"):
            other = projector.Batch()
            for fact in facts:
                other.add(fact)
            for fill in other.fills:
                fill["id"] = uuid.uuid4().hex
            with self._pool.connection() as connection, connection.transaction():
                other.write(connection)
        return real(self, cursor, to, facts)

    real = projector.Projector.apply
    projector.Projector.apply = apply


def move_the_cursor_first(projector: Any) -> None:
    """Facts are called read before what they come to is stored."""

    def write(self: Any, cursor: str, to: str, facts: Any) -> Any:
        if is_awake("move_the_cursor_first"):
            with self._pool.connection() as connection, connection.transaction():
                self._move(connection, cursor, to)
            cursor = to
        return real(self, cursor, to, facts)

    real = projector.Projector._write
    projector.Projector._write = write


CHANGES: dict[str, tuple[Callable[[Any], None], ...]] = {
    "web.signals.service": (answer_before_commit, forget_what_failed_behind_the_commit),
    "web.execution_client": (take_silence_for_stored,),
    "web.trades.service": (trust_the_bell,),
    "web.projector": (double_projector, move_the_cursor_first),
}


def plant() -> None:
    """Change the modules as they come."""
    sys.meta_path.insert(0, _Planter())


class _Planter(MetaPathFinder):
    """Finds what everybody finds, and changes it once it has run."""

    def __init__(self) -> None:
        self._looking = threading.local()

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in CHANGES or getattr(self._looking, "now", False):
            return None
        self._looking.now = True
        try:
            spec = find_spec(name)
        finally:
            self._looking.now = False
        if spec is not None and spec.loader is not None:
            _change_after(spec.loader, CHANGES[name])
        return spec


def _change_after(loader: Any, changes: Sequence[Callable[[Any], None]]) -> None:
    def run(module: ModuleType) -> None:
        real(module)
        for change in changes:
            change(module)

    real = loader.exec_module
    loader.exec_module = run
