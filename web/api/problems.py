"""What services refuse, as the API says it."""

from flask import Response

from protos import ids
from web.api import shapes
from web.api.auth import blueprint
from web.api.bodies import invalid as _invalid
from web.connections.service import BadConnection
from web.errors import Problem
from web.execution_client import ExecutionDown
from web.strategies.rules import BadConnector
from web.strategies.service import BadStrategy
from web.subscriptions import service as subscriptions
from web.subscriptions.settings import BadSetting
from web.trades import holdings
from web.trades.approval import NotWaiting, Paused
from web.trades.closing import BadClosing, NothingHeld
from web.trades.drift import Drifted


@blueprint.errorhandler(BadClosing)
@blueprint.errorhandler(BadStrategy)
@blueprint.errorhandler(BadConnection)
@blueprint.errorhandler(BadConnector)
def bad_field(error: BadClosing | BadStrategy | BadConnection | BadConnector) -> Response:
    """A field that cannot be so."""
    return _answer(_invalid(error.field, error.message, error.fix))


@blueprint.errorhandler(BadSetting)
def bad_setting(error: BadSetting) -> Response:
    """A setting that cannot be so."""
    problem = _invalid(f"settings.{error.name}", error.message, error.fix)
    problem.errors = [
        {"param": f"settings.{each.name}", "detail": each.message, "fix": each.fix}
        for each in error.all
    ]
    return _answer(problem)


@blueprint.errorhandler(subscriptions.AlreadySubscribed)
def already_subscribed(_error: subscriptions.AlreadySubscribed) -> Response:
    """One subscription for a strategy and a connection."""
    return _answer(
        Problem(
            409,
            "already_subscribed",
            "Already subscribed",
            "This strategy already trades on this connection.",
            "Change that subscription, or use another connection.",
        )
    )


@blueprint.errorhandler(NothingHeld)
def nothing_held(_error: NothingHeld) -> Response:
    """What is not held cannot be closed."""
    return _answer(
        Problem(
            409,
            "no_position",
            "Nothing is held there",
            "No subscription holds any of it on that connection.",
            "Look at the positions; what was traded at the broker is closed there.",
        )
    )


@blueprint.errorhandler(NotWaiting)
def not_waiting(error: NotWaiting) -> Response:
    """Someone or something else was faster; the trade as it is now says who or what."""
    now = error.trade
    problem = Problem(
        409,
        "not_waiting",
        "The trade does not wait any more",
        f"It is {now.state}" + (f": {now.reason}." if now.reason else "."),
        "Look at the trade; send the signal again if you still want it.",
    )
    extra = {"state": now.state, "reason": now.reason, "trade_id": ids.show("trade", now.id)}
    return shapes.to_response(
        problem.to_json() | extra, problem.status, content_type="application/problem+json"
    )


@blueprint.errorhandler(holdings.ForeignHeld)
def foreign_held(error: holdings.ForeignHeld) -> Response:
    """Somebody should know what is there before a strategy trades beside it."""
    named = {h.position.instrument: format(h.foreign, "f") for h in error.held}
    problem = Problem(
        409,
        "foreign_positions",
        "The account holds what is not from here",
        f"Not from here: {', '.join(f'{held} {name}' for name, held in named.items())}. "
        "Signals in these would trade a share of their own beside it.",
        'Enable again with `{"accept_foreign": true}`, or close it at the broker first.',
        retryable=True,
    )
    return shapes.to_response(
        problem.to_json() | {"foreign": named},
        problem.status,
        content_type="application/problem+json",
    )


@blueprint.errorhandler(Drifted)
def drifted(error: Drifted) -> Response:
    """Somebody should see the price before they say yes to it."""
    found = error.drift
    problem = Problem(
        409,
        "price_drifted",
        "The price moved against the entry",
        f"It was {found.then:f} at the signal and is {found.now:f} now, {found.percent:f} % worse; "
        f"up to {found.limit:f} % is not asked about. The trade still waits.",
        'Approve again with `{"accept_drift": true}`, or reject it.',
        retryable=True,
    )
    told = {
        "signal_price": found.then,
        "price": found.now,
        "drift_percent": found.percent,
        "limit_percent": found.limit,
    }
    extra = {name: format(number, "f") for name, number in told.items()}
    extra |= {"price_from": found.source, "trade_id": ids.show("trade", error.trade.id)}
    return shapes.to_response(
        problem.to_json() | extra, problem.status, content_type="application/problem+json"
    )


@blueprint.errorhandler(ExecutionDown)
def execution_down(_error: ExecutionDown) -> Response:
    """Only execution can end what it holds."""
    return _answer(
        Problem(
            503,
            "execution_down",
            "Execution does not answer",
            "It holds trades and positions, so only it can do this.",
            "Try again in a moment.",
            retryable=True,
        )
    )


@blueprint.errorhandler(Paused)
def paused(_error: Paused) -> Response:
    """What is paused trades nothing."""
    return _answer(
        Problem(
            409,
            "subscription_paused",
            "The subscription is paused",
            "The trade still waits, but its subscription or strategy is paused.",
            "Enable it and approve again, or reject the trade.",
            retryable=True,
        )
    )


def _answer(problem: Problem) -> Response:
    return shapes.to_response(
        problem.to_json(), problem.status, content_type="application/problem+json"
    )
