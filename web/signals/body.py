"""Bytes to one JSON object: numbers exact, no key twice, not too deep. Pure.

A plain body takes the quick way, through msgspec. Whatever that cannot vouch for takes the
slow one, which also finds out what is wrong and says it in words.
"""

import json
import re
from decimal import Decimal
from typing import Any

import msgspec

from web.signals import placeholders
from web.signals.refusals import BadSignal, bad

MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 8

_quick = msgspec.json.Decoder(float_hook=Decimal)
_SMART_QUOTES = "“”„‟‘’‚‛«»″′＂"
_GLUED = re.compile(r"[\s,;]*[{\[]")
_CONSTANT = re.compile(r"-?(NaN|Infinity|nan|inf|undefined|None|True|False|na)\b")


def read(body: bytes) -> dict[str, Any]:
    """The JSON object in a body.

    Raises BadSignal(`empty-json`, `malformed-json` or `invalid-payload`).
    """
    if b"\\" not in body and body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        try:
            found = _quick.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, ArithmeticError):
            pass
        else:
            # Nothing is escaped, so each text has two quotes. If they do not add up, a
            # key was there twice: of two, the decoder keeps one.
            if type(found) is dict and body.count(b'"') == 2 * _texts(found):
                return found
    return _read_slowly(body)


def remarks(body: bytes, payload: dict[str, Any]) -> list[str]:
    """What was put up with in a body that could be read."""
    found = []
    if body.endswith(b"\0"):
        found.append("The message ended in NUL bytes, as MetaTrader sends them; they were dropped.")
    if b"{{" in body or b"%" in body:
        found += placeholders.in_free_text(payload)
    return found


def _texts(found: dict[str, Any]) -> int:
    """How many texts there are in it, keys among them."""
    count = len(found)
    for value in found.values():
        kind = type(value)
        if kind is str:
            count += 1
        elif kind is dict:
            count += _texts(value)
        elif kind is list:
            count += _texts_in_list(value)
    return count


def _texts_in_list(found: list[Any]) -> int:
    count = 0
    for value in found:
        if type(value) is str:
            count += 1
        elif type(value) is dict:
            count += _texts(value)
        elif type(value) is list:
            count += _texts_in_list(value)
    return count


def _read_slowly(body: bytes) -> dict[str, Any]:
    try:
        text = body.rstrip(b"\0").decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise _malformed(f"byte {error.start} is not UTF-8", "Send the message as UTF-8.") from None
    if not text:
        raise bad("empty-json")
    if _depth(text) > MAX_DEPTH:
        raise _malformed(f"it is nested more than {MAX_DEPTH} deep", "Flatten it.")
    try:
        found = _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise _diagnose(text, error) from None
    except ArithmeticError:
        raise _malformed("a number in it is beyond all bounds", "Send a usual number.") from None
    if not isinstance(found, dict):
        raise bad(
            "invalid-payload",
            None,
            "The message is JSON, but not an object.",
            'Send an object with fields, for example {"ticker":"AAPL","action":"buy"}.',
        )
    try:
        msgspec.json.encode(found, enc_hook=str)
    except UnicodeEncodeError:
        raise _malformed("it holds half a character", "Send the message as UTF-8.") from None
    return found


def _diagnose(text: str, error: json.JSONDecodeError) -> BadSignal:
    """What is wrong near the place where the parser gave up, in the sender's words."""
    at = error.pos
    where = f"line {error.lineno}, column {error.colno}"
    here = text[at : at + 1]
    before = text[max(0, at - 80) : at].rstrip()
    if error.msg.startswith("Extra data"):
        return _after_the_object(text, at, where)
    if not text.startswith(("{", "[", '"')):
        return _no_object(text)
    if (literal := placeholders.find(text[:200])) and text.startswith(literal):
        return _malformed(f"`{literal}` was not replaced", placeholders.cure(literal))
    if here and here in _SMART_QUOTES:
        return _malformed(
            f"{where}: {here} is a curly quote",
            'Use the straight quote ". Word processors and chats make curly ones.',
        )
    if here in ("}", "]") and before.endswith(","):
        line, column = _place(text, text.rfind(",", 0, at))
        return _malformed(
            f"line {line}, column {column}: a comma before `{here}`",
            "Remove the comma after the last field.",
        )
    if here == "'":
        return _malformed(f"{where}: ' is not a JSON quote", 'Put keys and texts in ".')
    if constant := _CONSTANT.match(text, at):
        return _malformed(
            f"{where}: {constant[0]} is not a value of JSON",
            "Send a number, true, false or a text, or leave the field out. "
            "NaN means that the sender had no value at that moment.",
        )
    return _other(text, error, where, here, before)


def _other(text: str, error: json.JSONDecodeError, where: str, here: str, before: str) -> BadSignal:
    at = error.pos
    if here.isdigit() and re.search(r"\d,$", before):
        number = re.search(r"[\d.]+,$", before)
        tail = re.match(r"[\d,.]+", text[at : at + 40])
        shown = (number[0] if number else "") + (tail[0] if tail else "")
        return _malformed(
            f"{where}: {shown} has a comma for thousands",
            f"Write {shown.replace(',', '')}, without commas.",
        )
    if literal := placeholders.find(text[max(0, at - 1) : at + 100]):
        return _malformed(
            f"{where}: `{literal}` was not replaced, or stands without quotes",
            'Put it in quotes, as in "price":"{{close}}". ' + placeholders.cure(literal),
        )
    if text.startswith(("//", "/*", "#"), at):
        return _malformed(f"{where}: JSON has no comments", "Remove the comment.")
    if not here or error.msg.startswith("Unterminated"):
        return _malformed(f"{where}: the message ends too early", "Close every quote and bracket.")
    if error.msg.startswith("Expecting ',' delimiter"):
        return _malformed(f"{where}: a comma is missing", "Put a comma between the fields.")
    if error.msg.startswith("Expecting ':' delimiter"):
        return _malformed(f"{where}: a colon is missing", 'Write "field": value.')
    if error.msg.startswith("Expecting property name"):
        return _malformed(
            f"{where}: a field's name in straight quotes was expected",
            'Put every name in ", and no comma after the last field.',
        )
    if error.msg.startswith("Invalid control character"):
        return _malformed(
            f"{where}: a line break or tab inside a text", "Write \\n instead, or one line."
        )
    if error.msg.startswith("Invalid \\") or "escape" in error.msg:
        return _malformed(f"{where}: a backslash that means nothing", "Write \\\\ for a backslash.")
    return _malformed(
        f"{where}: a value was expected, not `{text[at : at + 12].split(chr(10))[0]}`",
        "Put texts in quotes; send numbers, true and false without.",
    )


def _after_the_object(text: str, at: int, where: str) -> BadSignal:
    if _GLUED.match(text, at):
        return _malformed(
            f"{where}: a second message follows the first", "Send one message a request."
        )
    return _malformed(
        f"{where}: text follows the message", "Send the JSON object and nothing else."
    )


def _no_object(text: str) -> BadSignal:
    shown = text[:40].splitlines()[0]
    if brace := text.find("{") + 1:
        line, column = _place(text, brace - 1)
        return _malformed(
            f"text stands before the object, which begins at line {line}, column {column}",
            "Send the JSON object and nothing else.",
        )
    return _malformed(
        f"it is plain text, `{shown}`",
        'Send a JSON object, for example {"ticker":"AAPL","action":"buy"}.',
    )


def _place(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _malformed(what: str, fix: str) -> BadSignal:
    return bad("malformed-json", None, f"This is not valid JSON: {what}.", fix)


def _depth(text: str) -> int:
    """How deep the brackets go; those inside texts do not count."""
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return 0
    deepest = depth = 0
    inside = escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif inside:
            if character == '"':
                inside = False
            elif character == "\\":
                escaped = True
        elif character == '"':
            inside = True
        elif character in "{[":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                return deepest
        elif character in "}]":
            depth -= 1
    return deepest


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _malformed(f"the key `{name[:40]}` is there twice", "Keep one of them.")
            seen.add(name)
    return found


def _no_constants(word: str) -> object:
    raise _malformed(
        f"{word} is not a value of JSON",
        "Send a number, or leave the field out. It means that the sender had no value "
        "at that moment.",
    )


_decoder = json.JSONDecoder(
    parse_float=Decimal,
    parse_int=Decimal,
    parse_constant=_no_constants,
    object_pairs_hook=_no_repeats,
)
