"""What was seen is kept whole: from the record the same step is decided, with the same hash."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from execution import seeing
from execution.domain import judging, table
from execution.domain.decisions import OpenOrder, Progress, Scope
from execution.domain.judging import Seen
from execution.domain.market import Figures, Market, Quote
from execution.domain.sync import Ledger
from execution.domain.trades import Distance, StopLoss, Trade
from execution.domain.words import By, Leg, OrdType, Side, Sides, SizeType
from protos.execution.v1 import execution_pb2 as pb
from tests.unit.planning_kit import NOON, VENUE, a_style, a_trade, filled, held, limit

_numbers = st.decimals("0.01", "999", places=2)
_some = st.none() | _numbers
_orders = st.lists(
    st.builds(
        OpenOrder,
        st.sampled_from(("a", "b", "c")),
        st.sampled_from(Side),
        _numbers,
        st.sampled_from(OrdType),
        st.booleans(),
        st.booleans(),
        st.sampled_from(("", "mine")),
    ),
    max_size=2,
).map(tuple)
_scopes = st.builds(
    Scope,
    st.sampled_from(("0", "0", "5", "-5", "2.5")).map(Decimal),
    _orders,
    _orders,
    st.booleans(),
    avg_price=_some,
    protection=_orders,
    ledger=st.builds(Ledger, _some, _some, st.booleans(), _some),
)
_markets = st.none() | st.builds(
    Market,
    st.none() | st.builds(Quote, _some, _some, _some),
    st.none() | st.builds(Figures, _numbers, _numbers, _some),
)
_progress = st.builds(
    Progress,
    exits=st.sampled_from(((), (), (filled(Leg.EXIT, Side.SELL, "5"),))),
    exposure=_some,
    asked=_some,
    canceled_first=st.integers(0, 2),
    superseded_waiting=st.integers(0, 1),
    unprotected=st.integers(0, 2),
    entry_dropped=st.sampled_from(("", "", "superseded")),
    withdrawn=st.sampled_from(("", "", "", "canceled_by_member")),
    in_debt=st.booleans(),
    has_canceled=st.booleans(),
)


@st.composite
def _trades(draw: st.DrawFn) -> Trade:
    action = draw(st.sampled_from(("buy", "sell", "exit", "add", "reverse", "cancel", "breakeven")))
    fields: dict[str, Any] = {
        "sides": draw(st.sampled_from(Sides)),
        "allow_add": draw(st.booleans()),
        "allow_swap": draw(st.booleans()),
        "size_type": draw(st.sampled_from(SizeType)),
        "entry_refused": draw(st.sampled_from(("", "", "above_cap"))),
        "refusal_numbers": {"setting": "Size", "by": "plan"},
        "stop_loss": draw(
            st.none() | st.just(StopLoss(OrdType.STOP, Distance(By.PERCENT, Decimal(3))))
        ),
        "entry": a_style(draw(st.sampled_from(("market", "stop"))), stop_price="101"),
        **draw(st.sampled_from(({}, limit("99"), limit()))),
    }
    return a_trade(action, draw(st.sampled_from((None, "3", "8"))), **fields)


_seen = st.builds(
    Seen,
    _scopes,
    _progress,
    st.just(VENUE),
    _markets,
    st.sampled_from((1, 119, 121, 901)).map(lambda s: NOON + timedelta(seconds=s)),
    st.sampled_from((False, False, True)),
)


@given(_trades(), _seen)
@settings(max_examples=1000, deadline=None)
def test_a_recorded_step_is_decided_again_with_the_same_hash(trade: Trade, seen: Seen) -> None:
    decided = seeing.record(trade, seen, judging.judge(trade, seen))
    assume(decided is not None)
    assert decided is not None
    kept = pb.Decision.FromString(decided.SerializeToString())
    read = seeing.read(trade, kept.seen)
    again = seeing.record(trade, read, judging.judge(trade, read))
    assert again == decided
    assert seeing.fingerprint(trade, kept) == kept.hash


def test_the_hash_speaks_of_trade_state_and_orders() -> None:
    trade, seen = a_trade("buy", "5"), Seen(held("0"), Progress(), VENUE, Market(), NOON)
    decided = seeing.record(trade, seen, judging.judge(trade, seen))
    assert decided is not None and len(decided.orders) == 1
    others = [replace(trade, allow_add=True), replace(trade, quantity=Decimal(6))]
    changed = pb.Decision()
    changed.CopyFrom(decided)
    changed.orders[0].order_qty = "6"
    moved = pb.Decision()
    moved.CopyFrom(decided)
    moved.seen.bid = "1"
    hashes = {seeing.fingerprint(other, decided) for other in others}
    hashes |= {seeing.fingerprint(trade, each) for each in (decided, changed, moved)}
    assert len(hashes) == 5


def test_another_rule_is_found_by_its_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    trade, seen = a_trade("buy", "5"), Seen(held("3"), Progress(), VENUE, Market(), NOON)
    before = seeing.record(trade, seen, judging.judge(trade, seen))
    assert before is not None and before.reason == pb.REASON_ALREADY_IN_POSITION
    monkeypatch.setattr(table, "choose", lambda *_: table.Enter(Side.BUY))
    after = seeing.record(trade, seen, judging.judge(trade, seen))
    assert after is not None and after.hash != before.hash


def test_a_state_that_tells_too_little_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="venue"):
        seeing.read(a_trade("buy"), pb.SeenState())
