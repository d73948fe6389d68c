"""A signal, a trade or a connection as its customer sees it, with what only staff see beside."""

from uuid import UUID

from flask import abort, current_app, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select, text

from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from web import lists
from web.admin import answers, broker_sessions, tables
from web.admin.deeds import deed, record, required
from web.admin.halts import halt
from web.alarms.models import Alarm
from web.connections.models import Connection
from web.db import db, tenant_scope
from web.execution_client import ExecutionClient, ExecutionDown
from web.signals import chart, waterfall
from web.signals.models import Signal
from web.strategies.models import Strategy
from web.trades import replay
from web.trades.models import Trade
from web.trades.reads import with_orders
from web.trades.replay import NotRecorded
from web.trades.stages import times_of

# Of a signal with many followers.
MOST_TRADES = 50
NEWEST = 20


class SignalsView(tables.Signals):
    """Signals, and the page of each."""

    @expose("/<shown(signal):signal_id>")
    def page(self, signal_id: UUID) -> str:
        """The same waterfall, and the raw request, and where it stands in the queue."""
        signal = db.session.get(Signal, signal_id) or abort(404)
        query = with_orders(select(Trade)).where(Trade.signal_id == signal_id)
        trades = list(db.session.scalars(query.order_by(Trade.accepted_at).limit(MOST_TRADES)))
        names = _connections(trades)
        falls = [(trade, waterfall.build(times_of(trade))) for trade in trades]
        queue = db.session.execute(
            text(
                "SELECT seq, drained_seq, handed_seq, drain_epoch, "
                "(SELECT count(*) FROM web.trades WHERE signal_id = :signal) AS trades "
                "FROM web.strategy_intake WHERE strategy_id = :strategy"
            ),
            {"signal": signal_id, "strategy": signal.strategy_id},
        ).one_or_none()
        mine = [trade for trade in trades if trade.tenant_id == signal.tenant_id]
        told = f"{signal.parsed.get('action', '')} {signal.parsed.get('ticker', '')}".strip()
        url = _customers(url_for("signals.page", signal_id=signal_id))
        self.prepare([signal, *trades])
        page: str = self.render(
            "staff/signal.html",
            signal=signal,
            strategy=db.session.get(Strategy, signal.strategy_id),
            body=signal.body.decode("utf-8", "replace"),
            falls=falls,
            drawn=chart.draw([(names.get(t.connection_id.hex, ""), w) for t, w in falls]),
            names=names,
            queue=queue,
            answer=answers.about_signal(told, signal.accepted_at, mine, names, url),
        )
        return page


class TradesView(tables.Trades):
    """Trades, and the page of each."""

    @expose("/<shown(trade):trade_id>")
    def page(self, trade_id: UUID) -> str:
        """Orders, fills, what the broker said, and the stages."""
        query = with_orders(select(Trade)).where(Trade.id == trade_id)
        trade = db.session.scalar(query) or abort(404)
        names = _connections([trade])
        fall = waterfall.build(times_of(trade))
        alarms = db.session.scalars(
            select(Alarm).where(Alarm.trade_id == trade_id).order_by(Alarm.raised_at.desc())
        ).all()
        name = names.get(trade.connection_id.hex, "")
        url = _customers(url_for("trades.page", trade_id=trade_id))
        self.prepare([trade])
        page: str = self.render(
            "staff/trade.html",
            trade=trade,
            name=name,
            fall=fall,
            drawn=chart.draw([(name, fall)]),
            alarms=alarms,
            answer=f"{answers.about_trade(trade, name)}\nStep by step: {url}",
        )
        return page

    @expose("/<shown(trade):trade_id>/replay")
    def replayed(self, trade_id: UUID) -> str:
        """The recorded decision beside the same one made again; nothing is stored or sent."""
        trade = db.session.get(Trade, trade_id) or abort(404)
        told, away = None, ""
        try:
            with tenant_scope(trade.tenant_id):
                told = replay.of_trade(trade)
        except NotRecorded:
            away = "The trade is older than the record, or could not be decided."
        except ExecutionDown as down:
            away = f"Execution does not answer, and only it can plan: {down}"
        self.prepare([trade])
        page: str = self.render("staff/replay.html", trade=trade, told=told, away=away)
        return page

    @expose("/alarms/<shown(alarm):alarm_id>/handled", methods=("POST",))
    @deed("alarm", "Mark this alarm as handled")
    def handled(self, alarm_id: UUID, reason: str) -> ResponseReturnValue:
        """Note that staff looked after it. It stays open for the customer, whose word counts."""
        alarm = db.session.get(Alarm, alarm_id) or abort(404)
        record("alarm:handled", ids.show("alarm", alarm_id), tenant=alarm.tenant_id, reason=reason)
        db.session.commit()
        lists.done("Noted in the customer's activity.")
        if alarm.trade_id is None:
            return redirect(url_for("staff_accounts.page", tenant_id=alarm.tenant_id))
        return redirect(url_for("staff_trades.page", trade_id=alarm.trade_id))


class ConnectionsView(tables.Connections):
    """Connections, and the page of each."""

    @expose("/<shown(connection):connection_id>")
    def page(self, connection_id: UUID) -> str:
        """What is stored of it, and what execution knows now."""
        connection = db.session.get(Connection, connection_id) or abort(404)
        switch = db.session.execute(
            text(
                "SELECT mode, why, set_by, set_at FROM web.switches "
                "WHERE scope = 'connection' AND scope_id = :id AND mode <> 'off'"
            ),
            {"id": connection_id},
        ).one_or_none()
        orders = db.session.execute(
            text(
                "SELECT trade_id, created_at, instrument, side, ord_status, reason FROM web.orders "
                "WHERE tenant_id = :tenant AND connection_id = :id "
                "ORDER BY created_at DESC LIMIT :most"
            ),
            {"tenant": connection.tenant_id, "id": connection_id, "most": NEWEST},
        ).all()
        state, away = _ask_execution(connection)
        login = broker_sessions.login_of(connection)
        self.prepare([connection])
        page: str = self.render(
            "staff/connection.html",
            connection=connection,
            switch=switch,
            orders=orders,
            state=state,
            away=away,
            login=login,
        )
        return page

    @expose("/<shown(connection):connection_id>/halt", methods=("POST",))
    @deed("halt", "Set this connection's switch")
    def halt(self, connection_id: UUID, reason: str) -> ResponseReturnValue:
        """Quarantine: nothing is sent for it, or nothing is opened; or let it go on."""
        connection = db.session.get(Connection, connection_id) or abort(404)
        told = halt("connection", connection_id, connection.tenant_id, required("mode"), reason)
        lists.done(told)
        return redirect(url_for("staff_connections.page", connection_id=connection_id))

    @expose("/<shown(connection):connection_id>/refresh", methods=("POST",))
    @deed("refresh", "End this connection's session at its broker and begin a new one")
    def refresh(self, connection_id: UUID, reason: str) -> ResponseReturnValue:
        """Log in again and ask what the account holds; orders that work there stay."""
        connection = db.session.get(Connection, connection_id) or abort(404)
        lists.done(broker_sessions.refresh(connection, reason))
        return redirect(url_for("staff_connections.page", connection_id=connection_id))


def _ask_execution(connection: Connection) -> tuple[pb.GetAccountStateResponse | None, str]:
    """What execution knows of the account, or why that is not known."""
    account = connection.broker_account
    execution: ExecutionClient = current_app.extensions["fillwire.execution"]
    try:
        state = execution.connection_state(connection.tenant_id, connection.id, account)
    except ExecutionDown as down:
        return None, str(down)
    return state, "" if state else "Execution never used this account."


def _connections(trades: list[Trade]) -> dict[str, str]:
    wanted = {trade.connection_id for trade in trades}
    rows = db.session.execute(
        select(Connection.id, Connection.name).where(Connection.id.in_(wanted))
    )
    return {row.id.hex: row.name for row in rows}


def _customers(path: str) -> str:
    return f"{current_app.config['WEB_URL']}{path}"
