"""Permits: the right to send opening orders, bounded in what, how much, how many and until when.

A permit comes from an ACTIVE decision that still holds, and from nothing else. Every submission spends it and leaves a smaller
one, so whoever holds a permit can do no more than it was issued for. Orders that reduce a position need none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from hedge_pipeline.domain.orders import NewOrder
from hedge_pipeline.domain.verdicts import GateDecision, Incident, TradingState

LIFETIME = timedelta(seconds=10)


class RefusalReason(StrEnum):
    """Why there is no permit, or why it does not cover an order."""

    NO_DECISION = "no_decision"
    NOT_ACTIVE = "not_active"
    DECISION_EXPIRED = "decision_expired"
    DECISION_AHEAD = "decision_ahead"
    """Decided after now: two clocks disagree."""
    INCIDENT_OPEN = "incident_open"
    """The journal holds an incident that stops opening orders, perhaps younger than the decision."""
    INCIDENTS_UNKNOWN = "incidents_unknown"
    NOTHING_TO_ISSUE = "nothing_to_issue"
    """No symbols, no orders, or a notional that is not known or not above 0."""
    NOT_OPENING = "not_opening"
    OTHER_ACCOUNT = "other_account"
    OTHER_SYMBOL = "other_symbol"
    PERMIT_EXPIRED = "permit_expired"
    PERMIT_AHEAD = "permit_ahead"
    NOTIONAL_UNKNOWN = "notional_unknown"
    NOTIONAL_SPENT = "notional_spent"
    ORDERS_SPENT = "orders_spent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A permit denied, with the reason named."""

    reason: RefusalReason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingPermit:
    """What may still be opened under one decision. Made by ``issue_permit``, made smaller by ``spend``."""

    account: str
    symbols: frozenset[str]
    remaining_notional_usd: Decimal
    remaining_orders: int
    decided_at: datetime
    issued_at: datetime
    expires_at: datetime
    """The first instant at which it permits nothing, by the venue's time."""


def issue_permit(
    decision: GateDecision | None,
    *,
    symbols: frozenset[str],
    notional_usd: Decimal | None,
    orders: int,
    incidents: Sequence[Incident] | None,
    now: datetime,
) -> TradingPermit | Refusal:
    """A permit for at most ``orders`` opening orders worth ``notional_usd`` together.

    ``now`` is the venue's time. ``incidents`` are those open in the journal now; ``None``: it could not be read.
    """
    if decision is None:
        return _refused(RefusalReason.NO_DECISION, "the gate has not decided: run gate_job")
    if refusal := next(_against_deciding(decision, now), None) or _halted(incidents, decision.account):
        return refusal
    if not symbols or orders < 1 or notional_usd is None or not _is_positive(notional_usd):
        return _refused(
            RefusalReason.NOTHING_TO_ISSUE,
            f"{orders} orders on {len(symbols)} symbols worth {notional_usd} USD are nothing to permit",
        )
    return TradingPermit(
        account=decision.account,
        symbols=symbols,
        remaining_notional_usd=notional_usd,
        remaining_orders=orders,
        decided_at=decision.decided_at,
        issued_at=now,
        expires_at=min(now + LIFETIME, decision.valid_until),
    )


def spend(
    permit: TradingPermit,
    order: NewOrder,
    *,
    account: str,
    mark_price: Decimal | None,
    incidents: Sequence[Incident] | None,
    now: datetime,
) -> TradingPermit | Refusal:
    """What is left of the permit once ``order`` is submitted; asked before every submission, repeated ones too.

    The order costs its quantity at its limit or at mark, whichever is higher.
    """
    if refusal := next(_against_covering(permit, order, account, now), None) or _halted(incidents, account):
        return refusal
    if order.quantity is None or mark_price is None or not _is_positive(mark_price):
        return _refused(
            RefusalReason.NOTIONAL_UNKNOWN, f"quantity {order.quantity} at the mark price {mark_price}"
        )
    notional = order.quantity * max(order.limit_price or mark_price, mark_price)
    if notional > permit.remaining_notional_usd:
        return _refused(
            RefusalReason.NOTIONAL_SPENT,
            f"the order is worth {notional:f} USD, and {permit.remaining_notional_usd:f} are left",
        )
    return replace(
        permit,
        remaining_notional_usd=permit.remaining_notional_usd - notional,
        remaining_orders=permit.remaining_orders - 1,
    )


def _against_deciding(decision: GateDecision, now: datetime) -> Iterator[Refusal]:
    if decision.state is not TradingState.ACTIVE or decision.dormant:
        broken = ", ".join(breach.reason for breach in decision.breaches)
        yield _refused(RefusalReason.NOT_ACTIVE, f"the gate is {decision.state.name}: {broken}")
    if now < decision.decided_at:
        yield _refused(RefusalReason.DECISION_AHEAD, f"decided at {decision.decided_at}, and it is {now}")
    if now >= decision.valid_until:
        yield _refused(RefusalReason.DECISION_EXPIRED, f"it was valid until {decision.valid_until}")


def _against_covering(
    permit: TradingPermit, order: NewOrder, account: str, now: datetime
) -> Iterator[Refusal]:
    if order.reduces_position:
        yield _refused(RefusalReason.NOT_OPENING, f"{order.client_order_id} reduces: it needs no permit")
    if account != permit.account:
        yield _refused(RefusalReason.OTHER_ACCOUNT, f"the permit is for {permit.account}, not {account}")
    if order.symbol not in permit.symbols:
        yield _refused(RefusalReason.OTHER_SYMBOL, f"the permit does not cover {order.symbol}")
    if now < permit.issued_at:
        yield _refused(RefusalReason.PERMIT_AHEAD, f"issued at {permit.issued_at}, and it is {now}")
    if now >= permit.expires_at:
        yield _refused(RefusalReason.PERMIT_EXPIRED, f"it ended at {permit.expires_at}")
    if permit.remaining_orders < 1:
        yield _refused(RefusalReason.ORDERS_SPENT, "it permits no further order")


def _halted(incidents: Sequence[Incident] | None, account: str) -> Refusal | None:
    if incidents is None:
        return _refused(RefusalReason.INCIDENTS_UNKNOWN, "the journal of incidents could not be read")
    for incident in incidents:
        stops = incident.ceiling is not None and incident.ceiling < TradingState.ACTIVE
        if incident.account == account and incident.closed_at is None and stops:
            return _refused(RefusalReason.INCIDENT_OPEN, f"{incident.key}: {incident.message}")
    return None


def _is_positive(value: Decimal) -> bool:
    return value.is_finite() and value > 0


def _refused(reason: RefusalReason, message: str) -> Refusal:
    return Refusal(reason=reason, message=message)
