"""Transfers in and out of the venue account: they change account units, never performance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.flows import (
    INCOME_KINDS,
    Flow,
    FlowPurpose,
    IncomeKind,
    flow_key,
    matching_instruction,
)
from hedge_pipeline.domain.ledgers import Absorbed, Declared, Instant, Ledgers
from hedge_pipeline.domain.nav import OpenFlow, Problem
from hedge_pipeline.domain.units import Settlement, quantized, ratio, settle


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """A balance change no income row explains, which a person has classified."""

    flow_key: str
    asset: str
    amount: Decimal


def absorb_venue_flows(
    before: Ledgers,
    income: Sequence[IncomeRow],
    residuals: Sequence[Residual],
    declared: Declared,
    instant: Instant,
) -> Absorbed:
    """Move account units for what waited and is now classified, then for every new transfer.

    A loss is performance. So is, until somebody says what it was, an outflow nobody announced: flows beside and after
    it are priced as if it were one. Once classified, its units are the share it had of the NAV before it; that share
    scales whatever was issued meanwhile, so the figures come out as if it had been announced.
    """
    after, rows = _classified_late(before, declared, instant)
    arrivals = _arrivals(income, residuals, declared, instant)
    counted = [arrival for arrival in arrivals if arrival.counts]
    values = [arrival.value for arrival in counted]
    nav_before = instant.trading_nav - sum(values, Decimal(0))
    settled = _settled(after, values, nav_after=instant.trading_nav)
    moved = dict(
        zip((arrival.flow_key for arrival in counted), settled.moved if settled else (), strict=False)
    )
    priced, after = after, _with_units(after, settled)
    for arrival in arrivals:
        own_nav_before = nav_before - (arrival.value if arrival.waits else 0)
        flow = arrival.opened(priced, own_nav_before, instant)
        if arrival.waits or (arrival.counts and priced.account_units is not None and settled is None):
            after = replace(after, unclassified=(*after.unclassified, flow))
        else:
            after = _finished(after, flow, arrival.purpose, arrival.instruction_id or arrival.flow_key)
        rows.append(
            instant.row(
                flow, arrival.purpose, arrival.instruction_id, moved.get(arrival.flow_key, Decimal(0))
            )
        )
    labels = tuple(
        Problem(
            code="unregistered_inflow",
            source="income",
            message=f"{arrival.amount} {arrival.asset} nobody announced",
        )
        for arrival in arrivals
        if arrival.purpose is None and arrival.amount > 0
    )
    return Absorbed(ledgers=after, flows=tuple(rows), labels=labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    """A transfer that this snapshot is the first to hold."""

    flow_key: str
    asset: str
    amount: Decimal
    value: Decimal
    at: datetime
    purpose: FlowPurpose | None
    instruction_id: str | None

    @property
    def waits(self) -> bool:
        """Units do not move for an outflow nobody announced."""
        return self.purpose is None and self.amount < 0

    @property
    def counts(self) -> bool:
        return not self.waits and self.purpose is not FlowPurpose.LOSS

    def opened(self, ledgers: Ledgers, nav_before: Decimal, instant: Instant) -> OpenFlow:
        units = ledgers.account_units
        price = ratio(nav_before, units) if units else ledgers.last_nav_per_unit
        return OpenFlow(
            flow_key=self.flow_key,
            asset=self.asset,
            amount=self.amount,
            value=self.value,
            price_per_unit=None if units is None else price,
            nav_before=None if units is None else nav_before,
            nav_ordinal=instant.nav_ordinal,
            since=self.at,
        )


def _arrivals(
    income: Sequence[IncomeRow], residuals: Sequence[Residual], declared: Declared, instant: Instant
) -> list[_Arrival]:
    seen = [
        (flow_key(row), row.asset, row.amount, row.occurred_at)
        for row in income
        if INCOME_KINDS.get(row.income_type) is IncomeKind.FLOW
    ] + [(residual.flow_key, residual.asset, residual.amount, instant.at) for residual in residuals]
    spent = declared.spent("venue")
    arrivals = []
    for key, asset, amount, at in seen:
        instruction = matching_instruction(declared.instructions, spent, asset=asset, amount=amount, at=at)
        if instruction:
            spent.add(instruction.instruction_id)
        arrivals.append(
            _Arrival(
                flow_key=key,
                asset=asset,
                amount=amount,
                value=quantized(amount * instant.rates[asset]),
                at=at,
                purpose=instruction.purpose if instruction else declared.purpose(key),
                instruction_id=instruction.instruction_id if instruction else None,
            )
        )
    return arrivals


def _classified_late(before: Ledgers, declared: Declared, instant: Instant) -> tuple[Ledgers, list[Flow]]:
    """What waited and may now be settled; the rest waits on."""
    after, rows = before, []
    for key in [flow.flow_key for flow in before.unclassified]:
        flow = next(flow for flow in after.unclassified if flow.flow_key == key)
        purpose = declared.purpose(key)
        if purpose is None and flow.amount < 0:
            continue
        moved = Decimal(0)
        if (
            purpose is not FlowPurpose.LOSS
            and after.account_units is not None
            and flow.nav_before is not None
        ):
            settled = _settled(after, [flow.value], nav_after=flow.nav_before + flow.value)
            if settled is None:
                continue
            (moved,) = settled.moved
            after = _without_siblings_share(_with_units(after, settled), flow)
        rest = tuple(other for other in after.unclassified if other.flow_key != key)
        after = _finished(replace(after, unclassified=rest), flow, purpose, declared.transfer_id(key))
        rows.append(instant.row(flow, purpose, None, moved))
    return after, rows


def _without_siblings_share(ledgers: Ledgers, flow: OpenFlow) -> Ledgers:
    """Others seen by the same snapshot took this one for performance; now it stood in the NAV before them."""
    return replace(
        ledgers,
        unclassified=tuple(
            replace(other, nav_before=other.nav_before - flow.value)
            if other.nav_ordinal == flow.nav_ordinal and other.nav_before is not None
            else other
            for other in ledgers.unclassified
        ),
    )


def _settled(ledgers: Ledgers, values: Sequence[Decimal], *, nav_after: Decimal) -> Settlement | None:
    if ledgers.account_units is None or not values:
        return None
    return settle(ledgers.account_units, values, nav_after=nav_after, last_price=ledgers.last_nav_per_unit)


def _with_units(ledgers: Ledgers, settled: Settlement | None) -> Ledgers:
    if settled is None:
        return ledgers
    return replace(ledgers, account_units=settled.units, last_nav_per_unit=settled.price)


def _finished(ledgers: Ledgers, flow: OpenFlow, purpose: FlowPurpose | None, transfer_id: str) -> Ledgers:
    """The account is done with a flow: it is on its way to the treasury, or it is the investors', or it is gone."""
    if purpose is FlowPurpose.TREASURY_TRANSFER:
        return ledgers.with_leg(transfer_id, flow.asset, -flow.amount, flow.since)
    ledgers = ledgers.without_transfer(transfer_id)
    if purpose is FlowPurpose.LOSS:
        return ledgers
    return replace(ledgers, unpriced_fund_flows=(*ledgers.unpriced_fund_flows, flow))
