"""An entry that waited for the open, held against the price that the market opened at."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from execution.domain import judging
from execution.domain.decisions import Decision, End, Look, Progress, Scope, Send
from execution.domain.judging import Seen
from execution.domain.market import Market
from execution.domain.trades import Distance, StopLoss, Trade
from execution.domain.words import By, Leg, OrdType, TradeState
from execution.messages import seeing
from tests.unit.planning_kit import (
    NOON,
    NOTHING,
    SELL,
    VENUE,
    a_style,
    a_trade,
    filled,
    held,
    market,
    refused,
)


def judged(trade: Trade, seen: Market | None, *, waited: bool = True, **more: Any) -> Decision:
    at = NOON + timedelta(seconds=1)
    state = Seen(Scope(), Progress(), VENUE, seen, at, opens_at=NOON if waited else None)
    return judging.judge(trade, replace(state, **more))


def an_entry(action: str, kind: str, level: str, was: str | None, **fields: Any) -> Trade:
    price = {"stop": "stop_price", "limit": "limit_price"}[kind]
    style = a_style(kind, **{price: level})
    signal_price = None if was is None else Decimal(was)
    return a_trade(action, "5", entry=style, signal_price=signal_price, **fields)


@pytest.mark.rule("F.repriced")
@pytest.mark.parametrize(
    ("action", "kind", "level", "was", "opened", "what"),
    [
        # A stop that was jumped over; one that the price had passed before is met at once.
        ("buy", "stop", "110", "100", "109", ""),
        ("buy", "stop", "110", "100", "110", "stop"),
        ("buy", "stop", "110", "100", "120", "stop"),
        ("buy", "stop", "110", None, "120", "stop"),
        ("buy", "stop", "110", "115", "120", ""),
        ("sell", "stop", "90", "100", "91", ""),
        ("sell", "stop", "90", "100", "80", "stop"),
        # A limit that was to be met at once and is not; one that was to rest may rest.
        ("buy", "limit", "101", "100", "101", ""),
        ("buy", "limit", "101", "100", "102", "limit"),
        ("buy", "limit", "95", "100", "120", ""),
        ("buy", "limit", "95", "100", "80", ""),
        ("buy", "limit", "101", None, "120", ""),
        ("sell", "limit", "99", "100", "98", "limit"),
        ("sell", "limit", "105", "100", "90", ""),
    ],
)
def test_f_the_price_is_checked_again_at_the_open(
    action: str, kind: str, level: str, was: str | None, opened: str, what: str
) -> None:
    decision = judged(an_entry(action, kind, level, was), market(opened))
    if not what:
        assert isinstance(decision, Send)
        return
    assert refused(decision) == "opened_beyond"
    assert isinstance(decision, End)
    assert decision.state is TradeState.SKIPPED
    told = {name: decision.numbers[name] for name in ("what", "level", "price")}
    assert told == {"what": what, "level": level, "price": opened}


@pytest.mark.rule("F.repriced")
def test_f_a_limit_met_at_a_better_price_must_fit_its_stop_and_target() -> None:
    stop = StopLoss(OrdType.STOP, Distance(By.PRICE, Decimal(96)))
    guarded = an_entry("buy", "limit", "100", "105", stop_loss=stop)
    assert isinstance(judged(guarded, market("99")), Send)
    assert isinstance(judged(guarded, market("120")), Send)
    assert refused(judged(guarded, market("95"))) == "stop_wrong_side"
    low = Distance(By.PRICE, Decimal(94))
    short = an_entry("sell", "limit", "95", "90", take_profit=low)
    assert isinstance(judged(short, market("96")), Send)
    above = an_entry("sell", "limit", "95", "90", take_profit=low, stop_loss=StopLoss(
        OrdType.STOP, Distance(By.PRICE, Decimal(99))))  # fmt: skip
    assert refused(judged(above, market("99"))) == "stop_wrong_side"


@pytest.mark.rule("F.repriced")
def test_f_a_market_entry_is_planned_at_the_price_of_the_open() -> None:
    stop = StopLoss(OrdType.STOP, Distance(By.PRICE, Decimal(96)))
    trade = a_trade("buy", "5", stop_loss=stop)
    assert isinstance(judged(trade, market("100")), Send)
    assert refused(judged(trade, market("95"))) == "stop_wrong_side"


def test_the_price_is_asked_for_and_without_one_the_entry_goes() -> None:
    trade = an_entry("buy", "stop", "110", "100")
    assert judged(trade, None) == Look("AAPL")
    assert judged(trade, Market(instrument="MSFT")) == Look("AAPL")
    assert isinstance(judged(trade, NOTHING), Send)
    # What did not wait for an open goes as it is.
    assert isinstance(judged(trade, None, waited=False), Send)
    assert isinstance(judged(trade, market("120"), waited=False), Send)


def test_exits_do_not_look_at_the_open() -> None:
    leave = a_trade("exit", exit=a_style("limit", limit_price="110"))
    decision = judged(leave, None, scope=held("5"))
    assert isinstance(decision, Send) and decision.leg is Leg.EXIT


def test_the_entry_of_a_flip_that_the_open_left_behind_leaves_it_half_done() -> None:
    trade = an_entry("sell", "stop", "90", "100", allow_swap=True)
    progress = Progress(exits=(filled(Leg.EXIT, SELL, "5"),), exposure=Decimal(5))
    decision = judged(trade, market("80"), progress=progress)
    assert isinstance(decision, End)
    assert (decision.state, decision.reason) == (TradeState.PARTIALLY_FILLED, "opened_beyond")


def test_it_is_decided_the_same_from_its_record() -> None:
    trade = an_entry("buy", "stop", "110", "100")
    seen = Seen(Scope(), Progress(), VENUE, market("120"), NOON, opens_at=NOON)
    then = seeing.record(trade, seen, judging.judge(trade, seen))
    assert then is not None
    again = seeing.read(trade, then.seen)
    now = seeing.record(trade, again, judging.judge(trade, again))
    assert now is not None and now.hash == then.hash
