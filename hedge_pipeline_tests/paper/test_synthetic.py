"""The synthetic path: the same seed is the same world, at any instant, in any order."""

import math
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.paper.player import Span
from hedge_pipeline.paper.seed import SYNTHETIC_TERMS
from hedge_pipeline.paper.synthetic import SyntheticPlayer

YEAR_MS = 365 * 24 * 3600 * 1000
ONE, AGAIN, OTHER = (SyntheticPlayer(seed, SYNTHETIC_TERMS) for seed in (1, 1, 2))
instants = st.integers(min_value=-YEAR_MS, max_value=5 * YEAR_MS)


@given(st.sampled_from(sorted(SYNTHETIC_TERMS)), instants)
def test_a_seed_is_a_world(symbol: str, instant: int):
    assert ONE.prices(symbol, instant) == AGAIN.prices(symbol, instant)
    assert ONE.funding(symbol, instant) == AGAIN.funding(symbol, instant)


def test_prices_of_a_seed_are_these_on_every_machine():
    assert [str(round(ONE.prices("BTCUSDT", t).index, 4)) for t in (0, 3_600_000, YEAR_MS)] == [
        "64250.0000",
        "63701.4678",
        "54268.2279",
    ]


def test_another_seed_is_another_world():
    assert ONE.prices("BTCUSDT", 3_600_000) != OTHER.prices("BTCUSDT", 3_600_000)


def test_the_path_begins_at_its_base_prices():
    for symbol, terms in SYNTHETIC_TERMS.items():
        assert ONE.prices(symbol, 0).index == terms.base_price


@given(st.sampled_from(["BTCUSDT", "SOLUSDT"]), instants, st.integers(min_value=1, max_value=3_600_000))
def test_a_bar_holds_the_prices_of_its_span(symbol: str, start: int, length: int):
    (bar,) = ONE.bars(symbol, "last", [Span(start, start + length)], step_ms=15_000)

    assert bar is not None
    assert bar.open == ONE.prices(symbol, start).last
    assert bar.close == ONE.prices(symbol, start + length).last
    assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high


def volatility(step_ms: int, count: int) -> float:
    """Annualized standard deviation of log returns."""
    spans = [Span(i * step_ms, (i + 1) * step_ms) for i in range(count)]
    bars = ONE.bars("BTCUSDT", "last", spans, step_ms=step_ms)
    returns = [math.log(bar.close / bar.open) for bar in bars if bar is not None]
    return math.sqrt(sum(r * r for r in returns) / len(returns) * YEAR_MS / step_ms)


def test_volatility_is_that_of_bitcoin_at_every_horizon():
    for step_ms, count in ((5_000, 2000), (60_000, 2000), (3_600_000, 2000), (86_400_000, 700)):
        assert 0.45 < volatility(step_ms, count) < 0.75


def test_pegged_prices_stay_at_their_peg():
    prices = [ONE.prices("USDCUSDT", day * 86_400_000).index for day in range(0, 700, 7)]

    assert max(abs(price - Decimal("0.9999")) for price in prices) < Decimal("0.003")


def test_mark_and_last_stay_near_the_index():
    for hour in range(500):
        prices = ONE.prices("BTCUSDT", hour * 3_600_000)
        assert abs(prices.mark / prices.index - 1) < Decimal("0.002")
        assert abs(prices.last / prices.mark - 1) < Decimal("0.002")
