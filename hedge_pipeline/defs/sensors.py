"""What fires by itself: the heartbeats of valuation, reserves, gate and publications.

Each tick is bounded in time by the limits of what it reads, well inside the minute the daemon waits for it. A tick that
raises shows as failed with its message; what it would have written is then missing, so it ages and the gate closes.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import dagster as dg

from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.asking import RUNNING, interval, outcome, red_runs
from hedge_pipeline.defs.heartbeat import beat
from hedge_pipeline.defs.jobs import RESERVES, VALUATION, gate_job, nav_job, publication_job, reserves_job
from hedge_pipeline.defs.publication import arrivals, events
from hedge_pipeline.defs.risk import gate_decisions
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.reserves import ReservesValuation
from hedge_pipeline.domain.verdicts import GateDecision, TradingState

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
        minimum_interval_seconds=interval(valuation),
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
        return outcome([*valued.events, *judged.events], requests, told=_told(fund))

    @dg.sensor(
        job=reserves_job,
        minimum_interval_seconds=interval(reserves),
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
        return outcome(valued.events, list(red_runs(fund, valued.failed, reserves_job.name)), told=told)

    @dg.sensor(
        job=gate_job,
        minimum_interval_seconds=interval(valuation / 2),
        default_status=RUNNING,
        description="Judges when no valuation has: the gate's verdict never waits for a source.",
    )
    def gate_sensor(context: dg.SensorEvaluationContext, fund: dg.ResourceParam[Fund]) -> dg.SensorResult:
        before = fund.latest(GateDecision)
        if before is not None and timedelta(0) <= fund.now() - before.decided_at < valuation + SLACK:
            return dg.SensorResult(skip_reason=f"{before.state.name}, judged {before.decided_at:%H:%M:%S}")
        judged = beat(fund, [gate_decisions], checks)
        return outcome(
            judged.events, list(_gate_requests(before, fund.latest(GateDecision))), told=_told(fund)
        )

    @dg.sensor(
        job=publication_job,
        minimum_interval_seconds=interval(publication),
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
        requests = list(red_runs(fund, failed, publication_job.name, since=since))
        return outcome(list(events(published)), requests, told=told)

    return [valuation_sensor, reserves_sensor, gate_sensor, publication_sensor]


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
