"""What must hold of a fund's store whatever was killed, and of the cycle after it: each defect in words.

Recomputed with the venue's own answers and plain arithmetic, not with the functions that wrote the rows.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from hedge_pipeline import publishing
from hedge_pipeline.adapters.state_store.tables import INCIDENT_END, INCIDENT_KEY
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain import schemas
from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.flows import Flow
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.reserves import ReservesValuation
from hedge_pipeline.domain.risk_gate import ECHOES, RULES
from hedge_pipeline.domain.verdicts import Command, GateDecision, Incident, TradingState
from tools import venue_truth
from tools.stack import Stack

CENT_OF_A_CENT = Fraction(1, 10_000)
PLACES = Fraction(1, 10**9)
RULE_NAMES = {rule.name for rule in RULES}


def file_defects(path: Path) -> Iterator[str]:
    """What SQLite itself finds wrong with a database."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
        for pragma in ("integrity_check", "foreign_key_check"):
            found = [row for row in connection.execute(f"PRAGMA {pragma}") if row != ("ok",)]
            if found:
                yield f"{path.name}: {pragma}: {found[:3]}"


def missing(fund: Fund, rows: Sequence[object]) -> Iterator[str]:
    """Rows whose commit had returned and that the store does not hold."""
    held: dict[type[Any], list[Any]] = {}
    for row in rows:
        row_class = type(row)
        if row_class not in held:
            newest = None if row_class in (Incident, IncomeRow) else 60
            held[row_class] = fund.store.rows(row_class, fund.account, limit=newest, newest_first=True)
        if not any(_same(row, other) for other in held[row_class]):
            yield f"{row_class.__name__} was committed and is gone: {row}"[:300]


def _same(row: Any, other: Any) -> bool:
    """An incident may have ended since; the venue's rows are read again and stamped again."""
    if isinstance(row, Incident):
        names = INCIDENT_KEY + (INCIDENT_END if row.closed_at else ())
        return all(getattr(row, name) == getattr(other, name) for name in names)
    if isinstance(row, IncomeRow):
        return _line(row) == _line(other)
    return bool(row == other)


def _line(row: IncomeRow) -> tuple[str, str, Decimal, int, str]:
    return row.income_type, row.asset, row.amount, round(row.occurred_at.timestamp() * 1000), row.tran_id


def store_defects(fund: Fund) -> Iterator[str]:
    """Broken chains, half a transaction, a verdict that nothing carries."""
    snapshots = fund.store.rows(NavSnapshot, fund.account)
    states = fund.store.rows(PeakState, fund.account)
    decisions = fund.store.rows(GateDecision, fund.account)
    incidents = fund.store.rows(Incident, fund.account)
    valued = [row.ordinal for row in fund.store.rows(ReservesValuation, fund.account)]
    for name, ordinals in (
        ("nav_snapshots", [row.ordinal for row in snapshots]),
        ("peak_states", [row.ordinal for row in states]),
        ("reserves_valuations", valued),
    ):
        if ordinals and ordinals != list(range(ordinals[0], ordinals[0] + len(ordinals))):
            yield f"{name}: the chain is broken: {ordinals[-10:]}"
    yield from _inception_defects(fund, states)
    yield from _peak_defects(snapshots, states)
    yield from _flow_defects(fund, snapshots)
    yield from _incident_defects(decisions, incidents)
    by_ordinal = {row.ordinal: row for row in snapshots}
    peaks = {row.ordinal: row for row in states}
    for decision in decisions:
        yield from _verdict_defects(fund, decision, by_ordinal, peaks, incidents)
    for rows in (snapshots[-3:], states[-3:], decisions[-3:]):
        yield from (f"schema: {failure}" for failure in (schemas.validate(rows) if rows else ()))


def _inception_defects(fund: Fund, states: list[PeakState]) -> Iterator[str]:
    begun = [state.ordinal for state in states if state.origin == "inception"]
    told = [row for row in fund.store.rows(Command, fund.account) if row.kind == "inception"]
    if states and (begun != [1] or len(told) != 1):
        yield f"inception: peak states {begun}, commands {len(told)}"


def _peak_defects(snapshots: list[NavSnapshot], states: list[PeakState]) -> Iterator[str]:
    """Every accepted snapshot absorbed once, in order; the mark the highest of them.

    A run and a beat at the same time may value the same readings: the second of them is of no later instant.
    """
    usable: list[NavSnapshot] = []
    for row in snapshots:
        is_later = not usable or (row.as_of and usable[-1].as_of and row.as_of > usable[-1].as_of)
        if row.accepted and row.nav_per_unit is not None and is_later:
            usable.append(row)
    absorbed = [state.nav_ordinal for state in states]
    expected = [row.ordinal for row in usable][: len(absorbed)]
    if absorbed != expected:
        yield f"peak_states: absorbed {absorbed[-6:]}, accepted were {expected[-6:]}"
        return
    highest = Decimal(0)
    for state, row in zip(states, usable, strict=False):
        highest = max(highest, row.nav_per_unit or Decimal(0))
        if state.high_water_mark != highest or state.nav_per_unit != row.nav_per_unit:
            yield f"peak_states: {state.ordinal} marks {state.high_water_mark}, the highest is {highest}"


def _flow_defects(fund: Fund, snapshots: list[NavSnapshot]) -> Iterator[str]:
    """A flow and its snapshot are one transaction; units move by a flow's share, once."""
    flows = fund.store.rows(Flow, fund.account)
    twice = [key for key, count in Counter(flow.flow_key for flow in flows).items() if count > 1]
    if twice:
        yield f"flows: absorbed twice: {twice}"
    units: Fraction | None = None
    for row in snapshots:
        mine = [flow for flow in flows if flow.nav_ordinal == row.ordinal]
        if mine and not row.accepted:
            yield f"flows: {mine[0].flow_key} stands with snapshot {row.ordinal}, which was not accepted"
        if not row.accepted or row.account_units is None or row.trading_nav is None:
            continue
        now = Fraction(row.account_units)
        before = Fraction(row.trading_nav) - sum((Fraction(flow.value or 0) for flow in mine), Fraction(0))
        expected = now if units is None else units * Fraction(row.trading_nav) / before
        if abs(now - expected) > PLACES * now:
            yield f"nav_snapshots: {row.ordinal} has {now} units, its flows make {expected}"
        units = now


def _incident_defects(decisions: list[GateDecision], incidents: list[Incident]) -> Iterator[str]:
    """Verdict and incidents are one transaction."""
    decided = {row.decided_at for row in decisions}
    still_open = Counter(incident.key for incident in incidents if incident.closed_at is None)
    yield from (f"incidents: {key} is open {count} times" for key, count in still_open.items() if count > 1)
    for incident in incidents:
        if incident.key not in RULE_NAMES:
            continue  # an operator's, or of publishing
        if incident.opened_at not in decided:
            yield f"incidents: {incident.key} was opened at {incident.opened_at} by no verdict"
        if incident.closed_by in {"recovered", "expired"} and incident.closed_at not in decided:
            yield f"incidents: {incident.key} was closed at {incident.closed_at} by no verdict"


def _verdict_defects(
    fund: Fund,
    decision: GateDecision,
    snapshots: dict[int, NavSnapshot],
    peaks: dict[int, PeakState],
    incidents: list[Incident],
) -> Iterator[str]:
    """ACTIVE needs an accepted, fresh valuation, its peak state, and no latch."""
    nav, peak = snapshots.get(decision.nav_ordinal or 0), peaks.get(decision.peak_ordinal or 0)
    if (decision.nav_ordinal and nav is None) or (decision.peak_ordinal and peak is None):
        yield f"gate_decisions: {decision.decided_at} judged rows that are not there"
    if decision.state is not TradingState.ACTIVE:
        return
    at, freshness = decision.decided_at, fund.limits.freshness
    latched = [
        i.key for i in incidents if i.latched and i.opened_at < at and (not i.closed_at or at < i.closed_at)
    ]
    is_grounded = (
        nav is not None
        and nav.accepted
        and nav.as_of is not None
        and at - nav.as_of < freshness.nav
        and peak is not None
        and peak.nav_ordinal == nav.ordinal
        and at - peak.as_of < freshness.peak
    )
    if not is_grounded or latched or decision.valid_until <= at:
        yield f"gate_decisions: ACTIVE at {at} on snapshot {decision.nav_ordinal}, latched {latched}"


def cycle_defects(stack: Stack, worth: Fraction, snapshot: NavSnapshot) -> Iterator[str]:
    """Whether this snapshot says what the venue says, and the store holds what the venue booked, once each."""
    fund = stack.fund
    if not snapshot.accepted or snapshot.trading_nav is None:
        yield f"snapshot {snapshot.ordinal} was not accepted: {[p.message for p in snapshot.problems]}"
        return
    difference = Fraction(snapshot.trading_nav) - worth
    if abs(difference) > CENT_OF_A_CENT:
        yield f"snapshot {snapshot.ordinal}: NAV {snapshot.trading_nav}, the venue says {float(worth)}"
    stored = Counter(_line(row) for row in fund.store.rows(IncomeRow, fund.account))
    booked = Counter(
        (row.income_type, row.asset, row.amount, row.time_ms, row.tran_id)
        for row in venue_truth.ledger_rows(stack.home)
    )
    if stored != booked:
        yield f"income: too many {list(stored - booked)[:3]}, missing {list(booked - stored)[:3]}"
    transfers = Counter(
        (row.asset, row.amount)
        for row in venue_truth.ledger_rows(stack.home)
        if row.income_type == "TRANSFER"
    )
    flowed = Counter(
        (flow.asset, flow.amount)
        for flow in fund.store.rows(Flow, fund.account)
        if not flow.flow_key.startswith("treasury:")
    )
    if flowed != transfers:
        yield f"flows: too many {list(flowed - transfers)[:3]}, missing {list(transfers - flowed)[:3]}"


def gate_defects(fund: Fund, decision: GateDecision) -> Iterator[str]:
    """Whether exactly what this verdict found broken stands open, besides what a person latched."""
    broken = {breach.rule for breach in decision.breaches} - ECHOES
    standing = {
        i.key for i in fund.store.open_incidents(fund.account) if not i.latched and i.key in RULE_NAMES
    }
    if standing != broken:
        yield f"incidents: open {sorted(standing)}, broken {sorted(broken)}"


def publication_defects(fund: Fund) -> Iterator[str]:
    """Whether publishing now puts every document in place, each as the store's rows make it."""
    publication = publishing.publish(fund)
    for row in publication.documents:
        if row.outcome.failure:
            yield f"{row.path}: {row.outcome}: {row.error}"
    if publication.error is None:
        yield from (f"published: {difference}" for difference in publishing.verify(fund, publication))
    else:
        yield f"nothing was published: {publication.error}"


def closed_without_a_reason(fund: Fund, decision: GateDecision) -> Iterator[str]:
    """A verdict that is not ACTIVE though the last valuations were all good and in time, whatever was killed."""
    recent = fund.recent(NavSnapshot, fund.limits.recovery_cycles + 1)
    is_good = all(row.accepted for row in recent) and all(
        newer.as_of and older.as_of and newer.as_of - older.as_of < fund.limits.freshness.nav
        for newer, older in pairwise(recent)
    )
    if is_good and decision.state is not TradingState.ACTIVE:
        yield f"{decision.state.name} for no reason: {[breach.message for breach in decision.breaches]}"


def latest_snapshot(fund: Fund) -> NavSnapshot:
    found = fund.latest(NavSnapshot)
    if found is None:
        raise RuntimeError("the fund has never been valued")
    return found
