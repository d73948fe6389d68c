"""An error in words that hold no value of anybody: for logs, which many people read.

A message is free text: it may quote what was typed, a row, or a URL with its secret. So the
class is told, and what a number stands for; a message only of errors that never quote.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
import grpc.aio

ROOT = Path(__file__).resolve().parent.parent
MOST_CAUSES = 4
MOST_PLACES = 12

# Redis says these of the connection alone.
_OF_REDIS = frozenset(("ConnectionError", "TimeoutError", "BusyLoadingError"))
# PostgreSQL quotes values in these: bad data, and what functions raise.
_QUOTING = ("22", "P0")
# How libpq begins what it says of a connection; what it says of a URL quotes the URL.
_OF_CONNECTIONS = ("connection ", "consuming input", "server closed", "the connection", "sending")


class Tellable(Exception):
    """An error whose message is written for logs: it quotes nothing that is secret."""


def told(error: BaseException) -> str:
    """One line: the error, and what it came from."""
    return " < ".join(_one(each) for each in _chain(error))


def story(error: BaseException) -> dict[str, Any]:
    """The error and the places that it passed, the innermost last. No values, no locals."""
    return {"error": told(error), "at": list(_places(error.__traceback__))[-MOST_PLACES:]}


def _one(error: BaseException) -> str:
    words = _words(error)
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _words(error: BaseException) -> str:
    if isinstance(error, Tellable):
        return _plain(str(error))
    library = type(error).__module__.partition(".")[0]
    state = getattr(error, "sqlstate", None)
    if library == "psycopg":
        said = "" if state and state[:2] in _QUOTING else _primary(error)
        return f"{state or ''} {said}".strip()
    if library == "psycopg_pool" or (library == "redis" and type(error).__name__ in _OF_REDIS):
        return _plain(str(error))
    if isinstance(error, grpc.Call | grpc.aio.AioRpcError):
        return str(error.code().name)
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return ""


def _primary(error: Any) -> str:
    """PostgreSQL's sentence, without the row it is about; libpq's own where there is none."""
    if error.diag.message_primary:
        return _plain(error.diag.message_primary)
    said = str(error)
    return _plain(said) if said.startswith(_OF_CONNECTIONS) else ""


def _plain(text: str) -> str:
    """On one line, and no longer than a line."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:200]


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(MOST_CAUSES):
        if found is None:
            return
        yield found
        # SQLAlchemy carries the driver's error.
        original = getattr(found, "orig", None)
        hidden = None if found.__suppress_context__ else found.__context__
        found = original if isinstance(original, BaseException) else found.__cause__ or hidden


def _places(traceback: TracebackType | None) -> Iterator[str]:
    while traceback is not None:
        code = traceback.tb_frame.f_code
        path = Path(code.co_filename)
        name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name
        yield f"{name}:{traceback.tb_lineno} {code.co_name}"
        traceback = traceback.tb_next
