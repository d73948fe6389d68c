"""What was seen is kept whole: from the record the same step is decided, with the same hash."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import structs
from msgspec.structs import replace

from execution.domain import instruments, judging, options, table
from execution.domain.decisions import End, Lot, OpenOrder, Progress, Scope, Send
from execution.domain.judging import Seen
from execution.domain.market import Figures, Market, Quote
from execution.domain.options import OptionType, Right
from execution.domain.sync import Ledger
from execution.domain.trades import Distance, OptionWish, StopLoss, Trade
from execution.domain.words import AssetClass, By, Leg, OrdType, Side, Sides, SizeType
from execution.lanes import known
from execution.messages import seeing
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
        st.sampled_from(("", "AAPL", "MSFT")),
        st.sampled_from(("", "mine")),
    ),
    max_size=2,
).map(tuple)
_lots = st.lists(
    st.builds(Lot, st.sampled_from(("AAPL", "MSFT")), _numbers | _numbers.map(lambda n: -n), _some),
    max_size=2,
).map(tuple)
scopes = st.builds(
    Scope,
    st.sampled_from(("0", "0", "5", "-5", "2.5")).map(Decimal),
    _orders,
    _orders,
    st.booleans(),
    avg_price=_some,
    protection=_orders,
    lots=_lots,
    ledger=st.builds(Ledger, _some, _some, st.booleans(), _some),
)
_markets = st.none() | st.builds(
    Market,
    st.none() | st.builds(Quote, _some, _some, _some),
    st.none() | st.builds(Figures, _numbers, _numbers, _some),
    st.sampled_from(("", "AAPL", "MSFT")),
    _some,
)
_progress = st.builds(
    Progress,
    exits=st.sampled_from(((), (), (filled(Leg.EXIT, Side.SELL, "5"),))),
    exposure=_some,
    asked=_some,
    canceled_first=st.integers(0, 2),
    superseded_waiting=st.integers(0, 1),
    halved=st.integers(0, 1),
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
    scopes,
    _progress,
    st.sampled_from((VENUE, replace(VENUE, keeps_hours=True))),
    _markets,
    st.sampled_from((1, 119, 121, 901)).map(lambda s: NOON + timedelta(seconds=s)),
    st.sampled_from((False, False, True)),
    st.none() | st.sampled_from((60, 900)).map(lambda s: NOON + timedelta(seconds=s)),
)


@given(_trades(), _seen)
@settings(max_examples=300, deadline=None)
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
    others = [structs.replace(trade, allow_add=True), structs.replace(trade, quantity=Decimal(6))]
    changed = pb.Decision()
    changed.CopyFrom(decided)
    changed.orders[0].order_qty = "6"
    moved = pb.Decision()
    moved.CopyFrom(decided)
    moved.seen.bid = "1"
    hashes = {seeing.fingerprint(other, decided) for other in others}
    hashes |= {seeing.fingerprint(trade, each) for each in (decided, changed, moved)}
    assert len(hashes) == 5


@pytest.mark.parametrize(
    ("ticker", "known_as"),
    [("NQ1!", "NQH2026"), ("AAPL", ""), ("BTCUSD", ""), ("NQH6", "NQH2026")],
)
def test_a_step_is_decided_again_with_what_its_ticker_meant(ticker: str, known_as: str) -> None:
    plain = a_trade("buy", "5", ticker=ticker, instrument=ticker, asset_class=_class_of(ticker))
    seen = Seen(held("0"), Progress(), VENUE, Market(), NOON)
    trade = known.resolve(plain)
    decided = _kept(trade, seen)
    assert decided.seen.resolved.symbol == known_as
    recorded = decided.seen.resolved if decided.seen.HasField("resolved") else None
    assert _again(known.resolve(plain, recorded), decided).hash == decided.hash


def test_a_step_is_decided_again_with_the_option_that_was_chosen() -> None:
    wish = OptionWish(OptionType.CALL)
    plain = a_trade(
        "buy", "5", ticker="AAPL", instrument="AAPL", asset_class=AssetClass.OPTIONS, option=wish
    )
    open_yet = known.resolve(plain)
    contract = options.read("AAPL260116C00200000")
    assert open_yet.opens is None and contract is not None
    chosen_by = {"premium": "1.20", "underlying": "199.5", "as_of": NOON.isoformat()}
    trade = known.opening(open_yet, instruments.option(contract, Right.CALL), chosen_by)
    decided = _kept(trade, Seen(held("0"), Progress(), VENUE, Market(), NOON))
    assert [order.instrument for order in decided.orders] == [contract.symbol]
    assert _again(known.resolve(plain, decided.seen.resolved), decided).hash == decided.hash
    other = pb.Resolved()
    other.CopyFrom(decided.seen.resolved)
    other.chosen_from["premium"] = "1.30"
    assert _again(known.resolve(plain, other), decided).hash != decided.hash


@pytest.mark.rule("F.queued")
def test_an_entry_is_as_old_as_the_open_it_waited_for() -> None:
    trade, late = a_trade("buy", "5"), NOON + timedelta(hours=20)
    seen = Seen(held("0"), Progress(), VENUE, Market(), late, opens_at=late - timedelta(seconds=9))
    assert isinstance(judging.judge(trade, seen), Send)
    assert isinstance(judging.judge(trade, replace(seen, opens_at=None)), End)


def _class_of(ticker: str) -> AssetClass:
    if "NQ" in ticker:
        return AssetClass.FUTURES
    return AssetClass.CRYPTO if ticker.endswith("USD") else AssetClass.STOCKS


def _kept(trade: Trade, seen: Seen) -> pb.Decision:
    decided = seeing.record(trade, seen, judging.judge(trade, seen))
    assert decided is not None
    return pb.Decision.FromString(decided.SerializeToString())


def _again(trade: Trade, kept: pb.Decision) -> pb.Decision:
    return _kept(trade, seeing.read(trade, kept.seen))


def test_another_rule_is_found_by_its_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    trade, seen = a_trade("buy", "5"), Seen(held("3"), Progress(), VENUE, Market(), NOON)
    before = seeing.record(trade, seen, judging.judge(trade, seen))
    assert before is not None and before.reason == pb.REASON_ALREADY_IN_POSITION
    monkeypatch.setattr(table, "choose", lambda *_: table.Enter(Side.SELL))
    after = seeing.record(trade, seen, judging.judge(trade, seen))
    assert after is not None and after.hash != before.hash


def test_a_state_that_tells_too_little_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="venue"):
        seeing.read(a_trade("buy"), pb.SeenState())
