"""An exit while another one works: skipped, displacing it, or beside it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from execution.domain import judging
from execution.domain.decisions import CancelFirst, Decision, End, OpenOrder, Progress, Scope, Wait
from execution.domain.judging import Seen
from execution.domain.words import Leg, OrdType, TradeState
from protos import reasons
from tests.unit.planning_kit import (
    BUY,
    NOON,
    SELL,
    VENUE,
    a_style,
    a_trade,
    decide,
    held,
    limit,
    market,
    refused,
    sent,
    working,
)

FULL, LIMIT, MARKET = "10", "limit", "market"


def an_exit(quantity: str, kind: str, **fields: object) -> Decision:
    """The next step of an exit of 10 held, or of some of it."""
    styles = limit("101") if kind == LIMIT else {}
    trade = a_trade("exit", None if quantity == FULL else quantity, **styles)
    return decide(trade, **fields)  # type: ignore[arg-type]


def works(quantity: str, kind: str = LIMIT, name: str = "w1") -> OpenOrder:
    return replace(working(SELL, quantity, ord_type=OrdType(kind)), cl_ord_id=name)


def told(decision: Decision) -> str:
    """In short: what is sent, whom it displaces, or why nothing happens."""
    match decision:
        case CancelFirst():
            return "displaces"
        case End():
            return refused(decision)
        case _:
            return sent(decision)[2]


@pytest.mark.rule("B4.wider", "K.words.closing", "K.words.urgent")
@pytest.mark.parametrize(
    ("exit_", "kind", "working_", "its", "what"),
    [
        # Of the same size: a repeat, unless it is more urgent.
        ("3", MARKET, "3", MARKET, "already_closing"),
        ("3", LIMIT, "3", LIMIT, "already_closing"),
        ("3", LIMIT, "3", MARKET, "already_closing"),
        ("3", MARKET, "3", LIMIT, "displaces"),
        (FULL, MARKET, FULL, MARKET, "already_closing"),
        (FULL, LIMIT, FULL, LIMIT, "already_closing"),
        (FULL, LIMIT, FULL, MARKET, "already_closing"),
        (FULL, MARKET, FULL, LIMIT, "displaces"),
        # Wider: in place of what rests, beside what fills at once.
        ("5", LIMIT, "3", LIMIT, "displaces"),
        ("5", MARKET, "3", LIMIT, "displaces"),
        (FULL, LIMIT, "3", LIMIT, "displaces"),
        (FULL, MARKET, "3", LIMIT, "displaces"),
        ("5", LIMIT, "3", MARKET, "5"),
        ("5", MARKET, "3", MARKET, "5"),
        (FULL, LIMIT, "3", MARKET, "7"),
        (FULL, MARKET, "3", MARKET, "7"),
        # Narrower: displaces nothing, and closes what nothing else does.
        ("2", MARKET, "3", LIMIT, "2"),
        ("2", LIMIT, "3", LIMIT, "2"),
        ("2", LIMIT, "3", MARKET, "2"),
        ("2", MARKET, "3", MARKET, "2"),
        ("3", MARKET, "8", LIMIT, "2"),
        ("2", MARKET, FULL, LIMIT, "already_closing"),
        ("2", LIMIT, FULL, LIMIT, "already_closing"),
        ("2", MARKET, FULL, MARKET, "already_closing"),
    ],
)
def test_k_an_exit_while_another_works(
    exit_: str, kind: str, working_: str, its: str, what: str
) -> None:
    scope = held("10", closing=(works(working_, its),))
    assert told(an_exit(exit_, kind, scope=scope)) == what


@pytest.mark.rule("K.words.closing", "J.fix")
def test_a_smaller_exit_at_the_market_is_told_what_would_close_now_and_that_does() -> None:
    rests = held("10", closing=(works("10"),))
    assert told(an_exit("2", MARKET, scope=rests)) == "already_closing"
    words = reasons.CATALOGUE["already_closing"]
    assert "rest" in words.message and "at the market without a quantity" in words.fix
    assert told(an_exit(FULL, MARKET, scope=rests)) == "displaces"


@pytest.mark.rule("K.words.closing", "K.words.urgent")
def test_k_what_is_displaced_is_gone_before_the_wider_exit_goes() -> None:
    going = replace(works("3"), cancel_asked=True)
    waits = an_exit("5", LIMIT, scope=held("10", closing=(going,)))
    assert waits == Wait(TradeState.WORKING, "")
    assert sent(an_exit("5", LIMIT, scope=held("10"))) == (Leg.EXIT, SELL, "5")


@pytest.mark.rule("K.words.closing", "K.words.urgent")
@pytest.mark.parametrize(("filled", "sends"), [("0", "5"), ("1", "4"), ("3", "2")])
def test_k_what_a_displaced_exit_filled_meanwhile_was_part_of_the_wider_one(
    filled: str, sends: str
) -> None:
    left = held(str(10 - Decimal(filled)))
    after = an_exit("5", LIMIT, scope=left, displaced_filled=Decimal(filled))
    assert sent(after) == (Leg.EXIT, SELL, sends)


@pytest.mark.rule("K.words.closing", "K.words.urgent")
def test_k_an_urgent_exit_whose_like_filled_first_is_done() -> None:
    done = an_exit("3", MARKET, scope=held("7"), displaced_filled=Decimal(3))
    assert isinstance(done, End)
    assert (done.state, done.reason) == (TradeState.DONE, "raced_fill")
    assert done.numbers["filled"] == "3"


@pytest.mark.rule("K.words.closing", "K.words.urgent")
def test_k_a_wider_exit_displaces_all_that_rests_and_an_equal_one_is_equal_to_one_or_all() -> None:
    two = (works("3"), works("2", name="w2"))
    assert an_exit("6", LIMIT, scope=held("10", closing=two)) == CancelFirst(("w1", "w2"))
    assert told(an_exit("5", LIMIT, scope=held("10", closing=two))) == "already_closing"
    assert told(an_exit("2", LIMIT, scope=held("10", closing=two))) == "already_closing"
    assert an_exit("5", MARKET, scope=held("10", closing=two)) == CancelFirst(("w1", "w2"))
    # Displacing one of two would leave less on its way than before.
    assert told(an_exit("3", MARKET, scope=held("10", closing=two))) == "3"


@pytest.mark.rule("D2.quantity")
def test_d2_a_full_exit_makes_urgent_what_rests_and_leaves_what_fills_at_once() -> None:
    both = held("10", closing=(works("4"), works("6", MARKET, name="w2")))
    assert an_exit(FULL, MARKET, scope=both) == CancelFirst(("w1",))
    rest = held("10", closing=(works("6", MARKET, name="w2"),))
    assert told(an_exit(FULL, MARKET, scope=rest)) == "4"


@pytest.mark.rule("D3.debt")
def test_d3_behind_doubt_no_exit_is_a_repeat_and_none_is_displaced() -> None:
    for kind in (LIMIT, MARKET):
        scope = held("10", closing=(works("3"),), in_doubt=True)
        assert told(an_exit("3", kind, scope=scope)) == "3"


@pytest.mark.rule("A.whole")
def test_a_what_another_subscription_closes_is_no_repeat_but_makes_room_for_a_full_exit() -> None:
    theirs = replace(works("3"), is_others=True)
    scope = held("10", closing=(theirs,))
    assert told(an_exit("3", LIMIT, scope=scope)) == "3"
    assert told(an_exit("5", LIMIT, scope=scope)) == "5"
    assert an_exit(FULL, MARKET, scope=scope) == CancelFirst(("w1",))


@pytest.mark.rule("B4.wider")
def test_b4_a_repeated_exit_leaves_what_guards_the_position_alone() -> None:
    stop = replace(working(SELL, "7", ord_type=OrdType.STOP), cl_ord_id="stop")
    scope = held("10", closing=(works("3"),), protection=(stop,))
    assert told(an_exit("3", LIMIT, scope=scope)) == "already_closing"
    assert an_exit("5", LIMIT, scope=scope) == CancelFirst(("stop", "w1"))


@pytest.mark.rule("C2.exit")
def test_c2_a_repeated_exit_still_cancels_own_open_entries_first() -> None:
    entry = replace(working(BUY, "1", ord_type=OrdType.LIMIT), cl_ord_id="entry")
    scope = held("10", closing=(works("3"),), entries=(entry,))
    assert an_exit("3", LIMIT, scope=scope) == CancelFirst(("entry",))


def test_an_exit_that_may_not_go_displaces_nothing() -> None:
    spread = a_style("market", spread_filter="0.01")
    trade = a_trade("exit", exit=spread)
    wide = market("100")
    assert wide.quote is not None
    wide = replace(wide, quote=replace(wide.quote, bid=Decimal(99), ask=Decimal(101)))
    scope = held("10", closing=(works("10"),))
    waits = decide(trade, scope, seen=wide)
    assert isinstance(waits, Wait) and waits.reason == "spread_too_wide"


def test_an_exit_that_comes_too_late_displaces_nothing() -> None:
    scope = held("10", closing=(works("3"),))
    late = NOON + timedelta(minutes=16)
    step = judging.judge(a_trade("exit"), Seen(scope, Progress(), VENUE, market("100"), late))
    assert isinstance(step, End) and step.reason == "late_exit"


@pytest.mark.rule("K.words.cancel")
@pytest.mark.parametrize("here", [0, 1])
def test_k_a_cancel_that_only_ended_waiting_trades_is_done(here: int) -> None:
    trade = a_trade("cancel", superseded_waiting=2)
    done = decide(trade, Scope(), superseded_waiting=here)
    assert isinstance(done, End)
    assert (done.state, done.reason) == (TradeState.DONE, "")
    assert done.numbers["superseded"] == str(2 + here)
