"""Reading what a request says: a JSON object, and the kinds of its fields."""

from decimal import Decimal
from json import dumps, loads
from typing import Any, NoReturn

from flask import request

from web.errors import Problem


def read(*allowed: str) -> dict[str, Any]:
    """The request's JSON object, with no field that we would overlook.

    Raises Problem.
    """
    try:
        text = request.get_data() or b"{}"
        if b"\\u0000" in text:
            raise ValueError("It has a null character, which no text has.")
        body = loads(
            text,
            parse_float=Decimal,
            parse_constant=_no_number,
            object_pairs_hook=_once_each,
        )
        # Half of a character (a lone surrogate) can be read, but neither stored nor said again.
        dumps(body, ensure_ascii=False, default=str).encode()
    except (RecursionError, ValueError) as error:
        raise Problem(
            400, "json_invalid", "This is not valid JSON", str(error), "Send a JSON object."
        ) from error
    if not isinstance(body, dict):
        raise Problem(
            400,
            "json_invalid",
            "This is not an object",
            "It is JSON, but not an object.",
            "Send a JSON object.",
        )
    for name in body:
        if name not in allowed:
            fields = ", ".join(allowed)
            raise invalid(name, f"There is no field `{name}` here.", f"Use: {fields}.")
    return body


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Parsers differ in which of two fields of one name they take; we take neither."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"The field `{twice}` is there twice.")
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number in JSON.")


_REQUIRED: Any = object()

_SPELLED = {
    str: "a string",
    int: "a whole number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


def take(body: dict[str, Any], name: str, kind: type[Any], default: Any = _REQUIRED) -> Any:
    """A field of a kind.

    Raises Problem.
    """
    value = body.get(name)
    if value is None:
        if default is _REQUIRED:
            raise invalid(name, f"`{name}` is missing.", "Send it.")
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        spelled = {
            str: "a string",
            int: "a whole number",
            bool: "true or false",
            dict: "an object",
            list: "a list",
        }[kind]
        raise invalid(name, f"`{name}` is not {spelled}.", f"Send {spelled}.")
    return value


def invalid(field: str, message: str, fix: str) -> Problem:
    """A field cannot be so."""
    return Problem(400, "invalid_field", "A field cannot be so", message, fix, param=field)
