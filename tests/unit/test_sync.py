"""What a wanted position comes to, in orders: every mode on an account of 1,000."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from execution.domain import sync
from execution.domain.sync import Measure, Sizing, Standing, Step, Target

FLAT = Standing(Decimal(0), Decimal(1000), Decimal(1000), Decimal(1000))
LEVERAGES = [Decimal(1), Decimal(3)]
NUMBERS = st.decimals(0, 10_000, places=2)
SIGNED = st.decimals(-10_000, 10_000, places=2)


def decimal(text: str) -> Decimal:
    return Decimal(text)


def target(sizing: Sizing, now: str = "0.5", before: str | None = "0", **more: str) -> Target:
    numbers = {"value": "10", "order_size": "0.5", "order_price": "1850.5", **more}
    return Target(
        sizing,
        decimal(now),
        None if before is None else decimal(before),
        **{name: decimal(number) for name, number in numbers.items()},
    )


def at(position: str, **more: str) -> Standing:
    available, when_flat = more.get("available", "1000"), more.get("when_flat", "1000")
    return Standing(decimal(position), decimal(available), decimal("1000"), decimal(when_flat))


def told(steps: tuple[Step, ...]) -> list[tuple[str, str, Decimal, Measure]]:
    return [(step.verb, step.side, step.amount, step.measure) for step in steps]


def opened(amount: str, measure: Measure, side: str = "long") -> tuple[str, str, Decimal, Measure]:
    return ("open", side, decimal(amount), measure)


def closed(side: str, percent: str = "100") -> tuple[str, str, Decimal, Measure]:
    return ("close", side, decimal(percent), Measure.POSITION_PERCENT)


@pytest.mark.parametrize("leverage", LEVERAGES)
@pytest.mark.parametrize(
    ("sizing", "value", "amount", "measure"),
    [
        (Sizing.BALANCE_PERCENT, "10", "10", Measure.BALANCE_PERCENT),
        (Sizing.INITIAL_PERCENT, "10", "100", Measure.MONEY),
        (Sizing.INITIAL_AND_PROFIT, "10", "1000", Measure.MONEY),
        (Sizing.FIXED_QUOTE, "100", "100", Measure.MONEY),
        (Sizing.ORDER_SIZE, "10", "0.5", Measure.UNITS),
        (Sizing.FIXED_BASE, "10", "10", Measure.UNITS),
        (Sizing.FLAT_PERCENT, "10", "100", Measure.MONEY),
        (Sizing.FIXED_CAPITAL, "1000", "925.25", Measure.MONEY),
    ],
)
def test_each_mode_opens_what_it_says_on_a_flat_account(
    sizing: Sizing, value: str, amount: str, measure: Measure, leverage: Decimal
) -> None:
    wanted = replace(target(sizing, value=value), leverage=leverage)
    [step] = sync.steps(wanted, FLAT)
    assert step == Step("open", "long", decimal(amount) * leverage, measure)


def test_only_the_initial_balance_is_levered_not_the_profit() -> None:
    wanted = target(Sizing.INITIAL_AND_PROFIT, leverage="3")
    assert told(sync.steps(wanted, at("0", available="1200"))) == [
        opened("3020", Measure.MONEY)  # 3 x 1,000 and 10 % of 200
    ]


def test_a_loss_lowers_the_initial_balance_to_what_is_left() -> None:
    poorer = at("0", available="600")
    assert told(sync.steps(target(Sizing.INITIAL_PERCENT), poorer)) == [opened("60", Measure.MONEY)]
    assert told(sync.steps(target(Sizing.FIXED_QUOTE, value="900"), poorer)) == [
        opened("600", Measure.MONEY)
    ]


def test_the_balance_when_flat_is_used_while_a_position_is_open() -> None:
    adding = target(Sizing.FLAT_PERCENT, "0.8", "0.5", value="20")
    holding = at("0.5", available="75", when_flat="1000")
    assert told(sync.steps(adding, holding)) == [opened("200", Measure.MONEY)]


def test_more_than_the_senders_capital_is_capped_at_the_whole_balance() -> None:
    wanted = target(Sizing.FIXED_CAPITAL, "2", value="1000", order_size="2")
    assert told(sync.steps(wanted, FLAT)) == [opened("1000", Measure.MONEY)]


def test_a_flip_closes_everything_and_then_opens_without_the_closing_part() -> None:
    wanted = target(Sizing.ORDER_SIZE, "0.5", "-0.3", order_size="0.8")
    assert told(sync.steps(wanted, at("-7"))) == [closed("short"), opened("0.5", Measure.UNITS)]


def test_a_flip_of_the_sender_opens_at_once_where_nothing_is_held() -> None:
    wanted = target(Sizing.FIXED_BASE, "-0.5", "0.3", value="2")
    assert told(sync.steps(wanted, FLAT)) == [opened("2", Measure.UNITS, "short")]


@pytest.mark.parametrize("sizing", [Sizing.BALANCE_PERCENT, Sizing.FIXED_CAPITAL])
def test_a_reduction_closes_the_same_fraction(sizing: Sizing) -> None:
    wanted = target(sizing, "0.2", "0.5")
    assert told(sync.steps(wanted, at("40"))) == [closed("long", "60.0")]
    assert sync.steps(wanted, FLAT) == ()


@pytest.mark.parametrize("sizing", list(Sizing))
def test_a_flat_target_closes_everything(sizing: Sizing) -> None:
    wanted = target(sizing, "0", "0.5")
    assert told(sync.steps(wanted, at("3"))) == [closed("long")]
    assert told(sync.steps(wanted, at("-3"))) == [closed("short")]
    assert sync.steps(wanted, FLAT) == ()


def test_long_without_growth_closes_a_short_and_stops() -> None:
    assert told(sync.steps(target(Sizing.FIXED_BASE, "0.5", "0.5"), at("-1"))) == [closed("short")]


def test_without_a_former_position_our_own_stands_for_it() -> None:
    wanted = target(Sizing.FIXED_BASE, "0.5", None, value="2")
    assert told(sync.steps(wanted, FLAT)) == [opened("2", Measure.UNITS)]
    assert told(sync.steps(wanted, at("1"))) == [closed("long", "50.0")]
    assert sync.steps(wanted, at("0.5")) == ()


@pytest.mark.parametrize("leverage", ["1", "2"])
def test_side_sync_opens_and_turns_with_everything(leverage: str) -> None:
    all_of_it = opened("100", Measure.BALANCE_PERCENT, "short")
    levered = (*all_of_it[:2], decimal("100") * decimal(leverage), all_of_it[3])
    wanted = target(Sizing.WHOLE, "-1", "1", leverage=leverage)
    assert told(sync.steps(wanted, at("5"))) == [closed("long"), levered]
    assert told(sync.steps(wanted, FLAT)) == [levered]
    assert sync.steps(wanted, at("-5")) == ()


def test_side_sync_looks_at_our_side_not_at_the_senders_former_one() -> None:
    wanted = target(Sizing.WHOLE, "1", "1")
    assert told(sync.steps(wanted, FLAT)) == [opened("100", Measure.BALANCE_PERCENT)]
    assert sync.steps(wanted, at("2")) == ()


def test_size_sync_scales_in_by_the_difference() -> None:
    wanted = target(Sizing.UNITS, "5", "2")
    assert told(sync.steps(wanted, at("2"))) == [opened("3", Measure.UNITS)]


def test_size_sync_scales_out_turns_and_multiplies() -> None:
    assert told(sync.steps(target(Sizing.UNITS, "2", "5"), at("5"))) == [
        ("close", "long", decimal("3"), Measure.UNITS)
    ]
    assert told(sync.steps(target(Sizing.UNITS, "-2", "5", leverage="3"), at("15"))) == [
        closed("long"),
        opened("6", Measure.UNITS, "short"),
    ]


def test_size_sync_waits_for_a_fresh_entry_before_its_first() -> None:
    assert sync.steps(target(Sizing.UNITS, "5", "2"), FLAT) == ()
    assert sync.steps(target(Sizing.UNITS, "-5", "2"), FLAT) == ()
    assert told(sync.steps(target(Sizing.UNITS, "5", "0"), FLAT)) == [opened("5", Measure.UNITS)]


def test_multicharts_waits_for_the_first_zero() -> None:
    wanted = target(Sizing.UNITS, "0.3", None)
    assert sync.steps(wanted, FLAT) == ()
    assert told(sync.steps(wanted, replace(FLAT, in_step=True))) == [opened("0.3", Measure.UNITS)]


@given(st.sampled_from(Sizing), SIGNED, st.none() | SIGNED, NUMBERS, NUMBERS, SIGNED, st.booleans())
def test_nothing_opens_against_the_wish_and_nothing_closes_more_than_there_is(
    sizing: Sizing,
    now: Decimal,
    before: Decimal | None,
    value: Decimal,
    size: Decimal,
    held: Decimal,
    in_step: bool,
) -> None:
    wanted = Target(sizing, now, before, value + 1, size, Decimal("1850.5"))
    found = sync.steps(wanted, replace(FLAT, position=held, in_step=in_step))
    for step in found:
        assert step.amount > 0
        if step.verb == "close":
            assert step.amount <= (100 if step.measure is Measure.POSITION_PERCENT else abs(held))
            assert step.side == ("long" if held > 0 else "short")
        else:
            assert step.side == ("long" if now > 0 else "short")
    assert [step.verb for step in found] in ([], ["open"], ["close"], ["close", "open"])
    if len(found) == 2:
        assert found[0].amount == 100
