"""The two unit ledgers and what they have not finished with: flows nobody classified, money in transit.

Nothing is written here: the NAV snapshot carries the ledgers, so the next one needs nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.flows import (
    NATIVE_TOLERANCE,
    Flow,
    FlowClassification,
    FlowInstruction,
    FlowPurpose,
)
from hedge_pipeline.domain.nav import InTransit, OpenFlow, Problem
from hedge_pipeline.domain.units import ratio, settle

TREASURY_LEG = "treasury:"
"""Prefix of the flow key of a transfer's treasury leg."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What people have said about flows, and which instructions are used up."""

    instructions: tuple[FlowInstruction, ...] = ()
    classifications: Mapping[str, FlowClassification] = field(default_factory=dict)
    flows: tuple[Flow, ...] = ()
    """Every flow absorbed so far, oldest first."""

    def spent(self, leg: str) -> set[str]:
        """Instruction ids whose ``venue`` or ``treasury`` leg has been seen."""
        return {
            flow.instruction_id
            for flow in self.flows
            if flow.instruction_id and flow.flow_key.startswith(TREASURY_LEG) == (leg == "treasury")
        }

    def purpose(self, flow_key: str) -> FlowPurpose | None:
        """What a person said the flow was, else what it was announced as."""
        if flow_key in self.classifications:
            return self.classifications[flow_key].purpose
        return next((flow.purpose for flow in self.flows if flow.flow_key == flow_key), None)

    def transfer_id(self, flow_key: str) -> str:
        """The name under which both legs of a transfer meet: its instruction's, else the flow's own."""
        named = (flow.instruction_id for flow in self.flows if flow.flow_key == flow_key)
        return next((name for name in named if name), flow_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledgers:
    """Both unit ledgers and everything that is not finished with."""

    account_units: Decimal | None
    last_nav_per_unit: Decimal
    """At which account units are issued again once all of them were redeemed."""
    fund_units: Decimal | None
    last_fund_nav_per_unit: Decimal
    unclassified: tuple[OpenFlow, ...] = ()
    unpriced_fund_flows: tuple[OpenFlow, ...] = ()
    in_transit: tuple[InTransit, ...] = ()
    treasury_quantities: tuple[tuple[str, Decimal], ...] | None = None

    def nav_per_unit(self, trading_nav: Decimal) -> Decimal | None:
        """``None`` while a flow is unclassified: money has moved and nobody can say for how many units."""
        if self.account_units is None or self.unclassified:
            return None
        return ratio(trading_nav, self.account_units) if self.account_units else self.last_nav_per_unit

    def fund_nav_per_unit(self, aum_usd: Decimal) -> Decimal | None:
        if self.fund_units is None:
            return None
        return ratio(aum_usd, self.fund_units) if self.fund_units else self.last_fund_nav_per_unit

    def with_leg(self, transfer_id: str, asset: str, amount: Decimal, at: datetime) -> "Ledgers":
        """One leg more of a transfer: ``amount`` left one side (positive) or reached the other (negative).

        A transfer whose legs cancel has arrived.
        """
        same = next((t for t in self.in_transit if t.instruction_id == transfer_id), None)
        rest = tuple(t for t in self.in_transit if t is not same)
        between = amount + (same.amount if same else 0)
        if abs(between) > NATIVE_TOLERANCE:
            since = same.since if same else at
            rest += (
                InTransit(
                    instruction_id=transfer_id, asset=asset, amount=between, since=since, value_usd=None
                ),
            )
        return replace(self, in_transit=rest)

    def without_transfer(self, transfer_id: str) -> "Ledgers":
        return replace(self, in_transit=tuple(t for t in self.in_transit if t.instruction_id != transfer_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Absorbed:
    """The ledgers after one accepted snapshot, with the rows and labels that tell how they got there."""

    ledgers: Ledgers
    flows: tuple[Flow, ...]
    labels: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """The accepted snapshot the flows are priced at."""

    account: str
    nav_ordinal: int
    at: datetime
    recorded_at: datetime
    trading_nav: Decimal
    rates: Mapping[str, Decimal]
    """Price of one unit of each asset in the numeraire."""

    def row(
        self, flow: OpenFlow, purpose: FlowPurpose | None, instruction_id: str | None, units: Decimal
    ) -> Flow:
        """What is kept of a flow: a row of ``flows``."""
        return Flow(
            account=self.account,
            flow_key=flow.flow_key,
            occurred_at=flow.since,
            recorded_at=self.recorded_at,
            asset=flow.asset,
            amount=flow.amount,
            value=flow.value,
            purpose=purpose,
            instruction_id=instruction_id,
            nav_ordinal=self.nav_ordinal,
            price_per_unit=flow.price_per_unit,
            units=units,
        )


def price_fund_flows(before: Ledgers, *, aum_usd: Decimal, usd: Mapping[str, Decimal]) -> Ledgers:
    """Issue and redeem fund units for what waited, at the first complete reporting NAV after it.

    The first complete reporting NAV starts the ledger: one unit, one USD. A flow in an asset without a price waits on.
    """
    if before.fund_units is None:
        started = ratio(aum_usd, Decimal(1)) if aum_usd > 0 else None
        return replace(before, fund_units=started, unpriced_fund_flows=())
    if any(flow.asset not in usd for flow in before.unpriced_fund_flows):
        return before
    values = [flow.amount * usd[flow.asset] for flow in before.unpriced_fund_flows]
    if not values:
        return before
    settlement = settle(
        before.fund_units, values, nav_after=aum_usd, last_price=before.last_fund_nav_per_unit
    )
    if settlement is None:
        return before
    return replace(
        before,
        fund_units=settlement.units,
        last_fund_nav_per_unit=settlement.price,
        unpriced_fund_flows=(),
    )
