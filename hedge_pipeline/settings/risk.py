"""How old a fact may be and how much may be lost: the limits the gate is judged by, with their bounds.

Bounds are tighter than arithmetic needs: a limit so loose that it never closes is a switch that turns the gate off.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from pydantic import Field

from hedge_pipeline.domain.limits import Freshness, Ladder, RiskLimits
from hedge_pipeline.settings.values import (
    ZERO,
    Contradiction,
    Duration,
    Fraction,
    Number,
    Section,
    duration_text,
)


class FreshnessSettings(Section):
    """Ages beyond which a fact is unknown. Unknown always closes the gate: that is not an option here."""

    nav: Duration = Field(default=timedelta(seconds=90), gt=ZERO, le=timedelta(minutes=10))
    peak: Duration = Field(default=timedelta(seconds=120), gt=ZERO, le=timedelta(minutes=10))
    marks: Duration = Field(default=timedelta(seconds=60), gt=ZERO, le=timedelta(minutes=10))
    source_spread: Duration = Field(default=timedelta(seconds=10), gt=ZERO, le=timedelta(minutes=1))
    future_tolerance: Duration = Field(default=timedelta(seconds=1), gt=ZERO, le=timedelta(seconds=5))
    round_trip: Duration = Field(default=timedelta(seconds=2), gt=ZERO, le=timedelta(seconds=10))
    clock_offset_reduce: Duration = Field(default=timedelta(seconds=1), gt=ZERO, le=timedelta(seconds=2))
    """The offset that halts is half the venue's receive window."""
    instruments: Duration = Field(default=timedelta(hours=24), gt=ZERO, le=timedelta(hours=24))
    income_final: Duration = Field(default=timedelta(seconds=60), gt=ZERO, le=timedelta(minutes=10))
    income_overlap: Duration = Field(default=timedelta(minutes=10), gt=ZERO, le=timedelta(hours=24))
    reconcile_grace: Duration = Field(default=timedelta(seconds=180), gt=ZERO, le=timedelta(minutes=15))
    transit: Duration = Field(default=timedelta(hours=24), gt=ZERO, le=timedelta(days=7))

    def contradictions(self) -> Iterator[Contradiction]:
        if self.source_spread > self.nav:
            yield Contradiction(
                "source_spread", "is longer than nav, which it cannot outlast", "write less than nav"
            )
        if self.income_overlap < self.income_final:
            yield Contradiction(
                "income_overlap",
                "is shorter than income_final: rows that may still change would not be read again",
                f"write at least {duration_text(self.income_final)}",
            )
        if self.reconcile_grace <= self.income_final:
            yield Contradiction(
                "reconcile_grace",
                "is not longer than income_final: every late income row would latch",
                f"write more than {duration_text(self.income_final)}",
            )


class LadderSettings(Section):
    """Fractions lost at which something happens, each stricter action further down."""

    warn: Fraction = Field(gt=0, le=1)
    reduce: Fraction = Field(gt=0, le=1)
    halt: Fraction = Field(gt=0, le=1)

    def rungs(self) -> tuple[tuple[str, Decimal], ...]:
        return (("warn", self.warn), ("reduce", self.reduce), ("halt", self.halt))

    def contradictions(self) -> Iterator[Contradiction]:
        for (lower, below), (higher, above) in pairwise(self.rungs()):
            if above <= below:
                yield Contradiction(
                    higher,
                    f"is {above}, not above {lower}, {below}",
                    "make warn < reduce < halt < flatten strictly increasing",
                )


class DailyLossSettings(LadderSettings):
    """Since the day's open. It never flattens by itself."""

    warn: Fraction = Field(default=Decimal("0.05"), gt=0, le=1)
    reduce: Fraction = Field(default=Decimal("0.10"), gt=0, le=1)
    halt: Fraction = Field(default=Decimal("0.15"), gt=0, le=1)


class DrawdownSettings(LadderSettings):
    """Since the high-water mark."""

    warn: Fraction = Field(default=Decimal("0.10"), gt=0, le=1)
    reduce: Fraction = Field(default=Decimal("0.15"), gt=0, le=1)
    halt: Fraction = Field(default=Decimal("0.20"), gt=0, le=1)
    flatten: Fraction = Field(default=Decimal("0.25"), gt=0, le=1)

    def rungs(self) -> tuple[tuple[str, Decimal], ...]:
        return (*super().rungs(), ("flatten", self.flatten))


class RiskSettings(Section):
    """What the gate does about losses, jumps and depegs."""

    drawdown: DrawdownSettings = DrawdownSettings()
    daily_loss: DailyLossSettings = DailyLossSettings()
    hard_ceiling: Fraction = Field(default=Decimal("0.30"), gt=0, le=Decimal("0.50"))
    """Drawdown no waiver may exceed."""
    depeg: Fraction = Field(default=Decimal("0.01"), gt=0, le=Decimal("0.10"))
    tripwire: Fraction = Field(default=Decimal("0.05"), gt=0, le=Decimal("0.25"))
    """Fall from the re-arm NAV under a waiver."""
    confirmations_needed: int = Field(default=2, ge=1, le=10)
    confirmations_window: int = Field(default=3, ge=1, le=10)
    recovery_cycles: int = Field(default=3, ge=1, le=100)
    cooldown_minutes: int = Field(default=60, ge=0, le=1440)
    """After a daily loss, from the local midnight that ends it."""
    jump_factor: Number = Field(default=Decimal(3), gt=1, le=10)
    jump_step: Fraction = Field(default=Decimal("0.20"), gt=0, le=Decimal("0.50"))
    reserves_halt_trading: bool = False
    mark_tolerance: Fraction = Field(default=Decimal("0.005"), gt=0, le=Decimal("0.05"))
    """Our valuation against the venue's, as a fraction of gross notional: they are read seconds apart."""

    def contradictions(self) -> Iterator[Contradiction]:
        if self.drawdown.flatten > self.hard_ceiling:
            yield Contradiction(
                "hard_ceiling",
                f"is {self.hard_ceiling}, below drawdown.flatten, {self.drawdown.flatten}",
                "lower drawdown.flatten, or have a higher ceiling reviewed",
            )
        if self.confirmations_needed > self.confirmations_window:
            yield Contradiction(
                "confirmations_needed",
                f"is {self.confirmations_needed} out of only {self.confirmations_window}: no limit could ever trip",
                "write at most confirmations_window",
            )


def risk_limits(
    risk: RiskSettings, freshness: FreshnessSettings, *, recv_window_ms: int, reset_timezone: str
) -> RiskLimits:
    """The limits of the domain, from the sections that state them."""
    drawdown, daily_loss = risk.drawdown, risk.daily_loss
    return RiskLimits(
        freshness=Freshness(
            nav=freshness.nav,
            peak=freshness.peak,
            marks=freshness.marks,
            source_spread=freshness.source_spread,
            future_tolerance=freshness.future_tolerance,
            round_trip=freshness.round_trip,
            clock_offset_reduce=freshness.clock_offset_reduce,
            clock_offset_halt=timedelta(milliseconds=recv_window_ms) / 2,
            instruments=freshness.instruments,
            income_final=freshness.income_final,
            income_overlap=freshness.income_overlap,
            reconcile_grace=freshness.reconcile_grace,
            transit=freshness.transit,
        ),
        drawdown=Ladder(
            warn=drawdown.warn, reduce=drawdown.reduce, halt=drawdown.halt, flatten=drawdown.flatten
        ),
        daily_loss=Ladder(warn=daily_loss.warn, reduce=daily_loss.reduce, halt=daily_loss.halt),
        hard_ceiling=risk.hard_ceiling,
        depeg=risk.depeg,
        tripwire=risk.tripwire,
        jump_factor=risk.jump_factor,
        jump_step=risk.jump_step,
        mark_tolerance=risk.mark_tolerance,
        confirmations_needed=risk.confirmations_needed,
        confirmations_window=risk.confirmations_window,
        recovery_cycles=risk.recovery_cycles,
        cooldown=timedelta(minutes=risk.cooldown_minutes),
        reserves_halt_trading=risk.reserves_halt_trading,
        reset_timezone=reset_timezone,
    )
