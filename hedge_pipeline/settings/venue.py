"""Which derivatives venue is read and traded, and how politely."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from pydantic import Field

from hedge_pipeline.settings.values import Contradiction, Fraction, Number, Section, Symbol, Symbols, Url


class VenueSettings(Section):
    """One venue account in hedge mode.

    Increments, minimum notionals of symbols and rate limits are not here: the venue states them.
    """

    base_url: Url | None = None
    """Derivatives. ``None``, in paper only: the paper venue of this home directory."""
    spot_url: Url | None = None
    """Public spot prices. ``None``, in paper only: the paper venue of this home directory."""
    recv_window_ms: int = Field(default=5000, ge=1000, le=5000)
    """How long a signed request stays valid."""
    timeout_s: int = Field(default=10, ge=1, le=60)
    symbols: Symbols = Field(min_length=1)
    numeraire: Symbol = "USDT"
    """Asset in which the book is kept."""
    uncounted_assets: Symbols = ()
    """Vouchers and bonuses: listed, never part of NAV."""
    weight_fraction: Fraction = Field(default=Decimal("0.80"), gt=0, le=Decimal("0.80"))
    """Share of the venue's request weight and order count for ordinary work; the rest is for cancels, stops, flatten."""
    hedge_mode: bool = True
    margin_type: Literal["CROSSED", "ISOLATED"] = "CROSSED"
    leverage: int = Field(default=1, ge=1, le=125)
    """What the venue is set to; exposure is limited elsewhere."""
    max_leverage: int = Field(default=20, ge=1, le=125)
    minimum_order_notional_usd: Number = Field(default=Decimal(5), gt=0)
    maximum_order_notional_usd: Number = Field(default=Decimal(100_000), gt=0)

    def contradictions(self) -> Iterator[Contradiction]:
        if self.leverage > self.max_leverage:
            yield Contradiction(
                "leverage",
                f"is {self.leverage}, more than max_leverage, {self.max_leverage}",
                "lower leverage, or raise max_leverage",
            )
        if self.minimum_order_notional_usd >= self.maximum_order_notional_usd:
            yield Contradiction(
                "minimum_order_notional_usd",
                f"is not below maximum_order_notional_usd, {self.maximum_order_notional_usd}",
                "write a smaller minimum or a larger maximum",
            )
