"""What fires by itself: the heartbeats of valuation, reserves and gate, and the trading sensor with its own look at everything.

Each tick is bounded in time by the limits of what it reads, well inside the minute the daemon waits for it. A tick that
raises shows as failed with its message; what it would have written is then missing, so it ages and the gate closes.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.heartbeat import beat
from hedge_pipeline.defs.jobs import (
    RESERVES,
    VALUATION,
    gate_job,
    nav_job,
    publication_job,
    reserves_job,
    trading_job,
)
from hedge_pipeline.defs.publication import arrivals, events
from hedge_pipeline.defs.risk import gate_decisions
from hedge_pipeline.defs.trading import GATED
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.reserves import ReservesValuation
from hedge_pipeline.domain.verdicts import GateDecision, TradingState

RUNNING = dg.DefaultSensorStatus.RUNNING
BAR = timedelta(hours=1)
"""How often trading asks."""
SLACK = timedelta(seconds=10)
"""A valuation's own duration, and the daemon's loop of five seconds: a verdict is this much older than a cadence at most."""


def build_sensors(
    checks: Sequence[dg.AssetChecksDefinition],
    *,
    valuation: timedelta,
    reserves: timedelta,
    publication: timedelta,
) -> list[dg.SensorDefinition]:
    """The sensors over these checks, at these cadences."""

    @dg.sensor(
        jobs=[nav_job, gate_job],
        minimum_interval_seconds=_interval(valuation),
        default_status=RUNNING,
        description=(
            "Values the fund and judges it, without a run; asks for one when a check fails or the verdict changes. "
            "A failed tick says what could not be read or written; meanwhile gate_sensor judges."
        ),
    )
    def valuation_sensor(
        context: dg.SensorEvaluationContext, fund: dg.ResourceParam[Fund]
    ) -> dg.SensorResult:
        before = fund.latest(GateDecision)
        valued = beat(fund, VALUATION, checks)
        judged = beat(fund, [gate_decisions], checks)
        requests = [*_nav_requests(fund, valued.failed), *_gate_requests(before, fund.latest(GateDecision))]
        return _result([*valued.events, *judged.events], requests, told=_told(fund))

    @dg.sensor(
        job=reserves_job,
        minimum_interval_seconds=_interval(reserves),
        default_status=RUNNING,
        description="Prices and values treasury and reserves, without a run; asks for one when a check fails.",
    )
    def reserves_sensor(context: dg.SensorEvaluationContext, fund: dg.ResourceParam[Fund]) -> dg.SensorResult:
        valued = beat(fund, RESERVES, checks)
        valuation = fund.latest(ReservesValuation)
        told = (
            f"treasury {valuation.treasury_usd:,.2f}, reserves {valuation.reserves_usd:,.2f} USD"
            if valuation
            else ""
        )
        return _result(valued.events, list(_requests_for(fund, valued.failed, reserves_job.name)), told=told)

    @dg.sensor(
        job=gate_job,
        minimum_interval_seconds=_interval(valuation / 2),
        default_status=RUNNING,
        description="Judges when no valuation has: the gate's verdict never waits for a source.",
    )
    def gate_sensor(context: dg.SensorEvaluationContext, fund: dg.ResourceParam[Fund]) -> dg.SensorResult:
        before = fund.latest(GateDecision)
        if before is not None and timedelta(0) <= fund.now() - before.decided_at < valuation + SLACK:
            return dg.SensorResult(skip_reason=f"{before.state.name}, judged {before.decided_at:%H:%M:%S}")
        judged = beat(fund, [gate_decisions], checks)
        return _result(
            judged.events, list(_gate_requests(before, fund.latest(GateDecision))), told=_told(fund)
        )

    @dg.sensor(
        job=trading_job,
        minimum_interval_seconds=_interval(valuation),
        default_status=RUNNING,
        description="Asks for the trading job once per closed bar, if every input, check and the verdict agree now.",
    )
    def trading_sensor(context: dg.SensorEvaluationContext, fund: dg.ResourceParam[Fund]) -> dg.SensorResult:
        closed = int(fund.now().timestamp() // BAR.total_seconds() * BAR.total_seconds())
        key = f"bar closed {datetime.fromtimestamp(closed, UTC).isoformat()}"
        reasons = objections(fund) or (
            ["asked for already"] if context.cursor == key else unproven(context.instance, checks)
        )
        if reasons:
            return dg.SensorResult(skip_reason=f"{key}: {'; '.join(reasons)}", cursor=context.cursor)
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=key)], cursor=key)

    @dg.sensor(
        job=publication_job,
        minimum_interval_seconds=_interval(publication),
        default_status=RUNNING,
        description=(
            "Publishes what the store holds, without a run; asks for one when a document did not arrive. "
            "It reads what the others wrote and writes nothing they read."
        ),
    )
    def publication_sensor(
        context: dg.SensorEvaluationContext, fund: dg.ResourceParam[Fund]
    ) -> dg.SensorResult:
        from hedge_pipeline.publishing import publish  # pydantic's models: loading definitions need not pay

        published = publish(fund)
        failed = tuple(
            arrival.key.to_user_string() for arrival in arrivals(published) if arrival.reason is not None
        )
        in_place = sum(document.outcome.in_place for document in published.documents)
        told = f"{in_place} of {len(published.documents)} documents in place at {published.target}"
        since = min((row.last_success_at for row in published.documents if row.last_success_at), default=None)
        requests = list(_requests_for(fund, failed, publication_job.name, since=since))
        return _result(list(events(published)), requests, told=told)

    return [valuation_sensor, reserves_sensor, gate_sensor, trading_sensor, publication_sensor]


def _interval(cadence: timedelta) -> int:
    """A second less: the daemon looks every five seconds and would else miss its turn by a hair."""
    return max(1, int(cadence.total_seconds()) - 1)


def _result(
    events: Sequence[dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation],
    requests: list[dg.RunRequest],
    *,
    told: str,
) -> dg.SensorResult:
    """Runs, or in a line why there are none."""
    if requests:
        return dg.SensorResult(run_requests=requests, asset_events=events)
    return dg.SensorResult(skip_reason=told, asset_events=events)


def _told(fund: Fund) -> str:
    """What a beat saw, in a line."""
    snapshot, decision = fund.latest(NavSnapshot), fund.latest(GateDecision)
    state = decision.state.name if decision else "never judged"
    if snapshot is None or snapshot.nav_usd is None or not snapshot.accepted:
        return f"{state}; no accepted NAV"
    return f"{state}; NAV {snapshot.nav_usd:,.2f} USD"


def _nav_requests(fund: Fund, failed: tuple[str, ...]) -> Iterator[dg.RunRequest]:
    """One red run per kind of failure since the last good NAV, and one more each hour it lasts."""
    if failed:
        snapshot = fund.latest(NavSnapshot)
        since = snapshot.last_good_as_of if snapshot else None
        what = sorted({f"{p.source} {p.code}" for p in snapshot.problems}) if snapshot else []
        key = f"{', '.join(what or failed)} since {since} hour {fund.now():%Y-%m-%dT%H}"
        yield dg.RunRequest(run_key=key, job_name=nav_job.name, tags={"hedge/why": ", ".join(failed)[:200]})


def _requests_for(
    fund: Fund, failed: tuple[str, ...], job_name: str, *, since: datetime | None = None
) -> Iterator[dg.RunRequest]:
    """One run for what fails ``since`` it last did not, and one more each hour it lasts."""
    if failed:
        key = f"{', '.join(failed)} since {since} hour {fund.now():%Y-%m-%dT%H}"
        yield dg.RunRequest(run_key=key, job_name=job_name, tags={"hedge/why": ", ".join(failed)[:200]})


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


def unproven(instance: dg.DagsterInstance, checks: Sequence[dg.AssetChecksDefinition]) -> list[str]:
    """Blocking checks that have not passed on the latest materialization of what they check.

    A check stays SUCCEEDED when its asset is materialized again without it, and PLANNED when it raised.
    """
    gated = {asset.key for asset in GATED}
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
