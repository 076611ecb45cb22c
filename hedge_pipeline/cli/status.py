"""`hedge status`: the fund as it is now, from the store alone.

As JSON, money, quantities and fractions are strings, so that no digit is lost on the way; instants are ISO 8601 in UTC;
ages are seconds. ``null`` means unknown.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import IntEnum
from functools import singledispatch
from typing import Any

import click

from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.cli import words
from hedge_pipeline.cli.target import target
from hedge_pipeline.composition import open_fund
from hedge_pipeline.domain.account import Position
from hedge_pipeline.domain.errors import InvalidState, StoreUnavailable
from hedge_pipeline.domain.fund_view import FundView, closed_view
from hedge_pipeline.read_model import read_fund
from hedge_pipeline.settings import Settings, load_settings
from hedge_pipeline.settings.state import public_url


@click.command()
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object: exact figures as strings, ages in seconds."
)
def status(as_json: bool) -> None:  # noqa: FBT001 - click passes flags by name
    """What the fund is worth and whether it may trade, judged now.

    Reads the store alone, so it works with everything stopped; the answer is data, so it exits 0 also while HALTED.
    """
    settings = load_settings()
    view = current_view(settings)
    if as_json:
        click.echo(json.dumps(document(view, settings), indent=2, ensure_ascii=False))
    else:
        click.echo(target(settings))
        show(view)


def current_view(settings: Settings) -> FundView:
    """The view now; a closed one when the store cannot be read."""
    try:
        return read_fund(open_fund(settings, read_only=True))
    except (StoreUnavailable, InvalidState) as error:
        return closed_view(
            settings.fund.account,
            settings.limits(),
            now=SystemClock().now(),
            reason=str(error),
            remedy="`hedge run` makes and fills a store where there is none; `hedge preflight` looks at one that is there",
        )


def document(view: FundView, settings: Settings) -> dict[str, Any]:
    """The view as JSON-ready values."""
    nav, attempt, peak, decision = view.nav, view.attempt, view.peak, view.decision
    content = {
        "profile": settings.profile,
        "env": settings.env,
        "home": str(settings.home),
        "source": public_url(settings.state_url),
        "account": view.account,
        "evaluated_at": view.evaluated_at,
        "state": decision.state,
        "dormant": decision.dormant,
        "valid_until": decision.valid_until,
        "otherwise": _fields(view.otherwise, "state", "decided_at"),
        "breaches": [_breach(view, place) for place in range(len(decision.breaches))],
        "nav_usd": nav and nav.nav_usd,
        "nav_per_unit": nav and nav.nav_per_unit,
        "aum_usd": nav and nav.aum_usd,
        "complete": view.complete,
        "stale": view.stale,
        "as_of": view.as_of,
        "age_s": view.age(view.as_of),
        "numeraire": nav and nav.numeraire,
        "trading_nav": nav and nav.trading_nav,
        "account_units": nav and nav.account_units,
        "fund_units": nav and nav.fund_units,
        "fund_nav_per_unit": nav and nav.fund_nav_per_unit,
        "treasury_usd": nav and nav.treasury_usd,
        "reserves_usd": nav and nav.reserves_usd,
        "in_transit_usd": nav and nav.in_transit_usd,
        "aum_complete": nav.aum_complete if nav else False,
        "aum_problems": nav.aum_problems if nav else None,
        "parts": nav and nav.parts,
        "attempt": _fields(
            attempt, "attempted_at", "accepted", "complete", "reconciled", "problems", "labels", "sources"
        ),
        "high_water_mark": peak and peak.high_water_mark,
        "drawdown": peak and peak.drawdown,
        "daily_loss": view.daily_loss,
        "realized_pnl_today": view.realized_pnl_today,
        "peak_as_of": peak and peak.as_of,
        "peak_age_s": view.age(peak.as_of if peak else None),
        "peak_stale": view.peak_stale,
        "positions": None if view.positions is None else [_position(held) for held in view.positions],
        "positions_as_of": view.positions_as_of,
        "positions_age_s": view.age(view.positions_as_of),
        "positions_stale": view.positions_stale,
        "incidents": view.incidents,
        "waiver": view.waiver,
        "waiting_flows": view.waiting,
        "published": view.published,
        "published_at": view.published_at,
        "published_age_s": view.age(view.published_at),
        "limits_fingerprint": decision.limits_fingerprint,
    }
    plain: dict[str, Any] = _plain(content)
    return plain


def _breach(view: FundView, place: int) -> dict[str, Any]:
    breach = view.decision.breaches[place]
    content = {field.name: getattr(breach, field.name) for field in fields(breach) if field.name != "age"}
    return {**content, "age_s": breach.age, "since": view.opened_at.get(breach.rule)}


def _position(held: Position) -> dict[str, Any]:
    return {
        **{field.name: getattr(held, field.name) for field in fields(held)},
        "notional_usd": held.notional_usd,
    }


def _fields(row: object, *names: str) -> dict[str, Any] | None:
    return None if row is None else {name: getattr(row, name) for name in names}


@singledispatch
def _plain(value: Any) -> Any:
    """JSON-ready, exactly."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value


@_plain.register
def _(value: Decimal) -> str:
    return format(value, "f")


@_plain.register
def _(value: date) -> str:
    return value.isoformat()


@_plain.register
def _(value: timedelta) -> float:
    return value.total_seconds()


@_plain.register
def _(value: IntEnum) -> str:
    return value.name


@_plain.register(tuple)
@_plain.register(list)
def _(value: Iterable[Any]) -> list[Any]:
    return [_plain(entry) for entry in value]


@_plain.register
def _(value: Mapping) -> dict[str, Any]:  # type: ignore[type-arg]  # singledispatch takes no subscript
    return {key: _plain(entry) for key, entry in value.items()}


def show(view: FundView) -> None:
    """The view for people."""
    click.echo(_verdict(view))
    click.echo(words.table(_figures(view)))
    _show_parts(view)
    _show_positions(view)
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
