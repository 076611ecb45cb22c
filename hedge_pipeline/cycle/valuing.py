"""Taking NAV: one snapshot per attempt, written together with the flows it absorbed."""

from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

from hedge_pipeline.cycle.fund import Fund, retried
from hedge_pipeline.domain.account import AccountReading, IncomeReading, MarksReading
from hedge_pipeline.domain.documents.models import PeakStateDocument
from hedge_pipeline.domain.drawdown import PeakState, first_state
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.flows import Flow, FlowClassification, FlowInstruction
from hedge_pipeline.domain.ledgers import Declared
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.readings import Readings
from hedge_pipeline.domain.reserves import ReservesValuation
from hedge_pipeline.domain.units import quantized
from hedge_pipeline.domain.valuation import Valuation, value
from hedge_pipeline.domain.verdicts import Command


def take_nav(fund: Fund) -> NavSnapshot:
    """Value the fund from the latest readings; append the snapshot with the flows it absorbed."""
    return retried(lambda: _append_nav(fund))


def _append_nav(fund: Fund) -> NavSnapshot:
    readings = _readings(fund)
    valuation = _valued(fund, readings)
    snapshot = valuation.snapshot
    first = fund.self_inception and snapshot.account_units is None and fund.latest(PeakState) is None
    nav = snapshot.trading_nav if first and snapshot.accepted else None
    if nav is None or nav <= 0 or _is_remembered(fund):
        fund.store.append(snapshot, *valuation.flows)
        return snapshot
    valuation = _valued(fund, replace(readings, opening_units=(quantized(nav), None)))
    snapshot = valuation.snapshot
    reason = "paper profile: the first accepted NAV of an empty store is the baseline"
    fund.store.append(
        snapshot,
        *valuation.flows,
        baseline(
            fund,
            snapshot,
            high_water_mark=snapshot.nav_per_unit or Decimal(1),
            origin="inception",
            detail=reason,
        ),
        Command(
            account=fund.account,
            kind="inception",
            actor="hedge_pipeline",
            approver=None,
            reason=reason,
            recorded_at=fund.clock.now(),
            detail=f"NAV {snapshot.trading_nav} {fund.numeraire}, one unit = 1 {fund.numeraire}",
        ),
    )
    return snapshot


def _is_remembered(fund: Fund) -> bool:
    """Whether publications or history know this account: then its store was emptied, and a person rebuilds the peak.

    Where nobody answers, nothing is known to be remembered.
    """
    path = f"hedge/{fund.env}/{PeakStateDocument.PLACE}"
    try:
        published = fund.publisher.read([path]).get(path)
    except SourceUnavailable:
        published = None
    if published is not None and published.get("account") == fund.account:
        return True
    return fund.history.highest_nav_per_unit(fund.account) is not None


def baseline(
    fund: Fund, snapshot: NavSnapshot, *, high_water_mark: Decimal, origin: str, detail: str
) -> PeakState:
    """The next peak state, begun at the snapshot instead of continuing the last.

    Raises:
        InvalidState: the snapshot can be no baseline.
    """
    last = fund.latest(PeakState)
    return first_state(
        snapshot,
        high_water_mark=high_water_mark,
        origin=origin,
        detail=detail,
        zone=ZoneInfo(fund.limits.reset_timezone),
        recorded_at=fund.clock.now(),
        ordinal=last.ordinal + 1 if last else 1,
    )


def _valued(fund: Fund, readings: Readings) -> Valuation:
    attempted = [r.attempted_at for r in (readings.account, readings.marks, readings.income) if r is not None]
    recorded_at = fund.clock.now()
    return value(
        readings,
        fund.limits,
        account=fund.account,
        numeraire=fund.numeraire,
        uncounted=fund.uncounted,
        attempted_at=min(attempted, default=recorded_at),
        recorded_at=recorded_at,
        now=fund.now(),
    )


def _readings(fund: Fund) -> Readings:
    previous = fund.latest(NavSnapshot)
    baseline = previous.baseline if previous else None
    pending = fund.pending_income(baseline)
    return Readings(
        account=fund.latest(AccountReading),
        marks=fund.latest(MarksReading),
        income=fund.latest(IncomeReading),
        pending_income=tuple(pending),
        income_seq=max([baseline.through_seq if baseline else 0, *(seq for seq, _ in pending)]),
        reserves=fund.latest(ReservesValuation),
        previous=previous,
        opening_units=_opening_units(fund, previous),
        declared=Declared(
            instructions=tuple(fund.store.rows(FlowInstruction, fund.account)),
            classifications={row.flow_key: row for row in fund.store.rows(FlowClassification, fund.account)},
            flows=tuple(fund.store.rows(Flow, fund.account)),
        ),
    )


def _opening_units(fund: Fund, previous: NavSnapshot | None) -> tuple[Decimal, Decimal | None] | None:
    """Units of a baseline that no snapshot has taken over yet."""
    peak = fund.latest(PeakState)
    if peak is None or peak.origin == "snapshot":
        return None
    if previous is not None and previous.account_units is not None and previous.ordinal >= peak.nav_ordinal:
        return None
    return peak.account_units, peak.fund_units
