"""What nobody should send, and where: each field that a route reads, learned by watching it."""

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

from flask import Flask, Request
from werkzeug.datastructures import ImmutableMultiDict

# Text that PostgreSQL, Python or a browser takes otherwise than who wrote the view.
TEXTS: tuple[Any, ...] = (
    "",
    " ",
    "\0",
    "a\0b",
    "²",
    "١٢٣",
    "9" * 5000,
    "-1",
    "-9223372036854775809",
    "99999999999999999999",
    "1e999999",
    "NaN",
    "-0",
    "0x10",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    "00000000-0000-0000-0000-000000000000",
    "str_" + "f" * 32,
    "sub_zz",
    "x" * 20_000,
    "'\"\\;--%s{{7*7}}${7}<i>",
    "%(a)s {0} %",
    "../../etc/passwd",
    "//evil.test\\@",
    "\r\nSet-Cookie: a=b",
    "\u202e\ufeff\U0010ffff",
    "[[]",
    "a" * 200 + "@b",
    b"\xff\xfe".decode("latin-1"),
    ["1", "\0", "x"],
)
# What JSON may hold beside.
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0.1,
    10**400,
    [],
    [None, {"a": []}],
    {},
    {"\ud800": "\udfff"},
    "\ud800",
)
# As they are: bytes that are no text, and bodies that are none of ours.
BODIES = (
    (b"\xff\xfe\x00", "application/json"),
    (b'{"name": "\\ud800"}', "application/json"),
    (b'{"name": "\\u0000"}', "application/json"),
    (b"[" * 100_000, "application/json"),
    (b'{"a": ' * 5000, "application/json"),
    (b'{"name": 1e99999999}', "application/json"),
    (b'{"name": ' + b"9" * 6000 + b"}", "application/json"),
    (b'{"name": NaN}', "application/json"),
    (b"null", "application/json; charset=nonsense"),
    (b"name=%00&name=%ff&=&&%", "application/x-www-form-urlencoded; charset=nonsense"),
    (b"--b\r\nContent-Disposition: form-data; name=\x00", "multipart/form-data; boundary=b"),
    (b"x", "multipart/form-data"),
    (b"x", "\xff/;="),
)
# On the end of an address.
PIECES = ("a%00b", "%ed%a0%80", "9" * 5000, "..%2f..", "str_x")
HEADERS = {
    "User-Agent": "\xff\xfe" * 2000,
    "Accept-Language": ";q=,;",
    "Cookie": 'fillwire_session="\\000; fillwire_form=.; =',
    "Referer": "http://[::1",
    "Origin": "null",
    "If-Modified-Since": "x",
    "If-None-Match": '"',
    "Range": "bytes=9999999999999999999-",
    "Last-Event-ID": "9" * 5000,
    "Idempotency-Key": "\xff" * 300,
    "X-Forwarded-For": "::::, 999.1.1.1",
    "HX-Request": "\xff",
    "Authorization": "Bearer \xff",
}


class Fields:
    """Names that views look for in a query or a form, in the order they did."""

    def __init__(self, app: Flask) -> None:
        noted = self._noted = dict[str, None]()

        class Watched(ImmutableMultiDict[str, str]):
            def __getitem__(self, key: str) -> str:
                noted[key] = None
                return super().__getitem__(key)

            def __contains__(self, key: object) -> bool:
                noted[str(key)] = None
                return super().__contains__(key)

            def get(self, key: str, *given: Any, **more: Any) -> Any:
                noted[key] = None
                return super().get(key, *given, **more)

            def getlist(self, key: str, *given: Any, **more: Any) -> Any:
                noted[key] = None
                return super().getlist(key, *given, **more)

        app.request_class = type("WatchedRequest", (Request,), {"parameter_storage_class": Watched})

    def taken(self) -> list[str]:
        """Those since the last time."""
        names = [name for name in self._noted if name != "csrf_token"]
        self._noted.clear()
        return names


def pairs(names: list[str], values: tuple[Any, ...], most: int) -> Iterator[tuple[str, Any]]:
    """Each name with each value; of too many always the same ones."""
    found = list(product(names, values))
    yield from random.Random(" ".join(names)).sample(found, min(len(found), most))
