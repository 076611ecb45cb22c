"""`hedge explain`: why nothing is trading, and what would open it, in words."""

from collections.abc import Iterator
from datetime import timedelta

import click

from hedge_pipeline.cli import words
from hedge_pipeline.cli.status import current_view
from hedge_pipeline.cli.target import target
from hedge_pipeline.domain.fund_view import FundView
from hedge_pipeline.domain.trading.explaining import told
from hedge_pipeline.domain.verdicts import Breach, BreachKind, TradingState
from hedge_pipeline.settings import load_settings

MEANING = {
    TradingState.ACTIVE: "the gate is open",
    TradingState.REDUCING: "nothing that opens a position may be sent",
    TradingState.HALTED: "nothing may be sent",
}


LATCHED = "no_latch_is_set"
"""Its breaches are told as the latches they repeat."""


@click.command()
def explain() -> None:
    """Why is nothing trading, and what would open it?

    Judged now from the store alone, so it works with everything stopped.
    """
    settings = load_settings()
    click.echo(target(settings))
    for line in explanation(current_view(settings), cadence=settings.cadence.valuation):
        click.echo(line)


def explanation(view: FundView, *, cadence: timedelta) -> Iterator[str]:
    """Every line of it. ``cadence`` is how often a running daemon values the fund."""
    yield from _state(view)
    closing = [
        breach
        for breach in view.decision.breaches
        if breach.ceiling is not TradingState.ACTIVE and breach.rule != LATCHED
    ]
    warnings = [breach for breach in view.decision.breaches if breach.ceiling is TradingState.ACTIVE]
    for number, breach in enumerate(closing, start=1):
        yield ""
        yield f"{number}. {breach.reason}: {breach.message} ({breach.ceiling.name})"
        yield from _details(view, breach, cadence)
    yield from _flows(view)
    yield from _waiver(view)
    yield from _latches(view)
    yield from _orders(view)
    if warnings:
        yield ""
        yield "Told, not acted on:"
        for breach in warnings:
            yield f"  {breach.reason}: {breach.message}. To do: {breach.remedy}"


def _state(view: FundView) -> Iterator[str]:
    yield f"{words.colored(view.state)}: {MEANING[view.state]}. Judged {words.instant(view.evaluated_at)}."
    if view.otherwise is not None:
        when = words.instant(view.otherwise.decided_at)
        ago = words.age(view.age(view.otherwise.decided_at))
        yield f"The last verdict that said otherwise was {view.otherwise.state.name}, {ago} ago ({when})."
    if view.state is TradingState.ACTIVE:
        left = words.age(view.decision.valid_until - view.evaluated_at)
        yield f"It stays open for another {left} without a new valuation; the daemon (`hedge dev`) takes one in time."


def _details(view: FundView, breach: Breach, cadence: timedelta) -> Iterator[str]:
    facts = {
        "limit": breach.threshold,
        "observed": breach.observation,
        "age": None if breach.age is None else words.age(breach.age),
        "source": breach.source,
        "since": words.instant(view.opened_at[breach.rule]) if breach.rule in view.opened_at else None,
    }
    told = "; ".join(f"{name} {fact}" for name, fact in facts.items() if fact is not None)
    if told:
        yield f"   Seen: {told}."
    yield f"   To do: {breach.remedy}."
    yield f"   Opens: {_opening(view, breach, cadence)}."


def _opening(view: FundView, breach: Breach, cadence: timedelta) -> str:
    """What ends this breach, and when."""
    if breach.holds_until is not None:
        left = words.age(breach.holds_until - view.evaluated_at)
        return f"by itself at {words.instant(breach.holds_until)}, in {left}"
    if breach.rule == "sources_have_recovered":
        missing = view.limits.recovery_cycles - int(breach.observation or 0)
        return f"by itself after {missing} more good valuations, {words.age(missing * cadence)} while the daemon runs"
    if breach.latches:
        return "only when a person re-arms, once its cause is gone"
    if breach.kind is BreachKind.UNKNOWN:
        cycles = view.limits.recovery_cycles
        return (
            f"by itself once this is known again and {cycles} valuations in a row were good, "
            f"{words.age(cycles * cadence)} while the daemon runs"
        )
    return "by itself once it is no longer so"


def _orders(view: FundView) -> Iterator[str]:
    """What each symbol's last bar wanted, sent and withheld; behind a closed gate only if there was one."""
    was_planned = any(account.cycle is not None for account in view.trading)
    if not was_planned and view.state is not TradingState.ACTIVE:
        return
    yield ""
    if not view.trading_enabled:
        yield "Trading is not enabled: no opening order is sent. To do: `enabled = true` below `[trading]` in the settings."
    yield "Orders, by symbol:"
    for account in view.trading:
        yield from (f"  {line}" for line in told(account))


def _flows(view: FundView) -> Iterator[str]:
    if not view.waiting:
        return
    yield ""
    yield "Somebody has to say what these changes of the wallet were:"
    for flow in view.waiting:
        choices = "redemption|treasury_transfer|loss" if flow.amount < 0 else "subscription|treasury_transfer"
        yield f"  {words.quantity(flow.amount)} {flow.asset}, since {words.instant(flow.since)}"
        yield f"    hedge flow classify '{flow.flow_key}' --as {choices} --reason WHY"


def _waiver(view: FundView) -> Iterator[str]:
    waiver = view.waiver
    if waiver is None:
        return
    yield ""
    yield (
        f"A waiver by {waiver.actor} lets the drawdown reach {waiver.drawdown_limit} until "
        f"{words.instant(waiver.expires_at)}; a fall of NAV per unit by {waiver.tripwire} "
        f"from {words.figure(waiver.rearm_nav_per_unit)} halts again."
    )


def _latches(view: FundView) -> Iterator[str]:
    latched = [incident for incident in view.incidents if incident.latched]
    if not latched:
        return
    yield ""
    yield "Latched, HALTED until a person re-arms:"
    for incident in latched:
        ago = words.age(view.age(incident.opened_at))
        yield f"  {incident.key}, for {ago} (since {words.instant(incident.opened_at)})"
        yield f"    {incident.message}"
        yield f"    To do: {incident.remedy}."
    yield "  Once its cause is gone: hedge rearm --reason WHY    (it refuses, and says why, while it is not)"
