"""`hedge halt`, `rearm`, `inception`, `rebuild-peak`: orders about whether the fund may trade."""

from datetime import timedelta
from decimal import Decimal

import click

from hedge_pipeline import operations
from hedge_pipeline.cli import words
from hedge_pipeline.cli.inputs import duration, number, seconded, signed
from hedge_pipeline.cli.target import fund_to_command, operator
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.flows import FlowPurpose
from hedge_pipeline.domain.verdicts import TradingState
from hedge_pipeline.operations import Proposal, WaiverRequest


@click.command()
@signed
def halt(actor: str | None, reason: str) -> None:
    """Stop everything that opens, until somebody re-arms.

    Needs the state store alone: no venue, no daemon.
    """
    latch = operations.halt(fund_to_command(), actor=actor or operator(), reason=reason)
    click.echo(
        f"{words.colored(TradingState.HALTED)} since {words.instant(latch.opened_at)}: {latch.message}"
    )


@click.command()
@click.option(
    "--waiver-limit", type=number, help="Temporary drawdown limit, a fraction: only while over the limit."
)
@click.option("--waiver-for", type=duration, help="How long that limit holds, such as 4h; 24h at most.")
@seconded
@signed
def rearm(
    actor: str | None,
    reason: str,
    approver: str | None,
    waiver_limit: Decimal | None,
    waiver_for: timedelta | None,
) -> None:
    """Take the latches off, once their causes are gone. It never resets the high-water mark."""
    if (waiver_limit is None) != (waiver_for is None):
        raise click.UsageError("a waiver needs both --waiver-limit and --waiver-for")
    fund = fund_to_command()
    waiver = None
    if waiver_limit is not None and waiver_for is not None:
        waiver = WaiverRequest(drawdown_limit=waiver_limit, expires_at=fund.now() + waiver_for)
    decision = operations.rearm(
        fund, actor=actor or operator(), reason=reason, approver=approver, waiver=waiver
    )
    click.echo(f"re-armed: {words.colored(decision.state)}")
    for breach in decision.breaches:
        click.echo(f"  {breach.reason}: {breach.message}")


_without = click.option(
    "--without", multiple=True, metavar="SOURCE", help="Leave a doubtful source out; the plan names them."
)


@click.command()
@click.option("--accept-unread", is_flag=True, help="Go on without a source that cannot be read.")
@_without
@seconded
@signed
def inception(
    actor: str | None,
    reason: str,
    approver: str | None,
    accept_unread: bool,  # noqa: FBT001 - click passes flags by name
    without: tuple[str, ...],
) -> None:
    """Declare the first baseline of an account without history: its units and its high-water mark.

    The mark is the highest among the NAV now, the stored history, the path of the venue's income and what was imported.
    """
    fund = fund_to_command()
    click.echo("reading every source of the high-water mark, three months of income among them …")
    state = operations.inception(
        fund,
        actor=actor or operator(),
        reason=reason,
        approver=approver,
        accept_unread=accept_unread,
        without=without,
    )
    _show_state(state)


@click.command("rebuild-peak")
@click.option("--plan", is_flag=True, help="Show what every source proposes, and write nothing.")
@click.option("--accept-unread", is_flag=True, help="Go on without a source that cannot be read.")
@_without
@click.option(
    "--redeemed",
    multiple=True,
    metavar="KEY",
    help="This outflow since the last record was no loss: units left with it.",
)
@click.option("--lost", multiple=True, metavar="KEY", help="This outflow since the last record was a loss.")
@click.option("--actor", help="Who orders it; the operating system's user unless given.")
@click.option("--reason", help="Why; it is kept with the order. Not needed with --plan.")
def rebuild_peak(
    plan: bool,  # noqa: FBT001 - click passes flags by name
    accept_unread: bool,  # noqa: FBT001
    without: tuple[str, ...],
    redeemed: tuple[str, ...],
    lost: tuple[str, ...],
    actor: str | None,
    reason: str | None,
) -> None:
    """Put a lost high-water mark together again: the maximum over every source.

    A lost ledger of units goes on from where publications or history remember it. The fund stays HALTED until somebody
    re-arms.
    """
    if not plan and reason is None:
        raise click.UsageError("--reason is missing; only --plan needs none")
    if set(redeemed) & set(lost):
        raise click.UsageError("an outflow is redeemed or lost, not both")
    spoken = dict.fromkeys(redeemed, FlowPurpose.REDEMPTION) | dict.fromkeys(lost, FlowPurpose.LOSS)
    fund = fund_to_command()
    click.echo("reading every source of the high-water mark, three months of income among them …")
    if plan or reason is None:
        _show_proposal(operations.propose_peak(fund, without=without, spoken=spoken))
        return
    state = operations.rebuild_peak(
        fund,
        actor=actor or operator(),
        reason=reason,
        accept_unread=accept_unread,
        without=without,
        spoken=spoken,
    )
    _show_state(state)
    click.echo("HALTED until it has been reviewed: hedge rearm --reason WHY")


def _show_proposal(proposal: Proposal) -> None:
    rows = [["source", "NAV per unit", "as of", ""]]
    rows += [
        [
            found.source,
            _value(found.value, found.error),
            words.instant(found.as_of) if found.as_of else "",
            "left out" if found.source in proposal.left_out else found.doubt or "",
        ]
        for found in proposal.candidates
    ]
    click.echo(words.table(rows))
    resumption = proposal.memories.resumption
    if resumption is not None and proposal.footing.snapshot.account_units is None:
        click.echo(
            f"units go on at {words.quantity(proposal.footing.units)}, from {words.instant(resumption.record.as_of)}"
        )
    for key in proposal.unspoken:
        click.echo(f"outflow {key} is taken for a loss: say what it was, --redeemed KEY or --lost KEY")
    click.echo(f"high-water mark {proposal.high_water_mark}, from {proposal.source}; nothing was written")


def _value(value: Decimal | None, error: str | None) -> str:
    return error or ("knows of none" if value is None else words.quantity(value))


def _show_state(state: PeakState) -> None:
    click.echo(
        f"high-water mark {state.high_water_mark}, NAV per unit {state.nav_per_unit}, drawdown {state.drawdown}"
    )
    click.echo(f"  {state.origin_detail}")
