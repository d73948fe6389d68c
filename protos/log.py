"""Log lines: one JSON object an event, a constant name and then fields. Ids, no bodies."""

import logging
import sys

import structlog
from structlog.typing import EventDict


def configure(process: str) -> None:
    """Send this process's log lines to standard error."""

    def named(_logger: object, _method: str, event: EventDict) -> EventDict:
        # Not a context variable: threads would not have it.
        return {**event, "process": process}

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            named,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
