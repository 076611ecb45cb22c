"""Net asset value, bottom-up: one attempt's readings to one snapshot, or to the reasons why it is not known.

Trading NAV is the venue account alone, in its numeraire; reporting NAV adds treasury, reserves and money between
them, in USD. A snapshot is written whatever happened; only an accepted one advances a baseline or a ledger.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.account import AccountReading, IncomeReading, IncomeRow, MarksReading
from hedge_pipeline.domain.consistency import disagreements
from hedge_pipeline.domain.flows import Flow, residual_key
from hedge_pipeline.domain.ledgers import (
    Declared,
    Instant,
    Ledgers,
    absorb_treasury,
    absorb_venue_flows,
    price_fund_flows,
)
from hedge_pipeline.domain.limits import RiskLimits
from hedge_pipeline.domain.nav import InTransit, IncomeBaseline, NavPart, NavSnapshot, Problem
from hedge_pipeline.domain.reserves import Place, ReservesValuation
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline.domain.units import quantized, ratio
from hedge_pipeline.domain.wallet import WalletCheck, check_wallet

REQUIRED_SOURCES = ("clock", "balances", "positions", "modes", "marks", "asset_rates", "income")
"""A snapshot without any one of them is not complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What is known when a snapshot is taken. ``None``: never attempted, which is unknown."""

    account: AccountReading | None
    marks: MarksReading | None
    income: IncomeReading | None
    pending_income: tuple[tuple[int, IncomeRow], ...]
    """Row id and row of everything outside the previous baseline."""
    income_seq: int
    """Highest row id of the income table."""
    reserves: ReservesValuation | None
    previous: NavSnapshot | None
    opening_units: tuple[Decimal, Decimal | None] | None
    """Account and fund units of an inception or rebuild later than ``previous``."""
    declared: Declared = field(default_factory=Declared)

    def sources(self) -> tuple[SourceHealth, ...]:
        return tuple(
            source for reading in (self.account, self.marks, self.income) if reading for source in reading.sources
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """The snapshot and the flows it absorbed, to be written together."""

    snapshot: NavSnapshot
    flows: tuple[Flow, ...]


def value(
    readings: Readings,
    limits: RiskLimits,
    *,
    account: str,
    numeraire: str,
    uncounted: frozenset[str],
    attempted_at: datetime,
    recorded_at: datetime,
    now: datetime,
) -> Valuation:
    """Take one snapshot. ``now`` is the venue's time; nothing here raises for what a source said."""
    previous = readings.previous
    rates = _rates(readings.marks, numeraire)
    parts = _parts(readings.account, rates, uncounted)
    nav = _total(parts)
    wallet = _wallet_check(readings, limits)
    as_of = _as_of(readings, numeraire)
    problems = tuple(_problems(readings, limits, parts, wallet, as_of, numeraire, now))
    unreconciled = any(problem.code == "unreconciled" for problem in problems)
    accepted = not problems and nav is not None
    numeraire_usd = _usd(readings.marks).get(numeraire)
    snapshot = NavSnapshot(
        account=account,
        ordinal=previous.ordinal + 1 if previous else 1,
        attempted_at=attempted_at,
        recorded_at=recorded_at,
        as_of=as_of,
        complete=not any(problem.code in ("missing", "source_failed", "incomplete") for problem in problems),
        reconciled=not unreconciled and wallet is not None,
        accepted=accepted,
        problems=problems,
        labels=(),
        numeraire=numeraire,
        numeraire_usd=numeraire_usd,
        trading_nav=nav,
        nav_usd=None if nav is None or numeraire_usd is None else quantized(nav * numeraire_usd),
        parts=parts,
        account_units=previous.account_units if previous else None,
        nav_per_unit=None,
        treasury_usd=readings.reserves.treasury_usd if readings.reserves else Decimal(0),
        reserves_usd=readings.reserves.reserves_usd if readings.reserves else Decimal(0),
        in_transit_usd=previous.in_transit_usd if previous else Decimal(0),
        aum_usd=None,
        aum_complete=False,
        aum_problems=("the snapshot itself is not accepted",),
        fund_units=previous.fund_units if previous else None,
        fund_nav_per_unit=None,
        residuals=tuple(entry for entry in wallet.residuals if entry.residual) if wallet else (),
        unreconciled_since=_unreconciled_since(previous, unreconciled, accepted, now),
        baseline=previous.baseline if previous else None,
        unclassified=previous.unclassified if previous else (),
        unpriced_fund_flows=previous.unpriced_fund_flows if previous else (),
        in_transit=previous.in_transit if previous else (),
        treasury_quantities=previous.treasury_quantities if previous else None,
        last_good_nav_usd=previous.last_good_nav_usd if previous else None,
        last_good_nav_per_unit=previous.last_good_nav_per_unit if previous else None,
        last_good_fund_nav_per_unit=previous.last_good_fund_nav_per_unit if previous else None,
        last_good_as_of=previous.last_good_as_of if previous else None,
        source_stamps=_stamps(previous, readings.sources()),
        sources=readings.sources(),
    )
    if not accepted or wallet is None or readings.account is None:
        return Valuation(snapshot=snapshot, flows=())
    return _accept(snapshot, readings, wallet, rates, now)


def _accept(
    snapshot: NavSnapshot, readings: Readings, wallet: WalletCheck, rates: dict[str, Decimal], now: datetime
) -> Valuation:
    """Advance baseline and ledgers, and value the fund around the account."""
    previous, account = readings.previous, readings.account
    assert snapshot.trading_nav is not None and account is not None and account.balances is not None
    units = readings.opening_units or (snapshot.account_units, snapshot.fund_units)
    before = Ledgers(
        account_units=units[0],
        fund_units=units[1],
        unclassified=snapshot.unclassified,
        unpriced_fund_flows=snapshot.unpriced_fund_flows,
        in_transit=snapshot.in_transit,
        treasury_quantities=snapshot.treasury_quantities,
    )
    last_price = snapshot.last_good_nav_per_unit or Decimal(1)
    instant = Instant(
        account=snapshot.account,
        nav_ordinal=snapshot.ordinal,
        at=account.answered_at or now,
        recorded_at=snapshot.recorded_at,
        trading_nav=snapshot.trading_nav,
        last_nav_per_unit=last_price,
        rates=rates,
    )
    residuals = _classified_residuals(wallet, readings)
    venue = absorb_venue_flows(before, [row for _, row in wallet.inside], residuals, readings.declared, instant)
    treasury = absorb_treasury(venue.ledgers, _treasury_quantities(readings.reserves), readings.declared, instant)
    ledgers = treasury.ledgers
    nav_per_unit = None
    if ledgers.account_units is not None:
        nav_per_unit = ratio(snapshot.trading_nav, ledgers.account_units) if ledgers.account_units else last_price
    usd = _usd(readings.marks)
    in_transit = tuple(
        replace(entry, value_usd=entry.amount * usd[entry.asset] if entry.asset in usd else None)
        for entry in ledgers.in_transit
    )
    in_transit_usd = sum((entry.value_usd for entry in in_transit if entry.value_usd is not None), Decimal(0))
    assert snapshot.nav_usd is not None
    aum = quantized(snapshot.nav_usd + snapshot.treasury_usd + snapshot.reserves_usd + in_transit_usd)
    aum_problems = tuple(_aum_problems(readings.reserves, in_transit, ledgers, now))
    fund_nav_per_unit = None
    if not aum_problems:
        last_fund_price = snapshot.last_good_fund_nav_per_unit or Decimal(1)
        ledgers = price_fund_flows(ledgers, aum_usd=aum, usd=usd, last_price=last_fund_price)
        if ledgers.fund_units is not None:
            fund_nav_per_unit = ratio(aum, ledgers.fund_units) if ledgers.fund_units else last_fund_price
    return Valuation(
        snapshot=replace(
            snapshot,
            labels=(*venue.labels, *treasury.labels),
            account_units=ledgers.account_units,
            nav_per_unit=nav_per_unit,
            in_transit_usd=in_transit_usd,
            aum_usd=aum,
            aum_complete=not aum_problems,
            aum_problems=aum_problems,
            fund_units=ledgers.fund_units,
            fund_nav_per_unit=fund_nav_per_unit,
            baseline=IncomeBaseline(
                wallet=tuple(sorted((entry.asset, entry.wallet_balance) for entry in account.balances)),
                through_at=wallet.through_at,
                through_seq=readings.income_seq,
                origin_at=previous.baseline.origin_at if previous and previous.baseline else wallet.through_at,
            ),
            unclassified=ledgers.unclassified,
            unpriced_fund_flows=ledgers.unpriced_fund_flows,
            in_transit=in_transit,
            treasury_quantities=ledgers.treasury_quantities,
            last_good_nav_usd=snapshot.nav_usd,
            last_good_nav_per_unit=nav_per_unit if nav_per_unit is not None else snapshot.last_good_nav_per_unit,
            last_good_fund_nav_per_unit=fund_nav_per_unit or snapshot.last_good_fund_nav_per_unit,
            last_good_as_of=snapshot.as_of,
        ),
        flows=(*venue.flows, *treasury.flows),
    )


def _usd(marks: MarksReading | None) -> dict[str, Decimal]:
    return {entry.asset: entry.usd for entry in (marks.asset_rates if marks else None) or ()}


def _rates(marks: MarksReading | None, numeraire: str) -> dict[str, Decimal]:
    """Price of each asset in the numeraire; the numeraire is 1 by definition, its own USD price is not."""
    usd = _usd(marks)
    if not usd.get(numeraire):
        return {}
    return {asset: Decimal(1) if asset == numeraire else price / usd[numeraire] for asset, price in usd.items()}


def _parts(account: AccountReading | None, rates: dict[str, Decimal], uncounted: frozenset[str]) -> tuple[NavPart, ...]:
    parts = []
    for entry in (account.balances if account else None) or ():
        if not entry.wallet_balance and not entry.unrealized_pnl:
            continue
        rate = rates.get(entry.asset)
        worth = None if rate is None else quantized((entry.wallet_balance + entry.unrealized_pnl) * rate)
        parts.append(
            NavPart(
                asset=entry.asset,
                wallet_balance=entry.wallet_balance,
                unrealized_pnl=entry.unrealized_pnl,
                rate=rate,
                value=worth,
                counted=entry.asset not in uncounted,
            )
        )
    return tuple(parts)


def _total(parts: tuple[NavPart, ...]) -> Decimal | None:
    """Sum of what counts; unknown when any of it is. An account that answered with no money is worth zero."""
    values = [part.value for part in parts if part.counted]
    known = [worth for worth in values if worth is not None]
    return sum(known, Decimal(0)) if len(known) == len(values) else None


def _wallet_check(readings: Readings, limits: RiskLimits) -> WalletCheck | None:
    """``None`` while the wallet, the income list or the venue's time is unknown."""
    account, income = readings.account, readings.income
    if account is None or account.balances is None or account.answered_at is None or account.as_of is None:
        return None
    if income is None or not all(source.ok for source in income.sources):
        return None
    baseline = readings.previous.baseline if readings.previous else None
    if baseline is None:
        return WalletCheck(holds=True, inside=(), residuals=(), faults=(), through_at=account.as_of)
    return check_wallet(
        baseline,
        {entry.asset: entry.wallet_balance for entry in account.balances},
        readings.pending_income,
        seen_until=account.answered_at,
        final_before=account.answered_at - limits.freshness.income_final,
    )


def _classified_residuals(wallet: WalletCheck, readings: Readings) -> dict[str, Decimal]:
    """Unexplained changes by flow key, if a person has classified every one of them; else nothing."""
    since = readings.previous.unreconciled_since if readings.previous else None
    if wallet.holds or wallet.faults or since is None:
        return {}
    keyed = {residual_key(entry.asset, since): entry.residual for entry in wallet.residuals if entry.residual}
    return keyed if set(keyed) <= set(readings.declared.classifications) else {}


def _as_of(readings: Readings, numeraire: str) -> datetime | None:
    stamps = _used_stamps(readings, numeraire)
    return min(stamps.values()) if stamps else None


def _used_stamps(readings: Readings, numeraire: str) -> dict[str, datetime]:
    """Instant of every fact that enters the value, by source; empty if any is unknown."""
    account, marks, income = readings.account, readings.marks, readings.income
    if account is None or marks is None or income is None or account.as_of is None or income.as_of is None:
        return {}
    if account.positions is None or account.balances is None or marks.marks is None or marks.asset_rates is None:
        return {}
    stamps = {"balances": account.as_of, "income": income.as_of}
    stamps |= {s.source: s.as_of for s in account.sources if s.source == "positions" and s.as_of}
    held = {position.symbol for position in account.positions}
    stamps |= {f"mark {entry.symbol}": entry.as_of for entry in marks.marks if entry.symbol in held}
    owned = {entry.asset for entry in account.balances if entry.wallet_balance or entry.unrealized_pnl} | {numeraire}
    stamps |= {f"rate {entry.asset}": entry.as_of for entry in marks.asset_rates if entry.asset in owned}
    return stamps


def _problems(
    readings: Readings,
    limits: RiskLimits,
    parts: tuple[NavPart, ...],
    wallet: WalletCheck | None,
    as_of: datetime | None,
    numeraire: str,
    now: datetime,
) -> Iterator[Problem]:
    health = {source.source: source for source in readings.sources()}
    for name in REQUIRED_SOURCES:
        if name not in health:
            yield Problem(code="missing", source=name, message="never read")
        elif not health[name].ok:
            yield Problem(code="source_failed", source=name, message=health[name].error or "no reason given")
    for part in parts:
        if part.counted and part.value is None:
            yield Problem(code="incomplete", source="asset_rates", message=f"{part.asset} has no price")
    if all(name in health and health[name].ok for name in REQUIRED_SOURCES):
        yield from _unreconciled(readings, limits, wallet, numeraire)
    yield from _untimely(_used_stamps(readings, numeraire), as_of, limits, now)


def _unreconciled(
    readings: Readings, limits: RiskLimits, wallet: WalletCheck | None, numeraire: str
) -> Iterator[Problem]:
    assert readings.account is not None and readings.marks is not None
    for message in disagreements(
        readings.account, readings.marks, numeraire=numeraire, mark_tolerance=limits.mark_tolerance
    ):
        yield Problem(code="unreconciled", source="balances", message=message)
    if wallet is None:
        yield Problem(code="unreconciled", source="income", message="the wallet cannot be compared with its income")
    elif not wallet.holds and not _classified_residuals(wallet, readings):
        for message in wallet.faults:
            yield Problem(code="unreconciled", source="income", message=message)
        for entry in wallet.residuals:
            if entry.residual:
                yield Problem(
                    code="unreconciled",
                    source="income",
                    message=f"{entry.asset} wallet changed by {entry.change}, its income rows sum to {entry.income}",
                )


def _untimely(
    stamps: dict[str, datetime], as_of: datetime | None, limits: RiskLimits, now: datetime
) -> Iterator[Problem]:
    if as_of is None:
        return
    freshness = limits.freshness
    for source, stamp in stamps.items():
        if stamp - now > freshness.future_tolerance:
            yield Problem(code="future", source=source, message=f"dated {stamp - now} ahead of the venue's time")
        elif now - stamp >= (freshness.nav if not source.startswith(("mark ", "rate ")) else freshness.marks):
            yield Problem(code="stale", source=source, message=f"{now - stamp} old")
    newest = max(stamps.values())
    if newest - as_of > freshness.source_spread:
        oldest = min(stamps, key=lambda name: stamps[name])
        yield Problem(code="spread", source=oldest, message=f"{newest - as_of} older than the newest source")


def _unreconciled_since(
    previous: NavSnapshot | None, unreconciled: bool, accepted: bool, now: datetime
) -> datetime | None:
    """When the identities first failed; only an accepted snapshot ends it, a failed source does not."""
    since = previous.unreconciled_since if previous else None
    return None if accepted else since or (now if unreconciled else None)


def _stamps(previous: NavSnapshot | None, sources: tuple[SourceHealth, ...]) -> tuple[tuple[str, datetime], ...]:
    stamps = dict(previous.source_stamps) if previous else {}
    stamps |= {source.source: source.as_of for source in sources if source.ok and source.as_of is not None}
    return tuple(sorted(stamps.items()))


def _treasury_quantities(reserves: ReservesValuation | None) -> dict[str, Decimal] | None:
    """Holdings of the treasury by asset; ``None`` when they could not be read."""
    if reserves is None or reserves.error is not None:
        return None
    return {entry.asset: entry.quantity for entry in reserves.values if entry.place is Place.TREASURY}


def _aum_problems(
    reserves: ReservesValuation | None, in_transit: tuple[InTransit, ...], ledgers: Ledgers, now: datetime
) -> Iterator[str]:
    """Why reporting NAV is only a lower bound."""
    if reserves is None:
        yield "treasury and reserves have never been valued"
    elif reserves.error is not None:
        yield reserves.error
    else:
        for entry in reserves.values:
            if entry.value_usd is None:
                yield f"{entry.place} {entry.asset} is unpriced: {entry.reason}"
        if reserves.valid_until is not None and now >= reserves.valid_until:
            yield f"a price of treasury or reserves has been too old since {reserves.valid_until.isoformat()}"
    for transfer in in_transit:
        if transfer.value_usd is None:
            yield f"{transfer.asset} in transit is unpriced"
    if ledgers.unclassified:
        yield "an outflow is unclassified"
