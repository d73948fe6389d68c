"""A door between a tool and the demo: it shows who asks, and counts what was answered.

A tool that is signed out, slowed, or whose forms are stale tries nothing and finds nothing; so
the door keeps its visitor signed in, and an answer of that kind is counted by its name. A form's
token that the demo never gave is what the tool plays with: to refuse it is an answer.
"""

import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx

SIGNED_OUT, SLOWED, STALE = "signed out", "slowed", "stale form"
PLAYED = "token of the tool's"
UNANSWERED = "unanswered"
MEANT = (SIGNED_OUT, SLOWED, STALE)
_SIGN_IN = ("/sign-in", "/admin/sign-in")
_STALE = b"This form has expired"
_TOKEN = "csrf_token"
_GIVEN = re.compile(rb'name="csrf_token"[^>]*?value="([^"]+)"')
_HOP = {"connection", "transfer-encoding", "content-length", "content-encoding", "keep-alive"}


@dataclass
class Visitor:
    """Who asks: the headers that show it, and how to be signed in again."""

    headers: dict[str, str] = field(default_factory=dict)
    renew: Callable[[], dict[str, str]] | None = None
    # For whom it is no wonder to be asked to sign in.
    unknown: bool = False


class Gate:
    """Listens on a port of its own for one visitor at a time."""

    def __init__(self, behind: str) -> None:
        self.behind = behind
        self.visitor = Visitor()
        self.answers: Counter[str] = Counter()
        self.broken: list[str] = []
        self.first: str | None = None
        self.renewed = 0
        self.tokens: set[str] = set()
        self._lock = threading.Lock()
        self._client = httpx.Client(timeout=60, limits=httpx.Limits(max_connections=40))
        gate = self

        class Passage(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass(self) -> None:
                gate._pass(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _pass
            do_OPTIONS = do_TRACE = do_TRACK = do_DEBUG = _pass

            def log_message(self, *_given: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_given: object) -> None:
                """The tool has hung up."""

        self._server = Server(("127.0.0.1", 0), Passage)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Nobody comes through any more."""
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def admit(self, visitor: Visitor) -> None:
        """From here on everybody is this one, and counting begins anew."""
        with self._lock:
            self.visitor, self.renewed, self.first = visitor, 0, None
            self.answers, self.broken = Counter(), []
            if visitor.renew is not None:
                visitor.headers = visitor.renew()

    def _pass(self, asked: BaseHTTPRequestHandler) -> None:
        body = asked.rfile.read(int(asked.headers.get("Content-Length") or 0))
        visitor = self.visitor
        try:
            answer = self._admitted(visitor, asked, body)
        except (httpx.HTTPError, UnicodeError):
            with self._lock:
                self.answers[UNANSWERED] += 1
            asked.send_error(502)
            return
        kind = _kind(visitor, answer)
        if kind == STALE and not self.gave(body):
            kind = PLAYED
        with self._lock:
            self.tokens |= self.tokens_in(answer.content)
            self.first = self.first or kind
            self.answers[kind] += 1
            if answer.status_code >= 500:
                self.broken.append(f"{answer.status_code} {asked.command} {asked.path[:200]}")
        self._answer(asked, answer)

    @staticmethod
    def tokens_in(page: bytes) -> set[str]:
        """The tokens of a page's forms."""
        return {token.decode() for token in _GIVEN.findall(page)}

    def gave(self, body: bytes) -> bool:
        """Whether the form's token is one of the demo's."""
        sent = parse_qs(body.decode("latin-1")).get(_TOKEN, [""])
        return sent[0] in self.tokens

    def _admitted(
        self, visitor: Visitor, asked: BaseHTTPRequestHandler, body: bytes
    ) -> httpx.Response:
        shown = visitor.headers
        answer = self._forward(asked, body, shown)
        if _kind(visitor, answer) == SIGNED_OUT and visitor.renew is not None:
            with self._lock:
                # Others may have asked at the same time, and one is signed in again for all.
                if visitor.headers == shown:
                    visitor.headers, self.renewed = visitor.renew(), self.renewed + 1
            answer = self._forward(asked, body, visitor.headers)
        return answer

    def _forward(
        self, asked: BaseHTTPRequestHandler, body: bytes, shown: dict[str, str]
    ) -> httpx.Response:
        ours = {name.lower() for name in shown} | {"host", "accept-encoding", "cookie"}
        headers = [
            (name.encode("latin-1"), value.replace(self.url, self.behind).encode("latin-1"))
            for name, value in asked.headers.items()
            if name.lower() not in ours | _HOP
        ]
        headers += [(name.encode(), value.encode()) for name, value in shown.items()]
        # As the tool wrote it: httpx would tidy it up.
        url = httpx.URL(self.behind).copy_with(raw_path=asked.path.encode("latin-1"))
        return self._client.request(asked.command, url, content=body, headers=headers)

    def _answer(self, asked: BaseHTTPRequestHandler, answer: httpx.Response) -> None:
        asked.send_response_only(answer.status_code)
        for name, value in answer.headers.multi_items():
            if name.lower() not in _HOP:
                asked.send_header(name, value.replace(self.behind, self.url))
        asked.send_header("Content-Length", str(len(answer.content)))
        asked.end_headers()
        if asked.command != "HEAD":
            asked.wfile.write(answer.content)


def _kind(visitor: Visitor, answer: httpx.Response) -> str:
    """The status, or the name of what shows that nothing was tried."""
    leads = urlsplit(answer.headers.get("Location", "")).path
    asks = answer.status_code == 401 or (300 < answer.status_code < 400 and leads in _SIGN_IN)
    if asks and not visitor.unknown:
        return SIGNED_OUT
    if answer.status_code == 429:
        return SLOWED
    if answer.status_code == 400 and _STALE in answer.content:
        return STALE
    return str(answer.status_code)
