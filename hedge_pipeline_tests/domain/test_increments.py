"""The venue takes multiples of its own increments; what is rounded is rounded toward safety, once."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.increments import directed_price, refusal, sendable_quantity
from hedge_pipeline.domain.market_data import Side
from hedge_pipeline_tests.domain.trading_examples import instrument

amounts = st.decimals(min_value="0.00000001", max_value="1e9", places=8)
increments = st.sampled_from(
    [Decimal(text) for text in ("0.00001", "0.001", "0.1", "0.25", "1", "5", "1E+1")]
)


@pytest.mark.finding("X-17")
@pytest.mark.parametrize(
    ("price", "down", "up"),
    [
        ("100.05", "100.0", "100.1"),
        ("0.15", "0.1", "0.2"),
        ("99.95", "99.9", "100.0"),
        ("100.1", "100.1", "100.1"),
    ],
)
def test_a_buyer_pays_no_more_and_a_seller_takes_no_less_than_planned(price: str, down: str, up: str):
    assert directed_price(Decimal(price), Side.BUY, instrument()) == Decimal(down)
    assert directed_price(Decimal(price), Side.SELL, instrument()) == Decimal(up)


@pytest.mark.finding("X-17")
@pytest.mark.parametrize(
    ("quantity", "sendable"),
    [("0.57", "0.57"), ("0.0029999", "0.002"), ("0.0009", "0"), ("1000.5", "1000"), ("0", "0"), ("-1", "0")],
)
def test_a_quantity_goes_down_to_what_the_venue_takes(quantity: str, sendable: str):
    assert sendable_quantity(Decimal(quantity), instrument()) == Decimal(sendable)


def test_quantities_count_from_the_minimum():
    odd = instrument(minimum_quantity=Decimal("0.0015"))

    assert sendable_quantity(Decimal("0.0030"), odd) == Decimal("0.0025")


@pytest.mark.finding("X-17")
@given(amounts, increments)
def test_a_rounded_price_is_a_multiple_within_one_increment(price: Decimal, increment: Decimal):
    venue = instrument(price_increment=increment)
    bought, sold = directed_price(price, Side.BUY, venue), directed_price(price, Side.SELL, venue)

    assert bought <= price <= sold
    assert Fraction(bought) % Fraction(increment) == 0
    assert Fraction(sold) % Fraction(increment) == 0
    assert sold - bought in (0, increment)


@pytest.mark.finding("X-17")
@given(amounts, increments, st.integers(0, 3))
def test_a_sendable_quantity_is_a_multiple_never_above_what_was_meant(
    quantity: Decimal, increment: Decimal, multiple: int
):
    venue = instrument(size_increment=increment, minimum_quantity=multiple * increment)
    sendable = sendable_quantity(quantity, venue)

    assert 0 <= sendable <= quantity
    assert Fraction(sendable) % Fraction(increment) == 0
    assert sendable == 0 or venue.minimum_quantity <= sendable <= venue.maximum_quantity


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_not_rounded(wrong: str):
    with pytest.raises(InvalidState, match=r"price is .*, not a number"):
        directed_price(Decimal(wrong), Side.BUY, instrument())
    with pytest.raises(InvalidState, match=r"quantity is .*, not a number"):
        sendable_quantity(Decimal(wrong), instrument())


@pytest.mark.parametrize("wrong", ["0", "-0.1", "NaN"])
def test_an_instrument_without_increments_takes_nothing(wrong: str):
    with pytest.raises(InvalidState, match="read the instruments again"):
        directed_price(Decimal(1), Side.BUY, instrument(price_increment=Decimal(wrong)))
    with pytest.raises(InvalidState, match="read the instruments again"):
        sendable_quantity(Decimal(1), instrument(size_increment=Decimal(wrong)))


def test_what_the_venue_would_refuse_says_why():
    venue = instrument(minimum_notional_usd=Decimal(100))

    assert refusal(Decimal(100_000), Decimal("0.001"), venue) is None
    assert refusal(Decimal(99_999), Decimal("0.001"), venue) == "notional 99.999 below the minimum of 100"
    assert refusal(Decimal(99_999), Decimal(0), venue) == "quantity below the minimum of 0.001 BTC"
