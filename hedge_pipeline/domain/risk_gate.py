"""Whether the fund may trade: every rule, always all of them; the strictest breach decides.

The table below is the policy: what each rule allows while it does not hold, whether a person has to re-arm, and
what to do. An unknown input is a breach by itself, so ACTIVE needs evidence for everything.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hedge_pipeline.domain import gate_knowledge as known
from hedge_pipeline.domain import gate_limits as limited
from hedge_pipeline.domain.gate_inputs import Finding, Findings, GateInputs
from hedge_pipeline.domain.limits import RiskLimits
from hedge_pipeline.domain.verdicts import (
    Breach,
    BreachKind,
    GateDecision,
    Incident,
    IncidentChanges,
    TradingState,
)

UNKNOWN, LIMIT, WARNING = BreachKind.UNKNOWN, BreachKind.LIMIT, BreachKind.WARNING
HALTED, REDUCING, ACTIVE = TradingState.HALTED, TradingState.REDUCING, TradingState.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the policy."""

    holds: Callable[[GateInputs, RiskLimits, datetime], Findings]
    reason: str
    kind: BreachKind
    ceiling: TradingState
    latches: bool = False
    remedy: str

    @property
    def name(self) -> str:
        return self.holds.__name__


def _rule(
    holds: Callable[[GateInputs, RiskLimits, datetime], Findings],
    reason: str,
    kind: BreachKind,
    ceiling: TradingState,
    remedy: str,
    *,
    latches: bool = False,
) -> Rule:
    return Rule(holds=holds, reason=reason, kind=kind, ceiling=ceiling, remedy=remedy, latches=latches)


def nothing_found_halts_trading(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    """Incidents of others than this gate, such as a second trader: they last as long as what was found."""
    for incident in inputs.incidents or ():
        if incident.ceiling is HALTED and not incident.latched and incident.key not in _RULE_NAMES:
            yield Finding(
                message=f"{incident.key}: {incident.message}. To do: {incident.remedy}",
                source=incident.key,
                age=now - incident.opened_at,
            )


WAIT = "clears by itself once the source answers again; `hedge preflight` names what is wrong with it"

RULES: tuple[Rule, ...] = (
    _rule(limited.no_latch_is_set, "latched", LIMIT, HALTED,
          "find out why, then `hedge rearm --actor NAME --reason WHY`"),
    _rule(nothing_found_halts_trading, "incident_open", LIMIT, HALTED, "do what the incident asks for: it ends with its cause"),
    _rule(known.inputs_are_known, "nav_stale", UNKNOWN, HALTED, "run a valuation: `dagster job execute -j nav_job` or `hedge run`"),
    _rule(known.clock_is_known, "clock_unknown", UNKNOWN, HALTED, WAIT),
    _rule(known.clock_offset_is_tolerable, "clock_offset", UNKNOWN, HALTED, "synchronize this machine's clock (NTP)"),
    _rule(known.clock_offset_is_small, "clock_offset", UNKNOWN, REDUCING, "synchronize this machine's clock (NTP)"),
    _rule(known.hedge_mode_is_on, "hedge_mode_off", LIMIT, HALTED, "switch the account to hedge mode at the venue"),
    _rule(known.exposure_is_known, "exposure_unavailable", UNKNOWN, HALTED, WAIT),
    _rule(known.instruments_are_known, "instruments_unknown", UNKNOWN, HALTED, WAIT),
    _rule(known.nav_is_known, "nav_stale", UNKNOWN, HALTED, WAIT),
    _rule(known.nav_is_fresh, "nav_stale", UNKNOWN, HALTED,
          "is the daemon running? `make dev`; then see which source fails: `hedge status`"),
    _rule(known.sources_have_recovered, "recovering", UNKNOWN, HALTED, "wait for the next valuations"),
    _rule(limited.balance_changes_are_explained, "unexplained_balance_change", LIMIT, HALTED,
          "find the cause at the venue, then `hedge flow classify KEY` or wait for the row, then `hedge rearm`", latches=True),
    _rule(limited.outflows_are_announced, "unregistered_outflow", LIMIT, HALTED,
          "find out who moved the money, then `hedge flow classify KEY --as …` and `hedge rearm`", latches=True),
    _rule(limited.nav_is_positive, "nav_unavailable", LIMIT, HALTED,
          "look at the account at the venue: it was liquidated or emptied", latches=True),
    _rule(limited.units_are_outstanding, "dormant", LIMIT, HALTED, "trading resumes with the next subscription"),
    _rule(known.peak_is_known, "drawdown_unavailable", UNKNOWN, HALTED,
          "first run: `hedge inception`; lost state: `hedge rebuild-peak`"),
    _rule(known.peak_is_fresh, "peak_state_stale", UNKNOWN, HALTED,
          "is the daemon running? `make dev`; a valuation that is accepted renews it"),
    _rule(known.peak_covers_the_nav, "peak_state_stale", UNKNOWN, HALTED, "run `peak_states` again: `dagster job execute -j nav_job`"),
    _rule(known.realized_pnl_is_known, "drawdown_unavailable", UNKNOWN, HALTED, WAIT),
    _rule(limited.drawdown_is_unremarkable, "drawdown_warning", WARNING, ACTIVE, "watch it"),
    _rule(limited.drawdown_is_moderate, "nav_drawdown_limit", LIMIT, REDUCING, "clears when the drawdown is below the limit again"),
    _rule(limited.drawdown_is_within_its_limit, "nav_drawdown_limit", LIMIT, HALTED,
          "review the loss; `hedge rearm` works below the limit, or with an expiring waiver above it", latches=True),
    _rule(limited.drawdown_is_survivable, "nav_drawdown_flatten", LIMIT, HALTED,
          "review the loss and unwind the book", latches=True),
    _rule(limited.waiver_is_not_tripped, "waiver_tripped", LIMIT, HALTED, "review the loss before any further waiver", latches=True),
    _rule(limited.daily_loss_is_unremarkable, "daily_loss_warning", WARNING, ACTIVE, "watch it"),
    _rule(limited.daily_loss_is_within_its_limit, "daily_loss_limit", LIMIT, REDUCING,
          "ends at the next local midnight and its cooldown"),
    _rule(limited.daily_loss_is_bearable, "daily_loss_halt", LIMIT, HALTED, "review the loss, then `hedge rearm`", latches=True),
    _rule(limited.no_loss_limit_holds, "cooldown", LIMIT, REDUCING, "ends by itself at the time named"),
    _rule(limited.stablecoins_hold_their_peg, "depeg", LIMIT, REDUCING, "clears when the peg holds again"),
    _rule(limited.reporting_nav_is_complete, "reserves_incomplete", WARNING, ACTIVE,
          "price the holding: check its route and provider in the holdings files; trading NAV is not affected"),
    _rule(limited.inflows_are_announced, "unannounced_flow", WARNING, ACTIVE, "register flows beforehand: `hedge flow register`"),
    _rule(limited.transfers_arrive_in_time, "transfer_late", WARNING, ACTIVE, "look for the transfer on the chain and at the venue"),
)  # fmt: skip
"""Every rule, in the order operators read them. All are always evaluated."""


def evaluate(
    inputs: GateInputs, limits: RiskLimits, *, account: str, now: datetime, recorded_at: datetime
) -> GateDecision:
    """Apply every rule. ``now`` is the venue's time.

    ``default=ACTIVE`` is safe only because unknown inputs are breaches; a test takes away each input in turn.
    """
    breaches = tuple(
        Breach(
            rule=rule.name,
            reason=rule.reason,
            kind=rule.kind,
            ceiling=_ceiling(rule, limits),
            latches=rule.latches,
            message=finding.message,
            threshold=finding.threshold,
            observation=finding.observation,
            age=finding.age,
            source=finding.source,
            remedy=rule.remedy,
            holds_until=finding.holds_until,
        )
        for rule in RULES
        for finding in rule.holds(inputs, limits, now)
    )
    return GateDecision(
        account=account,
        decided_at=now,
        recorded_at=recorded_at,
        state=min((breach.ceiling for breach in breaches), default=ACTIVE),
        dormant=any(breach.reason == "dormant" for breach in breaches),
        valid_until=_valid_until(inputs, limits, now),
        limits_fingerprint=limits.fingerprint(),
        breaches=breaches,
        nav_ordinal=inputs.nav.ordinal if inputs.nav else None,
        peak_ordinal=inputs.peak.ordinal if inputs.peak else None,
    )


def _ceiling(rule: Rule, limits: RiskLimits) -> TradingState:
    if rule.reason == "reserves_incomplete" and limits.reserves_halt_trading:
        return HALTED
    return rule.ceiling


def _valid_until(inputs: GateInputs, limits: RiskLimits, now: datetime) -> datetime:
    """First instant at which some input is too old, or a day's baseline ends; ``now`` while any is unknown."""
    nav_at = inputs.nav.last_good_as_of if inputs.nav else None
    peak_at = inputs.peak.as_of if inputs.peak else None
    instruments_at = inputs.instruments.as_of if inputs.instruments else None
    if nav_at is None or peak_at is None or instruments_at is None:
        return now
    return max(
        now,
        min(
            nav_at + limits.freshness.nav,
            peak_at + limits.freshness.peak,
            instruments_at + limits.freshness.instruments,
        ),
    )


ECHOES = frozenset(
    {
        "no_latch_is_set",
        "nothing_found_halts_trading",
        "no_loss_limit_holds",
        "sources_have_recovered",
        "units_are_outstanding",
    }
)
"""Rules that repeat an incident or a state; they open none of their own."""


def incident_changes(decision: GateDecision, open_incidents: Sequence[Incident]) -> IncidentChanges:
    """Open an incident for each rule newly broken; close those whose rule holds again.

    A latched incident is closed by a person alone; one that holds until an instant, not before it.
    """
    now = decision.decided_at
    broken: dict[str, Breach] = {}
    for breach in decision.breaches:
        if breach.rule not in ECHOES:
            broken.setdefault(breach.rule, breach)
    known = {incident.key for incident in open_incidents}
    opened = tuple(
        Incident(
            account=decision.account,
            key=rule,
            opened_at=now,
            closed_at=None,
            latched=breach.latches,
            ceiling=breach.ceiling if breach.kind is not WARNING else None,
            reason=breach.reason,
            message=breach.message,
            remedy=breach.remedy,
            holds_until=breach.holds_until,
            closed_by=None,
        )
        for rule, breach in broken.items()
        if rule not in known
    )
    closed = tuple(
        (incident, "recovered" if incident.holds_until is None else "expired")
        for incident in open_incidents
        if not incident.latched
        and incident.key in _RULE_NAMES
        and incident.key not in broken
        and (incident.holds_until is None or now >= incident.holds_until)
    )
    return IncidentChanges(opened=opened, closed=closed)


_RULE_NAMES = frozenset(rule.name for rule in RULES)
