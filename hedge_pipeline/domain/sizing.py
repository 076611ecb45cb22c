"""Sizing: how large an order may be so that one average move of the price costs a set share of NAV, and the operator's throttle.

notional = NAV × target ÷ (ATR ÷ price) × signal. The calmer the symbol, the larger the order, so caps bound it from above.
What is not known is a veto, never a size somebody thought of beforehand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.grid import Ladders, scaled
from hedge_pipeline.domain.instruments import Instrument

VOLATILITY = "volatility target"
MINIMUM_NOTIONAL = "minimum notional"
LEVERAGE = "leverage"


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingRule:
    """What one average move may cost."""

    volatility_target_bps: Decimal
    """Of NAV, per average true range."""
    minimum_signal: Decimal
    """A weaker signal counts as this one."""
    leverage_cap: Decimal
    """Notional of one order over NAV."""

    def __post_init__(self) -> None:
        for name in ("volatility_target_bps", "minimum_signal", "leverage_cap"):
            if not _is_positive(getattr(self, name)):
                raise InvalidState(f"sizing: {name} is {getattr(self, name)}: write a number above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """How large, or why not."""

    notional_usd: Decimal | None
    """``None`` exactly if there is a veto."""
    bound_by: str | None
    """What decided: the volatility target, the minimum notional, or a cap by its name."""
    veto: str | None


def size_order(
    *,
    nav_usd: Decimal | None,
    atr: Decimal | None,
    mark_price: Decimal | None,
    signal: Decimal | None,
    headrooms: Mapping[str, Decimal | None],
    rule: SizingRule,
    instrument: Instrument,
) -> Sizing:
    """Notional of one order.

    ``headrooms`` are the USD still free under each cap that applies (trade, symbol, bucket, portfolio), by its name; ``None`` is
    a cap whose use is not known. A size below the venue's minimum is raised to it, but never through a cap.
    """
    if nav_usd is None or not _is_positive(nav_usd):
        return _unknown("NAV", nav_usd)
    if atr is None or not _is_positive(atr):
        return _unknown("ATR", atr)
    if mark_price is None or not _is_positive(mark_price):
        return _unknown("mark price", mark_price)
    if signal is None or not _is_positive(signal):
        return _unknown("signal", signal)
    caps = {LEVERAGE: nav_usd * rule.leverage_cap}
    for name, room in headrooms.items():
        if room is None or not room.is_finite():
            return _unknown(f"what is left under the cap {name!r}", room)
        caps[name] = room
    target = (
        nav_usd * rule.volatility_target_bps / 10_000 * mark_price / atr * max(signal, rule.minimum_signal)
    )
    return _bounded(target, caps, instrument.minimum_notional_usd)


def throttled(ladders: Ladders, throttle: Decimal) -> Ladders:
    """Every rung with this fraction of its quantity; 0 places nothing, 1 changes nothing.

    Raises:
        InvalidState: the throttle is no fraction; what an operator wrote is never guessed at.
    """
    if not (throttle.is_finite() and 0 <= throttle <= 1):
        raise InvalidState(f"throttle is {throttle}: write a fraction between 0 and 1")
    return replace(ladders, long=scaled(ladders.long, throttle), short=scaled(ladders.short, throttle))


def _is_positive(value: Decimal) -> bool:
    return value.is_finite() and value > 0


def _unknown(name: str, value: Decimal | None) -> Sizing:
    return _vetoed(f"{name} is {'not known' if value is None else value}: nothing is sized by it")


def _bounded(target: Decimal, caps: Mapping[str, Decimal], least: Decimal) -> Sizing:
    wanted, by = (target, VOLATILITY) if target >= least else (least, MINIMUM_NOTIONAL)
    tightest = min(caps, key=lambda name: caps[name])
    if caps[tightest] < wanted:
        wanted, by = caps[tightest], tightest
    if wanted < least or wanted <= 0:
        return _vetoed(f"{by} leaves {wanted:f} USD, below the minimum notional of {least}")
    return Sizing(notional_usd=wanted, bound_by=by, veto=None)


def _vetoed(reason: str) -> Sizing:
    return Sizing(notional_usd=None, bound_by=None, veto=reason)
