"""A strategy's webhook through the API: its secrets, and who may send."""

from uuid import UUID

from flask import Response

from web.accounts.access import needs
from web.accounts.rules import Permission
from web.api import paper, shapes
from web.api.auth import blueprint, key, touches
from web.api.bodies import invalid, read, take
from web.errors import Problem
from web.strategies import connectors, formers, webhooks
from web.strategies import service as strategies
from web.strategies.allowed import BadWebhook
from web.strategies.formers import TooManyFormers
from web.strategies.models import Strategy


@blueprint.get("/strategies/<shown(strategy):strategy_id>/webhook")
@needs(Permission.TRADE)
@touches(paper.strategy)
def read_webhook(strategy_id: UUID) -> Response:
    """The URL, until when former secrets work, and who may send."""
    return _answer(strategies.get(strategy_id))


@blueprint.patch("/strategies/<shown(strategy):strategy_id>/webhook")
@needs(Permission.CONFIGURE)
@touches(paper.strategy)
def change_webhook(strategy_id: UUID) -> Response:
    """`{"senders", "addresses", "dedupe_seconds"}`, each where given: who may send, and how long
    equal messages are one signal."""
    strategy = strategies.get(strategy_id)
    body = read("senders", "addresses", "dedupe_seconds")
    listed = take(body, "addresses", list, None)
    if listed and not all(isinstance(each, str) for each in listed):
        raise invalid("addresses", "`addresses` is not a list of strings.", "Send strings.")
    webhooks.change(
        strategy,
        senders=take(body, "senders", str, None),
        addresses=listed,
        dedupe_seconds=take(body, "dedupe_seconds", int, None),
        actor=key().actor,
    )
    return _answer(strategy)


@blueprint.post("/strategies/<shown(strategy):strategy_id>/webhook/rotate")
@needs(Permission.CONFIGURE)
@touches(paper.strategy)
def rotate_webhook(strategy_id: UUID) -> Response:
    """A new secret in the URL; the one there was works 24 h longer."""
    strategy = strategies.get(strategy_id)
    webhooks.rotate(strategy, actor=key().actor)
    return _answer(strategy)


@blueprint.post("/strategies/<shown(strategy):strategy_id>/webhook/end-overlap")
@needs(Permission.CONFIGURE)
@touches(paper.strategy)
def end_webhook_overlap(strategy_id: UUID) -> Response:
    """Former secrets stop to work at once. Repeating answers the same."""
    strategy = strategies.get(strategy_id)
    webhooks.end_overlap(strategy, actor=key().actor)
    return _answer(strategy)


@blueprint.post("/strategies/<shown(strategy):strategy_id>/webhook/signing")
@needs(Permission.CONFIGURE)
@touches(paper.strategy)
def sign_webhook(strategy_id: UUID) -> Response:
    """Take signed messages only, by a new secret; the one there was works 24 h longer."""
    strategy = strategies.get(strategy_id)
    webhooks.sign(strategy, actor=key().actor)
    return _answer(strategy)


@blueprint.delete("/strategies/<shown(strategy):strategy_id>/webhook/signing")
@needs(Permission.CONFIGURE)
@touches(paper.strategy)
def stop_signing_webhook(strategy_id: UUID) -> Response:
    """Messages need no signature any more. Repeating answers the same."""
    strategy = strategies.get(strategy_id)
    webhooks.stop_signing(strategy, actor=key().actor)
    return _answer(strategy)


@blueprint.post("/strategies/<shown(strategy):strategy_id>/webhook/signing/end-overlap")
@needs(Permission.CONFIGURE)
@touches(paper.strategy)
def end_signing_overlap(strategy_id: UUID) -> Response:
    """Former signing secrets stop to work at once. Repeating answers the same."""
    strategy = strategies.get(strategy_id)
    webhooks.end_signing_overlap(strategy, actor=key().actor)
    return _answer(strategy)


@blueprint.post("/strategies/<shown(strategy):strategy_id>/connector/token")
@needs(Permission.CONFIGURE)
@touches(paper.strategy)
def draw_connector_token(strategy_id: UUID) -> Response:
    """A new token of the connector; the one there was works 24 h longer."""
    strategy = strategies.get(strategy_id)
    connectors.draw_token(strategy, actor=key().actor)
    return _connector(strategy)


@blueprint.post("/strategies/<shown(strategy):strategy_id>/connector/token/end-overlap")
@needs(Permission.CONFIGURE)
@touches(paper.strategy)
def end_connector_overlap(strategy_id: UUID) -> Response:
    """Former tokens stop to work at once. Repeating answers the same."""
    strategy = strategies.get(strategy_id)
    connectors.end_overlap(strategy, actor=key().actor)
    return _connector(strategy)


@blueprint.errorhandler(BadWebhook)
def bad_webhook(error: BadWebhook) -> Response:
    """A field that cannot be so."""
    problem = invalid(error.field, error.message, error.fix)
    return shapes.to_response(
        problem.to_json(), problem.status, content_type="application/problem+json"
    )


@blueprint.errorhandler(TooManyFormers)
def too_many_formers(_error: TooManyFormers) -> Response:
    """Each former secret that works is one more that may be known."""
    problem = Problem(
        409,
        "too_many_former_secrets",
        "Too many former secrets still work",
        f"{formers.MOST} former ones work beside the newest.",
        "End the overlap, then rotate again.",
    )
    return shapes.to_response(
        problem.to_json(), problem.status, content_type="application/problem+json"
    )


def _answer(strategy: Strategy) -> Response:
    return shapes.to_response(shapes.webhook(strategy, webhooks.shown(strategy)))


def _connector(strategy: Strategy) -> Response:
    found = connectors.shown(strategy)
    if found is None:
        raise Problem(
            404,
            "connector_missing",
            "There is no connector",
            "This strategy has no connector.",
            "Make one with `POST /strategies/{id}/connector`.",
        )
    return shapes.to_response(shapes.connector(strategy, found))
