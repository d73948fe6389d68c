"""The lists of staff's site: which columns, which filters."""

from web.accounts.models import Tenant
from web.admin import cells
from web.admin.base import Table
from web.admin.filters import Has, Is, Slower, Tells
from web.connections.models import BrokerAccount, Connection
from web.signals.models import Refusal, Signal
from web.trades.models import Order, Trade


class Accounts(Table):
    """Every workspace."""

    told = "Find one by what you know on the front page; or by its plan here."
    column_list = ("id", "name", "plan_id", "suspended_at", "created_at")
    column_export_list = column_list
    column_labels = {
        "id": "Account",
        "plan_id": "Plan",
        "suspended_at": "Suspended",
        "created_at": "Since",
    }
    column_filters = (Is(Tenant.plan_id, "Plan"), Has(Tenant.id, "Account", "tenant"))
    column_default_sort = ("created_at", True)
    column_formatters = {
        "id": cells.own_id("tenant", "staff_accounts.page"),
        "suspended_at": cells.at,
        "created_at": cells.at,
    }
    column_formatters_export = column_formatters


class Signals(Table):
    """What was accepted."""

    time_column = "accepted_at"
    column_list = ("accepted_at", "id", "tenant_id", "strategy_id", "seq", "dialect", "duplicates")
    column_export_list = column_list
    column_labels = {
        "accepted_at": "Accepted",
        "id": "Signal",
        "tenant_id": "Account",
        "strategy_id": "Strategy",
    }
    column_filters = (
        Has(Signal.tenant_id, "Account", "tenant"),
        Has(Signal.strategy_id, "Strategy", "strategy"),
        Is(Signal.dialect, "Dialect", (("traderspost", "traderspost"), ("crypto-arsenal",) * 2)),
    )
    column_default_sort = ("accepted_at", True)
    column_formatters = {
        "accepted_at": cells.at,
        "id": cells.own_id("signal", "staff_signals.page"),
        "tenant_id": cells.tenant,
        "strategy_id": cells.of("strategy"),
    }
    column_formatters_export = column_formatters


class Trades(Table):
    """What was made of them, each with its reason."""

    time_column = "accepted_at"
    column_list = (
        "accepted_at",
        "id",
        "tenant_id",
        "mode",
        "instrument",
        "state",
        "reason",
        "took_ms",
        "signal_id",
    )
    column_export_list = (*column_list, "strategy_id", "connection_id", "message")
    column_labels = {
        "accepted_at": "Accepted",
        "id": "Trade",
        "tenant_id": "Account",
        "took_ms": "ms to fill",
        "signal_id": "Signal",
    }
    column_filters = (
        Is(Trade.reason, "Reason"),
        Is(Trade.state, "State"),
        Has(Trade.tenant_id, "Account", "tenant"),
        Has(Trade.strategy_id, "Strategy", "strategy"),
        Has(Trade.connection_id, "Connection", "connection"),
        Is(Trade.mode, "Mode", (("paper", "paper"), ("live", "live"))),
        Slower(Trade.received_at, Trade.filled_at, "Milliseconds"),
    )
    column_default_sort = ("accepted_at", True)
    column_formatters = {
        "accepted_at": cells.at,
        "id": cells.own_id("trade", "staff_trades.page"),
        "tenant_id": cells.tenant,
        "reason": cells.reason,
        "took_ms": cells.took("received_at", "filled_at"),
        "signal_id": cells.of("signal", "staff_signals.page"),
        "strategy_id": cells.of("strategy"),
        "connection_id": cells.of("connection"),
    }
    column_formatters_export = column_formatters


class Orders(Table):
    """What went to brokers."""

    time_column = "created_at"
    column_list = (
        "created_at",
        "id",
        "tenant_id",
        "instrument",
        "side",
        "order_qty",
        "cum_qty",
        "ord_status",
        "reason",
        "cl_ord_id",
        "broker_order_id",
        "trade_id",
    )
    column_export_list = (*column_list, "leg", "origin", "connection_id")
    column_labels = {
        "created_at": "Made",
        "id": "Order",
        "tenant_id": "Account",
        "order_qty": "Quantity",
        "cum_qty": "Filled",
        "ord_status": "Status",
        "cl_ord_id": "ClOrdID",
        "broker_order_id": "At the broker",
        "trade_id": "Trade",
    }
    column_filters = (
        Is(Order.cl_ord_id, "ClOrdID"),
        Is(Order.broker_order_id, "Broker's order id"),
        Is(Order.ord_status, "Status"),
        Is(Order.reason, "Reason"),
        Has(Order.tenant_id, "Account", "tenant"),
        Has(Order.connection_id, "Connection", "connection"),
        Has(Order.trade_id, "Trade", "trade"),
    )
    column_default_sort = ("created_at", True)
    column_formatters = {
        "created_at": cells.at,
        "id": cells.own_id("order"),
        "tenant_id": cells.tenant,
        "order_qty": cells.number,
        "cum_qty": cells.number,
        "reason": cells.reason,
        "trade_id": cells.of("trade", "staff_trades.page"),
        "connection_id": cells.of("connection"),
    }
    column_formatters_export = column_formatters


class Connections(Table):
    """Links to broker accounts, and how they are."""

    column_list = (
        "id",
        "tenant_id",
        "name",
        "mode",
        "state",
        "login",
        "broker_account.broker",
        "broker_account.environment",
        "broker_account.account",
        "created_at",
    )
    column_export_list = column_list
    # Shown and exported: without this an export would end after its header.
    column_select_related_list = (Connection.broker_account,)
    column_labels = {
        "id": "Connection",
        "tenant_id": "Account",
        "login": "Not let in for",
        "broker_account.broker": "Broker",
        "broker_account.environment": "Environment",
        "broker_account.account": "Broker's account",
        "created_at": "Since",
    }
    column_filters = (
        Is(Connection.state, "State"),
        Is(BrokerAccount.broker, "Broker"),
        Has(Connection.tenant_id, "Account", "tenant"),
        Has(Connection.id, "Connection", "connection"),
        Tells(Connection.reported, "Not let in for", "login", "problem"),
    )
    column_default_sort = ("created_at", True)
    column_formatters = {
        "id": cells.own_id("connection", "staff_connections.page"),
        "tenant_id": cells.tenant,
        "login": cells.login,
        "created_at": cells.at,
    }
    column_formatters_export = column_formatters


class Refusals(Table):
    """What was not accepted, by strategy, code and minute."""

    time_column = "last_at"
    column_list = ("last_at", "tenant_id", "strategy_id", "code", "count", "field", "message")
    column_export_list = column_list
    column_labels = {
        "last_at": "Last",
        "tenant_id": "Account",
        "strategy_id": "Strategy",
        "count": "Times",
    }
    column_filters = (
        Is(Refusal.code, "Code"),
        Has(Refusal.tenant_id, "Account", "tenant"),
        Has(Refusal.strategy_id, "Strategy", "strategy"),
    )
    column_default_sort = ("last_at", True)
    column_formatters = {
        "last_at": cells.at,
        "tenant_id": cells.tenant,
        "strategy_id": cells.of("strategy"),
        "code": cells.reason,
    }
    column_formatters_export = column_formatters
