"""Log lines: one JSON object an event, a constant name and then fields that are listed here.

A field that is not listed, or does not look like its kind, is withheld: only its name gets
out. So ids, numbers and a few words do; bodies, secrets, addresses and people do not, whoever
logs them. An error is told by its class and the places it passed, with its words only where
they cannot hold a value (`protos.telling`).
"""

import logging
import re
import sys
import threading
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict

from protos import telling

_ID = re.compile(r"[\w:.-]{1,64}")
_WORDS = re.compile(r"[\w .,:;/<>()'+=-]{0,200}")
MOST_ITEMS = 20
METADATA = "fillwire-request-id"

IDS = frozenset(
    (
        "account_id",
        "alarm_id",
        "boot_id",
        "canonical_id",
        "chain",
        "cl_ord_id",
        "connection_id",
        "exec_id",
        "kek_id",
        "key_id",
        "mail",
        "order_id",
        "person_id",
        "report_id",
        "request_id",
        "signal_id",
        "strategy_id",
        "strategy_ids",
        "subscription_id",
        "tenant_id",
        "trade_id",
        "trade_ids",
    )
)
WORDS = frozenset(
    (
        "asset",
        "bind",
        "broker",
        "caller",
        "code",
        "event",
        "exec_type",
        "factor",
        "file",
        "folder",
        "instrument",
        "instruments",
        "kind",
        "known",
        "level",
        "logger",
        "loop",
        "method",
        "name",
        "of",
        "outcome",
        "package",
        "process",
        "reason",
        "route",
        "scope",
        "scopes",
        "source",
        "state",
        "timestamp",
        "version",
    )
)
NUMBERS = frozenset(
    (
        "accounts",
        "amount",
        "attempts",
        "count",
        "entries",
        "final",
        "legs",
        "rows",
        "seconds",
        "sessions",
        "status",
    )
)
ERRORS = frozenset(("cause", "error", "exception"))
# The last characters of an account tell its owner which it is.
ENDS = frozenset(("account",))

log = structlog.get_logger()


def configure(process: str) -> None:
    """Send this process's log lines to standard error, those of libraries among them."""

    def named(_logger: object, _method: str, event: EventDict) -> EventDict:
        # Not a context variable: threads would not have it.
        return {**event, "process": process}

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            named,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_listed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Library()], level=logging.WARNING, force=True)
    sys.excepthook = _ended
    threading.excepthook = _thread_ended


def begin(request_id: str) -> None:
    """From here on, in this context, lines carry the request's id."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)


def told() -> tuple[tuple[str, str], ...]:
    """What to tell another program with a call, so that its lines carry the id as well."""
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return ((METADATA, str(request_id)),) if request_id else ()


def begin_as_told(metadata: Iterable[tuple[str, str | bytes]] | None) -> None:
    """Take over the id that came with a call."""
    for name, value in metadata or ():
        if name == METADATA and isinstance(value, str) and _ID.fullmatch(value):
            begin(value)


def only_listed(_logger: object, _method: str, event: EventDict) -> EventDict:
    """What may get out of an event."""
    shown: dict[str, Any] = {}
    withheld = []
    for name, value in _with_exception(event).items():
        fits, said = _read(name, value)
        if fits:
            shown[name] = said
        else:
            withheld.append(name if _ID.fullmatch(name) else "?")
    return shown | {"withheld": withheld} if withheld else shown


def _with_exception(event: EventDict) -> EventDict:
    """`exc_info` as structlog and people give it: True, an exception, or three of a kind."""
    given = event.pop("exc_info", None)
    if isinstance(given, tuple):
        given = given[1]
    elif given is True:
        given = sys.exc_info()[1]
    if isinstance(given, BaseException):
        event["exception"] = given
    return event


def _read(name: str, value: Any) -> tuple[bool, Any]:
    if value is None or isinstance(value, bool):
        return name in IDS | WORDS | NUMBERS | ERRORS | ENDS, value
    if name in ERRORS:
        return _read_error(name, value)
    if name in NUMBERS:
        return isinstance(value, int | float), value
    if name in ENDS:
        return True, f"…{str(value)[-4:]}" if _ID.fullmatch(str(value)[-4:]) else "…"
    pattern = _ID if name in IDS else _WORDS if name in WORDS else None
    if pattern is None:
        return False, None
    if isinstance(value, list | tuple | set | frozenset):
        texts = [str(each) for each in list(value)[:MOST_ITEMS]]
        return all(map(pattern.fullmatch, texts)), texts
    return pattern.fullmatch(str(value)) is not None, str(value)


def _read_error(name: str, value: Any) -> tuple[bool, Any]:
    if isinstance(value, BaseException):
        return True, telling.story(value) if name == "exception" else telling.told(value)
    return _WORDS.fullmatch(str(value)) is not None, str(value)


class _Library(logging.Handler):
    """Lines of libraries: which, and their sentence without what they put into it."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        sentence = str(record.msg).partition("\n")[0]
        fields: Mapping[str, Any] = {
            "logger": record.name,
            "reason": "".join(each if _WORDS.fullmatch(each) else "?" for each in sentence[:120]),
            "exc_info": record.exc_info,
        }
        level = "error" if record.levelno >= logging.ERROR else "warning"
        getattr(log, level)("library_said", **fields)


def _ended(
    _kind: type[BaseException], error: BaseException, _traceback: TracebackType | None
) -> None:
    if isinstance(error, KeyboardInterrupt):
        return
    log.critical("process_failed", exc_info=error)


def _thread_ended(given: threading.ExceptHookArgs) -> None:
    log.critical("thread_failed", exc_info=given.exc_value)
