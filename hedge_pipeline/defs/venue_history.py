"""The venue's own past as daily partitions, read while the venue still has it, with a warning before it has not."""

from collections.abc import Callable
from datetime import date
from typing import Any

import dagster as dg

from hedge_pipeline.cycle import Fund, venue_past
from hedge_pipeline.defs.checks import judged
from hedge_pipeline.defs.partitions import GROUP, SINGLE_RUN, Restating, keep_days
from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.history.partitions import Written
from hedge_pipeline.domain.market_data import Fill

PREFIX = "history"


def _asset(name: str, keep: Callable[..., Written], description: str) -> dg.AssetsDefinition:
    @dg.asset(
        name=name,
        key_prefix=PREFIX,
        group_name=GROUP,
        owners=["team:treasury"],
        kinds={"parquet", "binance"},
        backfill_policy=SINGLE_RUN,
        description=f"{description} A day is kept whole or refused; the same rows again change nothing.",
    )
    def kept(
        context: dg.AssetExecutionContext, config: Restating, fund: dg.ResourceParam[Fund]
    ) -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(
            metadata=keep_days(context, fund, keep, reason=config.reason, first=date.min)
        )

    return kept


venue_income = _asset(
    "income",
    venue_past.keep_income,
    "Every line of the venue's income list of a closed day. The venue forgets them after three months.",
)
venue_fills = _asset(
    "fills", venue_past.keep_fills, "The account's own executions. The venue forgets them after three months."
)
venue_funding_rates = _asset(
    "funding_rates", venue_past.keep_funding_rates, "What was settled between longs and shorts, per symbol."
)
venue_candles = _asset("candles", venue_past.keep_candles, "What was traded in each minute, per symbol.")

VENUE_HISTORY = [venue_income, venue_fills, venue_funding_rates, venue_candles]


def _retention_check(asset: dg.AssetsDefinition, kind: type[Any]) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=asset,
        name="retention_gap",
        description=(
            "No day of the fund's life has left the venue's history, or soon will, before it is kept. Backfill the days it "
            "names: what the venue has forgotten comes back only as an export."
        ),
    )
    def check(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
        gap = venue_past.gap(fund, kind)
        return judged(
            holds=gap is None,
            description=None if gap is None else f"{gap.message}: {gap.remedy}",
            lost=len(gap.lost) if gap else 0,
            leaving=len(gap.leaving) if gap else 0,
        )

    return check


no_income_is_lost = _retention_check(venue_income, IncomeRow)
no_fill_is_lost = _retention_check(venue_fills, Fill)
