"""`hedge flow`: announce money that will move, and say what moved unannounced."""

from datetime import datetime, timedelta
from decimal import Decimal

import click

from hedge_pipeline import operations
from hedge_pipeline.cli import words
from hedge_pipeline.cli.inputs import duration, instant, number, seconded, signed
from hedge_pipeline.cli.target import fund_to_command, operator
from hedge_pipeline.domain.flows import FlowPurpose

DIRECTIONS = {
    "subscription": (FlowPurpose.SUBSCRIPTION, 1),
    "redemption": (FlowPurpose.REDEMPTION, -1),
    "to-venue": (FlowPurpose.TREASURY_TRANSFER, 1),
    "to-treasury": (FlowPurpose.TREASURY_TRANSFER, -1),
}


@click.group()
def flow() -> None:
    """Announce flows, and classify those that came unannounced."""


@flow.command()
@click.argument("kind", type=click.Choice(list(DIRECTIONS)))
@click.argument("asset")
@click.argument("amount", type=number)
@click.option(
    "--from", "window_from", type=instant, help="When it may happen at the earliest; now unless given."
)
@click.option(
    "--within", type=duration, default="24h", show_default=True, help="How long it may take from then on."
)
@seconded
@signed
def register(
    kind: str,
    asset: str,
    amount: Decimal,
    window_from: datetime | None,
    within: timedelta,
    approver: str | None,
    actor: str | None,
    reason: str,
) -> None:
    """Announce AMOUNT of ASSET, in its own units and unsigned.

    A subscription or redemption is investors' money; to-venue and to-treasury move the fund's own.
    """
    if amount <= 0:
        raise click.BadParameter("is not above zero; the kind says which way it goes", param_hint="AMOUNT")
    fund = fund_to_command()
    purpose, sign = DIRECTIONS[kind]
    start = window_from or fund.now()
    instruction = operations.register_flow(
        fund,
        purpose=purpose,
        asset=asset,
        amount=sign * amount,
        window_from=start,
        window_until=start + within,
        actor=actor or operator(),
        reason=reason,
        approver=approver,
    )
    click.echo(
        f"announced {instruction.instruction_id}: {words.quantity(instruction.amount)} {asset} as {purpose}, "
        f"until {words.instant(instruction.window_until)}"
    )


@flow.command()
@click.argument("key")
@click.option("--as", "purpose", type=click.Choice([purpose.value for purpose in FlowPurpose]), required=True)
@seconded
@signed
def classify(key: str, purpose: str, approver: str | None, actor: str | None, reason: str) -> None:
    """Say what the waiting flow KEY was; `hedge explain` lists those that wait."""
    operations.classify_flow(
        fund_to_command(),
        key,
        purpose=FlowPurpose(purpose),
        actor=actor or operator(),
        reason=reason,
        approver=approver,
    )
    click.echo(
        f"{key} was a {purpose}; the next valuation takes it up, then `hedge rearm` takes its latch off"
    )
