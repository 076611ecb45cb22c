"""What a flow does to the two unit ledgers and to money in transit.

A transfer changes account units, never performance; between treasury and venue it changes no fund unit, and
while it has left one side and not reached the other it is an asset. Nothing is written here: the NAV snapshot
carries the result, so the next one needs nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.flows import (
    INCOME_KINDS,
    NATIVE_TOLERANCE,
    Flow,
    FlowClassification,
    FlowInstruction,
    FlowPurpose,
    IncomeKind,
    flow_key,
    matching_instruction,
)
from hedge_pipeline.domain.nav import InTransit, OpenFlow, Problem
from hedge_pipeline.domain.units import after_flow, flow_price, ratio

TREASURY_LEG = "treasury:"
"""Prefix of the flow key of a transfer's treasury leg."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What people have said about flows, and which instructions are used up."""

    instructions: tuple[FlowInstruction, ...] = ()
    classifications: Mapping[str, FlowClassification] = field(default_factory=dict)
    flows: tuple[Flow, ...] = ()
    """Every flow absorbed so far."""

    def spent(self, leg: str) -> set[str]:
        """Instruction ids whose ``venue`` or ``treasury`` leg has been seen."""
        return {
            flow.instruction_id
            for flow in self.flows
            if flow.instruction_id and flow.flow_key.startswith(TREASURY_LEG) == (leg == "treasury")
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledgers:
    """Both unit ledgers and everything that is not finished with."""

    account_units: Decimal | None
    fund_units: Decimal | None
    unclassified: tuple[OpenFlow, ...] = ()
    unpriced_fund_flows: tuple[OpenFlow, ...] = ()
    in_transit: tuple[InTransit, ...] = ()
    treasury_quantities: tuple[tuple[str, Decimal], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absorbed:
    """The ledgers after one accepted snapshot, with the rows and labels that tell how they got there."""

    ledgers: Ledgers
    flows: tuple[Flow, ...]
    labels: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """The accepted snapshot the flows are priced at."""

    account: str
    nav_ordinal: int
    at: datetime
    recorded_at: datetime
    trading_nav: Decimal
    last_nav_per_unit: Decimal
    rates: Mapping[str, Decimal]
    """Price of one unit of each asset in the numeraire."""


def absorb_venue_flows(
    before: Ledgers, income: Sequence[IncomeRow], residuals: Mapping[str, Decimal], declared: Declared, instant: Instant
) -> Absorbed:
    """Move account units for every transfer among ``income``, and for classified residuals and outflows.

    ``residuals`` are balance changes no income row explains but a person has classified, by flow key.
    """
    arrived = [
        (flow_key(row), row.asset, row.amount, row.occurred_at)
        for row in income
        if INCOME_KINDS.get(row.income_type) is IncomeKind.FLOW
    ] + [(key, key.split(":")[1], amount, instant.at) for key, amount in residuals.items()]
    total = sum((amount * instant.rates[asset] for _, asset, amount, _ in arrived), Decimal(0))
    units = before.account_units
    price = (
        None
        if units is None
        else flow_price(instant.trading_nav, total, units, instant.last_nav_per_unit)
    )
    spent = declared.spent("venue")
    after, rows, labels = before, [], []
    for key, asset, amount, at in arrived:
        instruction = matching_instruction(declared.instructions, spent, asset=asset, amount=amount, at=at)
        classified = declared.classifications.get(key)
        purpose = instruction.purpose if instruction else classified.purpose if classified else None
        if instruction:
            spent.add(instruction.instruction_id)
        open_flow = OpenFlow(
            flow_key=key, asset=asset, amount=amount, value=amount * instant.rates[asset], price_per_unit=price, since=at
        )
        after, moved = _settle(after, open_flow, purpose, instruction.instruction_id if instruction else key)
        rows.append(_row(open_flow, purpose, instruction, moved, instant))
        if purpose is None and amount > 0:
            labels.append(Problem(code="unregistered_inflow", source="income", message=f"{amount} {asset} nobody announced"))

    for waiting in before.unclassified:
        classified = declared.classifications.get(waiting.flow_key)
        if classified is not None:
            rest = tuple(entry for entry in after.unclassified if entry.flow_key != waiting.flow_key)
            after, moved = _settle(replace(after, unclassified=rest), waiting, classified.purpose, waiting.flow_key)
            rows.append(_row(waiting, classified.purpose, None, moved, instant))
    return Absorbed(ledgers=after, flows=tuple(rows), labels=tuple(labels))


def _settle(ledgers: Ledgers, flow: OpenFlow, purpose: FlowPurpose | None, transit_id: str) -> tuple[Ledgers, Decimal]:
    """The ledgers with this flow in them, and the account units it moved."""
    if purpose is FlowPurpose.LOSS:
        return ledgers, Decimal(0)
    if purpose is None and flow.amount < 0:
        return replace(ledgers, unclassified=(*ledgers.unclassified, flow)), Decimal(0)
    moved = Decimal(0)
    if ledgers.account_units is not None:
        if flow.price_per_unit is None:
            return replace(ledgers, unclassified=(*ledgers.unclassified, flow)), Decimal(0)
        units = after_flow(ledgers.account_units, flow.value, flow.price_per_unit)
        moved = units - ledgers.account_units
        ledgers = replace(ledgers, account_units=units)
    if purpose is FlowPurpose.TREASURY_TRANSFER:
        return replace(ledgers, in_transit=_leg(ledgers.in_transit, transit_id, flow.asset, -flow.amount, flow.since)), moved
    return replace(ledgers, unpriced_fund_flows=(*ledgers.unpriced_fund_flows, flow)), moved


def absorb_treasury(
    before: Ledgers, quantities: Mapping[str, Decimal] | None, declared: Declared, instant: Instant
) -> Absorbed:
    """See the treasury legs of transfers in the change of its holdings; ``None``: holdings unknown, nothing is seen."""
    if quantities is None:
        return Absorbed(ledgers=before, flows=(), labels=())
    after, rows, labels = before, [], []
    known = dict(before.treasury_quantities or ())
    spent = declared.spent("treasury")
    for asset in sorted(set(known) | set(quantities)) if before.treasury_quantities is not None else ():
        change = quantities.get(asset, Decimal(0)) - known.get(asset, Decimal(0))
        if not change:
            continue
        waiting = next(
            (t for t in after.in_transit if t.asset == asset and abs(t.amount - change) <= NATIVE_TOLERANCE), None
        )
        instruction = matching_instruction(
            [i for i in declared.instructions if i.purpose is FlowPurpose.TREASURY_TRANSFER],
            spent, asset=asset, amount=-change, at=instant.at,
        )  # fmt: skip
        if waiting is None and instruction is None:
            labels.append(
                Problem(code="treasury_changed", source="holdings", message=f"{change} {asset} that no transfer explains")
            )
            continue
        transit_id = waiting.instruction_id if waiting else instruction.instruction_id if instruction else ""
        spent.add(transit_id)
        after = replace(after, in_transit=_leg(after.in_transit, transit_id, asset, -change, instant.at))
        leg = OpenFlow(
            flow_key=f"{TREASURY_LEG}{transit_id}", asset=asset, amount=change,
            value=change * instant.rates.get(asset, Decimal(0)), price_per_unit=None, since=instant.at,
        )  # fmt: skip
        rows.append(replace(_row(leg, FlowPurpose.TREASURY_TRANSFER, None, Decimal(0), instant), instruction_id=transit_id))
    after = replace(after, treasury_quantities=tuple(sorted(quantities.items())))
    return Absorbed(ledgers=after, flows=tuple(rows), labels=tuple(labels))


def price_fund_flows(
    before: Ledgers, *, aum_usd: Decimal, usd: Mapping[str, Decimal], last_price: Decimal
) -> Ledgers:
    """Issue and redeem fund units for what waited, at the first complete reporting NAV after it.

    The first complete reporting NAV starts the ledger: one unit, one USD.
    """
    if before.fund_units is None:
        return replace(before, fund_units=ratio(aum_usd, Decimal(1)) if aum_usd > 0 else None, unpriced_fund_flows=())
    values = [flow.amount * usd[flow.asset] for flow in before.unpriced_fund_flows]
    price = flow_price(aum_usd, sum(values, Decimal(0)), before.fund_units, last_price)
    if not values or price is None:
        return before
    units = before.fund_units
    for value in values:
        units = after_flow(units, value, price)
    return replace(before, fund_units=units, unpriced_fund_flows=())


def _leg(
    in_transit: Sequence[InTransit], transit_id: str, asset: str, amount: Decimal, at: datetime
) -> tuple[InTransit, ...]:
    """Add one leg; a transfer whose legs cancel has arrived."""
    same = next((t for t in in_transit if t.instruction_id == transit_id), None)
    rest = [t for t in in_transit if t is not same]
    rest_amount = (same.amount if same else Decimal(0)) + amount
    if abs(rest_amount) <= NATIVE_TOLERANCE:
        return tuple(rest)
    since = same.since if same else at
    return (*rest, InTransit(instruction_id=transit_id, asset=asset, amount=rest_amount, since=since, value_usd=None))


def _row(
    flow: OpenFlow, purpose: FlowPurpose | None, instruction: FlowInstruction | None, units: Decimal, instant: Instant
) -> Flow:
    return Flow(
        account=instant.account,
        flow_key=flow.flow_key,
        occurred_at=flow.since,
        recorded_at=instant.recorded_at,
        asset=flow.asset,
        amount=flow.amount,
        value=flow.value,
        purpose=purpose,
        instruction_id=instruction.instruction_id if instruction else None,
        nav_ordinal=instant.nav_ordinal,
        price_per_unit=flow.price_per_unit,
        units=units,
    )
