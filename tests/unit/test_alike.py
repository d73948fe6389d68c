"""What is planned and spelled once for many is what would be for each."""

from decimal import Decimal
from functools import partial
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from execution.domain import judging
from execution.domain.decisions import End, Progress, Scope
from execution.domain.judging import Seen
from execution.domain.trades import Trade
from execution.domain.words import Leg, Side, TradeState
from execution.messages import seeing
from execution.messages.alike import MOST, Alike, Kept, spell
from protos.execution.v1 import execution_pb2 as pb
from tests.unit.planning_kit import NOON, VENUE, a_trade, filled, held
from tests.unit.test_seeing import scopes

_trades = st.builds(
    a_trade,
    st.sampled_from(("buy", "sell", "exit", "reverse", "add", "cancel")),
    st.sampled_from((None, "1", "1.0", "5")),
    trade_id=st.builds(lambda n: UUID(int=n), st.integers(0, 3)),
    tenant_id=st.sampled_from(("t", '","accepted_at":')),
    allow_add=st.booleans(),
    allow_swap=st.booleans(),
)


def seen_by(scope: Scope, **progress: object) -> Seen:
    return Seen(scope, Progress(**progress), VENUE, None, NOON)  # type: ignore[arg-type]


@given(st.lists(st.tuples(_trades, scopes), min_size=2, max_size=8))
def test_what_was_planned_for_others_is_what_would_be_planned(
    many: list[tuple[Trade, Scope]],
) -> None:
    alike = Alike()
    for trade, scope in many:
        seen = seen_by(scope)
        assert repr(alike.plan(trade, seen)) == repr(judging.plan(trade, seen))


def test_trades_of_one_signal_are_planned_once() -> None:
    alike, seen = Alike(), seen_by(held("0"))
    mine = a_trade("buy", "5")
    other = replace(mine, trade_id=UUID(int=77), subscription_id=UUID(int=78), tenant_id="u")
    assert alike.plan(mine, seen) is alike.plan(other, seen)
    assert alike.plan(mine, seen) is not alike.plan(replace(mine, allow_add=True), seen)


def test_everything_but_whose_a_trade_is_is_compared() -> None:
    own = Trade.__struct_fields__[: Trade.__struct_fields__.index("accepted_at")]
    assert set(own) == {
        "trade_id", "tenant_id", "strategy_id", "subscription_id", "connection_id", "account",
        "account_id",
    }  # fmt: skip


def test_equal_numbers_that_are_spelled_differently_are_told_as_they_are() -> None:
    told = [seeing.state(seen_by(held(held_))).position for held_ in ("1", "1.0", "1")]
    assert told == ["1", "1.0", "1"]
    assert spell(held("1")) != spell(held("1.0"))


def test_what_is_told_of_one_leaves_the_next_alone() -> None:
    first = seeing.state(seen_by(held("3")))
    first.position = "7"
    assert seeing.state(seen_by(held("3"))).position == "3"
    assert isinstance(first, pb.SeenState)


def test_no_more_is_kept_than_a_few() -> None:
    kept: Kept[int] = Kept()
    for number in range(3 * MOST):
        assert kept.get(number, partial(int, number)) == number
    assert len(kept) <= MOST


@given(scopes, st.sampled_from((Side.BUY, Side.SELL)), st.booleans(), st.sampled_from(("", "x")))
def test_a_filled_entry_ends_its_trade_whatever_else_is_seen(
    scope: Scope, side: Side, in_debt: bool, withdrawn: str
) -> None:
    entry = filled(Leg.ENTRY, side, "5")
    trade = a_trade("buy", "5")
    seen = seen_by(scope, entry=entry, in_debt=in_debt, withdrawn=withdrawn)
    assert judging.judge(trade, seen) == End(TradeState.FILLED)
    assert Decimal(5) == entry.cum_qty
