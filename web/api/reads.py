"""What the API tells: lists by cursor, single objects by id. Few queries each."""

from collections.abc import Sequence
from uuid import UUID

from flask import Response, request
from sqlalchemy import select

from protos import ids
from web import lists
from web.accounts.access import Shown, needs, shows
from web.accounts.rules import Permission
from web.alarms import service as alarms
from web.api import paper, shapes
from web.api.auth import blueprint, key
from web.connections import service as connections
from web.connections.models import Connection
from web.db import current_tenant, db, get_for_tenant, mine
from web.errors import Problem
from web.paging import Page, newest_first
from web.signals import reads as signals
from web.signals.models import Signal
from web.strategies import service as strategies
from web.strategies.models import Strategy, StrategyWebhook
from web.subscriptions import service as subscriptions
from web.subscriptions.models import Subscription
from web.trades import doubt, holdings, quotes
from web.trades import reads as trades
from web.trades.models import ASKING_STATES, WAITING_STATES, Trade

# Whoever knows it can trade.
WEBHOOK_URL = Shown("webhook_url", Permission.TRADE)
# Trades that come along with a signal, and with each of a list of them.
EXPANDED, EXPANDED_OF_EACH = 200, 20


@blueprint.get("/signals")
@needs(Permission.LOOK)
def list_signals() -> Response:
    """Signals of one's own strategies, newest first; `?strategy_id=`, `?expand=trades`, which
    puts the first trades of each there."""
    strategy_id = _filter("strategy_id", "strategy")
    page = lists.paged(
        lambda: signals.page(strategy_id=strategy_id, limit=lists.limit(), cursor=lists.cursor())
    )
    counts = signals.counts(page.rows)
    wanted = [row.id for row in page.rows] if _expands("trades") else []
    found = trades.of_signals(wanted, most=EXPANDED_OF_EACH)
    return shapes.to_response(
        shapes.paged(
            page,
            lambda row: shapes.signal(row, counts.get(row.id, signals.NONE), found.get(row.id)),
        )
    )


@blueprint.get("/signals/<shown(signal):signal_id>")
@needs(Permission.LOOK)
def get_signal(signal_id: UUID) -> Response:
    """One signal; `?expand=trades` puts this tenant's first trades there."""
    row = get_for_tenant(Signal, signal_id)
    counts = signals.counts([row]).get(row.id, signals.NONE)
    found = trades.of_signals([row.id], most=EXPANDED)[row.id] if _expands("trades") else None
    return shapes.to_response(shapes.signal(row, counts, found))


@blueprint.get("/trades")
@needs(Permission.LOOK)
def list_trades() -> Response:
    """Trades with their orders and fills, newest first; `?signal_id=` for those of one signal, by
    subscription."""
    signal_id = _filter("signal_id", "signal")

    def load() -> Page[Trade]:
        limit, cursor = lists.limit(), lists.cursor()
        if signal_id is None:
            return trades.trade_page(orders=True, limit=limit, cursor=cursor)
        return trades.of_signal_page(signal_id, limit=limit, cursor=cursor)

    return shapes.to_response(shapes.paged(lists.paged(load), shapes.trade))


@blueprint.get("/trades/<shown(trade):trade_id>")
@needs(Permission.LOOK)
def get_trade(trade_id: UUID) -> Response:
    """One trade with its orders and fills."""
    return shapes.to_response(shapes.trade(trades.load_orders(get_for_tenant(Trade, trade_id))))


@blueprint.get("/approvals")
@needs(Permission.LOOK)
def list_approvals() -> Response:
    """Trades that wait for a person, newest first, held ones (BLOCKED) too; `?state=` for those of
    one state, DELAYED and QUEUED among them."""
    state = request.args.get("state")
    if state is not None and state not in WAITING_STATES:
        raise Problem(
            400,
            "bad_state",
            "Nothing waits in this state",
            f"`state` is {state[:30]!r}.",
            f"Use one of: {', '.join(WAITING_STATES)}.",
            param="state",
        )
    states = ASKING_STATES if state is None else [state]
    page = lists.paged(
        lambda: trades.waiting_page(states=states, limit=lists.limit(), cursor=lists.cursor())
    )
    known = quotes.last_known(page.rows)
    return shapes.to_response(
        shapes.paged(page, lambda row: shapes.waiting(row, known.get(row.instrument)))
    )


@blueprint.get("/attention")
@needs(Permission.LOOK)
def list_attention() -> Response:
    """Trades whose order can neither be found nor proven absent, the oldest first."""
    page = lists.paged(lambda: doubt.waiting(limit=lists.limit(), cursor=lists.cursor()))
    return shapes.to_response(shapes.paged(page, shapes.trade))


@blueprint.get("/alarms")
@needs(Permission.LOOK)
def list_alarms() -> Response:
    """What somebody must look at, newest first; `?open=true` leaves out what is over or was
    acknowledged, `?open=false` what is not."""
    wanted = request.args.get("open", "")
    if wanted not in ("", "true", "false"):
        raise Problem(
            400,
            "bad_filter",
            "This filter cannot be",
            f"`open` is {wanted[:20]!r}.",
            "Use `true` or `false`, or leave it out for all.",
            param="open",
        )
    is_open = None if not wanted else wanted == "true"
    page = lists.paged(
        lambda: alarms.page(is_open=is_open, limit=lists.limit(), cursor=lists.cursor())
    )
    return shapes.to_response(shapes.paged(page, shapes.alarm))


@blueprint.get("/orders")
@needs(Permission.LOOK)
def list_orders() -> Response:
    """Orders with their fills, newest first."""
    page = lists.paged(lambda: trades.order_page(limit=lists.limit(), cursor=lists.cursor()))
    return shapes.to_response(shapes.paged(page, shapes.listed_order))


@blueprint.get("/positions")
@needs(Permission.LOOK)
def list_positions() -> Response:
    """Positions by connection and instrument: the account's, and every subscription's own; `?q=`
    for those of an instrument or on connections that are called so."""
    page = lists.paged(
        lambda: holdings.page(sought=lists.sought(), limit=lists.limit(), cursor=lists.cursor())
    )
    return shapes.to_response(shapes.paged(page, shapes.position))


@blueprint.get("/connections")
@needs(Permission.LOOK)
def list_connections() -> Response:
    """Connections, the oldest first; `?q=` for those that are called so or have such an account."""
    page = lists.paged(
        lambda: connections.page(sought=lists.sought(), limit=lists.limit(), cursor=lists.cursor())
    )
    return shapes.to_response(shapes.paged(page, shapes.connection))


@blueprint.get("/connections/<shown(connection):connection_id>")
@needs(Permission.LOOK)
def get_connection(connection_id: UUID) -> Response:
    """One connection."""
    return shapes.to_response(shapes.connection(get_for_tenant(Connection, connection_id)))


@blueprint.get("/strategies")
@needs(Permission.LOOK, WEBHOOK_URL)
def list_strategies() -> Response:
    """One's own strategies with their webhook URLs, newest first."""
    query = select(Strategy).where(Strategy.tenant_id == current_tenant())
    page = lists.paged(
        lambda: newest_first(
            query,
            Strategy.created_at,
            Strategy.id,
            lambda row: (row.created_at, row.id),
            limit=lists.limit(),
            cursor=lists.cursor(),
        )
    )
    wanted = select(StrategyWebhook).where(
        StrategyWebhook.strategy_id.in_([row.id for row in page.rows])
    )
    urls = _urls(db.session.scalars(wanted).all())
    return shapes.to_response(shapes.paged(page, lambda row: shapes.strategy(row, urls[row.id])))


@blueprint.get("/strategies/<shown(strategy):strategy_id>")
@needs(Permission.LOOK, WEBHOOK_URL)
def get_strategy(strategy_id: UUID) -> Response:
    """One strategy with its webhook URL."""
    return shapes.to_response(shaped_strategy(strategies.get(strategy_id)))


@blueprint.get("/subscriptions")
@needs(Permission.LOOK)
def list_subscriptions() -> Response:
    """Subscriptions with their settings, newest first."""
    page = lists.paged(
        lambda: newest_first(
            select(Subscription).where(mine(Subscription)),
            Subscription.created_at,
            Subscription.id,
            lambda row: (row.created_at, row.id),
            limit=lists.limit(),
            cursor=lists.cursor(),
        )
    )
    return shapes.to_response(shapes.paged(page, shapes.subscription))


@blueprint.get("/subscriptions/<shown(subscription):subscription_id>")
@needs(Permission.LOOK)
def get_subscription(subscription_id: UUID) -> Response:
    """One subscription with its settings."""
    return shapes.to_response(shapes.subscription(subscriptions.get(subscription_id)))


def shaped_strategy(row: Strategy) -> dict[str, object]:
    """A strategy of one's own, with its webhook URL for those who may send."""
    return shapes.strategy(row, _urls([strategies.webhook_of(row)])[row.id])


def _urls(webhooks: Sequence[StrategyWebhook]) -> dict[UUID, str | None]:
    """Whoever has one can trade; a test key must not, where that is with live money."""
    kept = {webhook.strategy_id for webhook in webhooks} if not shows("webhook_url") else set()
    if key().mode == "test":
        kept |= paper.live_strategies(webhook.strategy_id for webhook in webhooks)
    return {
        webhook.strategy_id: None
        if webhook.strategy_id in kept
        else strategies.webhook_url(webhook)
        for webhook in webhooks
    }


def _filter(name: str, kind: str) -> UUID | None:
    raw = request.args.get(name)
    if not raw:
        return None
    found = ids.read(kind, raw)
    if found is None:
        raise Problem(
            400,
            "bad_id",
            "This id cannot be read",
            f"`{name}` is {raw[:50]!r}.",
            f"Use an id that begins with `{ids.PREFIXES[kind]}_`.",
            param=name,
        )
    return found


def _expands(name: str) -> bool:
    return name in request.args.get("expand", "").split(",")
