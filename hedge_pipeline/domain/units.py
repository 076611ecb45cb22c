"""Units: how money that comes or goes leaves performance alone.

Account units answer for one venue account and move with every transfer; fund units answer to investors and
move with subscriptions and redemptions only. Both, and every NAV per unit, are quantized here and nowhere else.
"""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

PLACES = Decimal("1e-12")
DUST = Decimal("1e-9")
"""Units that rounding may leave when everything was redeemed."""


def quantized(value: Decimal) -> Decimal:
    """To 12 places, half-even."""
    with localcontext() as context:
        context.prec = 50
        return value.quantize(PLACES, rounding=ROUND_HALF_EVEN)


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal:
    """Quotient quantized to 12 places, free of an intermediate rounding to fewer digits."""
    with localcontext() as context:
        context.prec = 50
        return (numerator / denominator).quantize(PLACES, rounding=ROUND_HALF_EVEN)


def flow_price(nav_after: Decimal, flows: Decimal, units_before: Decimal, last_price: Decimal) -> Decimal | None:
    """Value of one unit just before the flows: (NAV after − flows) ÷ units before.

    With no units outstanding the ledger restarts at ``last_price``. ``None`` when a unit is worth nothing:
    none is issued or redeemed at a price ≤ 0.
    """
    price = ratio(nav_after - flows, units_before) if units_before else last_price
    return price if price > 0 else None


def after_flow(units: Decimal, value: Decimal, price: Decimal) -> Decimal:
    """Units outstanding once ``value`` has come (positive) or gone; rounding dust of a full redemption is dropped."""
    result = units + ratio(value, price)
    return Decimal(0) if abs(result) <= DUST and value < 0 else result
