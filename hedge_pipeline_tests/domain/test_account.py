"""Which reading is older than the one before it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from hedge_pipeline.domain.account import (
    AccountPosition,
    AccountReading,
    AssetBalance,
    Position,
    PositionSide,
    went_backwards,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def balance(asset: str, updated_at: datetime | None) -> AssetBalance:
    return AssetBalance(
        asset=asset,
        wallet_balance=Decimal(1),
        unrealized_pnl=Decimal(0),
        margin_balance=Decimal(1),
        maintenance_margin=Decimal(0),
        updated_at=updated_at,
    )


def position(side: PositionSide, updated_at: datetime | None) -> Position:
    return Position(
        symbol="BTCUSDT",
        position_side=side,
        quantity=Decimal(1),
        entry_price=Decimal(1),
        mark_price=Decimal(1),
        unrealized_pnl=Decimal(0),
        margin_asset="USDT",
        liquidation_price=None,
        updated_at=updated_at,
    )


def in_balances(side: PositionSide, updated_at: datetime | None) -> AccountPosition:
    return AccountPosition(
        symbol="BTCUSDT",
        position_side=side,
        quantity=Decimal(1),
        unrealized_pnl=Decimal(0),
        updated_at=updated_at,
    )


def reading(updated_at: datetime | None = T0) -> AccountReading:
    return AccountReading(
        account="main",
        attempted_at=T0,
        recorded_at=T0,
        as_of=T0,
        answered_at=T0,
        clock=None,
        hedge_mode=True,
        multi_assets_mode=False,
        balances=(balance("BNB", None), balance("USDT", updated_at)),
        totals=None,
        account_positions=(in_balances(PositionSide.LONG, updated_at),),
        positions=(position(PositionSide.LONG, updated_at), position(PositionSide.SHORT, updated_at)),
        sources=(),
    )


@pytest.mark.parametrize("later", [T0, T0 + SECOND])
def test_the_same_or_a_later_stamp_is_no_step_back(later: datetime) -> None:
    assert went_backwards(reading(T0), reading(later)) is None


def test_a_first_reading_cannot_go_back() -> None:
    assert went_backwards(None, reading()) is None


@pytest.mark.parametrize("earlier", [T0 - timedelta(milliseconds=1), None])
def test_an_earlier_or_lost_stamp_names_source_and_row(earlier: datetime | None) -> None:
    now = reading(T0)
    assert (went_backwards(now, replace(now, balances=(balance("USDT", earlier),))) or "").startswith(
        "balances: updateTime of USDT"
    )
    assert (
        went_backwards(now, replace(now, account_positions=(in_balances(PositionSide.LONG, earlier),))) or ""
    ).startswith("balances: updateTime of BTCUSDT LONG")
    assert (
        went_backwards(now, replace(now, positions=(position(PositionSide.SHORT, earlier),))) or ""
    ).startswith("positions: updateTime of BTCUSDT SHORT")


def test_a_failed_or_closed_side_has_nothing_to_compare() -> None:
    now = reading(T0)
    before = reading(T0 + SECOND)
    assert went_backwards(before, replace(now, balances=None, account_positions=None, positions=None)) is None
    assert went_backwards(before, replace(now, balances=(), account_positions=(), positions=())) is None


def test_the_first_stamp_of_an_asset_is_no_step_back() -> None:
    assert went_backwards(reading(None), reading(T0)) is None
