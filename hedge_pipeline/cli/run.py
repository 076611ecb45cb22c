"""`hedge run`: one full fund cycle, told step by step, against whatever venue the settings name; on paper it trades a bar."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import uuid4

import click

from hedge_pipeline import cycle
from hedge_pipeline.cli.progress import local_servers, progress
from hedge_pipeline.cli.publish import publish_and_verify
from hedge_pipeline.cli.seen import problems, seen
from hedge_pipeline.cli.status_page import show
from hedge_pipeline.cli.target import announced_settings
from hedge_pipeline.composition import build_fund
from hedge_pipeline.cycle import Fund
from hedge_pipeline.cycle.executing import execute_plans
from hedge_pipeline.cycle.order_reading import read_fills, read_orders, read_terms
from hedge_pipeline.cycle.planning import plan_ladders, plan_orders, read_candles, read_regimes
from hedge_pipeline.cycle.protecting import protect
from hedge_pipeline.cycle.standing_down import stand_down
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.trading.authority import BY_HAND, RunAuthority
from hedge_pipeline.domain.trading.bars import cycle_at
from hedge_pipeline.domain.trading.executing import Execution
from hedge_pipeline.domain.verdicts import GateDecision, TradingState
from hedge_pipeline.read_model import read_fund

BREATH_S = 1.0
"""Between two valuations: the second must be of a later instant."""


@click.command()
def run() -> None:
    """Value the fund once, judge it, publish what is known, read it back, and print what was seen.

    In the paper profile the local servers are started for the life of this command unless some run already; positions get
    their exits there, and one bar is traded: its orders rest when the command ends. Values again while the gate waits for
    good cycles. Exits 0 when the fund was valued and published, whatever the verdict: that is data.
    """
    settings = announced_settings()
    with local_servers(settings):
        fund = build_fund(settings)
        _value(fund)
        if fund.trading.by_hand:
            _trade(fund)
        unpublished = publish_and_verify(fund)
        view = read_fund(fund)
        click.echo()
        show(view)
    if view.attempt is None or not view.attempt.accepted:
        told = problems(view.attempt) if view.attempt else "nothing was taken"
        raise click.ClickException(
            f"the fund could not be valued: {told}. `hedge preflight` looks at each source"
        )
    if unpublished:
        raise click.ClickException(f"the fund was valued and not published: {unpublished}")


def _value(fund: Fund) -> None:
    """Whole cycles until one is accepted and nothing recovers any more, or patience ends."""
    for left in reversed(range(fund.limits.recovery_cycles + 1)):
        click.echo("one full cycle")
        _take(fund, (*cycle.READING, cycle.decide))
        reason = _why_again(fund)
        if reason is None or not left:
            return
        click.echo(f"valuing again: {reason}")
        time.sleep(BREATH_S)


def _take(fund: Fund, steps: Iterable[Callable[[Fund], object]]) -> None:
    for step in steps:
        with progress(step.__name__.replace("_", " ")) as told:
            told(seen(step(fund)))


def _trade(fund: Fund) -> None:
    """Cover what is held; then, behind an open gate, one bar: from its candles to the orders that rest."""
    click.echo("one protection cycle")
    _take(fund, (read_orders, read_fills, protect))
    state = cycle.judge(fund).state
    if state is not TradingState.ACTIVE:
        click.echo(f"no bar is traded: the gate is {state.name}")
    else:
        _trade_bar(fund)
    with progress("stand down") as told:
        told("; ".join(stand_down(fund)) or "no countdown runs: what rests stays until the next cycle")


def _trade_bar(fund: Fund) -> None:
    """The bar that is the newest; the one after it too if that ended meanwhile."""
    for _ in range(2):
        cycle_before = _bar(fund)
        click.echo(f"one bar of trading, closed at {cycle_before:%H:%M:%S}")
        _take(fund, (read_candles, read_terms, read_regimes, plan_ladders, plan_orders, execute, read_orders))
        if _bar(fund) == cycle_before:
            return


def _bar(fund: Fund) -> datetime:
    return cycle_at(fund.now(), min(strategy.bar for strategy in fund.trading.strategies))


def execute(fund: Fund) -> Execution:
    """The plans of this bar, on the word of this command."""
    authority = RunAuthority(run_id=uuid4().hex, job_name=BY_HAND, launched_at=fund.clock.now(), repeats=None)
    return execute_plans(fund, authority)


def _why_again(fund: Fund) -> str | None:
    snapshot, decision = fund.latest(NavSnapshot), fund.latest(GateDecision)
    if snapshot is None or not snapshot.accepted:
        return "it was not accepted"
    if decision and any(breach.rule == "sources_have_recovered" for breach in decision.breaches):
        return "the gate waits for good valuations in a row"
    return None
