"""NAV points: which of them a server still lacks."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.documents.models import NavDocument, NavPoint
from hedge_pipeline.domain.documents.projection import Stamp, nav_point
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.nav import NavSnapshot

POINTS_AT_ONCE = 200
"""Of one publication: what is missing beyond comes with the next."""
POINTS_REACH = timedelta(days=1)
"""How far back points are published by themselves when the server holds none; further back, somebody asks for it."""
SNAPSHOTS_LOOKED_AT = (8, 400, 12_000)
"""How many of the newest snapshots are searched for points, until they reach back far enough."""


def points_on_server(stored: Mapping[str, Mapping[str, Any] | None], env: str) -> datetime | None:
    nav = stored.get(f"hedge/{env}/{NavDocument.PLACE}")
    through = nav.get("points_through") if nav else None
    return through if isinstance(through, datetime) else None


def missing_points(fund: Fund, stamp: Stamp, *, after: datetime) -> list[NavPoint]:
    """The first accepted snapshot of each minute that begins after ``after``, oldest first."""
    names = ("accepted", "as_of", "nav_usd", "nav_per_unit", "aum_usd", "aum_complete", "ordinal")
    rows: list[tuple[Any, ...]] = []
    for limit in SNAPSHOTS_LOOKED_AT:
        rows = fund.store.columns(NavSnapshot, fund.account, *names, limit=limit, newest_first=True)
        stamps = [row[1] for row in rows if row[1] is not None]
        if len(rows) < limit or (stamps and min(stamps) <= after):
            break
    return list(
        _first_of_each_minute(
            fund, stamp, after, [dict(zip(names, row, strict=True)) for row in reversed(rows)]
        )
    )


def _first_of_each_minute(
    fund: Fund, stamp: Stamp, after: datetime, snapshots: Sequence[dict[str, Any]]
) -> Iterator[NavPoint]:
    last = after.replace(second=0, microsecond=0)
    for snapshot in snapshots:
        accepted, as_of, ordinal = snapshot.pop("accepted"), snapshot["as_of"], snapshot.pop("ordinal")
        if not accepted or as_of is None:
            continue
        minute = as_of.replace(second=0, microsecond=0)
        if minute <= last:
            continue
        try:
            yield nav_point(snapshot, account=fund.account, seq=ordinal, stamp=stamp)
        except InvalidState:
            continue  # a NAV that may not be shown as valid is no point of the curve; the store keeps it
        last = minute
