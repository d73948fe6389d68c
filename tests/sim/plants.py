"""Bugs put into the core on purpose: each must be caught, or the simulator is blind.

Each plant replaces a piece of the real code, as a careless change might.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch
from uuid import UUID

from msgspec import structs

from execution.accounts import accounts, dispatch, recording, terms
from execution.accounts.outside import Outside
from execution.brokers.base import NewOrder
from execution.domain import following, planning, protecting, table
from execution.domain.decisions import End, Scope
from execution.domain.orders import ZERO, Order
from execution.domain.protecting import Cover, Protection, Step, Upkeep
from execution.domain.words import ExecType, Leg, TradeState
from execution.engine import engine
from execution.engine.watching import Watching
from execution.holding.hearing import Hearing
from execution.holding.holding import Holding
from execution.holding.reconciling import Reconciling
from execution.journal.store import Store
from execution.lanes import covers
from execution.lanes.lanes import Lane
from execution.limits.limiter import Flow
from protos import ids
from tests.sim import plants_of_holding

Plant = Callable[[], Any]


def skip_the_sending_commit() -> Any:
    """The order goes to the socket at once; its record follows."""

    def send(self: Any, account: Any, run: Any, decision: Any, decided: Any) -> None:
        real_send(self, account, run, decision, decided)
        leg = decision.leg
        ticket = next(t for t in reversed(run.tickets) if t.order.terms.leg is leg)
        self._dispatch.submit(account, ticket)

    real_send = engine.Engine._send
    return patch.object(engine.Engine, "_send", send)


def random_cl_ord_id() -> Any:
    """Each order gets a fresh id, unlike the one that a restart would give it."""
    dice = random.Random(1)

    def order_ids(*parts: Any) -> tuple[UUID, str]:
        return ids.derive("order", *parts), f"random{dice.getrandbits(64):016x}"

    return patch.object(ids, "order_ids", order_ids)


def random_id_on_the_wire() -> Any:
    """Each sending has an id of its own."""
    dice = random.Random(1)

    def as_sent(*told: Any) -> NewOrder:
        return replace(real(*told), cl_ord_id=f"wire{dice.getrandbits(64):016x}")

    real = terms.as_sent
    return patch.object(dispatch, "as_sent", as_sent)


def skip_exits_behind_doubt() -> Any:
    """There is no position yet, so there is nothing to close."""

    def nothing(self: Any, close: Any, asked: Any, held: Any) -> Any:
        certain = structs.replace(self.scope, in_doubt=False)
        return real(structs.replace(self, scope=certain), close, asked, held)

    real = planning._Plan._nothing_to_close
    return patch.object(planning._Plan, "_nothing_to_close", nothing)


def leave_the_other_guard_alive() -> Any:
    """Nobody looks after protection once an order is sent."""
    return patch.object(dispatch.Dispatch, "tend", lambda *_, **__: None)


@contextmanager
def count_positions_only() -> Iterator[None]:
    """Working entries are no exposure."""
    blind = patch.object(Scope, "exposure", property(lambda scope: scope.position))
    with blind, patch.object(table, "_repeats", lambda *_: None):
        yield


def forget_who_was_withdrawn() -> Any:
    """What is read from the store runs, whoever withdrew it meanwhile."""
    return patch.object(accounts, "recall_withdrawal", lambda *_: None)


def forget_superseding() -> Any:
    """Newer trades leave the entries alone that are held back."""
    return patch.object(accounts, "supersede", lambda *_: False)


def size_exits_by_the_whole_position() -> Any:
    """What closes the position already is not looked at."""

    def scope(self: Any, run: Any) -> Scope:
        return structs.replace(real(self, run), closing=())

    real = Lane.scope
    return patch.object(Lane, "scope", scope)


def count_repeated_fills() -> Any:
    """A report that is heard twice is worked in twice."""

    def hear(self: Any, report: Any, **how: Any) -> None:
        known = self._tickets.get(report.cl_ord_id)
        if known is not None and report.report_id in known[1].order.reports:
            report = structs.replace(report, report_id=f"{report.report_id}+")
        real(self, report, **how)

    real = engine.Engine.hear
    return patch.object(engine.Engine, "hear", hear)


def drop_strangers() -> Any:
    """Reports of orders that are not in memory are not ours."""

    def on_report(self: Any, report: Any) -> None:
        if self._engine.knows(report.cl_ord_id):
            self._hear(report)

    return patch.object(Hearing, "on_report", on_report)


def ignore_what_others_do() -> Any:
    """What is traded at the broker by others is neither heard nor asked for."""
    return patch.multiple(Reconciling, adopt=lambda *_: None, compare=lambda *_: None)


def count_others_fills_twice() -> Any:
    """A repeated report of somebody else's order moves the position again."""

    async def recorded(*_: Any) -> set[str]:
        return set()

    stack = ExitStack()
    stack.enter_context(patch.object(Outside, "adopt", lambda *_: True))
    stack.enter_context(patch.object(Store, "recorded", recorded))
    stack.enter_context(patch.object(Reconciling, "compare", lambda *_: None))
    return stack


def start_listening_too_late() -> Any:
    """A new holder resumes reports after one that it never heard."""

    async def attach(self: Any, images: Any) -> None:
        for image in images.values():
            image.heard_seq += 1
        await real(self, images)

    real = Holding._attach
    return patch.object(Holding, "_attach", attach)


def lose_reports_that_are_not_stored() -> Any:
    """What was heard is not written down when it is no end."""

    def report(account: Any, ticket: Any, said: Any, *more: Any, **how: Any) -> Any:
        entry = real(account, ticket, said, *more, **how)
        if said.exec_type is ExecType.FILL and ticket.order.is_open:
            entry.facts, entry.positions = [], []
        return entry

    real = recording.report
    return patch.object(recording, "report", report)


def forget_partial_fills_on_restart() -> Any:
    """A restart finds orders again, and not what was filled of those that still work."""

    def rebuild(account: Any, image: Any) -> Any:
        for orders in image.orders.values():
            for order in orders:
                fills = [r for r in order.fills if order.is_open]
                for fill in fills:
                    del order.reports[fill.report_id]
                order._work_out()
        return real(account, image)

    real = accounts.rebuild
    return patch.object(accounts, "rebuild", rebuild)


def retry_at_once() -> Any:
    """What was not answered is sent again, under the same id, without asking."""

    def doubt(self: Any, account: Any, ticket: Any) -> None:
        real(self, account, ticket)
        if ticket.in_doubt and ticket.sends == 1:
            self.submit(account, ticket)

    real = dispatch.Dispatch._doubt
    return patch.object(dispatch.Dispatch, "_doubt", doubt)


def forget_the_limits() -> Any:
    """Requests are counted by nobody."""
    return patch.object(Flow, "is_free", property(lambda _flow: True))


def close_twice_after_a_restart() -> Any:
    """A restart finds trades again, and not the exits that they sent."""

    def rebuild(account: Any, image: Any) -> Any:
        for orders in image.orders.values():
            orders[:] = [order for order in orders if order.terms.leg is not Leg.EXIT]
        return real(account, image)

    real = accounts.rebuild
    return patch.object(accounts, "rebuild", rebuild)


def end_with_the_first_fill() -> Any:
    """An order that filled in part is called filled."""
    return patch.object(
        Order, "is_filled", property(lambda order: bool(order.cum_qty) or not order.terms.order_qty)
    )


def say_filled_whatever_happened() -> Any:
    """The outcome is the one that was hoped for."""
    return patch.object(
        following, "_short_of_its_quantity", lambda *_, **__: End(TradeState.FILLED)
    )


def never_make_guards_smaller() -> Any:
    """What guards a position stays as it was, whatever others close of it."""

    def tend(*parts: Any) -> Upkeep:
        return structs.replace(real(*parts), cancels=())

    real = protecting.tend
    return patch.object(protecting, "tend", tend)


def never_guard_again() -> Any:
    """What an exit took off the position's guards is not put back."""

    def tend(*parts: Any) -> Upkeep:
        return structs.replace(real(*parts), sends=())

    real = protecting.tend
    return patch.object(protecting, "tend", tend)


def guard_before_the_other_is_gone() -> Any:
    """A target goes out while its stop still works."""
    return patch.object(Cover, "may_close", property(lambda _cover: ZERO))


def forget_guards_at_takeover() -> Any:
    """A new holder does not know what is to guard a position."""
    return patch.object(covers, "recall", lambda *_: None)


def say_protected_whatever_works() -> Any:
    """What was to be guarded is called so."""
    return patch.object(
        Step,
        "state",
        property(lambda step: Protection.PROTECTED if step.cover.left else Protection.CLOSED),
    )


def fire_before_it_is_written() -> Any:
    """A watched entry goes to the socket at its price; that the price came is written after."""

    def fire(self: Any, account: Any, ticket: Any, _quote: Any) -> None:
        run = ticket.run
        run.fired_at = self._runtime.now()
        self._dispatch.submit(account, ticket)
        told = {"fired_at": run.fired_at.isoformat()}
        self._say(account, run, TradeState.WORKING, "", told, lambda: None)

    return patch.object(Watching, "_fire", fire)


PLANTS: dict[str, Plant] = {
    plant.__name__: plant
    for plant in (
        skip_the_sending_commit,
        random_cl_ord_id,
        random_id_on_the_wire,
        plants_of_holding.ignore_the_epoch,
        plants_of_holding.act_without_the_lease,
        skip_exits_behind_doubt,
        leave_the_other_guard_alive,
        count_positions_only,
        plants_of_holding.ask_about_nothing_that_rests,
        plants_of_holding.resend_unproven,
        plants_of_holding.resend_at_once,
        forget_superseding,
        forget_who_was_withdrawn,
        size_exits_by_the_whole_position,
        count_repeated_fills,
        plants_of_holding.forget_what_is_in_doubt_at_takeover,
        drop_strangers,
        ignore_what_others_do,
        count_others_fills_twice,
        start_listening_too_late,
        lose_reports_that_are_not_stored,
        forget_partial_fills_on_restart,
        retry_at_once,
        forget_the_limits,
        close_twice_after_a_restart,
        end_with_the_first_fill,
        say_filled_whatever_happened,
        never_make_guards_smaller,
        never_guard_again,
        guard_before_the_other_is_gone,
        forget_guards_at_takeover,
        say_protected_whatever_works,
        fire_before_it_is_written,
        plants_of_holding.send_what_others_may_have_taken,
    )
}


@contextmanager
def planted(name: str | None) -> Iterator[None]:
    """With the bug in the core, or none."""
    if name is None:
        yield
        return
    with PLANTS[name]():
        yield
