"""The answers about how symbols are set and what they cost, believed field by field or refused by name."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from hedge_pipeline.adapters.ccxt_venue.wire import (
    Name,
    Number,
    Payload,
    parse,
    refuse_duplicates,
    rows_of,
)
from hedge_pipeline.domain.margin import Bracket
from hedge_pipeline.domain.trading.readings import SymbolConfig

_USUAL_INTERVAL = timedelta(hours=8)
"""Of every symbol that the venue does not list as adjusted."""


class _Config(Payload):
    symbol: Name
    margin_type: Literal["CROSSED", "ISOLATED"]
    leverage: Annotated[int, Field(gt=0, le=1000)]


class _Bracket(Payload):
    notional_cap: Number
    notional_floor: Number
    maint_margin_ratio: Number
    cum: Number

    @model_validator(mode="after")
    def _is_a_tier(self) -> Self:
        if not 0 <= self.notional_floor < self.notional_cap:
            raise ValueError("notionalFloor and notionalCap: do not hold a tier")
        if not 0 < self.maint_margin_ratio < 1:
            raise ValueError("maintMarginRatio: must lie between 0 and 1")
        return self


class _Brackets(Payload):
    symbol: Name
    brackets: Annotated[list[_Bracket], Field(min_length=1)]

    @model_validator(mode="after")
    def _join(self) -> Self:
        self.brackets.sort(key=lambda tier: tier.notional_cap)
        floors = [tier.notional_floor for tier in self.brackets]
        if floors != [Decimal(0), *(tier.notional_cap for tier in self.brackets[:-1])]:
            raise ValueError("brackets: do not join each other from 0 on")
        return self


class _FundingInfo(Payload):
    symbol: Name
    funding_interval_hours: Annotated[int, Field(gt=0, le=24)]


_FUNDING = TypeAdapter(list[_FundingInfo])


def configs(raw: object, symbols: Iterable[str]) -> tuple[SymbolConfig, ...]:
    """One per symbol asked for, sorted by symbol."""
    rows = rows_of("symbol_configs", raw, symbols, "configuration")
    parsed = (parse("symbol_configs", _Config.model_validate, row, symbol) for symbol, row in rows)
    return tuple(
        SymbolConfig(
            symbol=row.symbol, leverage=Decimal(row.leverage), cross_margin=row.margin_type == "CROSSED"
        )
        for row in parsed
    )


def brackets(raw: object, symbols: Iterable[str]) -> dict[str, tuple[Bracket, ...]]:
    """Tiers in ascending order, of each symbol asked for."""
    rows = rows_of("brackets", raw, symbols, "brackets")
    parsed = (parse("brackets", _Brackets.model_validate, row, symbol) for symbol, row in rows)
    return {
        row.symbol: tuple(
            Bracket(
                notional_cap_usd=tier.notional_cap,
                maintenance_rate=tier.maint_margin_ratio,
                cumulative_usd=tier.cum,
            )
            for tier in row.brackets
        )
        for row in parsed
    }


def funding_intervals(raw: object, symbols: Iterable[str]) -> dict[str, timedelta]:
    """Of each symbol asked for. The list holds adjusted symbols alone, and may be empty."""
    rows = parse("funding_intervals", _FUNDING.validate_python, raw)
    refuse_duplicates("funding_intervals", "symbol", (row.symbol for row in rows))
    adjusted = {row.symbol: timedelta(hours=row.funding_interval_hours) for row in rows}
    return {symbol: adjusted.get(symbol, _USUAL_INTERVAL) for symbol in symbols}
