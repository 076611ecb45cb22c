"""The venue's own past, kept day by day while the venue still has it: income, fills, funding rates and candles.

A day is read in whole or not kept. Income and fills are forgotten by the venue after three months, so days not kept by then
are lost; ``gap`` says so before it happens.
"""

from datetime import date, timedelta
from typing import Any

from hedge_pipeline.cycle.closing import ONE_DAY, first_day, span_of, zone_of
from hedge_pipeline.cycle.fund import Fund
from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.history.partitions import Written
from hedge_pipeline.domain.market_data import Candle, Fill, FundingRate, RetentionGap, retention_gap

RETENTION = timedelta(days=90)
"""How long the venue keeps income and fills: three months.

Source: Binance USD-M futures, Get Income History and Account Trade List.
"""
MARGIN = timedelta(days=14)
"""How long before that a missing day is told."""
CANDLE = timedelta(minutes=1)


def keep_income(fund: Fund, day: date, *, reason: str | None = None) -> Written:
    """Keep the day's lines of the income list.

    Raises:
        InvalidState: the venue has forgotten the day, or other lines are stored and there is no reason.
        SourceUnavailable: not answered in full, or the day is not final yet.
    """
    start, end = _still_kept(fund, day)
    return _keep(fund, IncomeRow, day, fund.venue_history.income_between(start, end), reason)


def keep_fills(fund: Fund, day: date, *, reason: str | None = None) -> Written:
    """Keep the day's own executions, of the symbols configured and of those that earned or cost something. Raises as ``keep_income``."""
    start, end = _still_kept(fund, day)
    earned = {row.symbol for row in fund.venue_history.income_between(start, end) if row.symbol}
    symbols = sorted(earned | set(fund.symbols))
    found = [fill for symbol in symbols for fill in fund.venue_history.fills_between(symbol, start, end)]
    return _keep(fund, Fill, day, found, reason)


def keep_funding_rates(fund: Fund, day: date, *, reason: str | None = None) -> Written:
    """Keep what was settled that day of the symbols configured. Raises as ``keep_income``."""
    start, end = span_of(fund, day)
    past = fund.venue_history
    found = [rate for symbol in fund.symbols for rate in past.funding_rates_between(symbol, start, end)]
    return _keep(fund, FundingRate, day, found, reason)


def keep_candles(fund: Fund, day: date, *, reason: str | None = None) -> Written:
    """Keep the day's minutes of the symbols configured. Raises as ``keep_income``."""
    start, end = span_of(fund, day)
    past = fund.venue_history
    found = [candle for symbol in fund.symbols for candle in past.candles_between(symbol, CANDLE, start, end)]
    return _keep(fund, Candle, day, found, reason)


def venue_days_due(fund: Fund) -> tuple[date, date] | None:
    """First and last of the days that are over, still at the venue and not kept; ``None``: there is none, or no fund yet."""
    first = first_day(fund)
    if first is None:
        return None
    today = min(fund.now(), fund.clock.now()).astimezone(zone_of(fund)).date()
    oldest = max(first, today - RETENTION + 2 * ONE_DAY)
    missing = [_first_missing(fund, kind, oldest, today) for kind in (IncomeRow, Fill, FundingRate, Candle)]
    due = min((day for day in missing if day is not None), default=None)
    return None if due is None else (due, today - ONE_DAY)


def gap(fund: Fund, kind: type[Any]) -> RetentionGap | None:
    """Days of the fund's life that the venue has forgotten or is about to forget before they were kept."""
    first = first_day(fund)
    if first is None:
        return None
    today = fund.now().astimezone(zone_of(fund)).date()
    missing = _first_missing(fund, kind, first, today)
    kept = today - ONE_DAY if missing is None else missing - ONE_DAY
    return retention_gap(kept, fund.now(), RETENTION, MARGIN, first_day=first, zone=zone_of(fund))


def _first_missing(fund: Fund, kind: type[Any], first: date, today: date) -> date | None:
    kept = set(fund.history.days(kind))
    days = (first + number * ONE_DAY for number in range((today - first).days))
    return next((day for day in days if day not in kept), None)


def _still_kept(fund: Fund, day: date) -> tuple[Any, Any]:
    start, end = span_of(fund, day)
    if start < fund.now() - RETENTION:
        raise InvalidState(f"{day} has left the venue's history: it keeps {RETENTION.days} days")
    return start, end


def _keep(fund: Fund, kind: type[Any], day: date, rows: Any, reason: str | None) -> Written:
    return fund.history.write_day(kind, day, rows, at=fund.clock.now(), reason=reason)
