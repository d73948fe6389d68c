"""A position that no guard can be had for is closed, and nothing else is."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from msgspec.structs import replace

from execution.brokers.base import BrokerError, InDoubt, NewOrder, Rejected
from execution.domain import protecting
from execution.domain.decisions import Guard
from execution.domain.orders import Order
from execution.domain.protecting import Cover, Protection, Resting, Step
from execution.domain.trades import Distance, StopLoss, Style, Trade
from execution.domain.words import (
    DECLARED_ABSENT,
    DECLARED_PRESENT,
    By,
    ExecType,
    Leg,
    OrdType,
    Origin,
    Side,
)
from execution.lanes.covers import Kept
from execution.lanes.tickets import Ticket
from tests.unit.lane_kit import Desk, said, sell_by_hand
from tests.unit.planning_kit import VENUE

OURS = UUID(int=1)
STOP = Guard(Leg.STOP, Side.SELL, OrdType.STOP, stop_price=Decimal(90))


def kept(
    closing: int, exits: Sequence[tuple[UUID, Decimal]] = (), *, left: int = 3
) -> tuple[Step, Step]:
    """Four that a stop guards, and some opened later whose stop was refused."""
    resting = Resting("stop", protecting.key(STOP), Decimal(4))
    older = Cover(UUID(int=7), OURS, Side.SELL, Decimal(4), STOP, orders=(resting,))
    bare = Cover(
        UUID(int=8), OURS, Side.SELL, Decimal(left), STOP, is_refused=True, closing=Decimal(closing)
    )
    held = Decimal(4 + left)
    first, second = protecting.keep([older, bare], held, {OURS: held}, exits)
    return first, second


def test_what_closes_itself_takes_nothing_of_an_older_one() -> None:
    older, bare = kept(closing=3)
    assert (older.upkeep.cancels, older.state) == ((), Protection.PROTECTED)
    assert (bare.free, bare.state) == (Decimal(0), Protection.UNPROTECTED)


def test_what_its_exit_leaves_is_still_to_be_closed() -> None:
    older, bare = kept(closing=2)
    assert older.upkeep.cancels == () and bare.free == 1


def test_any_other_exit_closes_what_was_opened_first() -> None:
    older, bare = kept(closing=0, exits=[(OURS, Decimal(3))])
    assert older.upkeep.cancels == ("stop",) and bare.free == 3


def test_once_closed_nothing_is_left_of_it() -> None:
    older, bare = kept(closing=0, left=0)
    assert (older.state, bare.state) == (Protection.PROTECTED, Protection.CLOSED)


def test_what_is_about_to_be_closed_is_nobody_elses_to_guard() -> None:
    other = UUID(int=2)
    # In doubt, and of a trade that holds nothing any more.
    doubtful = Resting("doubt", protecting.key(STOP), Decimal(1), cancel_asked=True)
    over = Cover(UUID(int=6), other, Side.SELL, Decimal(0), STOP, orders=(doubtful,))
    guarded = Cover(UUID(int=7), other, Side.SELL, Decimal(1), STOP)
    own = {OURS: Decimal(1), other: Decimal(1)}

    def sent(*, is_given_up: bool) -> Decimal:
        bare = Cover(
            UUID(int=8), OURS, Side.SELL, Decimal(1), STOP, is_refused=True, is_given_up=is_given_up
        )
        _, step, _ = protecting.keep([over, guarded, bare], Decimal(2), own, [])
        return step.upkeep.quantity

    assert sent(is_given_up=False) == 1 and sent(is_given_up=True) == 0


def test_an_exit_of_before_that_closed_nothing_does_not_keep_it_open() -> None:
    desk = Desk()
    desk.account.rules = replace(VENUE, has_brackets=False)
    stop = StopLoss(OrdType.STOP, Distance(By.PERCENT, Decimal(5)))
    trade = desk.enter(1, "buy", "5", stop_loss=stop)
    desk.steps.run()
    run = desk.account.runs[trade.trade_id]
    assert run.entry is not None
    # What was short was to be closed first, as a debt; and was closed some other way.
    debt = replace(run.entry.order.terms, leg=Leg.EXIT, origin=Origin.FLATTEN, cl_ord_id="debt")
    run.tickets.append(Ticket(Order(debt), run))
    run.exits[0].order.add(replace(said(sent(desk), ExecType.CANCELED), cl_ord_id="debt"))
    desk.broker.says = refuse_stops
    desk.fill_all()
    assert (sent(desk).side, sent(desk).order_qty) == (Side.SELL, Decimal(5))


def test_what_closes_it_has_all_the_time_it_needs() -> None:
    desk = Desk()
    desk.account.rules = replace(VENUE, has_brackets=False)
    stop = StopLoss(OrdType.STOP, Distance(By.PERCENT, Decimal(5)))
    short = Style(cancel_after=timedelta(seconds=1))
    desk.enter(1, "buy", "5", stop_loss=stop, entry=short, exit=short)
    desk.steps.run()
    desk.broker.says = refuse_stops
    desk.fill_all()
    closing = sent(desk)
    desk.steps.wait(10.0)
    assert (closing.side, desk.broker.canceled) == (Side.SELL, [])


def test_what_closes_it_in_doubt_is_followed_though_something_else_has_closed_it() -> None:
    desk, trade = desk_in_doubt()
    kept = cover_of(desk, trade)
    sell_by_hand(desk, "5")
    assert not kept.is_over and (kept.state, kept.reason) == (Protection.CLOSED, "not_provable")
    desk.declare(trade, DECLARED_ABSENT)
    assert kept.is_over and kept.reason == ""


@pytest.mark.rule("G1.declare")
@pytest.mark.parametrize(("word", "sent_again"), [(DECLARED_ABSENT, 1), (DECLARED_PRESENT, 0)])
def test_what_closes_it_goes_again_once_it_was_declared_absent(word: str, sent_again: int) -> None:
    desk, trade = desk_in_doubt()
    desk.declare(trade, word)
    assert [o.order_qty for o in desk.broker.orders.values()] == [Decimal(5)] * sent_again
    assert cover_of(desk, trade).reason == "stop_refused"


def desk_in_doubt() -> tuple[Desk, Trade]:
    """Five whose stop was refused; of what closes them nobody can say where it is."""
    desk = Desk()
    desk.account.rules = replace(VENUE, has_brackets=False)
    desk.broker.refuses_repeats = False
    stop = StopLoss(OrdType.STOP, Distance(By.PERCENT, Decimal(5)))
    trade = desk.enter(1, "buy", "5", stop_loss=stop)
    desk.steps.run()
    desk.broker.says = lambda order: refuse_stops(order) or InDoubt("no answer")
    desk.fill_all()
    desk.steps.wait(120.0)
    assert cover_of(desk, trade).reason == "not_provable"
    desk.broker.says = refuse_stops
    return desk, trade


def cover_of(desk: Desk, trade: Trade) -> Kept:
    kept = desk.account.runs[trade.trade_id].cover
    assert kept is not None
    return kept


def refuse_stops(order: NewOrder) -> BrokerError | None:
    """The broker takes no stop."""
    return Rejected("no stops here") if order.ord_type is OrdType.STOP else None


def sent(desk: Desk) -> NewOrder:
    """The only order at the broker."""
    [order] = desk.broker.orders.values()
    return order
