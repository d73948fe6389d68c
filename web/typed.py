"""What people type of brokers' keys is taken out of a request before anything else reads it.

Forms name such fields `typed.…`. They never come to Flask, its form, its session or an error
page: the view finds them in the locker, as bytes that can be overwritten, and they are
overwritten when the request is over. What cannot be: what the server received it in, which is
freed and used again. Browsers with script seal before they send, so that nothing comes here at
all (static/js/keys.js).
"""

from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "typed."
PATH = "/connections/"
KEY = "fillwire.typed"
MOST_BYTES = 64 * 1024
_FORM = "application/x-www-form-urlencoded"

Typed = dict[str, bytearray]


class Locker:
    """In front of the site."""

    def __init__(self, site: "WSGIApplication") -> None:
        self._site = site

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """One request."""
        length = environ.get("CONTENT_LENGTH") or ""
        asks = environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"].startswith(PATH)
        is_form = (environ.get("CONTENT_TYPE") or "").startswith(_FORM)
        if not (asks and is_form and length.isdecimal() and int(length) <= MOST_BYTES):
            return self._site(environ, start_response)
        typed: Typed = {}
        body = bytearray(environ["wsgi.input"].read(int(length)))
        try:
            rest = take(body, typed)
            environ["wsgi.input"] = BytesIO(rest)
            environ["CONTENT_LENGTH"] = str(len(rest))
            environ[KEY] = typed
            return self._site(environ, start_response)
        finally:
            wipe(body)
            for value in typed.values():
                wipe(value)


def take(body: bytearray, typed: Typed) -> bytes:
    """Put the fields of the locker into `typed`; the others, as they came."""
    rest: list[bytes] = []
    start = 0
    while start < len(body):
        end = body.find(b"&", start)
        end = len(body) if end < 0 else end
        middle = body.find(b"=", start, end)
        name_end = end if middle < 0 else middle
        name = unquote_plus(body[start:name_end].decode("latin-1"))
        if name.startswith(PREFIX):
            typed[name.removeprefix(PREFIX)] = _decoded(body, min(name_end + 1, end), end)
        else:
            rest.append(bytes(body[start:end]))
        start = end + 1
    return b"&".join(rest)


def wipe(buffer: bytearray) -> None:
    """Overwrite it where it is."""
    buffer[:] = bytes(len(buffer))


def _decoded(body: bytearray, start: int, end: int) -> bytearray:
    """A value without its percent signs, in one buffer; blanks around it are the clipboard's."""
    value = bytearray(end - start)
    length, at = 0, start
    while at < end:
        byte = body[at]
        if byte == 0x25 and (code := _hex(body, at + 1, end)) is not None:
            byte, at = code, at + 2
        elif byte == 0x2B:
            byte = 0x20
        value[length] = byte
        length, at = length + 1, at + 1
    del value[length:]
    while value and value[-1] in b" \t\r\n":
        del value[-1]
    while value and value[0] in b" \t\r\n":
        del value[0]
    return value


def _hex(body: bytearray, start: int, end: int) -> int | None:
    if start + 2 > end:
        return None
    try:
        return int(body[start : start + 2], 16)
    except ValueError:
        return None
