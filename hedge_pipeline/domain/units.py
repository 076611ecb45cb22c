"""Units: how money that comes or goes leaves performance alone.

Account units answer for one venue account and move with every transfer; fund units answer to investors and
move with subscriptions and redemptions only. Both, and every NAV per unit, are quantized here and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

PLACES = Decimal("1e-12")
DUST = Decimal("1e-9")
"""Units that rounding may leave when everything was redeemed."""
_EXACT = Context(prec=50, rounding=ROUND_HALF_EVEN)
"""Of intermediate results: money times units keeps every digit until it is quantized."""


def quantized(value: Decimal) -> Decimal:
    """To 12 places, half-even."""
    return value.quantize(PLACES, context=_EXACT)


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal:
    """Quotient quantized to 12 places, free of an intermediate rounding to fewer digits."""
    return quantized(_EXACT.divide(numerator, denominator))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What flows did to a ledger of units."""

    moved: tuple[Decimal, ...]
    """Units issued (positive) or redeemed, flow by flow."""
    units: Decimal
    """Outstanding afterwards; never negative."""
    price: Decimal
    """NAV per unit at which the flows count."""


def settle(
    units: Decimal, values: Sequence[Decimal], *, nav_after: Decimal, last_price: Decimal
) -> Settlement | None:
    """Issue and redeem units for flows of these values, which ``nav_after`` holds already.

    They count at (NAV after − flows) ÷ units before. Units move by each flow's share of the NAV before, not by the
    rounded price, so that no rounding is left when everything is redeemed. With no unit outstanding the ledger
    restarts at ``last_price``, and nothing is left to redeem. ``None`` when a unit is worth nothing: none is issued
    or redeemed at a price ≤ 0.
    """
    nav_before = nav_after - sum(values, Decimal(0))
    price = ratio(nav_before, units) if units else last_price
    if price <= 0:
        return None
    if not units:
        moved = [ratio(value, last_price) if value > 0 else Decimal(0) for value in values]
        return Settlement(moved=tuple(moved), units=sum(moved, Decimal(0)), price=last_price)
    moved = [_share(units, value, nav_before) for value in values]
    after = units + sum(moved, Decimal(0))
    redeemed = [i for i, value in enumerate(values) if value < 0]
    if redeemed and after <= DUST:
        moved[redeemed[-1]] -= after
        after = Decimal(0)
    return Settlement(moved=tuple(moved), units=after, price=price)


def _share(units: Decimal, value: Decimal, of: Decimal) -> Decimal:
    return ratio(_EXACT.multiply(units, value), of)
