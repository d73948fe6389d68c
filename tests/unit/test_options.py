"""Option contracts: how they are written, which one a signal means, and on which side."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution import reference
from execution.domain import chains, instruments, options
from execution.domain.chains import Choice, Moneyness
from execution.domain.instruments import Unresolved
from execution.domain.options import OptionContract, OptionType, Right
from execution.domain.words import AssetClass, Side

MAY = date(2025, 5, 20)
STRIKE = Decimal("582.5")
CALL = OptionContract("SPY", MAY, STRIKE, Right.CALL)
UNSAID = OptionContract("SPY", MAY, STRIKE, None)
BUY, SELL = Side.BUY, Side.SELL
STRIKES = st.integers(1, 99_999_999).map(lambda thousandths: Decimal(thousandths) / 1000)


@pytest.mark.parametrize(
    ("text", "contract"),
    [
        ("SPY 250520C582.5", CALL),
        ("SPY250520C582.5", CALL),
        ("SPY250520C00582500", CALL),
        ("SPY   250520C00582500", CALL),
        ("SPY_052025C582.5", CALL),
        ("SPY_250520C582.5", CALL),
        ("SPY_251320C582.5", None),
        ("SPY250520582.5", UNSAID),
        ("SPY 250520582.5", UNSAID),
        ("SPY_052025582.5", UNSAID),
        ("BRK.B250520P500", OptionContract("BRK.B", MAY, Decimal(500), Right.PUT)),
        ("SPY", None),
        ("SPY251320C582.5", None),
        ("SPY250520C0", None),
        ("SPY250520X582.5", None),
        ("", None),
    ],
)
def test_every_spelling_of_a_contract_is_read(text: str, contract: OptionContract | None) -> None:
    assert options.read(text) == contract


@given(
    st.from_regex(r"[A-Z]{1,6}", fullmatch=True),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    STRIKES,
    st.sampled_from(Right),
)
def test_a_symbol_reads_back_as_its_contract(
    underlying: str, expiration: date, strike: Decimal, right: Right
) -> None:
    contract = OptionContract(underlying, expiration, strike, right)
    assert options.read(contract.symbol) == contract


@pytest.mark.rule("E4.put")
@pytest.mark.parametrize(
    ("option_type", "side", "inverts", "right", "order_side"),
    [
        (OptionType.BOTH, BUY, False, Right.CALL, BUY),
        (OptionType.BOTH, SELL, False, Right.PUT, BUY),
        (OptionType.BOTH, SELL, True, Right.PUT, BUY),
        (OptionType.CALL, BUY, False, Right.CALL, BUY),
        (OptionType.CALL, SELL, False, Right.CALL, SELL),
        (OptionType.PUT, BUY, False, Right.PUT, BUY),
        (OptionType.PUT, SELL, False, Right.PUT, SELL),
        (OptionType.PUT, BUY, True, Right.PUT, SELL),
        (OptionType.PUT, SELL, True, Right.PUT, BUY),
    ],
)
def test_the_kind_of_strategy_chooses_right_and_side(
    option_type: OptionType, side: Side, inverts: bool, right: Right, order_side: Side
) -> None:
    assert options.leg(option_type, side, inverts_puts=inverts) == (right, order_side)


@pytest.mark.rule("K.options.short")
def test_only_a_sell_beyond_what_is_held_opens_a_short_option() -> None:
    assert options.opens_short(SELL, Decimal(0), Decimal(1))
    assert options.opens_short(SELL, Decimal(2), Decimal(3))
    assert not options.opens_short(SELL, Decimal(3), Decimal(3))
    assert not options.opens_short(BUY, Decimal(-3), Decimal(3))


NEAR, LATE = date(2026, 12, 4), date(2026, 12, 18)
CHAIN = [
    OptionContract("SPY", expiration, Decimal(strike), right)
    for expiration in (NEAR, LATE)
    for strike in range(640, 685, 5)
    for right in Right
]


@pytest.mark.rule("K.options.spot", "K.options.nearest", "K.options.first")
@pytest.mark.parametrize(
    ("right", "moneyness", "away", "spot", "strike"),
    [
        (Right.CALL, Moneyness.OTM, 0, "661", "660"),
        (Right.CALL, Moneyness.OTM, 1, "661", "665"),
        (Right.CALL, Moneyness.OTM, 2, "661", "670"),
        (Right.CALL, Moneyness.ITM, 1, "661", "660"),
        (Right.PUT, Moneyness.OTM, 1, "661", "660"),
        (Right.PUT, Moneyness.ITM, 1, "661", "665"),
        # A strike at the money is neither itm nor otm.
        (Right.CALL, Moneyness.OTM, 0, "660", "660"),
        (Right.CALL, Moneyness.OTM, 1, "660", "665"),
        (Right.CALL, Moneyness.ITM, 1, "660", "655"),
        (Right.PUT, Moneyness.OTM, 1, "660", "655"),
    ],
)
def test_strikes_are_counted_from_the_money(
    right: Right, moneyness: Moneyness, away: int, spot: str, strike: str
) -> None:
    choice = Choice(right, NEAR, moneyness, away)
    picked = chains.pick(CHAIN, Decimal(spot), choice)
    assert picked == OptionContract("SPY", NEAR, Decimal(strike), right)


def test_the_first_expiration_not_before_the_asked_one_counts() -> None:
    choice = Choice(Right.CALL, NEAR + timedelta(days=1))
    picked = chains.pick(CHAIN, Decimal(660), choice)
    assert picked is not None and picked.expiration == LATE


def test_an_exact_strike_is_taken_whatever_the_price() -> None:
    choice = Choice(Right.PUT, NEAR, strike=Decimal(645))
    picked = chains.pick(CHAIN, Decimal(700), choice)
    assert picked == OptionContract("SPY", NEAR, Decimal(645), Right.PUT)


@pytest.mark.rule("K.options.chain")
@pytest.mark.parametrize(
    ("choice", "spot"),
    [
        (Choice(Right.CALL, NEAR, Moneyness.OTM, 5), "661"),
        (Choice(Right.CALL, NEAR), "700"),
        (Choice(Right.CALL, NEAR, Moneyness.ITM, 1), "700"),
        (Choice(Right.CALL, NEAR, strike=Decimal("662.5")), "661"),
        (Choice(Right.CALL, date(2027, 1, 1)), "661"),
    ],
)
def test_a_chain_too_narrow_for_the_pick_asks_for_a_wider_one(choice: Choice, spot: str) -> None:
    assert chains.pick(CHAIN, Decimal(spot), choice) is None


@given(
    st.randoms(use_true_random=False),
    st.sampled_from(Right),
    st.sampled_from(Moneyness),
    st.integers(0, 3),
    st.decimals(655, 669, places=2),
)
def test_the_pick_does_not_depend_on_the_chain_s_order_or_width(
    shuffle: random.Random, right: Right, moneyness: Moneyness, away: int, spot: Decimal
) -> None:
    wide = [
        OptionContract("SPY", expiration, Decimal(strike), right)
        for expiration in (LATE, NEAR)
        for strike in range(500, 900, 5)
    ]
    shuffle.shuffle(wide)
    choice = Choice(right, NEAR, moneyness, away)
    picked = chains.pick(wide, spot, choice)
    assert picked is not None
    assert picked == chains.pick(CHAIN, spot, choice)


@pytest.mark.parametrize(
    ("text", "earliest"),
    [
        (None, "2026-01-31"),
        ("", "2026-01-31"),
        ("+0 days", "2026-01-31"),
        ("+2 weeks", "2026-02-14"),
        ("+1 month", "2026-02-28"),
        ("+1 year", "2027-01-31"),
        ("2026-12-18", "2026-12-18"),
    ],
)
def test_an_expiration_is_a_date_or_a_distance(text: str | None, earliest: str) -> None:
    day = date(2026, 1, 31)
    assert chains.earliest_expiration(text, day) == date.fromisoformat(earliest)


def test_an_expiration_that_is_neither_is_refused() -> None:
    with pytest.raises(ValueError, match="soon"):
        chains.earliest_expiration("soon", NEAR)


NOON = datetime(2026, 11, 21, 17, tzinfo=UTC)


def test_an_option_is_an_instrument_of_a_hundred_whose_lane_is_the_underlying() -> None:
    option = instruments.resolve("SPY 261218C660", AssetClass.OPTIONS, NOON, reference.load())
    assert (option.symbol, option.root) == ("SPY261218C00660000", "SPY")
    assert (option.point_value, option.expiry) == (Decimal(100), LATE)


def test_an_option_without_call_or_put_takes_the_setting_s() -> None:
    data = reference.load()
    option = instruments.resolve("SPY 261218660", AssetClass.OPTIONS, NOON, data, right=Right.PUT)
    assert option.symbol == "SPY261218P00660000"
    with pytest.raises(Unresolved):
        instruments.resolve("SPY 261218660", AssetClass.OPTIONS, NOON, data)


def test_an_expired_option_is_refused_and_one_on_its_last_day_is_not() -> None:
    data = reference.load()
    last_day = datetime(2026, 12, 19, 4, tzinfo=UTC)  # still the 18th in New York
    instruments.resolve("SPY261218C660", AssetClass.OPTIONS, last_day, data)
    with pytest.raises(Unresolved) as refused:
        instruments.resolve(
            "SPY261218C660", AssetClass.OPTIONS, last_day + timedelta(hours=2), data
        )
    assert refused.value.reason == "contract_expired"
