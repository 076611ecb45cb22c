"""Flows: announcing money that will move, and saying what moved unannounced."""

import re
import secrets
from datetime import datetime, timedelta
from decimal import Decimal

from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.errors import CommandRefused
from hedge_pipeline.domain.flows import NATIVE_TOLERANCE, FlowClassification, FlowInstruction, FlowPurpose
from hedge_pipeline.domain.fund_view import WaitingFlow
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.operations.signing import signed
from hedge_pipeline.read_model import waiting_flows

LONGEST_WINDOW = timedelta(days=7)
"""An announcement that waits longer would match some later transfer by chance."""
BACKDATING = timedelta(minutes=1)
"""Slack for a window that begins now; what has happened is classified, not announced."""
LARGEST_AMOUNT = Decimal("1e15")
_ASSET = re.compile(r"[A-Z0-9]{2,20}")


def register_flow(
    fund: Fund,
    *,
    purpose: FlowPurpose,
    asset: str,
    amount: Decimal,
    window_from: datetime,
    window_until: datetime,
    actor: str,
    reason: str,
    approver: str | None = None,
) -> FlowInstruction:
    """Announce one flow. ``amount`` is in native units as the venue account sees it: into the account positive.

    Raises:
        CommandRefused: the announcement contradicts itself, or lacks its second person.
    """
    _refuse_contradictions(fund, purpose, asset, amount, window_from, window_until)
    instruction_id = secrets.token_hex(4)
    detail = f"{instruction_id}: {purpose} of {amount} {asset}, {window_from.isoformat()} to {window_until.isoformat()}"
    command = signed(
        fund,
        kind="flow_register",
        actor=actor,
        reason=reason,
        approver=approver,
        detail=detail,
        two_people=True,
    )
    instruction = FlowInstruction(
        account=fund.account,
        instruction_id=instruction_id,
        purpose=purpose,
        asset=asset,
        amount=amount,
        window_from=window_from,
        window_until=window_until,
        actor=command.actor,
        approver=command.approver,
        reason=command.reason,
        recorded_at=command.recorded_at,
    )
    fund.store.append(instruction, command)
    return instruction


def _refuse_contradictions(
    fund: Fund,
    purpose: FlowPurpose,
    asset: str,
    amount: Decimal,
    window_from: datetime,
    window_until: datetime,
) -> None:
    if purpose is FlowPurpose.LOSS:
        raise CommandRefused(
            "purpose: a loss is not announced; what is gone is classified with `hedge flow classify`"
        )
    if not _ASSET.fullmatch(asset):
        raise CommandRefused(f"asset: {asset!r} is not written as the venue does, such as USDT")
    if not amount.is_finite() or not NATIVE_TOLERANCE <= abs(amount) <= LARGEST_AMOUNT:
        raise CommandRefused(f"amount: {amount} is no amount that can be transferred")
    _refuse_wrong_sign(purpose, amount)
    if window_from.utcoffset() is None or window_until.utcoffset() is None:
        raise CommandRefused("window: its instants have no time zone")
    now = fund.now()
    if window_from < now - BACKDATING:
        raise CommandRefused(
            "window: it begins in the past; what has happened is classified with `hedge flow classify`"
        )
    if not timedelta(0) < window_until - window_from <= LONGEST_WINDOW:
        raise CommandRefused(f"window: it must end after it begins, and within {LONGEST_WINDOW.days} days")


def _refuse_wrong_sign(purpose: FlowPurpose, amount: Decimal) -> None:
    if purpose is FlowPurpose.SUBSCRIPTION and amount < 0:
        raise CommandRefused(f"amount: a subscription comes into the account, so {amount} cannot be one")
    if purpose in {FlowPurpose.REDEMPTION, FlowPurpose.LOSS} and amount > 0:
        raise CommandRefused(f"amount: a {purpose} leaves the account, so {amount} cannot be one")


def classify_flow(
    fund: Fund, flow_key: str, *, purpose: FlowPurpose, actor: str, reason: str, approver: str | None = None
) -> FlowClassification:
    """Say what an unannounced flow, or a balance change without income, was; the next valuation takes it up.

    Raises:
        CommandRefused: no such flow waits, the purpose contradicts its direction, or the second person is missing.
    """
    waiting = waiting_flows(fund, fund.latest(NavSnapshot))
    flow = next((flow for flow in waiting if flow.flow_key == flow_key), None)
    if flow is None:
        raise CommandRefused(f"{flow_key}: no such flow waits to be classified; {_waiting(waiting)}")
    _refuse_wrong_sign(purpose, flow.amount)
    detail = f"{flow_key}: {flow.amount} {flow.asset} was a {purpose}"
    command = signed(
        fund,
        kind="flow_classify",
        actor=actor,
        reason=reason,
        approver=approver,
        detail=detail,
        two_people=True,
    )
    classification = FlowClassification(
        account=fund.account,
        flow_key=flow_key,
        purpose=purpose,
        actor=command.actor,
        approver=command.approver,
        reason=command.reason,
        recorded_at=command.recorded_at,
    )
    fund.store.append(classification, command)
    return classification


def _waiting(waiting: tuple[WaitingFlow, ...]) -> str:
    if not waiting:
        return "none does"
    return "these do: " + ", ".join(f"{flow.flow_key} ({flow.amount} {flow.asset})" for flow in waiting)
