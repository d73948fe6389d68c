"""The webhook URL. Answers as TradersPost does, with more in it."""

from typing import Any
from uuid import UUID

import msgspec
from flask import Blueprint, Response, current_app, request

from protos import faults, ids
from web.signals import service
from web.signals.rules import MAX_BODY_BYTES, BadSignal
from web.signals.service import (
    Intake,
    KeyReused,
    NotStored,
    TooManySignals,
    UnknownWebhook,
    Webhook,
)

blueprint = Blueprint("intake", __name__)

# Numbers go back as they came: exact, and as numbers.
_encoder = msgspec.json.Encoder(decimal_format="number")
_METHODS = ["POST", "GET", "PUT", "PATCH", "DELETE"]


@blueprint.route("/trading/webhook/<webhook_uuid>/<secret>", methods=_METHODS)
def receive(webhook_uuid: str, secret: str) -> Response:
    """One message of a sender."""
    received_at = service.now()
    intake: Intake = current_app.extensions["fillwire.intake"]
    try:
        address = UUID(webhook_uuid)
        webhook = intake.authenticate(address, secret)
    except (ValueError, UnknownWebhook):
        return _refusal(404, "not-found", "There is no webhook at this address.", None)
    except BadSignal as bad:
        return _refusal(400, bad.code, bad.message, bad.fix)
    except NotStored:
        return _try_again()
    if request.method != "POST":
        fix = "Send the message with POST."
        return _refuse(intake, webhook, b"", 400, "post-required", "Only POST is taken.", fix)
    if (request.content_length or 0) > MAX_BODY_BYTES:
        return _too_large(intake, webhook)
    body = request.stream.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        return _too_large(intake, webhook)
    try:
        accepted = intake.accept(
            address,
            webhook,
            body,
            content_type=request.content_type or "",
            key=_key(),
            received_at=received_at,
        )
    except BadSignal as bad:
        return _refuse(intake, webhook, body, 400, bad.code, bad.message, bad.fix, bad.field)
    except TooManySignals as limited:
        return _limited(intake, webhook, body, limited.retry_after_seconds)
    except KeyReused:
        fix = "Use a new Idempotency-Key for a new message."
        message = "This Idempotency-Key was used for another message."
        return _refuse(intake, webhook, body, 409, "idempotency-mismatch", message, fix)
    except NotStored:
        return _try_again()
    faults.point("intake.before_answer")
    signal_id = ids.show("signal", accepted.signal_id)
    return _json(
        200,
        {
            "success": True,
            "id": signal_id,
            "logId": signal_id,
            "payload": accepted.payload,
            "duplicate": accepted.duplicate,
            "warnings": accepted.warnings,
            "url": f"{current_app.config['WEB_URL']}/signals/{signal_id}",
        },
    )


def _key() -> str | None:
    key = request.headers.get("Idempotency-Key") or request.headers.get("webhook-id")
    return key[:255] if key else None


def _refuse(
    intake: Intake,
    webhook: Webhook,
    body: bytes,
    status: int,
    code: str,
    message: str,
    fix: str,
    field: str | None = None,
) -> Response:
    """Count the refusal, then say it."""
    log_id = intake.refuse(webhook, body, code=code, message=message, fix=fix, field=field)
    return _refusal(status, code, message, fix, field, log_id)


def _refusal(
    status: int,
    code: str,
    message: str,
    fix: str | None,
    field: str | None = None,
    log_id: UUID | None = None,
) -> Response:
    return _json(
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


def _too_large(intake: Intake, webhook: Webhook) -> Response:
    message = f"The message is larger than {MAX_BODY_BYTES // 1024} KB."
    fix = "Send only the fields that matter."
    return _refuse(intake, webhook, b"", 413, "payload-too-large", message, fix)


def _limited(intake: Intake, webhook: Webhook, body: bytes, retry_after: int) -> Response:
    message = "This webhook has sent too many messages."
    fix = f"Wait {retry_after} s. Combine alerts, or ask for a higher limit."
    answer = _refuse(intake, webhook, body, 429, "too-many-requests", message, fix)
    answer.headers["Retry-After"] = str(retry_after)
    return answer


def _try_again() -> Response:
    answer = _refusal(
        503, "try-again", "We could not store the message; nothing was traded.", "Send it again."
    )
    answer.headers["Retry-After"] = "5"
    return answer


def _json(status: int, content: dict[str, Any]) -> Response:
    return Response(_encoder.encode(content), status, content_type="application/json")
