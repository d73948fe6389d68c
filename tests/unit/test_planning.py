"""The planning table, one test a lettered rule of the trading rules."""

from decimal import Decimal

import pytest

from execution.domain import planning
from execution.domain.decisions import CancelFirst, End, Progress, Send, VenueRules, Wait
from execution.domain.market import Market
from execution.domain.words import (
    AssetClass,
    ExecType,
    Leg,
    OrdType,
    Sentiment,
    Sides,
    TradeState,
)
from tests.unit.planning_kit import (
    BUY,
    SELL,
    VENUE,
    a_trade,
    an_order,
    decide,
    filled,
    held,
    limit,
    quoted,
    refused,
    sent,
    working,
)


@pytest.mark.rule("A.exposure", "C1.working")
def test_a_exposure_counts_own_working_entries() -> None:
    scope = held("0", entries=(working(BUY, "5"),))
    assert refused(decide(a_trade("buy", "3"), scope)) == "entry_working"


@pytest.mark.rule("C1.working")
def test_c1_a_working_entry_is_told_before_what_else_would_forbid_another() -> None:
    scope = held("0", entries=(working(BUY, "5"),))
    repeat = a_trade("buy", "3", sides=Sides.BEARISH)
    assert refused(decide(repeat, scope)) == "entry_working"
    assert refused(decide(repeat, held("0"))) == "side_not_allowed"


@pytest.mark.rule("C1.working", "C1.position")
def test_c1_what_cancels_out_is_a_repeat_on_either_side() -> None:
    short = held("-5", entries=(working(BUY, "5"),))
    assert refused(decide(a_trade("buy", "3"), short)) == "entry_working"
    assert refused(decide(a_trade("sell", "3"), short)) == "already_in_position"
    adds = decide(a_trade("buy", "3", allow_add=True), short)
    assert sent(adds) == (Leg.ENTRY, BUY, "3")


@pytest.mark.rule("C1.adding")
def test_c1_adding_is_allowed_by_setting() -> None:
    assert sent(decide(a_trade("buy", "3", allow_add=True), held("5")))[0] is Leg.ENTRY


@pytest.mark.rule("C2.exit", "K.words.canceled")
def test_c2_an_exit_cancels_own_open_entries_first() -> None:
    scope = held("0", entries=(working(BUY, "5"),))
    assert decide(a_trade("exit"), scope) == CancelFirst(("w1",))
    asked = held("0", entries=(working(BUY, "5", cancel_asked=True),))
    assert isinstance(decide(a_trade("exit"), asked), Wait)
    after = decide(a_trade("exit"), held("0"), exposure=Decimal(5), canceled_first=1)
    assert isinstance(after, End)
    assert (after.state, after.reason) == (TradeState.DONE, "entry_canceled")


@pytest.mark.rule("C2.exit")
def test_c2_an_entry_cancels_own_ones_of_the_other_side_first_whatever_is_held() -> None:
    # Others hold what makes up for it, where the account's whole position is this one's.
    trade, long = a_trade("buy", "3", allow_add=True), held("4", entries=(working(SELL, "4"),))
    assert decide(trade, long) == CancelFirst(("w1",))
    going = held("4", entries=(working(SELL, "4", cancel_asked=True),))
    assert isinstance(decide(trade, going), Wait)


@pytest.mark.rule("C3.one", "C3.crypto")
def test_c3_nothing_configured_is_one_but_never_for_crypto() -> None:
    assert sent(decide(a_trade("buy"), held("0"))) == (Leg.ENTRY, BUY, "1")
    assert (
        refused(decide(a_trade("buy", asset_class=AssetClass.CRYPTO), held("0")))
        == "quantity_missing"
    )


@pytest.mark.rule("C3.lot", "C3.zero")
def test_c3_entries_round_down_and_zero_is_skipped() -> None:
    assert sent(decide(a_trade("buy", "1.23456"), held("0")))[2] == "1.234"
    assert refused(decide(a_trade("buy", "0.0001"), held("0"))) == "quantity_zero"


@pytest.mark.rule("C4.price", "C4.unsupported", "K.price.none")
def test_c4_order_types_are_never_replaced() -> None:
    trade = a_trade("buy", "3", signal_price=None, **limit())
    assert refused(decide(trade, held("0"))) == "no_price"
    market_only = VenueRules(frozenset({OrdType.MARKET}), Decimal(1))
    decision = planning.decide(trade, held("0"), Progress(), market_only, Market())
    assert refused(decision) == "order_type_unsupported"


@pytest.mark.rule("K.price.limit")
def test_k_a_limit_is_priced_by_limit_price_then_quote_then_signal_price() -> None:
    def price(quote: str | None, asked: str | None = None) -> Decimal | None:
        trade = a_trade("buy", "3", **limit(asked))
        market = Market(quoted(last=quote))
        decision = planning.decide(trade, held("0"), Progress(), VENUE, market)
        assert isinstance(decision, Send)
        return decision.limit_price

    assert price("99", "98") == 98
    assert price("99") == 99
    assert price(None) == 100


def test_sides_bind_entries() -> None:
    trade = a_trade("sell", "3", sides=Sides.BULLISH)
    assert refused(decide(trade, held("0"))) == "side_not_allowed"
    assert sent(decide(trade, held("5"))) == (Leg.EXIT, SELL, "3")


def test_spot_crypto_is_not_sold_short() -> None:
    assert (
        refused(decide(a_trade("sell", "1", asset_class=AssetClass.CRYPTO), held("0")))
        == "short_not_allowed"
    )


@pytest.mark.rule("D1.all", "D1.exact", "D1.partial", "D1.fraction")
def test_d1_a_missing_quantity_exits_all_exactly() -> None:
    assert sent(decide(a_trade("exit"), held("5.12345"))) == (Leg.EXIT, SELL, "5.12345")
    assert sent(decide(a_trade("exit", "2.00099"), held("5")))[2] == "2.000"


@pytest.mark.rule("K.cells.exits")
def test_d1_sizing_settings_never_size_exits() -> None:
    trade = a_trade("sell", "3", quantity_from_signal=False)
    assert sent(decide(trade, held("5"))) == (Leg.EXIT, SELL, "5")


@pytest.mark.rule("D2.quantity")
def test_d2_an_exit_leaves_out_what_already_closes() -> None:
    scope = held("5", closing=(working(SELL, "2"),))
    assert sent(decide(a_trade("exit"), scope)) == (Leg.EXIT, SELL, "3")


@pytest.mark.rule("K.words.closing", "K.words.urgent")
def test_k_an_exit_while_all_is_closing_is_skipped_unless_more_urgent() -> None:
    market = held("5", closing=(working(SELL, "5"),))
    assert refused(decide(a_trade("exit"), market)) == "already_closing"
    resting = held("5", closing=(working(SELL, "5", ord_type=OrdType.LIMIT),))
    assert decide(a_trade("exit"), resting) == CancelFirst(("w1",))


@pytest.mark.rule("D3.debt", "K.words.debt", "K.words.nothing", "D3.ends")
def test_d3_in_doubt_no_exit_is_skipped() -> None:
    doubtful = working(BUY, "5", in_doubt=True, cancel_asked=True)
    scope = held("0", entries=(doubtful,), in_doubt=True)
    assert decide(a_trade("exit"), scope) == Wait(TradeState.BLOCKED, "flatten_debt")
    absent = decide(a_trade("exit"), held("0"), in_debt=True, exposure=Decimal(5))
    assert isinstance(absent, End)
    assert (absent.state, absent.reason) == (TradeState.DONE, "nothing_appeared")
    appeared = decide(a_trade("exit"), held("5"), in_debt=True, exposure=Decimal(5))
    assert sent(appeared) == (Leg.EXIT, SELL, "5")


@pytest.mark.rule("D3.debt")
def test_d3_what_appears_is_closed_for_as_much_as_was_asked() -> None:
    appeared = decide(a_trade("exit", "3"), held("4"), in_debt=True, exposure=Decimal(0))
    assert sent(appeared) == (Leg.EXIT, SELL, "3")


@pytest.mark.rule("D3.remains")
def test_d3_a_debt_goes_on_with_what_remains() -> None:
    first = filled(Leg.EXIT, SELL, "2")
    decision = decide(a_trade("exit"), held("5"), in_debt=True, exits=(first,))
    assert sent(decision) == (Leg.EXIT, SELL, "5")
    assert isinstance(decision, Send)
    assert decision.revision == 1


@pytest.mark.rule("D7.entries", "D7.raced", "K.words.cancel")
def test_d7_cancel_removes_entries_and_says_when_one_filled_first() -> None:
    scope = held("0", entries=(working(BUY, "5"),))
    assert decide(a_trade("cancel"), scope) == CancelFirst(("w1",))
    assert refused(decide(a_trade("cancel"), held("0"))) == "nothing_to_cancel"
    raced = decide(a_trade("cancel"), held("5"), raced=Decimal(5))
    assert isinstance(raced, End)
    assert (raced.state, raced.reason) == (TradeState.DONE, "raced_fill")
    waiting = decide(a_trade("cancel"), held("0"), superseded_waiting=2)
    assert isinstance(waiting, End)
    assert waiting.state is TradeState.DONE


FLIP = a_trade("sell", "8", allow_swap=True)


@pytest.mark.rule("E1.waits")
def test_e1_a_flip_exits_then_enters_in_full() -> None:
    assert sent(decide(FLIP, held("5"))) == (Leg.EXIT, SELL, "5")
    still = an_order(Leg.EXIT, SELL, "5")
    assert decide(FLIP, held("5"), exits=(still,)) == Wait(TradeState.WORKING, "")
    done = (filled(Leg.EXIT, SELL, "5"),)
    assert sent(decide(FLIP, held("0"), exits=done)) == (Leg.ENTRY, SELL, "8")


@pytest.mark.rule("I.half", "K.words.refused")
def test_e1_a_dropped_entry_leaves_the_flip_half_done() -> None:
    done = (filled(Leg.EXIT, SELL, "5"),)
    decision = decide(FLIP, held("0"), exits=done, entry_dropped="superseded")
    assert isinstance(decision, End)
    assert (decision.state, decision.reason) == (TradeState.PARTIALLY_FILLED, "superseded")


@pytest.mark.rule("K.words.timeout")
def test_e1_a_flip_that_waits_too_long_says_so_until_the_exit_ends() -> None:
    still = (an_order(Leg.EXIT, SELL, "5"),)
    decision = decide(FLIP, held("5"), exits=still, entry_dropped="flip_timeout")
    assert decision == Wait(TradeState.WORKING, "flip_timeout")


@pytest.mark.rule("E2.exit", "E2.never")
def test_e2_swap_off_exits_the_smaller_and_never_enters() -> None:
    trade = a_trade("sell", "8")
    assert sent(decide(trade, held("5"))) == (Leg.EXIT, SELL, "5")
    decision = decide(trade, held("0"), exits=(filled(Leg.EXIT, SELL, "5"),))
    assert isinstance(decision, End)
    assert (decision.state, decision.reason) == (TradeState.FILLED, "swap_off")


@pytest.mark.rule("E2.partial")
def test_e2_swap_with_less_than_the_position_is_a_partial_exit() -> None:
    trade = a_trade("sell", "3", allow_swap=True)
    assert sent(decide(trade, held("5"))) == (Leg.EXIT, SELL, "3")
    decision = decide(trade, held("2"), exits=(filled(Leg.EXIT, SELL, "3"),))
    assert isinstance(decision, End)
    assert decision.state is TradeState.FILLED


@pytest.mark.rule("K.cells.only")
def test_e2_sides_naming_only_the_new_side_enter_after_the_exit() -> None:
    trade = a_trade("sell", "8", sides=Sides.BEARISH)
    done = (filled(Leg.EXIT, SELL, "5"),)
    assert sent(decide(trade, held("0"), exits=done)) == (Leg.ENTRY, SELL, "8")


@pytest.mark.rule("E3.bearish")
def test_e3_reducing_without_a_quantity_is_skipped() -> None:
    trade = a_trade("sell", sentiment=Sentiment.BULLISH)
    assert refused(decide(trade, held("5"))) == "sentiment_mismatch"


@pytest.mark.rule("K.cells.exposure", "C2.opposite", "K.cells.position")
def test_k_the_cell_is_chosen_before_anything_is_canceled() -> None:
    trade = a_trade("sell", "3")
    scope = held("0", entries=(working(BUY, "5"),))
    assert decide(trade, scope) == CancelFirst(("w1",))
    after = decide(trade, held("0"), exposure=Decimal(5), canceled_first=1)
    assert isinstance(after, End)
    assert after.reason == "entry_canceled"


@pytest.mark.rule("B2.doubt")
def test_b2_entries_behind_doubt_are_blocked() -> None:
    scope = held("0", closing=(working(SELL, "5", in_doubt=True),), in_doubt=True)
    assert decide(a_trade("buy", "3"), scope) == Wait(TradeState.BLOCKED, "in_doubt")


@pytest.mark.rule("K.words.doubt", "K.words.adding")
def test_k_a_same_side_entry_behind_doubt_is_skipped() -> None:
    scope = held("0", entries=(working(BUY, "5", in_doubt=True),), in_doubt=True)
    assert refused(decide(a_trade("buy", "3"), scope)) == "entry_working"
    adding = a_trade("buy", "3", allow_add=True)
    assert decide(adding, scope) == Wait(TradeState.BLOCKED, "in_doubt")


@pytest.mark.rule("I.filled", "I.partial", "I.ended")
def test_i_the_outcome_follows_the_intent_leg() -> None:
    def outcome(*reports: tuple[ExecType, str]) -> tuple[TradeState, str]:
        decision = decide(
            a_trade("buy", "5"), held("0"), entry=an_order(Leg.ENTRY, BUY, "5", *reports)
        )
        assert isinstance(decision, End)
        return decision.state, decision.reason

    assert outcome((ExecType.FILL, "5"))[0] is TradeState.FILLED
    assert outcome((ExecType.REJECTED, "")) == (TradeState.REJECTED, "broker_rejected")
    assert outcome((ExecType.FILL, "2"), (ExecType.CANCELED, ""))[0] is TradeState.PARTIALLY_FILLED
    assert outcome((ExecType.CANCELED, ""))[0] is TradeState.CANCELED


@pytest.mark.rule("I.attention", "G1.unprovable")
def test_g1_an_unprovable_order_needs_attention() -> None:
    entry = an_order(Leg.ENTRY, BUY, "5")
    decision = decide(
        a_trade("buy", "5"), held("0"), entry=entry, own_order_in_doubt=True, unprovable=True
    )
    assert decision == Wait(TradeState.NEEDS_ATTENTION, "not_provable")


@pytest.mark.rule("E3.flat", "A.exposure")
@pytest.mark.parametrize("action", ["buy", "sell"])
def test_flat_ends_what_cancels_out_too(action: str) -> None:
    flat, entry = a_trade(action, sentiment=Sentiment.FLAT), working(BUY, "5")
    first = decide(flat, held("-5", entries=(entry,)))
    assert first == CancelFirst((entry.cl_ord_id,))
    then = decide(flat, held("-5"), has_canceled=True, exposure=Decimal(0))
    assert sent(then) == (Leg.EXIT, BUY, "5")
    assert refused(decide(flat, held("0"))) == "no_position"


@pytest.mark.parametrize("action", ["buy", "sell"])
@pytest.mark.parametrize("earlier", ["buy", "sell", "add"])
def test_flat_supersedes_every_earlier_entry(action: str, earlier: str) -> None:
    assert a_trade(action, sentiment=Sentiment.FLAT).supersedes(a_trade(earlier))
