"""Bugs in the core of an order: the state machine of `tests/unit/order_machine.py` finds them."""

from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from execution.accounts import accounts, folding
from execution.domain.orders import Order
from execution.domain.reports import Report
from execution.domain.words import ExecType
from tests.sim import plants as simulated
from tests.sim.plants import Plant
from tests.unit.order_machine import OrderMachine

# Far more than any of them needs.
SEARCH = settings(
    max_examples=1500,
    stateful_step_count=40,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    deadline=None,
    database=None,
    derandomize=True,
)


def ignore_fills_after_the_end() -> Any:
    """A fill that comes after a cancel is not counted."""

    def add(self: Order, report: Report) -> bool:
        is_late = self.end is not None and report.exec_type is ExecType.FILL
        return not is_late and real(self, report)

    real = Order.add
    return patch.object(Order, "add", add)


def go_by_the_last_word() -> Any:
    """Of two ends of an order the one that was heard last counts."""

    def work_out(self: Order) -> None:
        real(self)
        if self.end is not None:
            ends = (ExecType.CANCELED, ExecType.REJECTED, ExecType.EXPIRED, self.end.exec_type)
            self.end = [r for r in self.reports.values() if r.exec_type in ends][-1]

    real = Order._work_out
    return patch.object(Order, "_work_out", work_out)


def stand_by_our_own_word() -> Any:
    """What we found never sent stays so, whatever the broker says of it."""

    def work_out(self: Order) -> None:
        real(self)
        own = [r for r in self.reports.values() if r.exec_type is ExecType.NOT_SENT]
        if own and self.end is None:
            self.end, self.is_open = own[0], False

    real = Order._work_out
    return patch.object(Order, "_work_out", work_out)


def give_overfills_back() -> Any:
    """More than was asked for is trimmed quietly."""

    def work_out(self: Order) -> None:
        real(self)
        self.cum_qty = min(self.cum_qty, self.terms.order_qty)

    real = Order._work_out
    return patch.object(Order, "_work_out", work_out)


def leave_canceled_orders_in_the_lane() -> Any:
    """What is over is still seen as open."""

    def fold(account: Any, ticket: Any, report: Report) -> Any:
        shares = real(account, ticket, report)
        if report.exec_type is ExecType.CANCELED:
            ticket.run.lane.open[report.cl_ord_id] = ticket
        return shares

    real = folding.fold
    return patch.object(folding, "fold", fold)


def keep_what_was_taken_back() -> Any:
    """A fill that the broker takes back leaves the order, and not the position."""
    return patch.object(folding, "take_back", lambda *_: set())


def count_facts_anew() -> Any:
    """A new life numbers its facts from one."""

    def rebuild(account: Any, image: Any) -> Any:
        tickets = real(account, image)
        account.last_seq = 0
        return tickets

    real = accounts.rebuild
    return patch("tests.unit.order_core.rebuild", rebuild)


def forget_partial_fills_on_restart() -> Any:
    """A restart finds orders again, and not what was filled of those that still work."""

    def rebuild(account: Any, image: Any) -> Any:
        for orders in image.orders.values():
            for order in orders:
                for fill in [each for each in order.fills if order.is_open]:
                    del order.reports[fill.report_id]
                order._work_out()
        return real(account, image)

    real = accounts.rebuild
    return patch("tests.unit.order_core.rebuild", rebuild)


_SHARED = (
    "end_with_the_first_fill",
    "count_positions_only",
    "count_repeated_fills",
    "size_exits_by_the_whole_position",
    "skip_exits_behind_doubt",
    "forget_what_is_in_doubt_at_takeover",
)
PLANTS: dict[str, Plant] = {
    **{
        plant.__name__: plant
        for plant in (
            ignore_fills_after_the_end,
            go_by_the_last_word,
            stand_by_our_own_word,
            give_overfills_back,
            leave_canceled_orders_in_the_lane,
            keep_what_was_taken_back,
            count_facts_anew,
            forget_partial_fills_on_restart,
        )
    },
    **{name: simulated.PLANTS[name] for name in _SHARED},
}


def caught(name: str) -> str:
    """What the state machine says of the core with this bug in it; empty for nothing."""
    # A plant that does not take is no catch: it fails outside.
    with PLANTS[name]():
        try:
            run_state_machine_as_test(OrderMachine, settings=SEARCH)
        except Exception as wrong:
            return f"{type(wrong).__name__} in {_where(wrong)}"
    return ""


def _where(wrong: BaseException) -> str:
    """The rule or the invariant that failed."""
    # What teardown says comes after.
    while wrong.__context__ is not None:
        wrong = wrong.__context__
    at, found = wrong.__traceback__, ""
    while at is not None:
        if at.tb_frame.f_code.co_filename.endswith("order_machine.py"):
            found = found or at.tb_frame.f_code.co_name
        at = at.tb_next
    return found
