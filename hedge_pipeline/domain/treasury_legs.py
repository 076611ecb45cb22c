"""The treasury's side of a transfer, seen in the change of its holdings.

Money that has left one side and not reached the other is an asset, so a transfer changes no fund NAV at any instant,
whichever side is seen first.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from hedge_pipeline.domain.flows import NATIVE_TOLERANCE, Flow, FlowPurpose, matching_instruction
from hedge_pipeline.domain.ledgers import TREASURY_LEG, Absorbed, Declared, Instant, Ledgers
from hedge_pipeline.domain.nav import Problem
from hedge_pipeline.domain.units import quantized


def absorb_treasury(
    before: Ledgers, quantities: Mapping[str, Decimal] | None, declared: Declared, instant: Instant
) -> Absorbed:
    """Match what changed in the treasury with transfers; what none explains is told.

    ``None``: the holdings are unknown, nothing is seen. The first holdings ever seen are no change.
    """
    if quantities is None:
        return Absorbed(ledgers=before, flows=())
    after = replace(before, treasury_quantities=tuple(sorted(quantities.items())))
    if before.treasury_quantities is None:
        return Absorbed(ledgers=after, flows=())
    known = dict(before.treasury_quantities)
    rows: list[Flow] = []
    labels: list[Problem] = []
    spent = declared.spent("treasury")
    for asset in sorted(known.keys() | quantities.keys()):
        change = quantities.get(asset, Decimal(0)) - known.get(asset, Decimal(0))
        while change:
            leg = _leg(after, asset, change, declared, spent, instant)
            if leg is None:
                labels.append(
                    Problem(
                        code="treasury_changed",
                        source="holdings",
                        message=f"{change} {asset} that no transfer explains",
                    )
                )
                break
            transfer_id, amount = leg
            spent.add(transfer_id)
            after = after.with_leg(transfer_id, asset, -amount, instant.at)
            rows.append(_row(transfer_id, asset, amount, instant))
            change -= amount
    return Absorbed(ledgers=after, flows=tuple(rows), labels=tuple(labels))


def _leg(
    ledgers: Ledgers, asset: str, change: Decimal, declared: Declared, spent: set[str], instant: Instant
) -> tuple[str, Decimal] | None:
    """The transfer this change belongs to, and how much of the change is its.

    One of exactly this amount comes first: on its way, announced, or an outflow nobody has classified yet. Else the
    oldest one on its way arrives in part: transfers arrive together, or less a fee.
    """
    under_way = [t for t in ledgers.in_transit if t.asset == asset and (t.amount > 0) is (change > 0)]
    exact = [t.instruction_id for t in under_way if abs(t.amount - change) <= NATIVE_TOLERANCE]
    announced = matching_instruction(
        [i for i in declared.instructions if i.purpose is FlowPurpose.TREASURY_TRANSFER],
        spent,
        asset=asset,
        amount=-change,
        at=instant.at,
    )
    unclassified = [
        flow.flow_key
        for flow in ledgers.unclassified
        if flow.asset == asset
        and abs(flow.amount + change) <= NATIVE_TOLERANCE
        and flow.flow_key not in spent
    ]
    whole = [*exact, *([announced.instruction_id] if announced else []), *unclassified]
    if whole:
        return whole[0], change
    if under_way:
        oldest = min(under_way, key=lambda transfer: transfer.since)
        return oldest.instruction_id, min(change, oldest.amount, key=abs)
    return None


def _row(transfer_id: str, asset: str, amount: Decimal, instant: Instant) -> Flow:
    rate = instant.rates.get(asset)
    return Flow(
        account=instant.account,
        flow_key=f"{TREASURY_LEG}{transfer_id}",
        occurred_at=instant.at,
        recorded_at=instant.recorded_at,
        asset=asset,
        amount=amount,
        value=None if rate is None else quantized(amount * rate),
        purpose=FlowPurpose.TREASURY_TRANSFER,
        instruction_id=transfer_id,
        nav_ordinal=instant.nav_ordinal,
        price_per_unit=None,
        units=Decimal(0),
    )
