"""`hedge run`: one full fund cycle, told step by step, against whatever venue the settings name."""

import time
from functools import singledispatch

import click

from hedge_pipeline import cycle
from hedge_pipeline.cli import words
from hedge_pipeline.cli.progress import local_servers, progress
from hedge_pipeline.cli.publish import publish_and_verify
from hedge_pipeline.cli.status import show
from hedge_pipeline.cli.target import announced_settings
from hedge_pipeline.composition import build_fund
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.account import AccountReading, IncomeReading, MarksReading
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.prices import PricesReading
from hedge_pipeline.domain.reserves import ReservesValuation
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline.domain.verdicts import GateDecision
from hedge_pipeline.read_model import read_fund

BREATH_S = 1.0
"""Between two valuations: the second must be of a later instant."""


@click.command()
def run() -> None:
    """Value the fund once, judge it, publish what is known, read it back, and print what was seen.

    In the paper profile the local servers are started for the life of this command unless some run already. Values again
    while the gate waits for good cycles. Exits 0 when the fund was valued and published, whatever the verdict: that is data.
    """
    settings = announced_settings()
    with local_servers(settings):
        fund = build_fund(settings)
        _value(fund)
        unpublished = publish_and_verify(fund)
        view = read_fund(fund)
        click.echo()
        show(view)
    if view.attempt is None or not view.attempt.accepted:
        told = _problems(view.attempt) if view.attempt else "nothing was taken"
        raise click.ClickException(
            f"the fund could not be valued: {told}. `hedge preflight` looks at each source"
        )
    if unpublished:
        raise click.ClickException(f"the fund was valued and not published: {unpublished}")


def _value(fund: Fund) -> None:
    """Whole cycles until one is accepted and nothing recovers any more, or patience ends."""
    for left in reversed(range(fund.limits.recovery_cycles + 1)):
        click.echo("one full cycle")
        for step in (*cycle.READING, cycle.decide):
            with progress(step.__name__.replace("_", " ")) as told:
                told(_seen(step(fund)))
        reason = _why_again(fund)
        if reason is None or not left:
            return
        click.echo(f"valuing again: {reason}")
        time.sleep(BREATH_S)


def _why_again(fund: Fund) -> str | None:
    snapshot, decision = fund.latest(NavSnapshot), fund.latest(GateDecision)
    if snapshot is None or not snapshot.accepted:
        return "it was not accepted"
    if decision and any(breach.rule == "sources_have_recovered" for breach in decision.breaches):
        return "the gate waits for good valuations in a row"
    return None


@singledispatch
def _seen(_row: object) -> str:
    """What a step read or computed, in a few words."""
    return "nothing to absorb: no accepted NAV with units, or no baseline"


@_seen.register
def _(row: AccountReading) -> str:
    clock = f", clock {row.clock.offset.total_seconds():+.3f} s" if row.clock else ""
    return _read(row.sources, f"{_count(row.balances)} assets, {_count(row.positions)} positions{clock}")


@_seen.register
def _(row: MarksReading) -> str:
    return _read(row.sources, f"{_count(row.marks)} marks, {_count(row.asset_rates)} rates")


@_seen.register
def _(row: InstrumentsReading) -> str:
    return _read(row.sources, f"{_count(row.instruments)} instruments")


@_seen.register
def _(row: IncomeReading) -> str:
    return _read(row.sources, f"{row.rows_read} rows, {row.rows_new} new")


@_seen.register
def _(row: PricesReading) -> str:
    failed = "".join(f"; {failure.asset} unpriced: {failure.reason}" for failure in row.failures)
    return _read(row.sources, f"{len(row.quotes)} prices{failed}")


@_seen.register
def _(row: ReservesValuation) -> str:
    bound = "" if row.complete else f", a lower bound: {row.error or 'some holdings have no price'}"
    return f"treasury {words.money(row.treasury_usd)} + reserves {words.money(row.reserves_usd)} USD{bound}"


@_seen.register
def _(row: NavSnapshot) -> str:
    if row.accepted:
        return f"NAV {words.money(row.nav_usd)} USD, AUM {words.money(row.aum_usd)} USD"
    return click.style("not accepted: ", fg="red") + _problems(row)


@_seen.register
def _(row: PeakState) -> str:
    return f"high-water mark {words.figure(row.high_water_mark)}, drawdown {words.figure(row.drawdown)}"


@_seen.register
def _(row: GateDecision) -> str:
    reasons = dict.fromkeys(breach.reason for breach in row.breaches)
    return f"{words.colored(row.state)}{': ' + ', '.join(reasons) if reasons else ''}"


def _problems(row: NavSnapshot) -> str:
    return "; ".join(f"{problem.source} {problem.code}: {problem.message}" for problem in row.problems)


def _read(sources: tuple[SourceHealth, ...], seen: str) -> str:
    failed = [f"{source.source}: {source.error}" for source in sources if not source.ok]
    return seen + (click.style("  FAILED ", fg="red") + "; ".join(failed) if failed else "")


def _count(rows: tuple[object, ...] | None) -> str:
    return words.UNKNOWN if rows is None else str(len(rows))
