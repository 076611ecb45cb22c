"""Halting: the order that must work when nothing else does. It needs the state store alone."""

from hedge_pipeline.cycle import Fund, retried
from hedge_pipeline.domain.verdicts import Incident, TradingState
from hedge_pipeline.operations.signing import signed

OPERATOR_HALT = "operator_halt"
"""Key of the incident; at most one is open."""


def halt(fund: Fund, *, actor: str, reason: str) -> Incident:
    """Latch HALTED until somebody re-arms. Ordered again, it is journaled and changes nothing.

    Raises:
        CommandRefused: nobody or no reason is named.
    """
    return retried(lambda: _halt(fund, actor=actor, reason=reason))


def _halt(fund: Fund, *, actor: str, reason: str) -> Incident:
    standing = next((i for i in fund.store.open_incidents(fund.account) if i.key == OPERATOR_HALT), None)
    detail = (
        "latched HALTED" if standing is None else f"halted already since {standing.opened_at.isoformat()}"
    )
    command = signed(fund, kind="halt", actor=actor, reason=reason, detail=detail)
    if standing is not None:
        fund.store.append(command)
        return standing
    latch = Incident(
        account=fund.account,
        key=OPERATOR_HALT,
        opened_at=fund.now(),
        closed_at=None,
        latched=True,
        ceiling=TradingState.HALTED,
        reason=OPERATOR_HALT,
        message=f"halted by {command.actor}: {command.reason}",
        remedy="when its reason is gone: `hedge rearm --actor NAME --reason WHY`",
        holds_until=None,
        closed_by=None,
    )
    fund.store.append(command, latch)
    return latch
