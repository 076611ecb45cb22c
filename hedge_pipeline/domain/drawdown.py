"""High-water mark, drawdown and the day's loss: how far the account has fallen from its best."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.limits import RiskLimits
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.units import ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakState:
    """Where the account stands against its own best: a row of ``peak_states``.

    All values are account NAV per unit in the numeraire, so money paid in or out moves none of them.
    """

    account: str
    ordinal: int
    """1, 2, 3 … per account."""
    recorded_at: datetime
    as_of: datetime
    """Of the snapshot absorbed."""
    nav_ordinal: int
    """Which NAV snapshot was absorbed."""
    nav_per_unit: Decimal
    account_units: Decimal
    fund_units: Decimal | None
    """``None`` until reporting NAV has been complete once."""
    high_water_mark: Decimal
    """Positive; never decreases."""
    drawdown: Decimal
    """Fall from the high-water mark as a fraction of it; 0 at the mark, above 1 when NAV is negative."""
    day: date
    """Local day of ``as_of`` in the reset time zone."""
    day_open: Decimal
    """Last NAV per unit at or before local midnight, however old."""
    day_open_as_of: datetime
    daily_loss: Decimal
    """Fall from ``day_open`` as a fraction of it; 0 when above."""
    realized_pnl_today: Decimal | None
    """Sum of the day's REALIZED_PNL in the numeraire; ``None``: unavailable."""
    pending_high: Decimal | None
    """A suspicious new high waiting for one confirmation."""
    origin: str
    """``inception``, ``snapshot`` or ``rebuild``."""
    origin_detail: str
    """Source, reason and actor of an inception or rebuild; empty for a snapshot."""


def loss_fraction(value: Decimal, reference: Decimal) -> Decimal:
    """Fall of ``value`` below a positive ``reference``, as a fraction of it, 12 places; 0 when not below."""
    return max(Decimal(0), ratio(reference - value, reference))


def first_state(
    snapshot: NavSnapshot,
    *,
    high_water_mark: Decimal,
    origin: str,
    detail: str,
    zone: ZoneInfo,
    recorded_at: datetime,
    ordinal: int,
) -> PeakState:
    """A baseline declared by a person (or by the paper profile), never derived silently.

    Raises:
        InvalidState: the snapshot is not accepted, has no units, or the mark is below its NAV per unit.
    """
    as_of, nav, units = _absorbable(snapshot)
    if nav <= 0:
        raise InvalidState(f"a baseline needs a positive NAV per unit, not {nav}")
    if not high_water_mark.is_finite() or high_water_mark < nav:
        raise InvalidState(f"high_water_mark {high_water_mark} is not a number above the NAV per unit {nav}")
    return PeakState(
        account=snapshot.account,
        ordinal=ordinal,
        recorded_at=recorded_at,
        as_of=as_of,
        nav_ordinal=snapshot.ordinal,
        nav_per_unit=nav,
        account_units=units,
        fund_units=snapshot.fund_units,
        high_water_mark=high_water_mark,
        drawdown=loss_fraction(nav, high_water_mark),
        day=as_of.astimezone(zone).date(),
        day_open=nav,
        day_open_as_of=as_of,
        daily_loss=Decimal(0),
        realized_pnl_today=None,
        pending_high=None,
        origin=origin,
        origin_detail=detail,
    )


def advance(
    state: PeakState,
    snapshot: NavSnapshot,
    *,
    realized_pnl_today: Decimal | None,
    limits: RiskLimits,
    recorded_at: datetime,
) -> PeakState:
    """Absorb one later accepted snapshot.

    Raises:
        InvalidState: the snapshot is not accepted, has no NAV per unit, or is not later than ``state``; absorbing
            it twice or out of order would be silent otherwise.
    """
    as_of, nav, units = _absorbable(snapshot)
    if snapshot.ordinal <= state.nav_ordinal or as_of <= state.as_of:
        raise InvalidState(
            f"snapshot {snapshot.ordinal} is not later than {state.nav_ordinal}, already absorbed"
        )
    zone = ZoneInfo(limits.reset_timezone)
    high, pending = next_mark(
        state.high_water_mark,
        state.pending_high,
        state.nav_per_unit,
        nav,
        jump_factor=limits.jump_factor,
        jump_step=limits.jump_step,
    )
    day = as_of.astimezone(zone).date()
    if day == state.day:
        day_open, day_open_as_of = state.day_open, state.day_open_as_of
    elif as_of == start_of_day(day, zone):
        day_open, day_open_as_of = nav, as_of
    else:
        day_open, day_open_as_of = state.nav_per_unit, state.as_of
    return PeakState(
        account=state.account,
        ordinal=state.ordinal + 1,
        recorded_at=recorded_at,
        as_of=as_of,
        nav_ordinal=snapshot.ordinal,
        nav_per_unit=nav,
        account_units=units,
        fund_units=snapshot.fund_units,
        high_water_mark=high,
        drawdown=loss_fraction(nav, high),
        day=day,
        day_open=day_open,
        day_open_as_of=day_open_as_of,
        daily_loss=_daily_loss(nav, day_open),
        realized_pnl_today=realized_pnl_today,
        pending_high=pending,
        origin="snapshot",
        origin_detail="",
    )


def _absorbable(snapshot: NavSnapshot) -> tuple[datetime, Decimal, Decimal]:
    """Instant, NAV per unit and units of a snapshot that may move the peak state."""
    as_of, nav, units = snapshot.as_of, snapshot.nav_per_unit, snapshot.account_units
    if not snapshot.accepted or as_of is None or nav is None or units is None or not nav.is_finite():
        raise InvalidState(
            f"snapshot {snapshot.ordinal} may not move the peak state: only an accepted one with units and a NAV per"
            f" unit may, and its NAV per unit is {nav}"
        )
    return as_of, nav, units


def next_mark(
    mark: Decimal,
    pending_high: Decimal | None,
    previous: Decimal,
    nav: Decimal,
    *,
    jump_factor: Decimal,
    jump_step: Decimal,
) -> tuple[Decimal, Decimal | None]:
    """High-water mark and suspicious high after NAV per unit went from ``previous`` to ``nav``.

    A second high in a row confirms as much of the first as it reaches itself; what it adds is judged like any rise.
    """
    if nav <= mark:
        return mark, None
    if pending_high is not None:
        mark = max(mark, min(pending_high, nav))
    suspicious = nav > mark * jump_factor or nav > previous * (1 + jump_step)
    return (mark, nav) if suspicious and nav > mark else (nav, None)


def _daily_loss(nav: Decimal, day_open: Decimal) -> Decimal:
    """All of it where the day opened with nothing left to lose."""
    return loss_fraction(nav, day_open) if day_open > 0 else Decimal(1)


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Local midnight that begins ``day``, in UTC. Days of 23 and 25 hours are normal."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def rolled_to(state: PeakState, now: datetime, zone: ZoneInfo) -> PeakState:
    """The state as it stands on the local day of ``now``.

    Right after midnight the last snapshot is yesterday's: the day opens at it, nothing has been lost or realized since.
    Whether that snapshot is recent enough is the gate's question, by ``as_of``.
    """
    today = now.astimezone(zone).date()
    if today <= state.day:
        return state
    return replace(
        state,
        day=today,
        day_open=state.nav_per_unit,
        day_open_as_of=state.as_of,
        daily_loss=_daily_loss(state.nav_per_unit, state.nav_per_unit),
        realized_pnl_today=Decimal(0),
    )


def path_from_income(nav: Decimal, steps: Sequence[tuple[Decimal, bool]]) -> Decimal:
    """Highest NAV per unit along an income history, with today's NAV per unit at 1.

    ``steps`` are (value in the numeraire, whether it was a flow), newest first, undone one by one from ``nav``.
    Unrealized gains of the past are not in the list, so the true peak may be higher: this is a lower bound.
    """
    worth, per_unit, highest = nav, Decimal(1), Decimal(1)
    for amount, is_flow in steps:
        before = worth - amount
        if before <= 0 or worth <= 0:
            break
        if not is_flow:
            per_unit = ratio(per_unit * before, worth)
            highest = max(highest, per_unit)
        worth = before
    return highest
