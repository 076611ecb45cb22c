"""Each public document as a function of the fund's view, or why there is none to publish.

The functions give no defaults: what is unknown is withheld, so that the last truth stays in place and ages.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from hedge_pipeline.domain.account import AccountReading
from hedge_pipeline.domain.documents.models import (
    Document,
    GateDocument,
    LeaderboardDocument,
    NavDocument,
    NavPoint,
    PeakStateDocument,
    PositionsDocument,
    told,
)
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.fund_view import FundView
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import GateDecision

POINTS_KEPT = timedelta(days=400)
"""After which a NAV point may be deleted by the database's own housekeeping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Who publishes, where to, when."""

    env: str
    writer_id: str
    run_id: str
    published_at: datetime
    """The venue's time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A document that is not published, and why."""

    path: str
    reason: str
    invalid: bool = False
    """Whether it was known and broke its schema, which is a failure."""


class NothingKnown(Exception):
    """What the document tells is not known."""


OF_THE_FUND: tuple[type[Document], ...] = (
    NavDocument,
    PositionsDocument,
    LeaderboardDocument,
    PeakStateDocument,
    GateDocument,
)
"""What ``documents_of`` makes, in its order."""


def paths_of(env: str) -> tuple[str, ...]:
    """Where those documents lie."""
    return tuple(f"hedge/{env}/{model.PLACE}" for model in OF_THE_FUND)


def documents_of(
    view: FundView, stamp: Stamp, *, points_through: datetime | None
) -> tuple[Document | Withheld, ...]:
    """Every document about the fund, in a fixed order."""
    contents: tuple[Callable[[], dict[str, Any]], ...] = (
        lambda: _nav(view, stamp, points_through),
        lambda: _positions(view, stamp),
        lambda: _leaderboard(view, stamp),
        lambda: _peak(view, stamp),
        lambda: _gate(view, stamp),
    )
    return tuple(
        _made(model, content, path)
        for model, content, path in zip(OF_THE_FUND, contents, paths_of(stamp.env), strict=True)
    )


def _made(model: type[Document], content: Callable[[], dict[str, Any]], path: str) -> Document | Withheld:
    try:
        return model.model_validate(content())
    except NothingKnown as unknown:
        return Withheld(path=path, reason=str(unknown))
    except ValidationError as faults:
        return Withheld(
            path=path, reason=f"the document breaks its schema: {told(model, faults)}", invalid=True
        )


def _envelope(
    view: FundView, stamp: Stamp, *, as_of: datetime, table: type[Any], expires_at: datetime, stale: bool
) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "env": stamp.env,
        "account": view.account,
        "writer_id": stamp.writer_id,
        "run_id": stamp.run_id,
        "as_of": as_of,
        "seq": view.seqs[table],
        "published_at": stamp.published_at,
        "expires_at": expires_at,
        "stale": stale or stamp.published_at >= expires_at,
    }


def _nav(view: FundView, stamp: Stamp, points_through: datetime | None) -> dict[str, Any]:
    nav, attempt = view.nav, view.attempt
    if nav is None or nav.as_of is None or attempt is None:
        raise NothingKnown("no valuation was ever accepted")
    limit = view.limits.freshness.nav
    return {
        **_envelope(
            view, stamp, as_of=nav.as_of, table=NavSnapshot, expires_at=nav.as_of + limit, stale=view.stale
        ),
        "numeraire": nav.numeraire,
        "nav_usd": nav.nav_usd,
        "trading_nav": nav.trading_nav,
        "account_units": nav.account_units,
        "nav_per_unit": nav.nav_per_unit,
        "treasury_usd": nav.treasury_usd,
        "reserves_usd": nav.reserves_usd,
        "in_transit_usd": nav.in_transit_usd,
        "aum_usd": nav.aum_usd,
        "aum_complete": nav.aum_complete,
        "aum_problems": nav.aum_problems,
        "fund_units": nav.fund_units,
        "fund_nav_per_unit": nav.fund_nav_per_unit,
        "parts": tuple(
            {
                "asset": part.asset,
                "wallet_balance": part.wallet_balance,
                "unrealized_pnl": part.unrealized_pnl,
                "rate": part.rate,
                "value": part.value,
            }
            for part in nav.parts
            if part.counted
        ),
        "attempt": {
            "attempted_at": attempt.attempted_at,
            "accepted": attempt.accepted,
            "problems": tuple(f"{p.source} {p.code}: {p.message}" for p in attempt.problems),
        },
        "age_s": (stamp.published_at - nav.as_of).total_seconds(),
        "points_through": points_through,
    }


def _positions(view: FundView, stamp: Stamp) -> dict[str, Any]:
    as_of, rows = view.positions_as_of, view.positions
    if as_of is None or rows is None:
        raise NothingKnown("the venue has never told its positions")
    notionals = [row.notional_usd for row in rows]
    return {
        **_of_positions(view, stamp, as_of),
        "positions": tuple(
            {
                "symbol": row.symbol,
                "position_side": str(row.position_side),
                "quantity": row.quantity,
                "entry_price": row.entry_price,
                "mark_price": row.mark_price,
                "unrealized_pnl": row.unrealized_pnl,
                "margin_asset": row.margin_asset,
                "liquidation_price": row.liquidation_price,
                "notional_usd": row.notional_usd,
            }
            for row in rows
        ),
        "gross_exposure_usd": sum(notionals, Decimal(0)),
        "net_exposure_usd": sum((row.notional_usd * row.position_side.sign for row in rows), Decimal(0)),
        "largest_position_usd": max(notionals, default=Decimal(0)),
    }


def _of_positions(view: FundView, stamp: Stamp, as_of: datetime) -> dict[str, Any]:
    expires_at = as_of + view.limits.freshness.nav
    envelope = _envelope(
        view, stamp, as_of=as_of, table=AccountReading, expires_at=expires_at, stale=view.positions_stale
    )
    return {**envelope, "source_ok": True}


def _leaderboard(view: FundView, stamp: Stamp) -> dict[str, Any]:
    as_of, rows = view.positions_as_of, view.positions
    if as_of is None or rows is None:
        raise NothingKnown("the venue has never told its positions")
    symbols: dict[str, tuple[Decimal, Decimal]] = {}
    for row in rows:
        notional, pnl = symbols.get(row.symbol, (Decimal(0), Decimal(0)))
        symbols[row.symbol] = (notional + row.notional_usd, pnl + row.unrealized_pnl)
    ranked = sorted(symbols.items(), key=lambda entry: (-entry[1][0], entry[0]))
    return {
        **_of_positions(view, stamp, as_of),
        "leaders": tuple(
            {"rank": rank, "symbol": symbol, "notional_usd": notional, "unrealized_pnl": pnl}
            for rank, (symbol, (notional, pnl)) in enumerate(ranked, start=1)
        ),
    }


def _peak(view: FundView, stamp: Stamp) -> dict[str, Any]:
    peak = view.peak
    if peak is None:
        raise NothingKnown("there is no baseline: `hedge inception`, or `hedge rebuild-peak`")
    expires_at = peak.as_of + view.limits.freshness.peak
    return {
        **_envelope(
            view, stamp, as_of=peak.as_of, table=PeakState, expires_at=expires_at, stale=view.peak_stale
        ),
        "numeraire": view.nav.numeraire if view.nav else "unknown",
        "nav_per_unit": peak.nav_per_unit,
        "account_units": peak.account_units,
        "fund_units": peak.fund_units,
        "high_water_mark": peak.high_water_mark,
        "drawdown": peak.drawdown,
        "day": peak.day,
        "day_open": peak.day_open,
        "day_open_as_of": peak.day_open_as_of,
        "daily_loss": peak.daily_loss,
        "realized_pnl_today": peak.realized_pnl_today,
        "origin": peak.origin,
    }


def _gate(view: FundView, stamp: Stamp) -> dict[str, Any]:
    decision = view.decision
    if GateDecision not in view.seqs:
        raise NothingKnown("the gate has never decided")
    holds = max(decision.valid_until, decision.decided_at + view.limits.freshness.nav)
    return {
        **_envelope(
            view,
            stamp,
            as_of=decision.decided_at,
            table=GateDecision,
            # A verdict that forbids is worth showing until the next one is due; one that allows, not past its validity.
            expires_at=decision.valid_until if decision.valid_until > decision.decided_at else holds,
            stale=False,
        ),
        "state": decision.state.name,
        "dormant": decision.dormant,
        "valid_until": decision.valid_until,
        "breaches": tuple(
            {
                "rule": breach.rule,
                "reason": breach.reason,
                "kind": str(breach.kind),
                "ceiling": breach.ceiling.name,
                "latches": breach.latches,
                "message": breach.message,
                "threshold": breach.threshold,
                "observation": breach.observation,
                "source": breach.source,
                "remedy": breach.remedy,
            }
            for breach in decision.breaches
        ),
        "limits_fingerprint": decision.limits_fingerprint,
    }


def nav_point(fields: Mapping[str, Any], *, account: str, seq: int, stamp: Stamp) -> NavPoint:
    """The point of one accepted snapshot: ``as_of``, ``nav_usd``, ``nav_per_unit``, ``aum_usd``, ``aum_complete``.

    Raises:
        InvalidState: the snapshot cannot be shown as valid; names the field.
    """
    try:
        return NavPoint.model_validate(
            {
                "schema_version": NavPoint.VERSION,
                "env": stamp.env,
                "account": account,
                "writer_id": stamp.writer_id,
                "run_id": stamp.run_id,
                "seq": seq,
                "published_at": stamp.published_at,
                "expires_at": fields["as_of"] + POINTS_KEPT,
                "stale": stamp.published_at >= fields["as_of"] + POINTS_KEPT,
                **fields,
            }
        )
    except ValidationError as faults:
        raise InvalidState(f"NAV point of {fields['as_of']}: {told(NavPoint, faults)}") from None
