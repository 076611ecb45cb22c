"""The trading sensor: asks for one trading job per closed bar, if the verdict, every check and every input agree now.

It looks for itself, at stored rows and at Dagster's records: what it finds is told whole, so that one look at its ticks says
why nothing trades. The run looks again, and the permit looks last.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.asking import RUNNING, interval
from hedge_pipeline.defs.gated import GATED
from hedge_pipeline.defs.jobs import trading_job
from hedge_pipeline.defs.protection import exits
from hedge_pipeline.domain.account import AccountReading, IncomeReading, MarksReading
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.trading.bars import cycle_at
from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.domain.trading.readings import FillsReading, OrdersReading
from hedge_pipeline.domain.verdicts import GateDecision, TradingState

GOING = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def build_trading_sensor(
    checks: Sequence[dg.AssetChecksDefinition], *, cadence: timedelta
) -> dg.SensorDefinition:
    """The sensor over these checks, at this cadence."""

    @dg.sensor(
        job=trading_job,
        minimum_interval_seconds=interval(cadence),
        default_status=RUNNING,
        description=(
            "Asks for the trading job once per closed bar, if every input, check and the verdict agree now. A skipped tick "
            "names every reason there is."
        ),
    )
    def trading_sensor(context: dg.SensorEvaluationContext, fund: dg.ResourceParam[Fund]) -> dg.SensorResult:
        reasons = [*not_enabled(fund), *objections(fund), *outdated(fund)]
        key = f"bar closed {_closed(fund).isoformat()}"
        if context.cursor == key:
            reasons.append("asked for already")
        else:
            reasons += [*still_going(context.instance), *unproven(context.instance, checks)]
        if reasons:
            return dg.SensorResult(skip_reason=f"{key}: {'; '.join(reasons)}", cursor=context.cursor)
        tags = {"hedge/ages": ", ".join(f"{name} {_told(age)}" for name, age, _ in ages(fund))}
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=key, tags=tags)], cursor=key)

    return trading_sensor


def _closed(fund: Fund) -> datetime:
    """When the newest bar closed, of the strategy whose bars are shortest."""
    return cycle_at(fund.now(), min(strategy.bar for strategy in fund.trading.strategies))


def not_enabled(fund: Fund) -> Iterator[str]:
    """That nobody has enabled trading here, and how that is done."""
    if not fund.trading.enabled:
        yield (
            "trading is not enabled: write `enabled = true` below `[trading]` in the settings of this profile, "
            "demo before live"
        )


def objections(fund: Fund) -> list[str]:
    """Why nothing may trade now, judged again from the data's own stamps: right even when everything else is dead."""
    decision, now = cycle.judge(fund), fund.now()
    reasons = [
        f"{breach.reason}: {breach.message}"
        for breach in decision.breaches
        if breach.ceiling < TradingState.ACTIVE
    ]
    stored = fund.latest(GateDecision)
    if stored is None:
        reasons.append("the gate has never decided")
    elif stored.state is not TradingState.ACTIVE:
        reasons.append(f"the latest decision is {stored.state.name}")
    elif now >= stored.valid_until:
        reasons.append(f"the latest decision was valid until {stored.valid_until.isoformat()}")
    return reasons


def ages(fund: Fund) -> list[tuple[str, timedelta | None, timedelta]]:
    """Every input by name, how old its newest fact is, and how old it may be; ``None``: nothing was ever known."""
    freshness, silence = fund.limits.freshness, fund.trading.silence
    snapshot = fund.latest(NavSnapshot)
    known: dict[str, tuple[datetime | None, timedelta]] = {
        "accounts": (_stamp(fund, AccountReading), freshness.nav),
        "marks": (_stamp(fund, MarksReading), freshness.marks),
        "instruments": (_stamp(fund, InstrumentsReading), freshness.instruments),
        "income": (_stamp(fund, IncomeReading), freshness.nav),
        "nav_snapshots": (snapshot.last_good_as_of if snapshot else None, freshness.nav),
        "peak_states": (_stamp(fund, PeakState), freshness.peak),
        "open_orders": (_stamp(fund, OrdersReading), silence),
        "fills": (_stamp(fund, FillsReading), silence),
        "exits": (_stamp(fund, ExitCover), silence),
    }
    now = fund.now()
    return [(name, None if at is None else now - at, limit) for name, (at, limit) in known.items()]


def _stamp(fund: Fund, table: type[Any]) -> datetime | None:
    row = fund.last_known(table, "as_of")
    as_of: datetime | None = row.as_of if row else None
    return as_of


def outdated(fund: Fund) -> Iterator[str]:
    """Inputs that are too old, or ahead of the venue's time."""
    for name, age, limit in ages(fund):
        if age is None or not -fund.limits.freshness.future_tolerance <= age < limit:
            yield f"{name} {_told(age)}, the limit is {limit.total_seconds():g} s"


def _told(age: timedelta | None) -> str:
    return "never known" if age is None else f"{age.total_seconds():.0f} s old"


def still_going(instance: dg.DagsterInstance) -> Iterator[str]:
    """The last bar's run, while it lasts: two would plan against each other's orders."""
    for run in instance.get_runs(dg.RunsFilter(job_name=trading_job.name, statuses=GOING), limit=1):
        yield f"run {run.run_id} is still {run.status.value}: terminate it in the UI if its process is gone"


def unproven(instance: dg.DagsterInstance, checks: Sequence[dg.AssetChecksDefinition]) -> list[str]:
    """Blocking checks that have not passed on the latest materialization of what they check.

    A check stays SUCCEEDED when its asset is materialized again without it, and PLANNED when it raised.
    """
    gated = {asset.key for asset in (*GATED, exits)}
    specs = [
        spec for check in checks for spec in check.check_specs if spec.blocking and spec.asset_key in gated
    ]
    evaluated = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        [spec.key for spec in specs]
    )
    materialized = {
        record.asset_entry.asset_key: record.asset_entry.last_materialization
        for record in instance.get_asset_records(sorted(gated))
    }
    reasons = [
        f"{key.to_user_string()} was never materialized" for key in sorted(gated) if not materialized.get(key)
    ]
    for spec in specs:
        name, record = f"{spec.asset_key.to_user_string()}:{spec.name}", evaluated.get(spec.key)
        latest = materialized.get(spec.asset_key)
        if latest is None:
            continue
        if record is None or record.event is None or record.status.value != "SUCCEEDED":
            reasons.append(f"{name} has not succeeded ({record.status.value if record else 'never ran'})")
        elif record.event.timestamp < latest.timestamp:
            reasons.append(f"{name} has not been evaluated since the latest materialization")
    return reasons
