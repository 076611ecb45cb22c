"""NAV: snapshot the fund, and check what the snapshot promises."""

from datetime import datetime

import dagster as dg

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.account import HEALTH, accounts, income, instruments, marks
from hedge_pipeline.defs.checks import recent, schema_check, told, without
from hedge_pipeline.defs.presentation import instants, markdown, plot, present, table
from hedge_pipeline.defs.reserves import reserves_valuations
from hedge_pipeline.domain.nav import NavSnapshot

PLOTTED = 480
"""Snapshots in a plot: four hours at the default cadence."""


@dg.asset(
    group_name="nav",
    owners=["team:risk"],
    kinds={"python"},
    deps=[accounts, marks, instruments, income, reserves_valuations],
    description=(
        "Net asset value of the account, bottom-up, with both unit ledgers; one row per attempt. Only an accepted row "
        "(complete, reconciled, fresh) moves anything. When it is not accepted, `problems` says which source and why: "
        "look at that source's asset, then at `hedge preflight`."
    ),
)
def nav_snapshots(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    snapshot, now = cycle.take_nav(fund), fund.now()
    return dg.MaterializeResult(
        metadata=present(
            {
                "accepted": snapshot.accepted,
                "problems": markdown(told(snapshot.problems)),
                "labels": markdown(told(snapshot.labels)),
                "nav_usd": snapshot.nav_usd,
                "nav_per_unit": snapshot.nav_per_unit,
                "nav_per_unit_plot": _nav_plot(fund),
                "parts": table(snapshot.parts, "asset", "wallet_balance", "unrealized_pnl", "rate", "value"),
                "aum_usd": snapshot.aum_usd,
                "aum_complete": snapshot.aum_complete,
                "aum_problems": "; ".join(snapshot.aum_problems) or None,
                "treasury_usd": snapshot.treasury_usd,
                "reserves_usd": snapshot.reserves_usd,
                "in_transit_usd": snapshot.in_transit_usd or None,
                "sources": table(snapshot.sources, *HEALTH, now=now),
                **instants(now, as_of=snapshot.as_of),
                **({} if snapshot.accepted else _last_good(snapshot, now)),
            }
        )
    )


def _last_good(snapshot: NavSnapshot, now: datetime) -> dict[str, object]:
    as_of = snapshot.last_good_as_of
    return {
        "last_good_nav_usd": snapshot.last_good_nav_usd,
        "last_good_age_s": None if as_of is None else now - as_of,
        **instants(now, last_good_as_of=as_of),
    }


def _nav_plot(fund: Fund) -> dg.MarkdownMetadataValue | None:
    rows = fund.store.columns(
        NavSnapshot, fund.account, "as_of", "nav_per_unit", limit=PLOTTED, newest_first=True
    )
    return plot(
        "NAV per unit", [(as_of, value) for as_of, value in reversed(rows) if as_of and value is not None]
    )


@dg.asset_check(asset=nav_snapshots, blocking=True)
def nav_is_complete(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Every required source answered and every asset of the account is priced. The failed source is named; clears by itself once it answers."""
    snapshot = fund.latest(NavSnapshot)
    return without(snapshot.problems if snapshot else None, holds=snapshot is not None and snapshot.complete)


@dg.asset_check(asset=nav_snapshots, blocking=True)
def nav_is_reconciled(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """The venue's sums agree with their parts, every change of a wallet is explained by income rows, and all is of one time. A residual clears when its row arrives; after the grace it latches: `hedge explain`."""
    snapshot = fund.latest(NavSnapshot)
    return without(
        snapshot.problems if snapshot else None, holds=snapshot is not None and snapshot.reconciled
    )


@dg.asset_check(asset=nav_snapshots, blocking=True)
def nav_is_recent(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """The last accepted NAV is younger than its limit by the venue's stamp, whenever it was written. If nothing is being written: is the daemon running?"""
    snapshot = fund.latest(NavSnapshot)
    return recent(snapshot.last_good_as_of if snapshot else None, fund.now(), fund.limits.freshness.nav)


@dg.asset_check(asset=nav_snapshots, blocking=True)
def nav_is_not_from_the_future(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """A fact dated ahead of the venue's time would look fresh for longer than it is. Clears when the venue's stamps agree with its clock again."""
    snapshot = fund.latest(NavSnapshot)
    if snapshot is None:
        return without(None, holds=False)
    ahead = [problem for problem in snapshot.problems if problem.code == "future"]
    in_time = snapshot.as_of is None or snapshot.as_of - fund.now() <= fund.limits.freshness.future_tolerance
    return without(ahead, holds=in_time and not ahead)


@dg.asset_check(asset=nav_snapshots, blocking=True)
def nav_is_accepted(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """The latest attempt may be used: nothing about it is unknown, contradictory or too old. Until then the last good one stands, and ages."""
    snapshot = fund.latest(NavSnapshot)
    return without(snapshot.problems if snapshot else None, holds=snapshot is not None and snapshot.accepted)


nav_snapshots_match_their_schema = schema_check(nav_snapshots, NavSnapshot)
