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
from hedge_pipeline.cli.status_page import show
from hedge_pipeline.cli.target import target
from hedge_pipeline.composition import open_fund
from hedge_pipeline.domain.account import Position
from hedge_pipeline.domain.errors import InvalidState, StoreUnavailable
from hedge_pipeline.domain.fund_view import FundView, closed_view
from hedge_pipeline.domain.orders import KnownOrder
from hedge_pipeline.domain.trading.exit_cover import SideCover
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
        "positions": None if view.positions is None else [_position(view, held) for held in view.positions],
        "positions_as_of": view.positions_as_of,
        "positions_age_s": view.age(view.positions_as_of),
        "positions_stale": view.positions_stale,
        "open_orders": None
        if view.open_orders is None
        else [_order(view, order) for order in view.open_orders],
        "open_orders_as_of": view.open_orders_as_of,
        "open_orders_age_s": view.age(view.open_orders_as_of),
        "open_orders_stale": view.open_orders_stale,
        "exits": None if view.exits is None else [_cover(view, side) for side in view.exits.sides],
        "exits_as_of": view.exits_as_of,
        "exits_age_s": view.age(view.exits_as_of),
        "exits_stale": view.exits_stale,
        "exits_problem": view.exits and view.exits.problem,
        "trading_enabled": view.trading_enabled,
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


def _position(view: FundView, held: Position) -> dict[str, Any]:
    return {
        **_named(held),
        "notional_usd": held.notional_usd,
        "as_of": view.positions_as_of,
    }


def _order(view: FundView, order: KnownOrder) -> dict[str, Any]:
    return {
        **_named(order),
        "remaining_quantity": order.remaining_quantity,
        "reduces_position": order.reduces_position,
        "as_of": view.open_orders_as_of,
    }


def _cover(view: FundView, side: SideCover) -> dict[str, Any]:
    return {
        **_named(side),
        "unprotected_quantity": side.unprotected_quantity,
        "as_of": view.exits_as_of,
    }


def _named(row: Any) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in fields(row)}


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
