"""Pre-trade rules about what has to be known before an order may open anything."""

from hedge_pipeline.domain.pretrade_inputs import Case, Finding, Findings
from hedge_pipeline.domain.trading_risk_state import TradingRiskState
from hedge_pipeline.domain.verdicts import TradingState

UNKNOWN = "unknown"
_CANONICAL = {"daily_loss_limit": "daily_loss", "daily_loss_halt": "daily_loss"}


def gate_is_active(case: Case) -> Findings:
    """Each breach that keeps the gate from ACTIVE is told by its own reason."""
    decision = case.inputs.decision
    if decision is None:
        yield Finding(threshold="a decision of the gate", observation="none")
        return
    if not decision.decided_at <= case.now < decision.valid_until:
        yield Finding(threshold=f"valid until {decision.valid_until}", observation=f"it is {case.now}")
    if decision.state is TradingState.ACTIVE and not decision.dormant:
        return
    stopping = [breach for breach in decision.breaches if breach.ceiling < TradingState.ACTIVE]
    for breach in stopping:
        yield Finding(
            threshold=breach.threshold or TradingState.ACTIVE.name,
            observation=breach.observation or breach.message,
            reason=_CANONICAL.get(breach.reason, breach.reason),
        )
    if not stopping:
        yield Finding(threshold=TradingState.ACTIVE.name, observation=decision.state.name)


def risk_state_is_known(case: Case) -> Findings:
    state: TradingRiskState | None = case.inputs.state
    account = case.inputs.decision.account if case.inputs.decision else None
    if state is None:
        yield Finding(threshold="known", observation=UNKNOWN)
    elif account is not None and state.account != account:
        yield Finding(threshold=f"the state of {account}", observation=f"that of {state.account}")


def instrument_is_known(case: Case) -> Findings:
    if case.instrument is None:
        yield Finding(threshold="known", observation=UNKNOWN)


def nav_is_known(case: Case) -> Findings:
    if case.nav_usd is None:
        nav = case.inputs.nav_usd
        yield Finding(threshold="above 0 USD", observation=UNKNOWN if nav is None else f"{nav} USD")


def exposure_is_known(case: Case) -> Findings:
    if case.exposure is None:
        yield Finding(threshold="positions, orders and marks known", observation=UNKNOWN)


def leverage_is_known(case: Case) -> Findings:
    leverage = (case.inputs.leverages or {}).get(case.order.symbol)
    if leverage is None or not (leverage.is_finite() and leverage > 0):
        yield Finding(threshold="known", observation=UNKNOWN if leverage is None else f"{leverage}x")


def margin_is_known(case: Case) -> Findings:
    totals = case.inputs.totals
    if totals is None or not (totals.maintenance_margin.is_finite() and totals.margin_balance.is_finite()):
        yield Finding(threshold="known", observation=UNKNOWN)


def notional_is_valid(case: Case) -> Findings:
    if case.notional_usd is None:
        yield Finding(
            threshold="a quantity and a mark price", observation=f"{case.order.quantity}, {case.mark_price}"
        )
