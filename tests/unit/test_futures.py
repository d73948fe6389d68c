"""The table of futures: well formed, right where it was looked up, and rolled by calendar."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution import reference
from execution.domain import expiries, futures, instruments, sessions
from execution.domain.instruments import Instrument, Unresolved, resolve
from execution.domain.words import AssetClass

DATA = reference.load()
ROOTS = DATA.roots
NOON = datetime(2026, 11, 21, 17, tzinfo=UTC)
DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))
SOME_ROOTS = st.sampled_from(sorted(ROOTS))


def the(ticker: str, at: datetime = NOON) -> Instrument:
    return resolve(ticker, AssetClass.FUTURES, at, DATA)


def business_day(root: str, day: date) -> bool:
    return sessions.is_business_day(ROOTS[root].calendar, day, DATA.days)


def test_the_table_has_the_sixty_most_traded_roots_of_six_exchanges() -> None:
    assert len(ROOTS) >= 60
    assert {root.exchange for root in ROOTS.values()} >= {
        "CME",
        "CBOT",
        "NYMEX",
        "COMEX",
        "ICE",
        "EUREX",
    }


@pytest.mark.parametrize("root", sorted(ROOTS))
def test_every_line_of_the_table_is_well_formed(root: str) -> None:
    line = ROOTS[root]
    assert line.tick > 0 and line.point_value > 0
    assert line.calendar in sessions.HOURS
    assert line.currency in {"USD", "EUR", "GBP", "CHF", "JPY"}
    assert line.months and set(line.months) <= set(futures.MONTH_CODES)
    assert list(line.months) == sorted(line.months, key=futures.MONTH_CODES.index)
    assert line.around % line.tick == 0
    contract = the(root)
    assert contract.expiry is not None and business_day(root, contract.expiry)


@pytest.mark.parametrize(
    ("symbol", "expiry"),
    [
        ("MNQZ2023", "2023-12-15"),
        ("ESM2026", "2026-06-18"),  # the third Friday is Juneteenth
        ("CLZ2023", "2023-11-20"),  # the 25th is a Saturday, and Thanksgiving lies between
        ("NGZ2023", "2023-11-28"),
        ("RBF2024", "2023-12-29"),
        ("BZF2024", "2023-11-30"),
        ("GCZ2023", "2023-12-27"),
        ("ZNZ2023", "2023-12-19"),
        ("ZCZ2023", "2023-12-14"),
        ("6EZ2023", "2023-12-18"),
        ("SR3U2023", "2023-12-19"),
        ("VXZ2023", "2023-12-20"),
        ("HEZ2023", "2023-12-14"),
        ("LEZ2023", "2023-12-29"),
        ("BTCX2023", "2023-11-24"),
        ("KCZ2023", "2023-12-18"),
        ("CCZ2023", "2023-12-13"),
        ("CTZ2023", "2023-12-06"),
        ("OJF2024", "2024-01-10"),
        ("SBH2024", "2024-02-29"),
        ("FGBLZ2023", "2023-12-07"),
        ("FDAXH2024", "2024-03-15"),
    ],
)
def test_contracts_expire_when_their_exchange_says(symbol: str, expiry: str) -> None:
    assert instruments.of_symbol(symbol, DATA).expiry == date.fromisoformat(expiry)


@pytest.mark.parametrize(
    ("root", "tick", "point_value", "currency"),
    [
        ("ES", "0.25", "50", "USD"),
        ("MNQ", "0.25", "2", "USD"),
        ("CL", "0.01", "1000", "USD"),
        ("GC", "0.10", "100", "USD"),
        ("ZN", "0.015625", "1000", "USD"),
        ("ZT", "0.00390625", "2000", "USD"),
        ("6J", "0.0000005", "12500000", "USD"),
        ("ZC", "0.25", "50", "USD"),
        ("FGBL", "0.01", "1000", "EUR"),
        ("FDAX", "1", "25", "EUR"),
        ("Z", "0.5", "10", "GBP"),
    ],
)
def test_ticks_and_point_values_are_the_exchanges(
    root: str, tick: str, point_value: str, currency: str
) -> None:
    line = ROOTS[root]
    assert (line.tick, line.point_value) == (Decimal(tick), Decimal(point_value))
    assert line.currency == currency


@pytest.mark.rule("K.futures.years", "E4.futures")
@pytest.mark.parametrize(
    ("ticker", "symbol"),
    [
        ("MNQ", "MNQZ2026"),
        ("MNQ1!", "MNQZ2026"),
        ("MNQ2!", "MNQH2027"),
        ("CME_MINI:MNQ1!", "MNQZ2026"),
        ("mnqz2026", "MNQZ2026"),
        ("MNQZ26", "MNQZ2026"),
        ("MNQZ6", "MNQZ2026"),
        ("MNQU6", "MNQU2036"),
        ("CLF7", "CLF2027"),
        ("6EH27", "6EH2027"),
        ("GCX2027", "GCX2027"),
    ],
)
def test_every_spelling_names_its_contract(ticker: str, symbol: str) -> None:
    assert the(ticker).symbol == symbol


@pytest.mark.rule("K.futures.warning")
@pytest.mark.parametrize("ticker", ["MNQ", "MNQ1!", "MNQZ6", "MNQZ26"])
def test_a_symbol_that_was_interpreted_says_so(ticker: str) -> None:
    assert "MNQZ2026" in the(ticker).warning


def test_a_full_symbol_needs_no_warning() -> None:
    assert the("MNQZ2026").warning == ""


@pytest.mark.parametrize(
    ("ticker", "reason"),
    [
        ("ESU2026", "contract_expired"),
        ("ESZ25", "contract_expired"),
        ("ESX2026", "instrument_unknown"),  # no such month
        ("ESZ2090", "instrument_unknown"),
        ("NOSUCH1!", "instrument_unknown"),
        ("", "instrument_unknown"),
    ],
)
def test_what_names_no_contract_is_refused(ticker: str, reason: str) -> None:
    with pytest.raises(Unresolved) as refused:
        the(ticker)
    assert refused.value.reason == reason


@pytest.mark.rule("A.lane")
def test_the_lane_of_every_contract_is_its_root() -> None:
    assert {the(t).root for t in ("MNQ", "MNQ2!", "MNQZ2026")} == {"MNQ"}


@pytest.mark.rule("K.futures.roll", "K.futures.zone")
def test_the_continuous_symbol_rolls_two_days_before_expiry_at_the_exchange_s_midnight() -> None:
    # MNQZ2023 expires on 15 December; Chicago is six hours behind.
    before = datetime(2023, 12, 13, 5, 59, 59, tzinfo=UTC)
    assert the("MNQ1!", before).symbol == "MNQZ2023"
    assert the("MNQ1!", before + timedelta(seconds=1)).symbol == "MNQH2024"


@given(SOME_ROOTS, DAYS, st.integers(0, 400))
def test_the_roll_never_goes_back(root: str, day: date, later: int) -> None:
    def front(at: date) -> date:
        line = ROOTS[root]
        contract = futures.in_front(line, at, lambda d: business_day(root, d))
        expires = futures.expires(line, contract, lambda d: business_day(root, d))
        assert expires - futures.ROLL > at
        return expires

    assert front(day) <= front(day + timedelta(days=later))


@given(SOME_ROOTS, DAYS)
def test_a_resolved_symbol_resolves_to_itself(root: str, day: date) -> None:
    at = datetime(day.year, day.month, day.day, 18, tzinfo=UTC)
    contract = the(root, at)
    assert the(contract.symbol, at) == contract
    assert instruments.of_symbol(contract.symbol, DATA) == contract


@given(SOME_ROOTS, DAYS)
def test_the_second_in_the_series_expires_after_the_first(root: str, day: date) -> None:
    at = datetime(day.year, day.month, day.day, 18, tzinfo=UTC)
    first, second = the(root, at).expiry, the(f"{root}2!", at).expiry
    assert first is not None and second is not None and first < second


@pytest.mark.parametrize("text", ["friday", "friday:9x", "last:2", "someday:3", "", "last;month"])
def test_a_rule_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expiry rule"):
        expiries.read_rule(text)
