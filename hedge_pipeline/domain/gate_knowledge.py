"""Is everything known, and known recently? One proposition per function; what it finds wrong, it tells in words.

Which state that allows and what to do about it stand in the table of ``risk_gate``. An unknown clears by itself.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hedge_pipeline.domain.drawdown import rolled_to
from hedge_pipeline.domain.gate_inputs import Finding, Findings, GateInputs, is_dormant, is_fresh, seconds
from hedge_pipeline.domain.limits import RiskLimits


def inputs_are_known(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    """The store could be read and something has been attempted."""
    if inputs.account is None:
        yield Finding(message="the account has never been read", source="balances")
    if (
        inputs.incidents is None
        or inputs.waivers is None
        or inputs.recent_navs is None
        or inputs.recent_peaks is None
    ):
        yield Finding(message="past rows of the store are unknown", source="store")


def clock_is_known(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if inputs.account is not None and inputs.account.clock is None:
        error = next(
            (s.error for s in inputs.account.sources if s.source == "clock" and s.error), "never measured"
        )
        yield Finding(message=f"the venue's clock is unknown: {error}", source="clock")


def clock_offset_is_tolerable(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    yield from _offset(inputs, limits.freshness.clock_offset_halt)


def clock_offset_is_small(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    yield from _offset(inputs, limits.freshness.clock_offset_reduce)


def _offset(inputs: GateInputs, limit: timedelta) -> Findings:
    reading = inputs.account.clock if inputs.account else None
    if reading is not None and abs(reading.offset) > limit:
        yield Finding(
            message=f"our clock and the venue's differ by {abs(reading.offset).total_seconds():.3f} s",
            threshold=f"{limit.total_seconds()} s",
            observation=f"{reading.offset.total_seconds():+.3f} s",
            source="clock",
        )


def hedge_mode_is_on(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if inputs.account is not None and inputs.account.hedge_mode is False:
        yield Finding(message="the account nets its positions: hedge mode is off", source="modes")


def exposure_is_known(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if inputs.account is None or inputs.account.positions is None:
        sources = inputs.account.sources if inputs.account else ()
        error = next((s.error for s in sources if s.source == "positions" and s.error), "never read")
        yield Finding(message=f"positions are unknown: {error}", source="positions")


def instruments_are_known(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    reading = inputs.instruments
    if reading is None or reading.as_of is None or reading.instruments is None:
        yield Finding(message="instruments have never been read", source="instruments")
    elif now - reading.as_of >= limits.freshness.instruments:
        yield Finding(
            message="what the venue trades is known from too long ago",
            threshold=seconds(limits.freshness.instruments),
            age=now - reading.as_of,
            source="instruments",
        )


def nav_is_known(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if inputs.nav is None:
        yield Finding(message="no NAV has ever been taken", source="nav")
        return
    if inputs.nav.accepted:
        return
    age = None if inputs.nav.last_good_as_of is None else now - inputs.nav.last_good_as_of
    health = ", ".join(f"{source.source} {'ok' if source.ok else 'failed'}" for source in inputs.nav.sources)
    for problem in inputs.nav.problems or ():
        yield Finding(
            message=f"the latest NAV is not accepted: {problem.source} {problem.code}: {problem.message}",
            threshold=seconds(limits.freshness.nav),
            observation=health,
            age=age,
            source=problem.source,
        )
    if not inputs.nav.problems:
        yield Finding(message="the latest NAV is not accepted", age=age, source="nav")


def nav_is_fresh(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if inputs.nav is None:
        return
    if inputs.nav.last_good_as_of is None:
        yield Finding(
            message="no NAV has ever been accepted", threshold=seconds(limits.freshness.nav), source="nav"
        )
        return
    age = now - inputs.nav.last_good_as_of
    if age >= limits.freshness.nav:
        health = ", ".join(
            f"{source.source} {'ok' if source.ok else 'failed'}" for source in inputs.nav.sources
        )
        yield Finding(
            message="the last accepted NAV is too old",
            threshold=seconds(limits.freshness.nav),
            observation=health,
            age=age,
            source="nav",
        )
    elif -age > limits.freshness.future_tolerance:
        yield Finding(
            message="the last accepted NAV is dated in the future", observation=seconds(-age), source="nav"
        )


def sources_have_recovered(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    """After an unknown, some good cycles in a row: a source that flickers is not one to trade on."""
    recent = inputs.recent_navs or ()
    good = 0
    for newer, older in zip(
        recent, (*recent[1:], None), strict=False
    ):  # without any, there is nothing to pair
        if not newer.accepted or newer.as_of is None:
            break
        good += 1
        if older is None:
            return
        if older.as_of is not None and newer.as_of - older.as_of >= limits.freshness.nav:
            break
    if good and good < limits.recovery_cycles:
        yield Finding(
            message=f"{good} good cycle{'s' if good > 1 else ''} since something was unknown",
            threshold=f"{limits.recovery_cycles} good cycles",
            observation=str(good),
            source="nav",
        )


def peak_is_known(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if inputs.peak is None:
        yield Finding(message="there is no peak state: drawdown is unknown, not zero", source="peak")
    elif not inputs.peak.high_water_mark > 0:
        yield Finding(
            message="the high-water mark is not positive",
            threshold="> 0",
            observation=str(inputs.peak.high_water_mark),
            source="peak",
        )


def peak_is_fresh(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if inputs.peak is not None and not is_fresh(inputs.peak, limits, now):
        yield Finding(
            message="the peak state is too old"
            if now > inputs.peak.as_of
            else "the peak state is from the future",
            threshold=seconds(limits.freshness.peak),
            age=now - inputs.peak.as_of,
            source="peak",
        )


def peak_covers_the_nav(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    """Drawdown is that of the NAV now accepted, not of an earlier one."""
    nav, peak = inputs.nav, inputs.peak
    if nav is None or peak is None or nav.last_good_as_of is None or is_dormant(nav):
        return
    if peak.as_of < nav.last_good_as_of:
        yield Finding(
            message="the peak state has not absorbed the latest accepted NAV",
            threshold=nav.last_good_as_of.isoformat(),
            observation=peak.as_of.isoformat(),
            age=now - peak.as_of,
            source="peak",
        )


def realized_pnl_is_known(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    peak = inputs.peak
    if peak is None or not is_fresh(peak, limits, now) or peak.origin != "snapshot":
        return
    if rolled_to(peak, now, ZoneInfo(limits.reset_timezone)).realized_pnl_today is None:
        yield Finding(message="today's realized PnL is unavailable", source="income")
