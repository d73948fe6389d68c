"""Put staff's site together: its views, in the order of its menu."""

from flask import Flask
from flask_admin import Admin
from flask_admin.theme import Theme

from web import security
from web.accounts import viewing
from web.accounts.models import Tenant
from web.admin import entrance, login, tables
from web.admin.abuse import AbuseView
from web.admin.accounts_view import AccountsView
from web.admin.brokers import BrokersView
from web.admin.flow import ConnectionsView, SignalsView, TradesView
from web.admin.health import HealthView
from web.admin.home import Home
from web.admin.looking import ViewAs
from web.admin.people import PeopleView
from web.admin.plans import FlagsView, PlansView
from web.admin.queues import QueuesView
from web.admin.requests import RequestsView
from web.admin.trail import TrailView
from web.connections.models import Connection
from web.db import db
from web.signals.models import Refusal, Signal
from web.trades.models import Order, Trade


def install(app: Flask) -> None:
    """Register everything under /admin, and what looks through customers' eyes."""
    login.install(app)
    viewing.install(app, f"{login.PREFIX}/", login.looking)
    app.register_blueprint(entrance.blueprint)
    admin = Admin(
        app,
        name="Fillwire staff",
        index_view=Home(name="Find", endpoint="admin", url=login.PREFIX),
        theme=Theme(folder="staff", base_template="staff/base.html"),
        csp_nonce_generator=security.nonce,
    )
    for view in (
        AccountsView(Tenant, db, name="Accounts", endpoint="staff_accounts", url="accounts"),
        SignalsView(Signal, db, name="Signals", endpoint="staff_signals", url="signals"),
        TradesView(Trade, db, name="Trades", endpoint="staff_trades", url="trades"),
        tables.Orders(Order, db, name="Orders", endpoint="staff_orders", url="orders"),
        ConnectionsView(
            Connection, db, name="Connections", endpoint="staff_connections", url="connections"
        ),
        BrokersView(name="Brokers", endpoint="staff_brokers", url="brokers"),
        QueuesView(name="Queues", endpoint="staff_queues", url="queues"),
        AbuseView(name="Webhook abuse", endpoint="staff_abuse", url="abuse"),
        tables.Refusals(Refusal, db, name="Refusals", endpoint="staff_refusals", url="refusals"),
        PlansView(name="Plans", endpoint="staff_plans", url="plans"),
        FlagsView(name="Flags", endpoint="staff_flags", url="flags"),
        TrailView(name="Audit", endpoint="staff_audit", url="audit"),
        HealthView(name="Health", endpoint="staff_health", url="health"),
        RequestsView(name="Two of us", endpoint="staff_requests", url="requests"),
        PeopleView(name="Staff", endpoint="staff_people", url="staff"),
        ViewAs(name="View as", endpoint="staff_view_as", url="view-as"),
    ):
        admin.add_view(view)
