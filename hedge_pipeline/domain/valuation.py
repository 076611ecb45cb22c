"""Net asset value, bottom-up: one attempt's readings to one snapshot, or to the reasons why it is not known.

Trading NAV is the venue account alone, in its numeraire; reporting NAV adds treasury, reserves and money between
them, in USD. A snapshot is written whatever happened; only an accepted one advances a baseline or a ledger.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from hedge_pipeline.domain.acceptance import Findings, WalletVerdict, examine
from hedge_pipeline.domain.account import AccountReading
from hedge_pipeline.domain.flows import Flow
from hedge_pipeline.domain.ledgers import Instant, Ledgers, price_fund_flows
from hedge_pipeline.domain.limits import RiskLimits
from hedge_pipeline.domain.nav import IncomeBaseline, InTransit, NavPart, NavSnapshot
from hedge_pipeline.domain.readings import Readings
from hedge_pipeline.domain.reserves import ReservesValuation
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline.domain.treasury_legs import absorb_treasury
from hedge_pipeline.domain.units import quantized
from hedge_pipeline.domain.venue_flows import absorb_venue_flows

T = TypeVar("T")


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
    parts = _parts(readings.account, readings.rates(numeraire), uncounted)
    nav = _total(readings.account, parts)
    findings = examine(readings, parts, limits, numeraire=numeraire, uncounted=uncounted, now=now)
    numeraire_usd = readings.usd().get(numeraire)
    nav_usd = None if nav is None or numeraire_usd is None else quantized(nav * numeraire_usd)
    snapshot = NavSnapshot(
        account=account,
        ordinal=previous.ordinal + 1 if previous else 1,
        attempted_at=attempted_at,
        recorded_at=recorded_at,
        as_of=min(readings.used_stamps(numeraire).values(), default=None),
        complete=findings.complete,
        reconciled=findings.reconciled,
        accepted=False,
        problems=findings.problems,
        labels=(),
        numeraire=numeraire,
        numeraire_usd=numeraire_usd,
        trading_nav=nav,
        nav_usd=nav_usd,
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
        residuals=tuple(entry for entry in findings.wallet.check.residuals if entry.residual)
        if findings.wallet
        else (),
        unreconciled_since=_unreconciled_since(previous, findings, now),
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
    if findings.problems or findings.wallet is None or nav is None or nav_usd is None:
        return Valuation(snapshot=snapshot, flows=())
    snapshot = replace(snapshot, accepted=True, last_good_nav_usd=nav_usd, last_good_as_of=snapshot.as_of)
    return _with_ledgers(
        snapshot, nav, nav_usd, readings=readings, wallet=findings.wallet, uncounted=uncounted, now=now
    )


def _with_ledgers(
    snapshot: NavSnapshot,
    trading_nav: Decimal,
    nav_usd: Decimal,
    *,
    readings: Readings,
    wallet: WalletVerdict,
    uncounted: frozenset[str],
    now: datetime,
) -> Valuation:
    """Advance baseline and ledgers of an accepted snapshot, and value the fund around the account."""
    previous = readings.previous
    usd = readings.usd()
    instant = Instant(
        account=snapshot.account,
        nav_ordinal=snapshot.ordinal,
        at=wallet.read_at,
        recorded_at=snapshot.recorded_at,
        trading_nav=trading_nav,
        rates=readings.rates(snapshot.numeraire),
    )
    venue = absorb_venue_flows(
        _ledgers(snapshot, readings),
        [row for _, row in wallet.check.inside if row.asset not in uncounted],
        [residual for residual in wallet.classified if residual.asset not in uncounted],
        readings.declared,
        instant,
    )
    treasury = absorb_treasury(venue.ledgers, readings.treasury_quantities(), readings.declared, instant)
    ledgers = treasury.ledgers
    in_transit = _priced_transfers(ledgers.in_transit, usd)
    in_transit_usd = sum((t.value_usd for t in in_transit if t.value_usd is not None), Decimal(0))
    aum = quantized(nav_usd + snapshot.treasury_usd + snapshot.reserves_usd + in_transit_usd)
    aum_problems = tuple(_aum_problems(readings.reserves, in_transit, ledgers, now))
    fund_nav_per_unit = None
    if not aum_problems:
        ledgers = price_fund_flows(ledgers, aum_usd=aum, usd=usd)
        fund_nav_per_unit = ledgers.fund_nav_per_unit(aum)
    nav_per_unit = ledgers.nav_per_unit(trading_nav)
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
                wallet=tuple(sorted(wallet.balances.items())),
                through_at=wallet.check.through_at,
                through_seq=readings.income_seq,
                origin_at=previous.baseline.origin_at
                if previous and previous.baseline
                else wallet.check.through_at,
            ),
            unclassified=ledgers.unclassified,
            unpriced_fund_flows=ledgers.unpriced_fund_flows,
            in_transit=in_transit,
            treasury_quantities=ledgers.treasury_quantities,
            last_good_nav_per_unit=_known(nav_per_unit, snapshot.last_good_nav_per_unit),
            last_good_fund_nav_per_unit=_known(fund_nav_per_unit, snapshot.last_good_fund_nav_per_unit),
        ),
        flows=(*venue.flows, *treasury.flows),
    )


def _ledgers(snapshot: NavSnapshot, readings: Readings) -> Ledgers:
    """As the last snapshot left them, or as a later inception or rebuild set them."""
    account_units, fund_units = readings.opening_units or (snapshot.account_units, snapshot.fund_units)
    return Ledgers(
        account_units=account_units,
        last_nav_per_unit=_known(snapshot.last_good_nav_per_unit, Decimal(1)),
        fund_units=fund_units,
        last_fund_nav_per_unit=_known(snapshot.last_good_fund_nav_per_unit, Decimal(1)),
        unclassified=snapshot.unclassified,
        unpriced_fund_flows=snapshot.unpriced_fund_flows,
        in_transit=snapshot.in_transit,
        treasury_quantities=snapshot.treasury_quantities,
    )


def _parts(
    account: AccountReading | None, rates: Mapping[str, Decimal], uncounted: frozenset[str]
) -> tuple[NavPart, ...]:
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


def _total(account: AccountReading | None, parts: tuple[NavPart, ...]) -> Decimal | None:
    """Sum of what counts; unknown when any of it is. An account that answered with no money is worth zero."""
    if account is None or account.balances is None:
        return None
    values = [part.value for part in parts if part.counted]
    known = [worth for worth in values if worth is not None]
    return sum(known, Decimal(0)) if len(known) == len(values) else None


def _unreconciled_since(previous: NavSnapshot | None, findings: Findings, now: datetime) -> datetime | None:
    """Since when the wallet is not explained. An explained wallet ends it if the venue does not contradict itself."""
    since = previous.unreconciled_since if previous else None
    if findings.wallet is None:
        return since
    if not findings.wallet.explained:
        return since or now
    return since if findings.sums_agree is False else None


def _stamps(
    previous: NavSnapshot | None, sources: tuple[SourceHealth, ...]
) -> tuple[tuple[str, datetime], ...]:
    stamps = dict(previous.source_stamps) if previous else {}
    stamps |= {source.source: source.as_of for source in sources if source.ok and source.as_of is not None}
    return tuple(sorted(stamps.items()))


def _priced_transfers(transfers: tuple[InTransit, ...], usd: Mapping[str, Decimal]) -> tuple[InTransit, ...]:
    return tuple(
        replace(transfer, value_usd=transfer.amount * usd[transfer.asset] if transfer.asset in usd else None)
        for transfer in transfers
    )


def _aum_problems(
    reserves: ReservesValuation | None, in_transit: tuple[InTransit, ...], ledgers: Ledgers, now: datetime
) -> Iterator[str]:
    """Why reporting NAV is not known in full."""
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
    for flow in ledgers.unclassified:
        yield f"flow {flow.flow_key} of {flow.amount} {flow.asset} is not classified"


def _known(figure: Decimal | None, otherwise: T) -> Decimal | T:
    return otherwise if figure is None else figure
