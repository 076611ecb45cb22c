"""How far the account has fallen, and whether anything may trade."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from hedge_pipeline.domain.documents.envelope import Document
from hedge_pipeline.domain.documents.values import Day, Instant, Money, Name, Rows, Strict, Text
from hedge_pipeline.domain.verdicts import TradingState


class PeakStateDocument(Document):
    """How far the account has fallen. Values are NAV per account unit, in the numeraire."""

    PLACE: ClassVar[str] = "risk/peak_state"

    numeraire: Name
    nav_per_unit: Money
    account_units: Annotated[Money, Field(ge=0)]
    fund_units: Annotated[Money, Field(ge=0)] | None
    high_water_mark: Annotated[Money, Field(gt=0)]
    drawdown: Annotated[Money, Field(ge=0)]
    """Non-negative fraction."""
    day: Day
    day_open: Money
    day_open_as_of: Instant
    daily_loss: Annotated[Money, Field(ge=0)]
    realized_pnl_today: Money | None
    origin: Name

    @model_validator(mode="after")
    def _falls_from_its_mark(self) -> Self:
        if (self.nav_per_unit >= self.high_water_mark) != (self.drawdown == 0):
            raise ValueError("drawdown contradicts high_water_mark")
        return self


class BreachRow(Strict):
    """One reason why the gate allows less than ACTIVE."""

    rule: Name
    reason: Name
    kind: Literal["unknown", "limit", "warning"]
    ceiling: Literal["HALTED", "REDUCING", "ACTIVE"]
    latches: bool
    message: Text
    threshold: Text | None
    observation: Text | None
    source: Text | None
    remedy: Text


class GateDocument(Document):
    """Whether anything may trade, and why not. After ``expires_at`` the answer is no."""

    PLACE: ClassVar[str] = "risk/gate"

    state: Literal["HALTED", "REDUCING", "ACTIVE"]
    dormant: bool
    valid_until: Instant
    breaches: Annotated[tuple[BreachRow, ...], Rows]
    limits_fingerprint: Name

    @model_validator(mode="after")
    def _is_justified(self) -> Self:
        lowest = min((TradingState[breach.ceiling] for breach in self.breaches), default=TradingState.ACTIVE)
        if TradingState[self.state] > lowest:
            raise ValueError("state is above what its breaches allow")
        return self
