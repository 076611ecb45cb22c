"""Money that comes or goes moves units, never what a unit is worth."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hedge_pipeline.domain.units import DUST, quantized, ratio, settle

money = st.decimals(min_value="0.01", max_value="1e9", places=8)
unit_counts = st.decimals(min_value="0.01", max_value="1e9", places=12)
ONE = Decimal(1)


def half_even(value: Fraction) -> Decimal:
    """To twelve places, in integers alone: a reference that rounds once."""
    scaled = round(value * 10**12)
    return Decimal((int(scaled < 0), tuple(int(digit) for digit in str(abs(scaled))), -12))


@given(st.integers(-(10**40), 10**40), st.integers(1, 10**30))
def test_a_ratio_is_rounded_once(numerator: int, denominator: int):
    assume(abs(numerator) < denominator * 10**25)
    assert ratio(Decimal(numerator), Decimal(denominator)) == half_even(Fraction(numerator, denominator))


@given(st.decimals(min_value="-1e15", max_value="1e15", places=15))
def test_quantized_keeps_twelve_places(value: Decimal):
    assert quantized(value) == half_even(Fraction(value))
    assert quantized(quantized(value)) == quantized(value)


@given(money, unit_counts, st.lists(st.decimals(min_value="-1e9", max_value="1e9", places=8), max_size=5))
def test_a_unit_is_worth_the_same_before_and_after_flows(
    nav_before: Decimal, units: Decimal, flows: list[Decimal]
):
    nav_after = nav_before + sum(flows, Decimal(0))
    assume(nav_after > nav_before / 1000)
    settled = settle(units, flows, nav_after=nav_after, last_price=ONE)

    assert settled is not None
    assert len(settled.moved) == len(flows)
    assert settled.units == units + sum(settled.moved, Decimal(0))
    assert settled.price == ratio(nav_before, units)
    error = abs(Fraction(nav_after) / Fraction(settled.units) - Fraction(nav_before) / Fraction(units))
    # Units are rounded in their twelfth place, once for each flow.
    assert error <= Fraction(nav_after) / Fraction(settled.units) ** 2 * Fraction(len(flows), 10**12)


@given(money, unit_counts)
def test_redeeming_everything_leaves_no_unit(nav: Decimal, units: Decimal):
    settled = settle(units, [-nav], nav_after=Decimal(0), last_price=ONE)

    assert settled is not None
    assert settled.units == 0
    assert settled.moved == (-units,)


@given(money, unit_counts, st.lists(st.integers(1, 1000), min_size=2, max_size=6))
def test_redeeming_everything_in_pieces_leaves_no_unit(nav: Decimal, units: Decimal, shares: list[int]):
    pieces = [-(nav * share / sum(shares)).quantize(Decimal("1e-8")) for share in shares[:-1]]
    pieces.append(-nav - sum(pieces, Decimal(0)))
    assume(all(piece < 0 for piece in pieces))
    settled = settle(units, pieces, nav_after=Decimal(0), last_price=ONE)

    assert settled is not None
    assert settled.units == 0
    assert sum(settled.moved, Decimal(0)) == -units


@pytest.mark.parametrize(("nav_after", "units"), [("50", "7"), ("-1", "7"), ("50", "1e-6")])
def test_nothing_is_issued_where_a_unit_is_worth_nothing(nav_after: str, units: str):
    assert settle(Decimal(units), [Decimal(50)], nav_after=Decimal(nav_after), last_price=ONE) is None


@given(money, st.decimals(min_value="0.0001", max_value="1000", places=12))
def test_an_empty_ledger_restarts_at_the_last_price(value: Decimal, last_price: Decimal):
    settled = settle(Decimal(0), [value], nav_after=value, last_price=last_price)

    assert settled is not None
    assert settled.price == last_price
    assert settled.units == ratio(value, last_price)
    assert abs(ratio(value, settled.units) - last_price) <= last_price * Decimal("1e-8")


@pytest.mark.parametrize("last_price", ["0", "-1"])
def test_an_empty_ledger_without_a_price_waits(last_price: str):
    assert settle(Decimal(0), [ONE], nav_after=ONE, last_price=Decimal(last_price)) is None


def test_an_empty_ledger_has_nothing_to_redeem():
    settled = settle(Decimal(0), [Decimal("-0.5")], nav_after=Decimal(0), last_price=ONE)

    assert settled is not None
    assert settled.units == 0
    assert settled.moved == (Decimal(0),)


@given(money, unit_counts, money)
def test_units_are_never_negative(nav: Decimal, units: Decimal, too_much: Decimal):
    settled = settle(units, [-nav - too_much], nav_after=-too_much, last_price=ONE)

    assert settled is not None
    assert settled.units == 0


def test_a_small_ledger_is_not_dust():
    settled = settle(2 * DUST, [ONE], nav_after=Decimal(2), last_price=ONE)

    assert settled is not None
    assert settled.units == 4 * DUST
