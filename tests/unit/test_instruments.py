"""Stocks and crypto pairs: from a ticker to an instrument."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution import reference
from execution.domain import instruments, pairs
from execution.domain.instruments import Unresolved, resolve
from execution.domain.words import AssetClass

DATA = reference.load()
NOON = datetime(2026, 11, 21, 17, tzinfo=UTC)
CRYPTO, STOCKS = AssetClass.CRYPTO, AssetClass.STOCKS


@pytest.mark.rule("E4.pairs")
@pytest.mark.parametrize(
    ("ticker", "symbol", "base", "quote"),
    [
        ("BTCUSD", "BTCUSD", "BTC", "USD"),
        ("BTC/USD", "BTCUSD", "BTC", "USD"),
        ("BTC-USDT", "BTCUSDT", "BTC", "USDT"),
        ("BINANCE:BTCUSDT", "BTCUSDT", "BTC", "USDT"),
        ("kraken:xbtusd", "BTCUSD", "BTC", "USD"),
        ("ETHUSDC", "ETHUSDC", "ETH", "USDC"),
        ("ETHDAI", "ETHDAI", "ETH", "DAI"),
        ("USDTUSD", "USDTUSD", "USDT", "USD"),
        ("WIFUSDT", "WIFUSDT", "WIF", "USDT"),
        ("BTC", "BTCUSD", "BTC", "USD"),
    ],
)
def test_a_pair_is_read_however_it_is_written(
    ticker: str, symbol: str, base: str, quote: str
) -> None:
    pair = resolve(ticker, CRYPTO, NOON, DATA)
    assert (pair.symbol, pair.root, pair.base, pair.quote) == (symbol, symbol, base, quote)


def test_a_coin_alone_is_priced_in_the_connection_s_quote() -> None:
    pair = resolve("BTC", CRYPTO, NOON, DATA, default_quote="USDT")
    assert pair.symbol == "BTCUSDT"


@pytest.mark.rule("K.refusals.crypto")
@pytest.mark.parametrize("ticker", ["ETHBTC", "SOL/ETH", "ETH-BTC", "ETHEUR"])
def test_a_pair_that_is_not_priced_in_dollars_is_refused(ticker: str) -> None:
    with pytest.raises(Unresolved) as refused:
        resolve(ticker, CRYPTO, NOON, DATA)
    assert refused.value.reason == "crypto_quote_unsupported"


@pytest.mark.parametrize("ticker", ["", "?", "NOTACOIN", "BTCUSDT.P", "USD"])
def test_what_is_no_pair_is_unknown(ticker: str) -> None:
    with pytest.raises(Unresolved) as refused:
        resolve(ticker, CRYPTO, NOON, DATA)
    assert refused.value.reason == "instrument_unknown"


@pytest.mark.rule("K.size.dust")
def test_less_than_a_dollar_fifty_is_dust() -> None:
    assert pairs.is_dust(Decimal("0.00001"), Decimal(90_000))
    assert not pairs.is_dust(Decimal("0.00002"), Decimal(90_000))


def test_stocks_have_cents_and_below_a_dollar_hundredths_of_them() -> None:
    stock = resolve("NASDAQ:AAPL", STOCKS, NOON, DATA)
    assert stock.symbol == stock.root == "AAPL"
    assert stock.tick_at(Decimal("228.40")) == Decimal("0.01")
    assert stock.tick_at(Decimal("0.99")) == Decimal("0.0001")


@pytest.mark.parametrize("ticker", ["", "A B", "AAPL!", "THISISNOTATICKER"])
def test_what_cannot_be_a_stock_is_unknown(ticker: str) -> None:
    with pytest.raises(Unresolved):
        resolve(ticker, STOCKS, NOON, DATA)


@pytest.mark.parametrize(
    ("symbol", "asset_class"),
    [
        ("AAPL", STOCKS),
        ("BRK.B", STOCKS),
        ("ES", STOCKS),
        ("BTC", STOCKS),
        ("BTCUSD", CRYPTO),
        ("OPUSD", CRYPTO),
        ("WIFUSDT", CRYPTO),
        ("MNQZ2026", AssetClass.FUTURES),
        ("SPY261218C00660000", AssetClass.OPTIONS),
    ],
)
def test_a_canonical_symbol_tells_its_class(symbol: str, asset_class: AssetClass) -> None:
    found = instruments.of_symbol(symbol, DATA)
    assert (found.symbol, found.asset_class) == (symbol, asset_class)


@given(st.text(max_size=24), st.sampled_from(AssetClass))
def test_any_ticker_is_an_instrument_that_reads_back_or_is_refused(
    ticker: str, asset_class: AssetClass
) -> None:
    try:
        found = resolve(ticker, asset_class, NOON, DATA)
    except Unresolved:
        return
    again = instruments.of_symbol(found.symbol, DATA)
    assert again.symbol == found.symbol
