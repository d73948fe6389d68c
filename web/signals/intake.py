"""The webhook URLs, in front of the site. Answers as TradersPost does, with more in it;
a Crypto-Arsenal message is answered `ok`, and on its shared URL refusals are text as well.

A sender waits at most three seconds and there may be thousands, so this is plain WSGI: a
message does not pass the site's sign-in, forms and headers on its way to the database.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import structlog

from protos import faults, ids
from web.signals import rules
from web.signals.connectors import WrongConnector
from web.signals.crypto_arsenal import DIALECT as CRYPTO_ARSENAL
from web.signals.rules import MAX_BODY_BYTES, BadSignal
from web.signals.service import Intake, KeyReused, TooManySignals, UnknownWebhook, Webhook
from web.signals.storage import NotStored
from web.strategies.rules import SHARED_PATH as SHARED

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "/trading/webhook/"

log = structlog.get_logger()

# Numbers go back as they came: exact, and as numbers.
_encoder = msgspec.json.Encoder(decimal_format="number")
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
            answer = _refusal(500, "internal-error", "We failed to read this message.", None)
        kind, body = _encode(_in_one_line(answer.content) if path == SHARED else answer.content)
        headers = [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        if answer.retry_after_seconds is not None:
            headers.append(("Retry-After", str(answer.retry_after_seconds)))
        start_response(_LINES[answer.status], headers)
        return (body,)

    def _receive(self, path: str, environ: "WSGIEnvironment") -> Answer:
        received_at = datetime.now(UTC)
        if path == SHARED:
            return self._receive_shared(environ, received_at)
        address, webhook = self._authenticate(path)
        if environ["REQUEST_METHOD"] != "POST":
            fix = "Send the message with POST."
            raise self._refuse(webhook, b"", 400, "post-required", "Only POST is taken.", fix)
        body = self._read(webhook, environ)
        try:
            return self._accept(address, webhook, body, environ, received_at)
        except WrongConnector as wrong:
            fix = "Copy both from the strategy's page, or leave both out: this URL knows them."
            message = "The connector name or token in the message is not this strategy's."
            raise self._refuse(webhook, body, 400, "invalid-connector", message, fix) from wrong

    def _receive_shared(self, environ: "WSGIEnvironment", received_at: datetime) -> Answer:
        """A message that names its connector, since the URL names nothing."""
        if environ["REQUEST_METHOD"] != "POST":
            raise _refusal(400, "post-required", "Only POST is taken.", "Use POST.")
        body = self._read(None, environ)
        try:
            payload = rules.read(body)
            address, webhook = self._intake.authenticate_connector(
                payload, environ.get("REMOTE_ADDR", "")
            )
            return self._accept(address, webhook, body, environ, received_at)
        except BadSignal as bad:
            raise _refusal(400, bad.code, bad.message, bad.fix, bad.field) from bad
        except NotStored as away:
            raise _try_again() from away
        except WrongConnector as wrong:
            raise _unknown_connector(wrong.wait_seconds) from wrong

    def _accept(
        self,
        address: UUID,
        webhook: Webhook,
        body: bytes,
        environ: "WSGIEnvironment",
        received_at: datetime,
    ) -> Answer:
        """Raises WrongConnector, and every refusal as an Answer."""
        try:
            accepted = self._intake.accept(
                address,
                webhook,
                body,
                content_type=environ.get("CONTENT_TYPE", ""),
                key=_key(environ),
                received_at=received_at,
            )
        except BadSignal as bad:
            raise self._refuse(
                webhook, body, 400, bad.code, bad.message, bad.fix, bad.field
            ) from bad
        except TooManySignals as limited:
            raise self._limited(webhook, body, limited.retry_after_seconds) from limited
        except KeyReused as reused:
            fix = "Use a new Idempotency-Key for a new message."
            message = "This Idempotency-Key was used for another message."
            raise self._refuse(webhook, body, 409, "idempotency-mismatch", message, fix) from reused
        except NotStored as away:
            raise _try_again() from away
        faults.point("intake.before_answer")
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

    def _authenticate(self, path: str) -> tuple[UUID, Webhook]:
        webhook_uuid, _, secret = path.removeprefix(PREFIX).partition("/")
        try:
            address = UUID(webhook_uuid)
            return address, self._intake.authenticate(address, secret)
        except (ValueError, UnknownWebhook) as unknown:
            message = "There is no webhook at this address."
            raise _refusal(404, "not-found", message, None) from unknown
        except BadSignal as bad:
            raise _refusal(400, bad.code, bad.message, bad.fix) from bad
        except NotStored as away:
            raise _try_again() from away

    def _read(self, webhook: Webhook | None, environ: "WSGIEnvironment") -> bytes:
        body: bytes = b""
        if int(environ.get("CONTENT_LENGTH") or 0) <= MAX_BODY_BYTES:
            body = environ["wsgi.input"].read(MAX_BODY_BYTES + 1)
            if len(body) <= MAX_BODY_BYTES:
                return body
        message = f"The message is larger than {MAX_BODY_BYTES // 1024} KB."
        fix = "Send only the fields that matter."
        raise self._refuse(webhook, body, 413, "payload-too-large", message, fix)

    def _refuse(
        self,
        webhook: Webhook | None,
        body: bytes,
        status: int,
        code: str,
        message: str,
        fix: str,
        field: str | None = None,
    ) -> Answer:
        """Count the refusal where we know whose it is, then say it."""
        if webhook is None:
            return _refusal(status, code, message, fix, field)
        log_id = self._intake.refuse(
            webhook, body, code=code, message=message, fix=fix, field=field
        )
        return _refusal(status, code, message, fix, field, log_id)

    def _limited(self, webhook: Webhook, body: bytes, retry_after: int) -> Answer:
        message = "This webhook has sent too many messages."
        fix = f"Wait {retry_after} s. Combine alerts, or ask for a higher limit."
        answer = self._refuse(webhook, body, 429, "too-many-requests", message, fix)
        answer.retry_after_seconds = retry_after
        return answer


def _key(environ: "WSGIEnvironment") -> str | None:
    key: str = environ.get("HTTP_IDEMPOTENCY_KEY") or environ.get("HTTP_WEBHOOK_ID") or ""
    return key[:255] or None


def _refusal(
    status: int,
    code: str,
    message: str,
    fix: str | None,
    field: str | None = None,
    log_id: UUID | None = None,
) -> Answer:
    return Answer(
        status,
        {
            "success": False,
            "logId": ids.show("refusal", log_id) if log_id else None,
            "messageCode": code,
            "message": message,
            "field": field,
            "fix": fix,
        },
    )


def _unknown_connector(wait_seconds: int) -> Answer:
    """One answer, whichever of the two is wrong."""
    message = "The connector name or token is not right."
    fix = "Copy both from the strategy's page."
    if not wait_seconds:
        return _refusal(401, "unknown-connector", message, fix)
    answer = _refusal(429, "too-many-requests", f"{message} There were too many tries.", fix)
    answer.retry_after_seconds = wait_seconds
    return answer


def _in_one_line(content: dict[str, Any] | str) -> str:
    """What a sender without JSON gets to read."""
    if isinstance(content, str):
        return content
    return " ".join(filter(None, (content["message"], content["fix"])))


def _encode(content: dict[str, Any] | str) -> tuple[str, bytes]:
    if isinstance(content, str):
        kind = "text/plain" if content.isascii() else "text/plain; charset=utf-8"
        return kind, content.encode()
    return "application/json", _encoder.encode(content)


def _try_again() -> Answer:
    message = "We could not store the message; nothing was traded."
    answer = _refusal(503, "try-again", message, "Send it again.")
    answer.retry_after_seconds = 5
    return answer
