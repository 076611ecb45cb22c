"""What the venue wants to be left, and when it takes everything."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.margin import Bracket, account_margin_ratio, maintenance_margin, margin_ratio
from hedge_pipeline_tests.domain.order_examples import totals

TIERS = tuple(
    Bracket(notional_cap_usd=Decimal(cap), maintenance_rate=Decimal(rate), cumulative_usd=Decimal(cumulative))
    for cap, rate, cumulative in ((50_000, "0.004", 0), (600_000, "0.005", 50), (3_000_000, "0.01", 3050))
)


@pytest.mark.parametrize(
    ("notional", "margin"),
    [(0, 0), (50_000, 200), (50_001, "200.005"), (600_000, 2950), (1_000_000, 6950), (5_000_000, 46_950)],
)
def test_each_tier_asks_for_its_rate_less_what_the_lower_ones_ask_less(notional: int, margin: str):
    assert maintenance_margin(Decimal(notional), TIERS) == Decimal(margin)


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_more_notional_never_asks_for_less(one: int, two: int):
    small, large = sorted((Decimal(one), Decimal(two)))

    assert maintenance_margin(small, TIERS) <= maintenance_margin(large, TIERS)


@pytest.mark.parametrize("tiers", [(), TIERS[::-1], (TIERS[0], TIERS[0])])
def test_tiers_that_are_none_are_refused(tiers: tuple[Bracket, ...]):
    with pytest.raises(InvalidState, match="read them again"):
        maintenance_margin(Decimal(1), tiers)


@pytest.mark.parametrize(
    ("maintenance", "balance", "ratio"),
    [
        (50, 1000, "0.05"),
        (0, 1000, 0),
        (2000, 1000, 1),
        (0, 0, 1),
        (10, -5, 1),
        ("NaN", 10, 1),
        (1, "NaN", 1),
    ],
)
def test_a_balance_that_is_gone_is_a_ratio_of_one(maintenance: str, balance: str, ratio: str):
    assert margin_ratio(Decimal(maintenance), Decimal(balance)) == Decimal(ratio)


def test_the_accounts_ratio_is_by_the_venues_own_sums():
    assert account_margin_ratio(totals(1000, 250)) == Decimal("0.25")
