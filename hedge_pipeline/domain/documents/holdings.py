"""What the fund is worth and holds: NAV, its points, positions, the leaderboard."""

import hashlib
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from hedge_pipeline.domain.documents.envelope import Document
from hedge_pipeline.domain.documents.values import Instant, Money, Name, Rows, Strict, Text, Yes


class Part(Strict):
    """One asset's share of trading NAV."""

    asset: Name
    wallet_balance: Money
    unrealized_pnl: Money
    rate: Money
    value: Money


class Attempt(Strict):
    """The latest valuation, also when it was not accepted."""

    attempted_at: Instant
    accepted: bool
    problems: Annotated[tuple[Text, ...], Rows]


class NavDocument(Document):
    """What the account and the fund are worth, by the last accepted valuation."""

    PLACE: ClassVar[str] = "state/nav"

    numeraire: Name
    nav_usd: Annotated[Money, Field(gt=0)]
    trading_nav: Annotated[Money, Field(gt=0)]
    """In the numeraire."""
    account_units: Annotated[Money, Field(ge=0)] | None
    nav_per_unit: Money | None
    """``None`` before inception and while a flow waits to be classified."""
    treasury_usd: Money
    reserves_usd: Money
    in_transit_usd: Money
    aum_usd: Money
    aum_complete: bool
    """Whether ``aum_usd`` is more than a lower bound."""
    aum_problems: Annotated[tuple[Text, ...], Rows]
    fund_units: Annotated[Money, Field(ge=0)] | None
    fund_nav_per_unit: Money | None
    parts: Annotated[tuple[Part, ...], Rows, Field(min_length=1)]
    attempt: Attempt
    age_s: Annotated[float, Field(ge=-1)]
    """When it was published."""
    points_through: Instant | None
    """Up to where NAV points have been published."""

    @model_validator(mode="after")
    def _lower_bound_says_why(self) -> Self:
        if self.aum_complete == bool(self.aum_problems):
            raise ValueError("aum_problems must say why aum_complete is false, and only then")
        return self


class PositionRow(Strict):
    """One side of one symbol."""

    symbol: Name
    position_side: Literal["LONG", "SHORT"]
    quantity: Annotated[Money, Field(ge=0)]
    entry_price: Annotated[Money, Field(ge=0)]
    mark_price: Annotated[Money, Field(gt=0)]
    unrealized_pnl: Money
    margin_asset: Name
    liquidation_price: Annotated[Money, Field(gt=0)] | None
    notional_usd: Annotated[Money, Field(ge=0)]


class PositionsDocument(Document):
    """What the account holds. No rows: the venue says that it holds nothing."""

    PLACE: ClassVar[str] = "state/positions"

    source_ok: Yes
    """The venue answered. A document without an answer does not exist."""
    positions: Annotated[tuple[PositionRow, ...], Rows]
    gross_exposure_usd: Annotated[Money, Field(ge=0)]
    net_exposure_usd: Money
    """Long minus short."""
    largest_position_usd: Annotated[Money, Field(ge=0)]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.gross_exposure_usd != sum((row.notional_usd for row in self.positions), Decimal(0)):
            raise ValueError("gross_exposure_usd is not the sum of its positions")
        return self


class Leader(Strict):
    """One symbol, both sides together."""

    rank: Annotated[int, Field(ge=1)]
    symbol: Name
    notional_usd: Annotated[Money, Field(ge=0)]
    unrealized_pnl: Money


class LeaderboardDocument(Document):
    """Symbols by exposure, largest first."""

    PLACE: ClassVar[str] = "state/leaderboard"

    source_ok: Yes
    leaders: Annotated[tuple[Leader, ...], Rows]

    @model_validator(mode="after")
    def _is_ranked(self) -> Self:
        if [leader.rank for leader in self.leaders] != list(range(1, len(self.leaders) + 1)):
            raise ValueError("leaders are not ranked 1, 2, 3 …")
        if any(
            one.notional_usd < other.notional_usd
            for one, other in zip(self.leaders, self.leaders[1:], strict=False)
        ):
            raise ValueError("leaders are not in order of notional_usd")
        return self


class NavPoint(Document):
    """The first accepted valuation of one minute: a point of the curve, never changed."""

    PLACE: ClassVar[str] = "nav_points/{key}"

    nav_usd: Annotated[Money, Field(gt=0)]
    nav_per_unit: Money | None
    aum_usd: Money
    aum_complete: bool

    @property
    def key(self) -> str:
        """Not monotonic: documents with growing ids end up on one machine."""
        minute = self.as_of.strftime("%Y-%m-%dT%H:%M")
        return hashlib.sha256(f"{self.account} {minute}".encode()).hexdigest()[:24]
