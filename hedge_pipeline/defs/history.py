"""History: closed days as daily partitions, backfilled as one run, and checked against what was said live."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from itertools import islice
from typing import Any

import dagster as dg

from hedge_pipeline.cycle import Fund, closing
from hedge_pipeline.defs.checks import judged
from hedge_pipeline.defs.nav import nav_snapshots
from hedge_pipeline.defs.partitions import (
    GROUP,
    SINGLE_RUN,
    Restating,
    days_asked,
    keep_days,
    told_restatements,
)
from hedge_pipeline.defs.presentation import listed, plot, present, table, words
from hedge_pipeline.defs.risk import peak_states
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.history.agreement import disagreements, left_over
from hedge_pipeline.domain.history.days import Day
from hedge_pipeline.domain.history.minutes import Minute
from hedge_pipeline.domain.history.paths import DrawdownPoint, drawdown_path

SHOWN_DAYS = 366
"""Of a plot."""
OWNERS = ["team:risk"]
NAMED = 10
"""How many faults a check names."""


@dg.asset(
    group_name=GROUP,
    owners=OWNERS,
    kinds={"parquet"},
    deps=[nav_snapshots, peak_states],
    backfill_policy=SINGLE_RUN,
    description=(
        "Each minute of a closed day: open, high, low and close of NAV per unit, NAV and AUM at the close, the live peak "
        "state, attempts. Written once; the same rows again change nothing. Other rows are refused: give the run a "
        "`reason` and they become the next version, beside the old one."
    ),
)
def nav_minutes(
    context: dg.AssetExecutionContext, config: Restating, fund: dg.ResourceParam[Fund]
) -> dg.MaterializeResult[None]:
    metadata = keep_days(context, fund, closing.keep_minutes, reason=config.reason)
    last = next(iter(reversed(_stored(fund, Minute, days_asked(context)))), None)
    minutes = (fund.history.rows(Minute, last) or []) if last else []
    points = [(minute.minute, minute.close) for minute in minutes if minute.close is not None]
    return dg.MaterializeResult(
        metadata={**metadata, **present({"nav_per_unit_plot": plot("NAV per unit", points)})}
    )


@dg.asset(
    group_name=GROUP,
    owners=OWNERS,
    kinds={"parquet"},
    deps=[nav_minutes],
    backfill_policy=SINGLE_RUN,
    description=(
        "A closed day in one row: prices of the unit, what changed NAV since the last day's close cause by cause, how "
        "complete its minutes are, attempts and incidents. It continues the day before: materialize days in one run, "
        "oldest first. Income that arrived late makes a day differ: materialize it again with a `reason`."
    ),
)
def nav_daily(
    context: dg.AssetExecutionContext, config: Restating, fund: dg.ResourceParam[Fund]
) -> dg.MaterializeResult[None]:
    metadata = keep_days(context, fund, closing.keep_day, reason=config.reason)
    stored = _stored(fund, Day, days_asked(context))
    rows = [fund.history.last(Day, day) for day in stored[-7:]]
    return dg.MaterializeResult(
        metadata={
            **metadata,
            **present(
                {
                    "days_table": table(
                        rows,
                        "day",
                        "close",
                        "change",
                        "flows",
                        "realized_pnl",
                        "funding",
                        "commission",
                        "completeness",
                    ),
                    "close_plot": plot("NAV per unit at the close", _closes(fund, stored[-SHOWN_DAYS:])),
                }
            ),
        }
    )


@dg.asset(
    group_name=GROUP,
    owners=OWNERS,
    kinds={"parquet"},
    deps=[nav_minutes],
    backfill_policy=SINGLE_RUN,
    description=(
        "The path of the drawdown, a point a minute, walked from NAV alone by the rule of the live peak state and then "
        "compared with it. It continues the day before: materialize days in one run, oldest first."
    ),
)
def drawdown_history(
    context: dg.AssetExecutionContext, config: Restating, fund: dg.ResourceParam[Fund]
) -> dg.MaterializeResult[None]:
    metadata = keep_days(context, fund, closing.keep_drawdown, reason=config.reason)
    last = next(iter(reversed(_stored(fund, DrawdownPoint, days_asked(context)))), None)
    points = (fund.history.rows(DrawdownPoint, last) or []) if last else []
    closes = fund.history.floats(DrawdownPoint, "nav_per_unit", days=SHOWN_DAYS)
    return dg.MaterializeResult(
        metadata={
            **metadata,
            **present(
                {
                    "drawdown": points[-1].drawdown if points else None,
                    "high_water_mark": points[-1].high_water_mark if points else None,
                    "deepest_of_a_year": float(drawdown_path(closes).max()) if len(closes) else None,
                    "drawdown_plot": plot("drawdown", [(point.minute, point.drawdown) for point in points]),
                }
            ),
        }
    )


@dg.asset_check(asset=drawdown_history, blocking=True)
def drawdown_agrees_with_the_live_peak_state(
    context: dg.AssetCheckExecutionContext, fund: dg.ResourceParam[Fund]
) -> dg.AssetCheckResult:
    """High-water mark and drawdown are those of the stored peak state of the same snapshot, to the last digit. A failure means an edited store, or jump limits that were other ones then: compare both rows with `hedge sql`."""
    return _free_of_faults(
        fund,
        DrawdownPoint,
        context,
        lambda day: disagreements(
            fund.history.rows(Minute, day) or [], fund.history.rows(DrawdownPoint, day) or []
        ),
    )


@dg.asset_check(asset=nav_daily, blocking=True)
def causes_add_up_to_the_change(
    context: dg.AssetCheckExecutionContext, fund: dg.ResourceParam[Fund]
) -> dg.AssetCheckResult:
    """Flows, realized PnL, funding, commission, other income, unrealized PnL and revaluation are the day's change, to the last digit. A failure is a damaged or edited file: restore it from a backup."""

    def faults(day: date) -> Iterable[str]:
        row = fund.history.last(Day, day)
        left = left_over(row) if row else None
        return [f"{day}: {left} is left over"] if left else []

    return _free_of_faults(fund, Day, context, faults)


@dg.asset_check(asset=nav_daily)
def every_minute_is_known(
    context: dg.AssetCheckExecutionContext, fund: dg.ResourceParam[Fund]
) -> dg.AssetCheckResult:
    """Every minute of the day has an accepted NAV. A gap stays: it is what was known. Look at the incidents of that day for its cause."""

    def faults(day: date) -> Iterable[str]:
        row = fund.history.last(Day, day)
        if row is not None and row.minutes_known < row.minutes:
            yield f"{day}: {row.minutes - row.minutes_known} of {row.minutes} minutes without an accepted NAV"

    return _free_of_faults(fund, Day, context, faults)


@dg.asset_check(asset=nav_minutes)
def files_are_whole(
    context: dg.AssetCheckExecutionContext, fund: dg.ResourceParam[Fund]
) -> dg.AssetCheckResult:
    """Every file of the days can be read back and its pages match their checksums. A damaged one is named: restore it from a backup."""

    def faults(day: date) -> Iterable[str]:
        for kind in (Minute, Day, DrawdownPoint):
            try:
                fund.history.rows(kind, day)
            except InvalidState as damage:
                yield str(damage)

    return _free_of_faults(fund, Minute, context, faults)


@dg.asset_check(asset=nav_daily)
def no_day_was_restated(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """No day says something else than it first did. Each that does is listed with its reason; earlier versions lie beside it."""
    restated = [entry for kind in (Minute, Day, DrawdownPoint) for entry in fund.history.restatements(kind)]
    return judged(holds=not restated, description=told_restatements(restated), restated=len(restated))


def _stored(fund: Fund, kind: type[Any], days: Sequence[date]) -> list[date]:
    """Of these days, or of all when none are asked for, those that are stored."""
    return [day for day in days if fund.history.holds(kind, day)] if days else fund.history.days(kind)[-1:]


def _closes(fund: Fund, days: Sequence[date]) -> list[tuple[datetime, Any]]:
    rows = [fund.history.last(Day, day) for day in days]
    return [
        (datetime.combine(row.day, time(), UTC), row.close)
        for row in rows
        if row is not None and row.close is not None
    ]


def _free_of_faults(
    fund: Fund, kind: type[Any], context: dg.AssetCheckExecutionContext, faults: Any
) -> dg.AssetCheckResult:
    """A verdict on the days of the run, or on the last one stored when a check is run alone."""
    days = _stored(fund, kind, days_asked(context))
    found = list(islice((fault for day in days for fault in faults(day)), NAMED))
    return judged(holds=not found, description=listed(map(words, found)), days=len(days))
