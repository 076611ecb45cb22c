"""Prices and quantities as the venue takes them: multiples of the instrument's own increments, rounded toward safety.

A buyer's price goes down and a seller's up, so no order pays more or asks less than was planned; a stop triggers no later
than planned by the same rule. A quantity goes down, so no cap is exceeded by rounding. Every figure is rounded once, from
the exact one: of two roundings in a row the first decides how wrong the second is.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.instruments import Instrument
from hedge_pipeline.domain.market_data import Side

ZERO = Decimal(0)


def directed_price(price: Decimal, side: Side, instrument: Instrument) -> Decimal:
    """The nearest price the venue takes that is no worse for us than ``price``: BUY down, SELL up.

    Raises:
        InvalidState: the price is no finite number, or the instrument has no price increment.
    """
    direction = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
    return _multiple(price, instrument.price_increment, direction, f"{instrument.symbol}: price")


def sendable_quantity(quantity: Decimal, instrument: Instrument) -> Decimal:
    """The largest quantity the venue takes that is not above ``quantity``; zero if that is below its minimum.

    Above the venue's maximum it is the maximum. Multiples count from the minimum quantity.

    Raises:
        InvalidState: the quantity is no finite number, or the instrument has no size increment.
    """
    what, least = f"{instrument.symbol}: quantity", instrument.minimum_quantity
    within = min(_number(quantity, what), instrument.maximum_quantity)
    steps = _multiple(within - least, instrument.size_increment, ROUND_FLOOR, what)
    return least + steps if steps >= 0 and least + steps > 0 else ZERO


def refusal(price: Decimal, quantity: Decimal, instrument: Instrument) -> str | None:
    """Why the venue would not take an opening order of this sendable price and quantity, in one line; ``None``: it would."""
    if quantity <= 0:
        return f"quantity below the minimum of {instrument.minimum_quantity} {instrument.base_asset}"
    if (notional := price * quantity) < instrument.minimum_notional_usd:
        return f"notional {notional.normalize():f} below the minimum of {instrument.minimum_notional_usd}"
    return None


def _multiple(value: Decimal, increment: Decimal, direction: str, what: str) -> Decimal:
    if not (increment.is_finite() and increment > 0):
        raise InvalidState(
            f"{what} has the increment {increment}: read the instruments again before planning orders"
        )
    return (_number(value, what) / increment).to_integral_value(rounding=direction) * increment


def _number(value: Decimal, what: str) -> Decimal:
    if not value.is_finite():
        raise InvalidState(f"{what} is {value}, not a number: nothing is computed from it")
    return value
