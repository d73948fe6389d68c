"""What pages share: list limits, what is sought, and saying that something was done."""

from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urlencode

from flask import flash, request

from web import whole
from web.errors import Problem
from web.paging import DEFAULT_LIMIT, MAX_LIMIT, BadCursor, Page

# Longer than anything that is looked for.
LONGEST_SOUGHT = 100

T = TypeVar("T")


def cursor() -> str | None:
    """Where the asked page of a list begins."""
    return request.args.get("cursor") or None


def limit() -> int:
    """How many rows are asked for.

    Raises Problem.
    """
    raw = request.args.get("limit", str(DEFAULT_LIMIT))
    found = whole.read(raw, most=MAX_LIMIT)
    if not found:
        raise Problem(
            400,
            "bad_limit",
            "This limit cannot be",
            f"`limit` is {raw[:20]!r}.",
            f"Use a number from 1 to {MAX_LIMIT}.",
            param="limit",
        )
    return found


def sought(name: str = "q") -> str:
    """What the rows of a list shall have in them; empty for all rows."""
    return request.args.get(name, "").strip()[:LONGEST_SOUGHT]


def paged(load: Callable[[], Page[T]]) -> Page[T]:
    """The page that is asked for.

    Raises Problem.
    """
    try:
        return load()
    except BadCursor as error:
        raise bad_cursor(error) from error


def onward(values: Mapping[str, str | None]) -> str:
    """This page's query with other values in it; None leaves one out."""
    asked = {**request.args.to_dict(), **values}
    return "?" + urlencode({name: value for name, value in asked.items() if value is not None})


def bad_cursor(_error: BadCursor) -> Problem:
    """The cursor was not ours."""
    return Problem(
        400,
        "bad_cursor",
        "This cursor cannot be read",
        "`cursor` is not one that we gave.",
        "Take `next_cursor` of the page before, as it is.",
        param="cursor",
    )


def done(text: str) -> None:
    """Say on the next page what was done."""
    flash(text, "good")


def failed(text: str) -> None:
    """Say on the next page what was not."""
    flash(text, "bad")
