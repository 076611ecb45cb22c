"""Valid rows of a small healthy fund, each with what a test wants different about it: one hundred thousand USDT, flat."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hedge_pipeline.domain.account import (
    AccountPosition,
    AccountReading,
    AccountTotals,
    AssetBalance,
    AssetRate,
    IncomeReading,
    IncomeRow,
    Mark,
    MarksReading,
    Position,
    PositionSide,
)
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.flows import FlowClassification, FlowInstruction, FlowPurpose
from hedge_pipeline.domain.limits import Freshness, Ladder, RiskLimits
from hedge_pipeline.domain.nav import IncomeBaseline, NavPart, NavSnapshot
from hedge_pipeline.domain.readings import Readings
from hedge_pipeline.domain.reserves import HoldingValue, Place, ReservesValuation
from hedge_pipeline.domain.sources import ClockReading, SourceHealth

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ZERO = Decimal(0)

_FRESHNESS = Freshness(
    nav=timedelta(seconds=90),
    peak=timedelta(seconds=120),
    marks=timedelta(seconds=60),
    source_spread=timedelta(seconds=10),
    future_tolerance=timedelta(seconds=1),
    round_trip=timedelta(seconds=2),
    clock_offset_reduce=timedelta(seconds=1),
    clock_offset_halt=timedelta(seconds=2.5),
    instruments=timedelta(hours=24),
    income_final=timedelta(seconds=60),
    income_overlap=timedelta(minutes=10),
    reconcile_grace=timedelta(seconds=180),
    transit=timedelta(hours=24),
)
_LIMITS = RiskLimits(
    freshness=_FRESHNESS,
    drawdown=Ladder(
        warn=Decimal("0.10"), reduce=Decimal("0.15"), halt=Decimal("0.20"), flatten=Decimal("0.25")
    ),
    daily_loss=Ladder(warn=Decimal("0.05"), reduce=Decimal("0.10"), halt=Decimal("0.15")),
    hard_ceiling=Decimal("0.30"),
    depeg=Decimal("0.01"),
    tripwire=Decimal("0.05"),
    jump_factor=Decimal(3),
    jump_step=Decimal("0.20"),
    mark_tolerance=Decimal("0.005"),
    cooldown=timedelta(minutes=60),
    reserves_halt_trading=False,
    reset_timezone="UTC",
)


def limits(**changes: Any) -> RiskLimits:
    """The documented defaults."""
    return replace(_LIMITS, **changes)


def freshness(**changes: Any) -> Freshness:
    return replace(_FRESHNESS, **changes)


def healthy(*names: str, at: datetime = NOON) -> tuple[SourceHealth, ...]:
    return tuple(SourceHealth(source=name, ok=True, as_of=at) for name in names)


def clock_reading(at: datetime = NOON, **changes: Any) -> ClockReading:
    reading = ClockReading(
        venue_at=at, local_at=at, monotonic_s=1000.0, boot_id="boot", round_trip=timedelta(milliseconds=40)
    )
    return replace(reading, **changes)


def balance(
    asset: str = "USDT", wallet: Decimal | int = 100_000, unrealized: Decimal | int = 0
) -> AssetBalance:
    return AssetBalance(
        asset=asset,
        wallet_balance=Decimal(wallet),
        unrealized_pnl=Decimal(unrealized),
        margin_balance=Decimal(wallet) + Decimal(unrealized),
        maintenance_margin=ZERO,
        updated_at=None,
    )


def position(
    symbol: str = "BTCUSDT",
    side: PositionSide = PositionSide.LONG,
    quantity: Decimal | int = 1,
    *,
    entry: Decimal | int = 50_000,
    mark: Decimal | int = 50_000,
    margin_asset: str = "USDT",
) -> Position:
    return Position(
        symbol=symbol,
        position_side=side,
        quantity=Decimal(quantity),
        entry_price=Decimal(entry),
        mark_price=Decimal(mark),
        unrealized_pnl=side.sign * Decimal(quantity) * (Decimal(mark) - Decimal(entry)),
        margin_asset=margin_asset,
        liquidation_price=None,
        updated_at=None,
    )


def account_reading(
    balances: Iterable[AssetBalance] | None = None,
    positions: Iterable[Position] = (),
    *,
    at: datetime = NOON,
    **changes: Any,
) -> AccountReading:
    """One that adds up, in single-asset mode with USDT as numeraire."""
    assets = tuple((balance(),) if balances is None else balances)
    held = tuple(positions)
    usdt = next((entry for entry in assets if entry.asset == "USDT"), balance(wallet=0))
    reading = AccountReading(
        account="main",
        attempted_at=at,
        recorded_at=at,
        as_of=at,
        answered_at=at,
        clock=clock_reading(at),
        hedge_mode=True,
        multi_assets_mode=False,
        balances=assets,
        totals=AccountTotals(
            wallet_balance=usdt.wallet_balance,
            unrealized_pnl=usdt.unrealized_pnl,
            margin_balance=usdt.margin_balance,
            maintenance_margin=ZERO,
        ),
        account_positions=tuple(
            AccountPosition(
                symbol=entry.symbol,
                position_side=entry.position_side,
                quantity=entry.quantity,
                unrealized_pnl=entry.unrealized_pnl,
                updated_at=entry.updated_at,
            )
            for entry in held
        ),
        positions=held,
        sources=healthy("clock", "balances", "positions", "modes", at=at),
    )
    return replace(reading, **changes)


def failed(reading: AccountReading, source: str, error: str = "HTTP 500") -> AccountReading:
    """The reading without what one of its sources would have said."""
    facts: dict[str, dict[str, Any]] = {
        "clock": {"clock": None, "as_of": None, "answered_at": None},
        "balances": {
            "balances": None, "totals": None, "account_positions": None, "as_of": None, "answered_at": None,
        },
        "positions": {"positions": None},
        "modes": {"hedge_mode": None, "multi_assets_mode": None},
    }  # fmt: skip
    return replace(reading, sources=_without(reading.sources, source, error), **facts[source])


def _without(sources: Iterable[SourceHealth], source: str, error: str) -> tuple[SourceHealth, ...]:
    return tuple(
        replace(entry, ok=False, as_of=None, error=error) if entry.source == source else entry
        for entry in sources
    )


def mark(symbol: str = "BTCUSDT", price: Decimal | int = 50_000, *, at: datetime = NOON) -> Mark:
    return Mark(
        symbol=symbol,
        mark_price=Decimal(price),
        index_price=Decimal(price),
        funding_rate=Decimal("0.0001"),
        next_funding_at=at + timedelta(hours=4),
        as_of=at,
    )


def marks_reading(
    rates: Mapping[str, Decimal | int] | None = None,
    marks: Iterable[Mark] = (),
    *,
    at: datetime = NOON,
    **changes: Any,
) -> MarksReading:
    """``rates`` are USD prices by asset."""
    usd = {"USDT": Decimal(1)} if rates is None else rates
    reading = MarksReading(
        account="main",
        attempted_at=at,
        recorded_at=at,
        as_of=at,
        marks=tuple(marks),
        asset_rates=tuple(
            AssetRate(asset=asset, usd=Decimal(price), as_of=at) for asset, price in usd.items()
        ),
        sources=healthy("marks", "asset_rates", at=at),
    )
    return replace(reading, **changes)


def income_row(
    number: int = 1, amount: Decimal | int = 10, income_type: str = "FUNDING_FEE", **changes: Any
) -> IncomeRow:
    """Rows of different numbers are different rows, a second apart."""
    row = IncomeRow(
        account="main",
        income_type=income_type,
        tran_id=str(number),
        trade_id="",
        asset="USDT",
        symbol="",
        occurred_at=NOON + number * SECOND,
        amount=Decimal(amount),
        info="",
        recorded_at=NOON,
    )
    return replace(row, **changes)


def income_reading(*, at: datetime = NOON, **changes: Any) -> IncomeReading:
    reading = IncomeReading(
        account="main",
        attempted_at=at,
        recorded_at=at,
        as_of=at,
        since=at - timedelta(minutes=10),
        rows_read=0,
        rows_new=0,
        sources=healthy("income", at=at),
    )
    return replace(reading, **changes)


def reserves_valuation(
    treasury: Mapping[str, Decimal | int] | None = None, **changes: Any
) -> ReservesValuation:
    """Holdings of the treasury, each worth one USD apiece."""
    values = tuple(
        HoldingValue(
            place=Place.TREASURY,
            asset=asset,
            quantity=Decimal(quantity),
            price_usd=Decimal(1),
            value_usd=Decimal(quantity),
            price_source="spot:X",
            price_as_of=NOON,
            price_stale=False,
            reason=None,
            last_known_usd=Decimal(quantity),
        )
        for asset, quantity in (treasury or {}).items()
    )
    valuation = ReservesValuation(
        account="main",
        ordinal=1,
        recorded_at=NOON,
        as_of=NOON if values else None,
        valid_until=None,
        treasury_configured=True,
        reserves_configured=True,
        values=values,
        complete=True,
        error=None,
        treasury_usd=sum((Decimal(quantity) for quantity in (treasury or {}).values()), ZERO),
        reserves_usd=ZERO,
    )
    return replace(valuation, **changes)


def baseline(wallet: Mapping[str, Decimal | int] | None = None, **changes: Any) -> IncomeBaseline:
    """The wallet as it was at noon, with no income row inside."""
    held = {"USDT": 100_000} if wallet is None else wallet
    row = IncomeBaseline(
        origin_at=NOON - timedelta(hours=1),
        wallet=tuple(sorted((asset, Decimal(amount)) for asset, amount in held.items())),
        through_at=NOON,
        through_seq=0,
    )
    return replace(row, **changes)


def nav_snapshot(**changes: Any) -> NavSnapshot:
    """An accepted one: a hundred thousand USDT in as many units."""
    snapshot = NavSnapshot(
        account="main",
        ordinal=1,
        attempted_at=NOON,
        recorded_at=NOON,
        as_of=NOON,
        complete=True,
        reconciled=True,
        accepted=True,
        problems=(),
        labels=(),
        numeraire="USDT",
        numeraire_usd=Decimal(1),
        trading_nav=Decimal(100_000),
        nav_usd=Decimal(100_000),
        parts=(
            NavPart(
                asset="USDT",
                wallet_balance=Decimal(100_000),
                unrealized_pnl=ZERO,
                rate=Decimal(1),
                value=Decimal(100_000),
                counted=True,
            ),
        ),
        account_units=Decimal(100_000),
        nav_per_unit=Decimal(1),
        treasury_usd=ZERO,
        reserves_usd=ZERO,
        in_transit_usd=ZERO,
        aum_usd=Decimal(100_000),
        aum_complete=True,
        aum_problems=(),
        fund_units=Decimal(100_000),
        fund_nav_per_unit=Decimal(1),
        residuals=(),
        unreconciled_since=None,
        baseline=baseline(),
        unclassified=(),
        unpriced_fund_flows=(),
        in_transit=(),
        treasury_quantities=(),
        last_good_nav_usd=Decimal(100_000),
        last_good_nav_per_unit=Decimal(1),
        last_good_fund_nav_per_unit=Decimal(1),
        last_good_as_of=NOON,
        source_stamps=(),
        sources=(),
    )
    return replace(snapshot, **changes)


def peak_state(**changes: Any) -> PeakState:
    """At its own best, absorbed from ``nav_snapshot()``."""
    state = PeakState(
        account="main",
        ordinal=1,
        recorded_at=NOON,
        as_of=NOON,
        nav_ordinal=1,
        nav_per_unit=Decimal(1),
        account_units=Decimal(100_000),
        fund_units=Decimal(100_000),
        high_water_mark=Decimal(1),
        drawdown=ZERO,
        day=date(2026, 11, 20),
        day_open=Decimal(1),
        day_open_as_of=NOON,
        daily_loss=ZERO,
        realized_pnl_today=ZERO,
        pending_high=None,
        origin="snapshot",
        origin_detail="",
    )
    return replace(state, **changes)


def instruction(
    amount: Decimal | int, purpose: FlowPurpose = FlowPurpose.REDEMPTION, **changes: Any
) -> FlowInstruction:
    """Into the account positive; open from an hour before noon to a day after it."""
    row = FlowInstruction(
        account="main",
        instruction_id=f"{purpose}-{amount}",
        purpose=purpose,
        asset="USDT",
        amount=Decimal(amount),
        window_from=NOON - timedelta(hours=1),
        window_until=NOON + timedelta(days=1),
        actor="ana",
        approver="ben",
        reason="agreed",
        recorded_at=NOON,
    )
    return replace(row, **changes)


def classification(flow_key: str, purpose: FlowPurpose, **changes: Any) -> FlowClassification:
    row = FlowClassification(
        account="main",
        flow_key=flow_key,
        purpose=purpose,
        actor="ana",
        approver="ben",
        reason="found out",
        recorded_at=NOON,
    )
    return replace(row, **changes)


def readings(**changes: Any) -> Readings:
    """A healthy attempt half a minute after ``nav_snapshot()``, with nothing new."""
    at = NOON + 30 * SECOND
    whole = Readings(
        account=account_reading(at=at),
        marks=marks_reading(at=at),
        income=income_reading(at=at),
        pending_income=(),
        income_seq=0,
        reserves=reserves_valuation(),
        previous=nav_snapshot(),
        opening_units=None,
    )
    return replace(whole, **changes)
