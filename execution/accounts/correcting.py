"""More was filled than an order asked: a trade of our own takes it back, where the setting says so.

Durable fact: its instruction, stored with the report that told of it. If we die right after,
whoever holds the account finds it among what is open. Planned as any exit, it never opens.
"""

import hashlib
from decimal import Decimal

from execution.accounts.accounts import Account
from execution.domain.reports import Report
from execution.domain.words import ExecType
from execution.journal.rows import InstructionRow
from execution.lanes import overfills
from execution.lanes.tickets import Ticket
from execution.messages import messages
from protos import wire
from protos.execution.v1 import execution_pb2 as pb


def correction(account: Account, ticket: Ticket, said: Report) -> InstructionRow | None:
    """What takes back that which this report filled beyond its order."""
    trade, excess = ticket.run.trade, _excess(ticket, said)
    if not excess or not trade.corrects_overfills:
        return None
    trade_id = overfills.id_of(ticket, said)
    now = wire.to_timestamp(said.time)
    message = pb.Trade(
        trade_id=trade_id.hex,
        tenant_id=trade.tenant_id,
        strategy_id=trade.strategy_id.hex,
        subscription_id=trade.subscription_id.hex,
        connection_id=trade.connection_id,
        account=account.message,
        accepted_time=now,
        released_time=now,
        action=pb.ACTION_EXIT,
        instrument=ticket.order.terms.instrument,
        quantity=wire.to_text(excess),
        quantity_from_signal=True,
        fractional=True,
        ord_type=pb.ORD_TYPE_MARKET,
        sides=pb.SIDES_BOTH,
        asset_class=messages.asset_class(trade.asset_class),
        origin=pb.ORIGIN_CORRECTION,
    )
    stored = message.SerializeToString(deterministic=True)
    digest = hashlib.sha256(stored).digest()
    return InstructionRow(trade_id, digest, account.account_id, trade.strategy_id, stored)


def _excess(ticket: Ticket, said: Report) -> Decimal:
    """How much of a fill was too much; what was before it was told by the fills before."""
    beyond = ticket.order.cum_qty - ticket.order.terms.order_qty
    if said.exec_type is not ExecType.FILL or said.last_qty is None:
        return Decimal(0)
    return max(min(beyond, said.last_qty), Decimal(0))
