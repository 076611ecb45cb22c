"""NAV: snapshot the fund, and check what the snapshot promises."""

import dagster as dg

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.account import accounts, income, instruments, marks
from hedge_pipeline.defs.checks import passed, recent, schema_check
from hedge_pipeline.defs.presentation import instants, plot, present, table
from hedge_pipeline.defs.reserves import reserves_valuations
from hedge_pipeline.domain.nav import NavSnapshot

PLOTTED = 240


@dg.asset(
    group_name="nav",
    owners=["team:risk"],
    kinds={"python"},
    deps=[accounts, marks, instruments, income, reserves_valuations],
    description=(
        "Net asset value of the account, bottom-up, with both unit ledgers; one row per attempt. Only an accepted row "
        "(complete, reconciled, fresh) moves anything. When it is not accepted, `problems` says which source and why."
    ),
)
def nav_snapshots(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    snapshot = cycle.take_nav(fund)
    return dg.MaterializeResult(
        metadata=present({
            "accepted": snapshot.accepted,
            "nav_usd": snapshot.nav_usd,
            "nav_per_unit": snapshot.nav_per_unit,
            "aum_usd": snapshot.aum_usd,
            "aum_complete": snapshot.aum_complete,
            "last_good_nav_usd": snapshot.last_good_nav_usd,
            "problems": table(snapshot.problems),
            "parts": table(snapshot.parts),
            "sources": table(snapshot.sources),
            **instants(as_of=snapshot.as_of, last_good_as_of=snapshot.last_good_as_of),
        })
    )


def nav_plot(fund: Fund) -> dg.MarkdownMetadataValue:
    """NAV per unit over the latest accepted snapshots."""
    rows = reversed(fund.recent(NavSnapshot, PLOTTED))
    return plot("NAV per unit", [(r.as_of, r.nav_per_unit) for r in rows if r.as_of and r.nav_per_unit is not None])


@dg.asset_check(asset=nav_snapshots, blocking=True)
def nav_is_complete(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Every required source answered and every asset of the account is priced. The failed source is named; it clears by itself."""
    snapshot = fund.latest(NavSnapshot)
    return passed(snapshot is not None and snapshot.complete, problems=table(snapshot.problems if snapshot else ()))


@dg.asset_check(asset=nav_snapshots, blocking=True)
def nav_is_reconciled(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """The venue's sums agree with their parts, and every change of a wallet is explained by income rows."""
    snapshot = fund.latest(NavSnapshot)
    return passed(
        snapshot is not None and snapshot.reconciled,
        residuals=table(snapshot.residuals if snapshot else ()),
        **instants(unreconciled_since=snapshot.unreconciled_since if snapshot else None),
    )


@dg.asset_check(asset=nav_snapshots, blocking=True)
def nav_is_recent(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """The last accepted NAV is younger than its limit by the venue's stamp, whenever it was written."""
    snapshot = fund.latest(NavSnapshot)
    return recent(snapshot.last_good_as_of if snapshot else None, fund.now(), fund.limits.freshness.nav)


@dg.asset_check(asset=nav_snapshots, blocking=True)
def nav_is_not_from_the_future(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """A fact dated ahead of the venue's time would look fresh for longer than it is."""
    snapshot = fund.latest(NavSnapshot)
    ahead = [problem for problem in snapshot.problems if problem.code == "future"] if snapshot else []
    late = snapshot is not None and (
        snapshot.as_of is None or snapshot.as_of - fund.now() <= fund.limits.freshness.future_tolerance
    )
    return passed(late and not ahead, problems=table(ahead))


@dg.asset_check(asset=nav_snapshots, blocking=True)
def nav_is_accepted(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """The latest attempt may be used: nothing about it is unknown, contradictory or too old."""
    snapshot = fund.latest(NavSnapshot)
    return passed(snapshot is not None and snapshot.accepted, problems=table(snapshot.problems if snapshot else ()))


nav_snapshots_match_their_schema = schema_check(nav_snapshots, NavSnapshot)
