"""Where the prices of treasury and reserves come from, how old they may be, and how far they may jump."""

from datetime import timedelta

from pydantic import Field

from hedge_pipeline.domain.prices import PriceLimits
from hedge_pipeline.settings.values import (
    ZERO,
    Duration,
    Fraction,
    Section,
    Url,
)

_DEFAULTS = PriceLimits()


class PricesSettings(Section):
    """Provider and limits. Which source prices which asset is written beside the holdings."""

    coingecko_url: Url | None = None
    """``None``, in paper only: the local price provider of this home directory."""
    timeout_s: int = Field(default=10, ge=1, le=60)
    crypto: Duration = Field(default=_DEFAULTS.crypto, gt=ZERO, le=timedelta(hours=1))
    fx: Duration = Field(default=_DEFAULTS.fx, gt=ZERO, le=timedelta(days=4))
    equity: Duration = Field(default=_DEFAULTS.equity, gt=ZERO, le=timedelta(days=7))
    manual: Duration = Field(default=_DEFAULTS.manual, gt=ZERO, le=timedelta(days=31))
    future: Duration = Field(default=_DEFAULTS.future, gt=ZERO, le=timedelta(seconds=5))
    """A price may be stamped this far ahead of our clock."""
    jump: Fraction = Field(default=_DEFAULTS.jump, gt=0, le=1)
    cross_check: Fraction = Field(default=_DEFAULTS.cross_check, gt=0, lt=1)
    cross_check_share: Fraction = Field(default=_DEFAULTS.cross_check_share, ge=0, lt=1)

    def limits(self) -> PriceLimits:
        """What the domain compares prices with."""
        return PriceLimits(
            crypto=self.crypto,
            fx=self.fx,
            equity=self.equity,
            manual=self.manual,
            future=self.future,
            jump=self.jump,
            cross_check=self.cross_check,
            cross_check_share=self.cross_check_share,
        )
