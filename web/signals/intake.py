"""The webhook URLs, in front of the site. Answers as TradersPost does, with more in it;
a Crypto-Arsenal message is answered `ok`, and on its shared URL refusals are text as well.

A sender waits at most three seconds and there may be thousands, so this is plain WSGI: a
message does not pass the site's sign-in, forms and headers on its way to the database.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import structlog

from protos import faults, ids
from web.headers import EVERYWHERE, HSTS, NO_PAGE
from web.signals import body as bodies
from web.signals.body import MAX_BODY_BYTES
from web.signals.connectors import WrongConnector
from web.signals.crypto_arsenal import DIALECT as CRYPTO_ARSENAL
from web.signals.gate import Request
from web.signals.refusals import CATALOGUE, BadSignal, bad
from web.signals.service import (
    Accepted,
    Intake,
    KeyReused,
    TooManySignals,
    UnknownWebhook,
    WrongSecret,
)
from web.signals.storage import NotStored
from web.signals.webhooks import Webhook
from web.strategies.rules import SHARED_PATH as SHARED

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "/trading/webhook/"
# Senders give up after three seconds: a later answer may have reached nobody.
PATIENCE = timedelta(seconds=2.5)

log = structlog.get_logger()

# Numbers go back as they came: exact, and as numbers.
_encoder = msgspec.json.Encoder(decimal_format="number")
# Worth a line in the log: a stranger, or too many messages.
# What senders say that they send. Whatever it says, a message is read as what it is.
_KINDS = frozenset(
    {"", "application/json", "application/x-www-form-urlencoded", "text/json", "text/plain"}
)
_DENIALS = (401, 403, 404, 429)
_LINES = {
    200: "200 OK",
    400: "400 Bad Request",
    401: "401 Unauthorized",
    404: "404 Not Found",
    409: "409 Conflict",
    413: "413 Content Too Large",
    429: "429 Too Many Requests",
    500: "500 Internal Server Error",
    503: "503 Service Unavailable",
}


class Answer(Exception):
    """An answer to a sender. Raised to give it from any depth."""

    def __init__(
        self, status: int, content: dict[str, Any] | str, *, retry_after_seconds: int | None = None
    ) -> None:
        super().__init__(status)
        self.status = status
        self.content = content
        self.retry_after_seconds = retry_after_seconds


class Door:
    """Takes what is for a webhook, and lets the rest through to the site."""

    def __init__(self, site: "WSGIApplication", intake: Intake, web_url: str) -> None:
        self._site = site
        self._intake = intake
        self._web_url = web_url
        self._headers = _headers(secure=web_url.startswith("https://"))

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """One request."""
        path: str = environ["PATH_INFO"]
        if not path.startswith(PREFIX) and path != SHARED:
            return self._site(environ, start_response)
        try:
            answer = self._receive(path, environ)
        except Answer as refused:
            answer = refused
        except Exception:
            log.exception("intake_failed")
            answer = self._answer(bad("internal-error"))
        kind, body = _encode(_in_one_line(answer.content) if path == SHARED else answer.content)
        headers = [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            *self._headers,
        ]
        if answer.retry_after_seconds is not None:
            headers.append(("Retry-After", str(answer.retry_after_seconds)))
        start_response(_LINES[answer.status], headers)
        return (body,)

    def _receive(self, path: str, environ: "WSGIEnvironment") -> Answer:
        received_at = datetime.now(UTC)
        if path == SHARED:
            return self._receive_shared(environ, received_at)
        address, webhook, digest = self._authenticate(path)
        if environ["REQUEST_METHOD"] != "POST":
            raise self._refuse(webhook, b"", bad("post-required"))
        request = _request(self._read(webhook, environ), environ, digest)
        try:
            return self._accept(address, webhook, request, received_at)
        except WrongConnector as wrong:
            raise self._refuse(webhook, request.body, bad("invalid-connector")) from wrong

    def _receive_shared(self, environ: "WSGIEnvironment", received_at: datetime) -> Answer:
        """A message that names its connector, since the URL names nothing."""
        if environ["REQUEST_METHOD"] != "POST":
            raise self._answer(bad("post-required"))
        request = _request(self._read(None, environ), environ)
        try:
            payload = bodies.read(request.body)
            address, webhook = self._intake.authenticate_connector(payload, request.address)
            return self._accept(address, webhook, request, received_at)
        except BadSignal as refused:
            raise self._answer(refused) from refused
        except NotStored as away:
            raise self._try_again() from away
        except WrongConnector as wrong:
            raise self._wrong(wrong) from wrong

    def _accept(
        self, address: UUID, webhook: Webhook, request: Request, received_at: datetime
    ) -> Answer:
        """Raises WrongConnector, and every refusal as an Answer."""
        try:
            accepted = self._intake.accept(address, webhook, request, received_at=received_at)
            faults.point("intake.before_answer")
            if datetime.now(UTC) - received_at > PATIENCE:
                self._intake.doubt(webhook, request.body)
            return self._taken(accepted)
        except WrongConnector:
            raise
        except UnknownWebhook as gone:
            # It was erased since we looked.
            raise self._answer(bad("not-found")) from gone
        except BadSignal as refused:
            raise self._refuse(webhook, request.body, refused) from refused
        except TooManySignals as limited:
            raise self._limited(webhook, request.body, limited.retry_after_seconds) from limited
        except KeyReused as reused:
            raise self._refuse(webhook, request.body, bad("idempotency-mismatch")) from reused
        except NotStored as away:
            raise self._try_again() from away
        except Exception:
            # It may be stored; its sender hears a failure and sends the same again.
            self._intake.doubt(webhook, request.body)
            raise

    def _taken(self, accepted: Accepted) -> Answer:
        if accepted.dialect == CRYPTO_ARSENAL:
            return Answer(200, "ok")
        signal_id = ids.show("signal", accepted.signal_id)
        return Answer(
            200,
            {
                "success": True,
                "id": signal_id,
                "logId": signal_id,
                "payload": accepted.payload,
                "duplicate": accepted.duplicate,
                "warnings": accepted.warnings,
                "url": f"{self._web_url}/signals/{signal_id}",
            },
        )

    def _authenticate(self, path: str) -> tuple[UUID, Webhook, bytes]:
        webhook_uuid, _, secret = path.removeprefix(PREFIX).partition("/")
        digest = hashlib.sha256(secret.encode()).digest()
        try:
            address = UUID(webhook_uuid)
            return address, self._intake.authenticate(address, digest), digest
        except (ValueError, UnknownWebhook) as unknown:
            raise self._answer(bad("not-found")) from unknown
        except WrongSecret as wrong:
            raise self._stranger(wrong.webhook) from wrong
        except NotStored as away:
            raise self._try_again() from away

    def _stranger(self, webhook: Webhook) -> Answer:
        """The owner hears of it: it may be a sender that has a former secret."""
        if self._intake.may_note(webhook):
            return self._refuse(webhook, b"", bad("invalid-password"))
        return self._answer(bad("invalid-password"))

    def _read(self, webhook: Webhook | None, environ: "WSGIEnvironment") -> bytes:
        body: bytes = b""
        if int(environ.get("CONTENT_LENGTH") or 0) <= MAX_BODY_BYTES:
            body = environ["wsgi.input"].read(MAX_BODY_BYTES + 1)
            if len(body) <= MAX_BODY_BYTES:
                return body
        raise self._refuse(webhook, body, bad("payload-too-large"))

    def _refuse(self, webhook: Webhook | None, body: bytes, refused: BadSignal) -> Answer:
        """Count the refusal where we know whose it is, then say it."""
        if webhook is None:
            return self._answer(refused)
        log_id = self._intake.refuse(
            webhook,
            body,
            code=refused.code,
            message=refused.message,
            fix=refused.fix,
            field=refused.field,
        )
        return self._answer(refused, log_id, webhook.strategy_id)

    def _limited(self, webhook: Webhook, body: bytes, retry_after: int) -> Answer:
        fix = f"Wait {retry_after} s. Combine alerts, or ask for a higher limit."
        answer = self._refuse(webhook, body, bad("too-many-requests", fix=fix))
        answer.retry_after_seconds = retry_after
        return answer

    def _wrong(self, wrong: WrongConnector) -> Answer:
        """One answer, whichever of name and token is wrong."""
        if not wrong.wait_seconds:
            return self._answer(bad("unknown-connector"))
        fix = f"Wait {wrong.wait_seconds} s. {CATALOGUE['unknown-connector'].fix}"
        answer = self._answer(bad("too-many-requests", message="Too many wrong tries.", fix=fix))
        answer.retry_after_seconds = wrong.wait_seconds
        return answer

    def _try_again(self) -> Answer:
        answer = self._answer(bad("try-again"))
        answer.retry_after_seconds = 5
        return answer

    def _answer(
        self, refused: BadSignal, log_id: UUID | None = None, strategy_id: UUID | None = None
    ) -> Answer:
        known = CATALOGUE[refused.code]
        if known.status in _DENIALS:
            log.warning(
                "webhook_refused", code=refused.code, status=known.status, strategy_id=strategy_id
            )
        return Answer(
            known.status,
            {
                "success": False,
                "logId": ids.show("refusal", log_id) if log_id else None,
                "messageCode": refused.code,
                "message": refused.message,
                "field": refused.field,
                "fix": refused.fix,
                "docs": f"{self._web_url}{known.docs}",
            },
        )


def _headers(*, secure: bool) -> list[tuple[str, str]]:
    """On every answer."""
    always = EVERYWHERE | {"Cache-Control": "no-store", "Content-Security-Policy": NO_PAGE}
    return [*always.items(), *([("Strict-Transport-Security", HSTS)] if secure else [])]


def _request(
    body: bytes, environ: "WSGIEnvironment", secret_digest: bytes | None = None
) -> Request:
    return Request(
        body,
        _content_type(environ),
        secret_digest,
        _key(environ),
        environ,
    )


def _content_type(environ: "WSGIEnvironment") -> str:
    """What it is said to be, in words of ours only: it is sealed, and could not be erased."""
    kind: str = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    return kind if kind in _KINDS else "other"


def _key(environ: "WSGIEnvironment") -> str | None:
    key: str = environ.get("HTTP_IDEMPOTENCY_KEY") or environ.get("HTTP_WEBHOOK_ID") or ""
    return key[:255] or None


def _in_one_line(content: dict[str, Any] | str) -> str:
    """What a sender without JSON gets to read."""
    if isinstance(content, str):
        return content
    return " ".join((content["message"], content["fix"]))


def _encode(content: dict[str, Any] | str) -> tuple[str, bytes]:
    if isinstance(content, str):
        return "text/plain; charset=utf-8", content.encode()
    return "application/json", _encoder.encode(content)
