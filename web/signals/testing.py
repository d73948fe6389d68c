"""Test signals: sent by a button, taken through the same door as a sender's.

Whom a webhook takes messages from, and how they are signed, is not asked of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from flask import current_app

from web.signals.gate import Request
from web.signals.refusals import BadSignal
from web.signals.service import Intake, KeyReused, TooManySignals
from web.signals.storage import NotStored
from web.strategies.models import StrategyWebhook

# One ready signal by asset class and action, with a price so that paper can fill it.
_SAMPLES = {
    "stocks": '"ticker":"AAPL","price":"228.40"',
    "options": '"ticker":"AAPL","price":"228.40"',
    "futures": '"ticker":"MNQ1!","price":"20150.25"',
    "crypto": '"ticker":"BTCUSD","price":"91250.5"',
}
_ACTIONS = {"buy": '"action":"buy","quantity":1', "exit": '"action":"exit"'}
TEST_SIGNALS: Mapping[str, Mapping[str, bytes]] = {
    asset_class: {action: f"{{{sample},{fields}}}".encode() for action, fields in _ACTIONS.items()}
    for asset_class, sample in _SAMPLES.items()
}


@dataclass(frozen=True)
class Sent:
    """What became of a test signal: its id, or why it was not taken."""

    signal_id: UUID | None
    message: str


def send_test(webhook: StrategyWebhook, body: bytes) -> Sent:
    """Send one signal to a strategy's own webhook; refusals are counted like any other."""
    intake: Intake = current_app.extensions["fillwire.intake"]
    try:
        found = intake.find(webhook.webhook_uuid)
    except NotStored:
        return Sent(None, _not_stored())
    try:
        accepted = intake.accept(
            webhook.webhook_uuid,
            found,
            Request(body, is_ours=True),
            received_at=datetime.now(UTC),
        )
    except BadSignal as bad:
        intake.refuse(found, body, code=bad.code, message=bad.message, fix=bad.fix, field=bad.field)
        return Sent(None, f"Refused: {bad.message} {bad.fix}")
    except TooManySignals as limited:
        seconds = limited.retry_after_seconds
        return Sent(None, f"Too many signals on this webhook. Wait {seconds} s.")
    except (NotStored, KeyReused):
        return Sent(None, _not_stored())
    return Sent(accepted.signal_id, body.decode())


def _not_stored() -> str:
    return "The test signal could not be stored, so nothing was traded. Try again."
