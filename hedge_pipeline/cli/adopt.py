"""`hedge adopt`: positions that were there before us; shown, then adopted or left alone."""

from collections.abc import Iterator

import click

from hedge_pipeline.cli import words
from hedge_pipeline.cli.inputs import seconded
from hedge_pipeline.cli.target import fund_to_command, operator
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.fund_view import WaitingFlow
from hedge_pipeline.operations.adopting import Findings, Found, adopt, find
from hedge_pipeline.read_model import read_fund


@click.command(name="adopt")
@click.option("--plan", "mode", flag_value="plan", default="plan", help="Show what is there; change nothing.")
@click.option("--apply", "mode", flag_value="apply", help="Decide about the symbols named.")
@click.option("--take", multiple=True, metavar="SYMBOL", help="Adopt: its positions get exits of ours.")
@click.option("--leave", multiple=True, metavar="SYMBOL", help="Count them for good and never close them.")
@seconded
@click.option("--actor", help="Who orders it; the operating system's user unless given.")
@click.option("--reason", help="Why; it is kept with the order. Needed to apply.")
def adopting(
    mode: str,
    take: tuple[str, ...],
    leave: tuple[str, ...],
    actor: str | None,
    approver: str | None,
    reason: str | None,
) -> None:
    """Decide about positions that no order of ours entered.

    Until then they are counted, left alone, and their symbols are not traded.
    """
    if mode == "apply" and not (take or leave):
        raise click.UsageError("name symbols with --take or --leave; `hedge adopt --plan` lists them")
    if mode == "apply" and not reason:
        raise click.UsageError("--apply needs --reason")
    if twice := sorted(set(take) & set(leave)):
        raise click.UsageError(f"{', '.join(twice)}: either --take or --leave")
    if mode == "plan" and (take or leave):
        raise click.UsageError("--take and --leave need --apply")
    fund = fund_to_command()
    if mode == "plan":
        for line in _plan(fund, find(fund)):
            click.echo(line)
        return
    choices = {**dict.fromkeys(take, True), **dict.fromkeys(leave, False)}
    for row in adopt(fund, choices, actor=actor or operator(), reason=reason or "", approver=approver):
        verb = "adopted: exits follow in the next protection cycle" if row.adopted else "left alone"
        click.echo(
            f"{row.symbol}: LONG {words.quantity(row.long_quantity)}, SHORT {words.quantity(row.short_quantity)} {verb}"
        )


def _plan(fund: Fund, findings: Findings) -> Iterator[str]:
    yield f"the account at {words.instant(findings.as_of)}"
    for found in findings.symbols:
        yield from _of_symbol(found)
    for flow in read_fund(fund).waiting:
        yield from _of_flow(flow)
    undecided = [found.symbol for found in findings.symbols if found.undecided]
    if undecided:
        yield ""
        yield f"to decide: hedge adopt --apply --take {undecided[0]} --reason WHY   (or --leave)"
    else:
        yield "nothing waits for a decision"


def _of_symbol(found: Found) -> Iterator[str]:
    for position in found.positions:
        decided = "waits for a decision" if position.position_side in found.undecided else "decided, or ours"
        yield (
            f"  {found.symbol} {position.position_side} {words.quantity(position.quantity)} "
            f"entered at {words.quantity(position.entry_price)}: {decided}"
        )
    if found.left_alone:
        yield f"  {found.symbol}: {words.quantity(found.left_alone)} counted and left alone"
    for order in found.foreign_orders:
        price = order.limit_price or order.stop_price
        yield (
            f"  {found.symbol} {order.side} {order.position_side} {words.quantity(order.quantity)} at {price}: "
            f"somebody else's order {order.client_order_id}, counted and left alone"
        )


def _of_flow(flow: WaitingFlow) -> Iterator[str]:
    yield (
        f"  {words.quantity(flow.amount)} {flow.asset} moved since {words.instant(flow.since)}: "
        f"hedge flow classify {flow.flow_key} --as PURPOSE --reason WHY"
    )
