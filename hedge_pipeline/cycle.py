"""The fund cycle: read the world, value the fund, judge whether it may trade; one function per step.

Each step reads what the store holds, does one thing and appends one row, whatever happened; steps hand nothing to
each other. A Dagster asset, the heartbeat and the command line call the same functions.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from hedge_pipeline.domain.account import (
    AccountReading,
    IncomeReading,
    IncomeRow,
    MarksReading,
    went_backwards,
)
from hedge_pipeline.domain.drawdown import PeakState, advance, first_state, start_of_day
from hedge_pipeline.domain.errors import ConcurrentAppend, InvalidState, SourceUnavailable
from hedge_pipeline.domain.flows import Flow, FlowClassification, FlowInstruction
from hedge_pipeline.domain.gate_inputs import GateInputs
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.ledgers import Declared
from hedge_pipeline.domain.limits import RiskLimits
from hedge_pipeline.domain.nav import IncomeBaseline, NavSnapshot
from hedge_pipeline.domain.prices import PriceLimits, PricesReading
from hedge_pipeline.domain.readings import Readings, assets_in_question
from hedge_pipeline.domain.reserves import HoldingsReading, ReservesValuation
from hedge_pipeline.domain.reserves import value_reserves as valued
from hedge_pipeline.domain.risk_gate import evaluate, incident_changes
from hedge_pipeline.domain.sources import ClockReading, SourceHealth, venue_now
from hedge_pipeline.domain.units import quantized
from hedge_pipeline.domain.valuation import Valuation, value
from hedge_pipeline.domain.verdicts import Command, GateDecision, Waiver
from hedge_pipeline.ports import Clock, HoldingsSource, Pricer, StateStore, Venue

Row = TypeVar("Row")

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
EVERY_ROW = 2**62
"""A row id beyond any: selects by stamp alone."""
ATTEMPTS = 5
"""How often a step starts again when another process appended first."""


@dataclass(frozen=True, kw_only=True)
class Fund:
    """One account's ports and policy: what every step works on."""

    account: str
    store: StateStore
    venue: Venue
    holdings: HoldingsSource
    price: Pricer
    price_limits: PriceLimits
    clock: Clock
    limits: RiskLimits
    numeraire: str
    uncounted: frozenset[str] = frozenset()
    self_inception: bool = False
    """Whether the first accepted NAV of an empty store is the baseline without a person saying so: paper only."""
    two_people: bool = True
    """Whether an order that loosens a guard needs a second person: everywhere but in paper."""

    def latest(self, table: type[Row]) -> Row | None:
        return self.store.latest(table, self.account)

    def recent(self, table: type[Row], limit: int) -> list[Row]:
        """Newest first."""
        return self.store.rows(table, self.account, limit=limit, newest_first=True)

    def last_where(self, table: type[Row], good: Callable[[Row], bool]) -> Row | None:
        """The newest row that is good, among the last day's worth of attempts."""
        for limit in (1, 30, 3000):
            found = next((row for row in self.recent(table, limit) if good(row)), None)
            if found is not None:
                return found
        return None

    def clock_reading(self) -> ClockReading | None:
        """The last time the venue told its time."""
        reading = self.last_where(AccountReading, lambda row: row.clock is not None)
        return reading.clock if reading else None

    def now(self) -> datetime:
        """The venue's time, carried forward by the monotonic clock; our wall clock before any reading."""
        return venue_now(
            self.clock_reading(),
            wall=self.clock.now(),
            monotonic_s=self.clock.monotonic(),
            boot_id=self.clock.boot_id(),
        )


def retried(step: Callable[[], Row]) -> Row:
    """Do it, again from the start whenever another process has appended first, a few times over.

    Raises:
        ConcurrentAppend: other processes kept appending first; nothing was written.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(ConcurrentAppend):
            return step()
    return step()


def read_account(fund: Fund) -> AccountReading:
    """Clock, balances, positions and modes; an answer older than one already had is a failed source."""
    reading = fund.venue.read_account()
    for source, field in (("balances", "balances"), ("positions", "positions")):
        before = fund.last_where(AccountReading, lambda row, field=field: getattr(row, field) is not None)  # type: ignore[misc]
        backwards = went_backwards(before, reading)
        if backwards is not None and backwards.startswith(source):
            reading = _refused(reading, source, backwards)
    fund.store.append(reading)
    return reading


def _refused(reading: AccountReading, source: str, reason: str) -> AccountReading:
    """The reading without what ``source`` said."""
    sources = tuple(
        SourceHealth(source=entry.source, ok=False, as_of=None, error=reason) if entry.source == source else entry
        for entry in reading.sources
    )
    if source == "positions":
        return replace(reading, positions=None, sources=sources)
    return replace(
        reading, as_of=None, answered_at=None, balances=None, totals=None, account_positions=None, sources=sources
    )


def _held(fund: Fund) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Symbols the account holds and assets a valuation needs a price of, by the last readings that knew."""
    with_positions = fund.last_where(AccountReading, lambda row: row.positions is not None)
    with_balances = fund.last_where(AccountReading, lambda row: row.balances is not None)
    symbols = {p.symbol for p in (with_positions.positions if with_positions else None) or ()}
    balances = (with_balances.balances if with_balances else None) or ()
    assets = {b.asset for b in balances if b.wallet_balance or b.unrealized_pnl} | {fund.numeraire}
    previous = fund.latest(NavSnapshot)
    if previous is not None and previous.baseline is not None:
        assets |= assets_in_question(previous, (row for _, row in _pending(fund, previous.baseline)))
    return tuple(sorted(symbols)), tuple(sorted(assets - fund.uncounted))


def read_marks(fund: Fund) -> MarksReading:
    """Marks of what is held or configured and USD rates of what is owned."""
    symbols, assets = _held(fund)
    reading = fund.venue.read_marks(symbols, assets)
    fund.store.append(reading)
    return reading


def read_instruments(fund: Fund) -> InstrumentsReading:
    """Appended when it says something new, failed, or the last row is an hour old: it is read every cycle."""
    symbols, _ = _held(fund)
    reading = fund.venue.read_instruments(symbols)
    last = fund.latest(InstrumentsReading)
    unchanged = (
        last is not None
        and last.instruments is not None
        and last.instruments == reading.instruments
        and reading.recorded_at - last.recorded_at < timedelta(hours=1)
    )
    if not unchanged:
        fund.store.append(reading)
    return reading


def read_income(fund: Fund) -> IncomeReading:
    """Every row the venue has booked since a little before the last read; rows already stored are skipped."""
    attempted_at = fund.clock.now()
    last = fund.last_where(IncomeReading, lambda row: row.as_of is not None)
    now = fund.now()
    zone = ZoneInfo(fund.limits.reset_timezone)
    since = (last.as_of if last and last.as_of else start_of_day(now.astimezone(zone).date(), zone))
    since -= fund.limits.freshness.income_overlap
    as_of, error, rows_read, rows_new = None, None, 0, 0
    try:
        rows, as_of = fund.venue.read_income(since)
        rows_read, rows_new = len(rows), fund.store.append_new_income(rows)
    except SourceUnavailable as failure:
        error = failure.reason
    except InvalidState as contradiction:
        as_of, error = None, str(contradiction)
    reading = IncomeReading(
        account=fund.account,
        attempted_at=attempted_at,
        recorded_at=fund.clock.now(),
        as_of=as_of,
        since=since,
        rows_read=rows_read,
        rows_new=rows_new,
        sources=(SourceHealth(source="income", ok=error is None, as_of=as_of, error=error),),
    )
    fund.store.append(reading)
    return reading


def read_prices(fund: Fund) -> PricesReading:
    """A price for everything held off the venue, each provider asked at most once."""
    reading = fund.price(_holdings(fund), fund.latest(PricesReading), fund.now)
    fund.store.append(reading)
    return reading


def _holdings(fund: Fund) -> HoldingsReading | str:
    """What is held, or in one line why that cannot be read."""
    try:
        return fund.holdings.read()
    except SourceUnavailable as failure:
        return str(failure)


def value_reserves(fund: Fund) -> ReservesValuation:
    """Treasury and reserves at the latest prices."""
    return retried(lambda: _append_reserves(fund))


def _append_reserves(fund: Fund) -> ReservesValuation:
    previous = fund.latest(ReservesValuation)
    valuation = valued(
        account=fund.account,
        ordinal=previous.ordinal + 1 if previous else 1,
        holdings=_holdings(fund),
        prices=fund.latest(PricesReading),
        previous=previous,
        limits=fund.price_limits,
        now=fund.now(),
    )
    fund.store.append(valuation)
    return valuation


def take_nav(fund: Fund) -> NavSnapshot:
    """Value the fund from the latest readings; append the snapshot with the flows it absorbed."""
    return retried(lambda: _append_nav(fund))


def _append_nav(fund: Fund) -> NavSnapshot:
    readings = _readings(fund)
    valuation = _valued(fund, readings)
    snapshot = valuation.snapshot
    first = fund.self_inception and snapshot.account_units is None and fund.latest(PeakState) is None
    if not (first and snapshot.accepted and snapshot.trading_nav and snapshot.trading_nav > 0):
        fund.store.append(snapshot, *valuation.flows)
        return snapshot
    valuation = _valued(fund, replace(readings, opening_units=(quantized(snapshot.trading_nav), None)))
    snapshot = valuation.snapshot
    reason = "paper profile: the first accepted NAV of an empty store is the baseline"
    fund.store.append(
        snapshot,
        *valuation.flows,
        baseline(fund, snapshot, high_water_mark=snapshot.nav_per_unit or Decimal(1), origin="inception", detail=reason),
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
    pending = _pending(fund, baseline)
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
            classifications={
                row.flow_key: row for row in fund.store.rows(FlowClassification, fund.account)
            },
            flows=tuple(fund.store.rows(Flow, fund.account)),
        ),
    )


def _pending(fund: Fund, baseline: IncomeBaseline | None) -> list[tuple[int, IncomeRow]]:
    """Income rows that no accepted snapshot has absorbed."""
    through_at, through_seq = (baseline.through_at, baseline.through_seq) if baseline else (BEGINNING, 0)
    return fund.store.income_outside(fund.account, through_at=through_at, through_seq=through_seq)


def _opening_units(fund: Fund, previous: NavSnapshot | None) -> tuple[Decimal, Decimal | None] | None:
    """Units of a baseline that no snapshot has taken over yet."""
    peak = fund.latest(PeakState)
    if peak is None or peak.origin == "snapshot":
        return None
    if previous is not None and previous.account_units is not None and previous.ordinal >= peak.nav_ordinal:
        return None
    return peak.account_units, peak.fund_units


def advance_peak(fund: Fund) -> PeakState | None:
    """Let the peak state absorb every accepted snapshot since its last; ``None`` when there is nothing to absorb."""
    return retried(lambda: _append_peaks(fund))


def _append_peaks(fund: Fund) -> PeakState | None:
    state = fund.latest(PeakState)
    if state is None:
        return None
    states = [state]
    for snapshot in _not_absorbed(fund, state):
        advanced = advance(
            states[-1],
            snapshot,
            realized_pnl_today=_realized_today(fund, snapshot),
            limits=fund.limits,
            recorded_at=fund.clock.now(),
        )
        states.append(advanced)
    if len(states) == 1:
        return None
    fund.store.append(*states[1:])
    return states[-1]


def _not_absorbed(fund: Fund, state: PeakState) -> list[NavSnapshot]:
    """Accepted snapshots later than the state, oldest first: more than one where a step was missed."""
    rows: list[NavSnapshot] = []
    for limit in (2, 30, 3000):
        rows = fund.store.rows(NavSnapshot, fund.account, limit=limit, newest_first=True, accepted=True)
        if len(rows) < limit or rows[-1].ordinal <= state.nav_ordinal:
            break
    later, newest = [], state.as_of
    for row in reversed(rows):
        if row.ordinal > state.nav_ordinal and row.nav_per_unit is not None and row.as_of and row.as_of > newest:
            later.append(row)
            newest = row.as_of
    return later


def _realized_today(fund: Fund, snapshot: NavSnapshot) -> Decimal | None:
    """REALIZED_PNL of the snapshot's local day, in the numeraire; ``None`` if some asset has no rate."""
    assert snapshot.as_of is not None
    zone = ZoneInfo(fund.limits.reset_timezone)
    midnight = start_of_day(snapshot.as_of.astimezone(zone).date(), zone)
    rows = fund.store.income_outside(
        fund.account, through_at=midnight - timedelta(microseconds=1), through_seq=EVERY_ROW
    )
    rates = {part.asset: part.rate for part in snapshot.parts} | {fund.numeraire: Decimal(1)}
    total = Decimal(0)
    for _, row in rows:
        if row.income_type == "REALIZED_PNL" and row.occurred_at <= snapshot.as_of:
            rate = rates.get(row.asset)
            if rate is None:
                return None
            total += row.amount * rate
    return total


def gate_inputs(fund: Fund) -> GateInputs:
    """Everything the gate looks at, as the store has it now."""
    navs = tuple(fund.recent(NavSnapshot, fund.limits.recovery_cycles + 1))
    peaks = tuple(fund.recent(PeakState, fund.limits.confirmations_window))
    return GateInputs(
        account=fund.latest(AccountReading),
        instruments=fund.last_where(InstrumentsReading, lambda row: row.instruments is not None),
        nav=navs[0] if navs else None,
        recent_navs=navs,
        peak=peaks[0] if peaks else None,
        recent_peaks=peaks,
        incidents=tuple(fund.store.open_incidents(fund.account)),
        waivers=tuple(fund.recent(Waiver, 1)),
    )


def judge(fund: Fund, inputs: GateInputs | None = None) -> GateDecision:
    """The verdict now, from stored rows alone (or on ``inputs`` instead); nothing is written."""
    return evaluate(
        inputs or gate_inputs(fund),
        fund.limits,
        account=fund.account,
        now=fund.now(),
        recorded_at=fund.clock.now(),
    )


def decide(fund: Fund) -> GateDecision:
    """Judge, append the verdict, open and close incidents. It writes a row whatever failed upstream."""
    return retried(lambda: _append_decision(fund))


def _append_decision(fund: Fund) -> GateDecision:
    decision = judge(fund)
    changes = incident_changes(decision, fund.store.open_incidents(fund.account))
    over = [
        replace(incident, closed_at=decision.decided_at, closed_by=closed_by)
        for incident, closed_by in changes.closed
    ]
    fund.store.append(decision, *changes.opened, closing=over)
    return decision


READING: tuple[Callable[[Fund], object], ...] = (
    read_account,
    read_marks,
    read_instruments,
    read_income,
    read_prices,
    value_reserves,
    take_nav,
    advance_peak,
)
"""Every step before the verdict, in order."""


def run_cycle(fund: Fund) -> GateDecision:
    """Every step once, in order."""
    for step in READING:
        step(fund)
    return decide(fund)
