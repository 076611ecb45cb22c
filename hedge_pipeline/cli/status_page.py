"""The page of `hedge status` for people: the same view, rounded and shortened."""

import click

from hedge_pipeline.cli import words
from hedge_pipeline.domain.fund_view import FundView


def show(view: FundView) -> None:
    """The view for people."""
    click.echo(_verdict(view))
    click.echo(words.table(_figures(view)))
    _show_parts(view)
    _show_positions(view)
    _show_orders(view)
    _show_exits(view)
    _show_published(view)
    if view.decision.breaches:
        click.echo("\nBecause")
        for breach in view.decision.breaches:
            click.echo(f"  {breach.reason}: {breach.message} [{breach.ceiling.name}]")
        click.echo("`hedge explain` says what would open it.")


def _show_published(view: FundView) -> None:
    """How many documents are in place, and what keeps the others out."""
    if view.published_at is None:
        click.echo("\nNothing was ever published: `hedge publish`")
        return
    in_place = sum(row.outcome.in_place for row in view.published)
    told = f"Published {words.age(view.age(view.published_at))} ago: {in_place} of {len(view.published)} documents in place"
    click.echo(f"\n{told if in_place == len(view.published) else click.style(told, fg='red')}")
    for row in view.published:
        if not row.outcome.in_place:
            click.echo(f"  {row.path} {row.outcome}, {row.failures_in_a_row} failures in a row: {row.error}")


def _verdict(view: FundView) -> str:
    line = f"{words.colored(view.state)}  judged {words.instant(view.evaluated_at)}"
    if view.decision.dormant:
        line += ", dormant: no units are outstanding"
    if view.decision.valid_until > view.evaluated_at:
        line += f", inputs good for another {words.age(view.decision.valid_until - view.evaluated_at)}"
    return line


def _figures(view: FundView) -> list[list[str]]:
    nav, peak, limits = view.nav, view.peak, view.limits
    stamp = (
        f"{words.age(view.age(view.as_of))} old, as of {words.instant(view.as_of)}"
        if nav
        else "never accepted"
    )
    stale = click.style("STALE  ", fg="red") if view.stale else ""
    lower = (
        ""
        if nav is None or nav.aum_complete
        else click.style("lower bound: ", fg="yellow") + "; ".join(nav.aum_problems)
    )
    peak_stamp = f"{words.age(view.age(peak.as_of))} old" if peak else "no baseline"
    peak_stale = click.style("STALE  ", fg="red") if view.peak_stale else ""
    return [
        ["NAV", f"{words.money(nav.nav_usd if nav else None)} USD", f"{stale}{stamp}"],
        ["  per unit", words.figure(nav.nav_per_unit if nav else None), ""],
        ["AUM", f"{words.money(nav.aum_usd if nav else None)} USD", lower],
        ["high-water mark", words.figure(peak.high_water_mark if peak else None), f"{peak_stale}{peak_stamp}"],
        ["  drawdown", words.figure(peak.drawdown if peak else None), f"halts at {limits.drawdown.halt}"],
        ["  daily loss", words.figure(view.daily_loss), f"reduces at {limits.daily_loss.reduce}, halts at {limits.daily_loss.halt}"],
    ]  # fmt: skip


def _show_parts(view: FundView) -> None:
    """What the NAV is made of."""
    if view.nav is None or not view.nav.parts:
        return
    rows = [["asset", "wallet balance", "unrealized PnL", "rate", f"value {view.nav.numeraire}"]]
    rows += [
        [
            part.asset,
            words.quantity(part.wallet_balance),
            words.quantity(part.unrealized_pnl),
            words.UNKNOWN if part.rate is None else words.figure(part.rate),
            words.money(part.value) if part.counted else "not counted",
        ]
        for part in view.nav.parts
    ]
    click.echo("\nThe account holds")
    click.echo(words.table(rows, numbers=(1, 2, 3, 4)))


def _show_positions(view: FundView) -> None:
    if view.positions is None:
        click.echo("\nPositions: unknown")
        return
    stale = click.style(", STALE", fg="red") if view.positions_stale else ""
    click.echo(f"\nPositions: {len(view.positions)}, {words.age(view.age(view.positions_as_of))} old{stale}")
    if not view.positions:
        return
    rows = [["symbol", "side", "quantity", "entry", "mark", "notional USD", "unrealized PnL", "liquidation"]]
    rows += [
        [
            held.symbol,
            held.position_side.value,
            words.quantity(held.quantity),
            words.money(held.entry_price),
            words.money(held.mark_price),
            words.money(held.notional_usd),
            f"{words.money(held.unrealized_pnl)} {held.margin_asset}",
            "none stated" if held.liquidation_price is None else words.money(held.liquidation_price),
        ]
        for held in view.positions
    ]
    click.echo(words.table(rows, numbers=(2, 3, 4, 5, 6, 7)))


def _show_orders(view: FundView) -> None:
    if view.open_orders is None:
        click.echo("\nOpen orders: unknown")
        return
    stale = click.style(", STALE", fg="red") if view.open_orders_stale else ""
    opening = [order for order in view.open_orders if not order.reduces_position]
    click.echo(
        f"\nOpen orders: {len(opening)} that open, {len(view.open_orders) - len(opening)} that reduce, "
        f"{words.age(view.age(view.open_orders_as_of))} old{stale}"
    )
    if not opening:
        return
    rows = [["symbol", "side", "quantity", "price", "status"]]
    rows += [
        [
            order.symbol,
            f"{order.side.value} {order.position_side.value}",
            words.quantity(order.remaining_quantity),
            words.quantity(order.limit_price or order.stop_price),
            order.status.value,
        ]
        for order in sorted(
            opening, key=lambda order: (order.symbol, order.position_side, order.limit_price or 0)
        )
    ]
    click.echo(words.table(rows, numbers=(2, 3)))


def _show_exits(view: FundView) -> None:
    """How much of each position its stops close."""
    if view.exits is None:
        click.echo("\nExits: unknown, no protection cycle has run")
        return
    held = [side for side in view.exits.sides if side.position_quantity]
    covered = sum(not side.unprotected_quantity and side.has_backstop for side in held)
    line = f"Exits: {covered} of {len(held)} positions covered by stops"
    stale = click.style(", STALE", fg="red") if view.exits_stale else ""
    click.echo(
        f"\n{line if covered == len(held) else click.style(line, fg='red')}, "
        f"{words.age(view.age(view.exits_as_of))} old{stale}"
    )
    if view.exits.problem is not None:
        click.echo(f"  {view.exits.problem}")
    for side in held:
        if side.unprotected_quantity or not side.has_backstop:
            told = f"{words.quantity(side.unprotected_quantity)} of {words.quantity(side.position_quantity)} without a stop"
            click.echo(
                f"  {side.symbol} {side.position_side}: {told}{': ' + side.problem if side.problem else ''}"
            )
