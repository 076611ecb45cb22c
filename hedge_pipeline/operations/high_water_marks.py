"""Where a lost high-water mark can still be read: each source with its value and instant, the highest counts.

Every value is in today's account units, so that they compare. A source that cannot be read is not one that knows nothing:
its mark may have been the highest.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Generic, TypeVar

from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.drawdown import PeakState, path_from_income
from hedge_pipeline.domain.errors import InvalidState, SourceUnavailable
from hedge_pipeline.domain.flows import Flow, FlowPurpose
from hedge_pipeline.domain.ledgers import TREASURY_LEG
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.predecessor.navs import ImportedNav
from hedge_pipeline.domain.resumption import LedgerRecord, path_back
from hedge_pipeline.domain.units import quantized, ratio
from hedge_pipeline.operations.income_paths import IncomePath, income_path
from hedge_pipeline.operations.remembering import Resumption, history_record, published_record, resume

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """The highest NAV per unit that one source knows of."""

    source: str
    value: Decimal | None
    """``None``: it knows of none, or could not be read."""
    as_of: datetime | None
    """When the value stood, or, for the income path, up to when it was read."""
    error: str | None = None
    """Why it could not be read."""
    doubt: str | None = None
    """Why it may be too high; a person may leave such a source out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Generic[Answer]):
    """What a source outside the store answered, or why it did not."""

    answer: Answer | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What one place outside the store remembers of the ledger."""

    place: str
    record: Asked[LedgerRecord]
    resumption: Asked[Resumption]
    """Carried on to now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memories:
    """What is remembered outside the store, asked once."""

    income: Asked[IncomePath]
    ledgers: tuple[Remembered, ...]

    @property
    def resumption(self) -> Resumption | None:
        """Of the newest record that could be carried on."""
        found = [one.resumption.answer for one in self.ledgers if one.resumption.answer is not None]
        return max(found, key=lambda resumption: resumption.record.as_of, default=None)

    @property
    def known(self) -> bool:
        """Whether anything remembers the account."""
        return any(one.record.answer is not None for one in self.ledgers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """The accepted valuation that a baseline is put on, with the units it stands for."""

    snapshot: NavSnapshot
    as_of: datetime
    nav: Decimal
    """Trading NAV in the numeraire; positive."""
    units: Decimal
    fund_units: Decimal | None
    nav_per_unit: Decimal


Known = tuple[Decimal, datetime] | None


def remember(fund: Fund, snapshot: NavSnapshot, *, spoken: Mapping[str, FlowPurpose]) -> Memories:
    """Ask whatever remembers the account; a source that fails is told, not raised."""
    income = _asked(lambda: income_path(fund, snapshot))
    return Memories(
        income=income,
        ledgers=(
            _remembered("published peak state", published_record, fund, income, spoken),
            _remembered("history", history_record, fund, income, spoken),
        ),
    )


def _remembered(
    place: str,
    read: Callable[[Fund], LedgerRecord | None],
    fund: Fund,
    income: Asked[IncomePath],
    spoken: Mapping[str, FlowPurpose],
) -> Remembered:
    record = _asked(lambda: read(fund))
    resumption = _asked(lambda: _resumption(fund, income, record.answer, spoken))
    return Remembered(place=place, record=record, resumption=resumption)


def _asked(ask: Callable[[], Answer | None]) -> Asked[Answer]:
    try:
        return Asked(answer=ask(), error=None)
    except (SourceUnavailable, InvalidState) as failure:
        return Asked(answer=None, error=str(failure))


def _resumption(
    fund: Fund, income: Asked[IncomePath], record: LedgerRecord | None, spoken: Mapping[str, FlowPurpose]
) -> Resumption | None:
    if record is None:
        return None
    if income.answer is None:
        raise InvalidState(f"what flowed since {record.as_of.isoformat()} is not known: {income.error}")
    if record.as_of < income.answer.since:
        raise InvalidState(
            f"it is of {record.as_of.isoformat()}, and the venue tells of flows since {income.answer.since.isoformat()} only"
        )
    return resume(fund, record, income.answer.steps, spoken=spoken)


def candidates(fund: Fund, footing: Footing, memories: Memories) -> tuple[Candidate, ...]:
    """Every source there is."""
    return (
        Candidate(source="current NAV", value=footing.nav_per_unit, as_of=footing.as_of),
        _candidate("stored peak states", lambda: _stored_marks(fund)),
        _candidate("stored NAV snapshots", lambda: _stored_navs(fund, footing)),
        _candidate("venue income", lambda: _income_mark(memories.income, footing)),
        *(_ledger_candidate(footing, one) for one in memories.ledgers),
        *_imported_marks(fund, footing, memories.income),
    )


def _candidate(source: str, ask: Callable[[], Known]) -> Candidate:
    known = _asked(ask)
    value, as_of = known.answer or (None, None)
    return Candidate(source=source, value=value, as_of=as_of, error=known.error)


def _stored_marks(fund: Fund) -> Known:
    marks = fund.store.columns(PeakState, fund.account, "high_water_mark", "as_of")
    return max(((mark, as_of) for mark, as_of in marks), default=None)


def nav_history(fund: Fund) -> list[tuple[datetime, Decimal]]:
    """Instant and NAV per unit of every accepted snapshot that carries units, oldest first."""
    rows = fund.store.columns(NavSnapshot, fund.account, "accepted", "as_of", "nav_per_unit")
    return [
        (as_of, per_unit) for accepted, as_of, per_unit in rows if accepted and as_of and per_unit is not None
    ]


def _stored_navs(fund: Fund, footing: Footing) -> Known:
    """Highest stored NAV per unit; before there were units, the path of NAV without its flows."""
    with_units = [(per_unit, as_of) for as_of, per_unit in nav_history(fund)]
    if with_units:
        return max(with_units)
    highest = path_from_income(footing.nav, list(_nav_steps(fund)))
    return quantized(highest * footing.nav_per_unit), footing.as_of


def _nav_steps(fund: Fund) -> Iterator[tuple[Decimal, bool]]:
    """What changed NAV between accepted snapshots, newest first: performance, then the flows undone before it."""
    flowed: dict[int, Decimal] = {}
    for ordinal, worth in _flows(fund):
        flowed[ordinal] = flowed.get(ordinal, Decimal(0)) + worth
    rows = fund.store.columns(NavSnapshot, fund.account, "accepted", "ordinal", "trading_nav")
    navs = [(ordinal, nav) for accepted, ordinal, nav in rows if accepted]
    for (_, before), (ordinal, after) in reversed(list(pairwise(navs))):
        flow_value = flowed.get(ordinal, Decimal(0))
        yield flow_value, True
        yield after - before - flow_value, False


def _flows(fund: Fund) -> list[tuple[int, Decimal]]:
    """Snapshot and value of each transfer of the venue account once, at its first sight; money declared lost is performance."""
    first: dict[str, Flow] = {}
    lost: set[str] = set()
    for flow in fund.store.rows(Flow, fund.account):
        first.setdefault(flow.flow_key, flow)
        if flow.purpose is FlowPurpose.LOSS:
            lost.add(flow.flow_key)
    return [
        (flow.nav_ordinal, flow.value)
        for key, flow in first.items()
        if flow.value is not None and key not in lost and not key.startswith(TREASURY_LEG)
    ]


def _income_mark(income: Asked[IncomePath], footing: Footing) -> Known:
    """Highest NAV per unit along everything the venue and the store remember of income; a lower bound."""
    if income.answer is None:
        raise InvalidState(income.error or "not asked")
    highest = path_from_income(footing.nav, [(step.value, step.is_flow) for step in income.answer.steps])
    return quantized(highest * footing.nav_per_unit), income.answer.as_of


def _ledger_candidate(footing: Footing, remembered: Remembered) -> Candidate:
    return _candidate(remembered.place, lambda: _remembered_mark(footing, remembered))


def _remembered_mark(footing: Footing, remembered: Remembered) -> Known:
    """In units of today: as it is where the store goes on with the same ledger, else scaled to it."""
    record, resumption = remembered.record.answer, remembered.resumption.answer
    if remembered.record.error is not None:
        raise InvalidState(remembered.record.error)
    if record is None:
        return None
    if record.same_ledger:
        return record.high_water_mark, record.as_of
    if resumption is None:
        raise InvalidState(remembered.resumption.error or "its units do not go on")
    return quantized(record.high_water_mark * scale(footing, resumption)), record.as_of


def scale(footing: Footing, resumption: Resumption) -> Decimal:
    """By how much a NAV per unit of the resumed ledger is to be multiplied to be one of today's."""
    return Decimal(1) if resumption.record.same_ledger else ratio(resumption.account_units, footing.units)


def _imported_marks(fund: Fund, footing: Footing, income: Asked[IncomePath]) -> Iterator[Candidate]:
    """What the predecessor remembers, with the flows undone that the venue still knows of."""
    names = ("source", "as_of", "nav", "peak")
    rows = fund.store.columns(ImportedNav, fund.account, *names)
    path = path_back(footing.nav, income.answer.steps)[::-1] if income.answer else []
    stamps = [point.before for point in path]
    known_since = income.answer.since if income.answer else footing.as_of
    for source in sorted({row[0] for row in rows}):
        marks: list[tuple[Decimal, datetime]] = []
        doubtful = False
        for _, as_of, nav, peak in (row for row in rows if row[0] == source):
            place = bisect_right(stamps, as_of)
            units = path[place].units if place < len(path) else Decimal(1)
            marks.append((ratio(max(nav, peak or nav), units * footing.units), as_of))
            doubtful = doubtful or peak is not None or as_of < known_since
        value, as_of = max(marks)
        yield Candidate(
            source=f"imported {source}",
            value=value,
            as_of=as_of,
            doubt="too high if money was withdrawn that the venue no longer tells of" if doubtful else None,
        )
