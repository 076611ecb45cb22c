"""What fires by itself: the heartbeats of valuation and gate, and the trading sensor with its own look at everything."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.heartbeat import beat
from hedge_pipeline.defs.jobs import VALUATION, gate_job, nav_job, trading_job
from hedge_pipeline.defs.risk import gate_decisions
from hedge_pipeline.defs.trading import GATED
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import GateDecision, TradingState

BEAT_SECONDS = 30
RUNNING = dg.DefaultSensorStatus.RUNNING


def build_sensors(checks: list[dg.AssetChecksDefinition], *, bar: timedelta) -> list[dg.SensorDefinition]:
    """The sensors over these checks; ``bar`` is how often trading asks."""

    @dg.sensor(
        jobs=[nav_job, gate_job],
        minimum_interval_seconds=BEAT_SECONDS - 1,
        default_status=RUNNING,
        description="Values the fund and judges it every 30 s; asks for a run when a check fails or the state changes.",
    )
    def valuation_sensor(context: dg.SensorEvaluationContext, fund: dg.ResourceParam[Fund]) -> dg.SensorResult:
        before = fund.latest(GateDecision)
        valued = beat(fund, VALUATION, checks)
        judged = beat(fund, [gate_decisions], checks)
        requests = [*_nav_requests(fund, valued.failed), *_gate_requests(before, fund.latest(GateDecision))]
        return dg.SensorResult(run_requests=requests, asset_events=[*valued.events, *judged.events])

    @dg.sensor(
        jobs=[gate_job],
        minimum_interval_seconds=BEAT_SECONDS - 1,
        default_status=RUNNING,
        description="Judges when no valuation has: the gate's verdict never waits for a source.",
    )
    def gate_sensor(context: dg.SensorEvaluationContext, fund: dg.ResourceParam[Fund]) -> dg.SensorResult | dg.SkipReason:
        before = fund.latest(GateDecision)
        if before is not None and fund.clock.now() - before.recorded_at < timedelta(seconds=BEAT_SECONDS):
            return dg.SkipReason("a valuation has just been judged")
        judged = beat(fund, [gate_decisions], checks)
        return dg.SensorResult(
            run_requests=list(_gate_requests(before, fund.latest(GateDecision))), asset_events=list(judged.events)
        )

    @dg.sensor(
        job=trading_job,
        minimum_interval_seconds=BEAT_SECONDS - 1,
        default_status=RUNNING,
        description="Asks for the trading job once per closed bar, if every input, check and the verdict agree now.",
    )
    def trading_sensor(context: dg.SensorEvaluationContext, fund: dg.ResourceParam[Fund]) -> dg.RunRequest | dg.SkipReason:
        reasons = [*objections(fund), *unproven(context.instance, checks)]
        if reasons:
            return dg.SkipReason("; ".join(reasons))
        closed = int(fund.now().timestamp() // bar.total_seconds() * bar.total_seconds())
        return dg.RunRequest(run_key=f"bar closed {datetime.fromtimestamp(closed, UTC).isoformat()}")

    return [valuation_sensor, gate_sensor, trading_sensor]


def _nav_requests(fund: Fund, failed: tuple[str, ...]) -> Iterator[dg.RunRequest]:
    """One red run per kind of failure since the last good NAV, and one more each hour it lasts."""
    if failed:
        snapshot = fund.latest(NavSnapshot)
        since = snapshot.last_good_as_of if snapshot else None
        what = sorted({f"{p.source} {p.code}" for p in snapshot.problems}) if snapshot else []
        key = f"{', '.join(what or sorted(failed))} since {since} hour {fund.now():%Y-%m-%dT%H}"
        yield dg.RunRequest(run_key=key, job_name=nav_job.name, tags={"hedge/why": ", ".join(failed)[:200]})


def _gate_requests(before: GateDecision | None, after: GateDecision | None) -> Iterator[dg.RunRequest]:
    """A run whenever the state or its reasons change: red while the gate is closed."""
    if after is not None and (before is None or _verdict(before) != _verdict(after)):
        yield dg.RunRequest(
            run_key=f"{_verdict(after)} at {after.decided_at.isoformat()}",
            job_name=gate_job.name,
            tags={"hedge/state": after.state.name},
        )


def _verdict(decision: GateDecision) -> str:
    reasons = sorted({b.reason for b in decision.breaches if b.ceiling < TradingState.ACTIVE})
    return f"{decision.state.name} {','.join(reasons)}"


def objections(fund: Fund) -> list[str]:
    """Why nothing may trade now, judged again from the data's own stamps: right even when everything else is dead."""
    decision, now = cycle.judge(fund), fund.now()
    reasons = [
        f"{breach.reason}: {breach.message}" for breach in decision.breaches if breach.ceiling < TradingState.ACTIVE
    ]
    stored = fund.latest(GateDecision)
    if stored is None:
        reasons.append("the gate has never decided")
    elif stored.state is not TradingState.ACTIVE:
        reasons.append(f"the latest decision is {stored.state.name}")
    elif now >= stored.valid_until:
        reasons.append(f"the latest decision was valid until {stored.valid_until.isoformat()}")
    return reasons


def unproven(instance: dg.DagsterInstance, checks: list[dg.AssetChecksDefinition]) -> list[str]:
    """Blocking checks that have not passed on the latest materialization of what they check.

    A check stays SUCCEEDED when its asset is materialized again without it, and PLANNED when it raised.
    """
    gated = {asset.key for asset in GATED}
    reasons = []
    for check in checks:
        spec = next(iter(check.check_specs))
        if not spec.blocking or spec.asset_key not in gated:
            continue
        name = f"{spec.asset_key.to_user_string()}:{spec.name}"
        record = instance.get_latest_asset_check_evaluation_record(spec.key)
        event = instance.get_latest_materialization_event(spec.asset_key)
        if event is None:
            reasons.append(f"{spec.asset_key.to_user_string()} was never materialized")
        elif record is None or record.event is None or record.status.value != "SUCCEEDED":
            reasons.append(f"{name} has not succeeded ({record.status.value if record else 'never ran'})")
        elif record.event.timestamp < event.timestamp:
            reasons.append(f"{name} has not been evaluated since the latest materialization")
    return reasons
