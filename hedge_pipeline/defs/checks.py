"""The form every check has: a proposition that is true when it passes, its reason as the description."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.presentation import instants, listed, page, present, words
from hedge_pipeline.domain.nav import Problem
from hedge_pipeline.domain.sources import SourceHealth


def judged(*, holds: bool, description: str | None = None, **metadata: object) -> dg.AssetCheckResult:
    """A verdict of ERROR severity: Dagster lets a blocking check of WARN severity pass."""
    return dg.AssetCheckResult(
        passed=holds,
        severity=dg.AssetCheckSeverity.ERROR,
        description=description,
        metadata=present(metadata),
    )


def recent(as_of: datetime | None, now: datetime, limit: timedelta) -> dg.AssetCheckResult:
    """Age by the data's own stamp, never by when somebody wrote it."""
    age = None if as_of is None else now - as_of
    if age is None:
        return judged(holds=False, description="nothing has ever been known", limit_s=limit)
    holds = age < limit
    description = (
        None if holds else f"{age.total_seconds():.0f} s old, the limit is {limit.total_seconds():g} s"
    )
    return judged(holds=holds, description=description, limit_s=limit, **instants(now, as_of=as_of))


def all_answered(sources: Sequence[SourceHealth] | None) -> dg.AssetCheckResult:
    """Whether every source of the latest attempt answered; ``None``: there was no attempt."""
    if sources is None:
        return judged(holds=False, description="never attempted")
    failed = [source for source in sources if not source.ok]
    return judged(
        holds=not failed, description=listed(f"**{s.source}**: {words(s.error or '')}" for s in failed)
    )


def without(problems: Sequence[Problem] | None, *, holds: bool) -> dg.AssetCheckResult:
    """A verdict on a valuation with what is wrong as its reason; ``None``: there is no valuation."""
    if problems is None:
        return judged(holds=False, description="the fund has never been valued")
    return judged(holds=holds, description=None if holds else told(problems))


def told(problems: Sequence[Problem]) -> str | None:
    """Every problem: which source, what it said, where to look."""
    return listed(f"**{p.source} {p.code}**: {words(p.message)}.{page(p.source)}" for p in problems)


def schema_check(
    asset: dg.AssetsDefinition, row_class: type[Any], *, blocking: bool = True
) -> dg.AssetChecksDefinition:
    """The latest row against the data dictionary's model of its table.

    Not blocking for readings: a NAV row is written whatever a source said.
    """

    @dg.asset_check(
        asset=asset,
        name=f"{asset.key.to_user_string()}_match_their_schema",
        blocking=blocking,
        description=(
            "The latest row keeps every promise of the data dictionary (`domain/schemas/`). A failure is a defect of "
            "this program or an edited store, never of a source: keep the row and the program's version, and report both."
        ),
    )
    def check(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
        from hedge_pipeline.domain import schemas  # imports pandas and pandera

        row = fund.latest(row_class)
        if row is None:
            return judged(holds=False, description="there is no row")
        return judged(
            holds=not (failures := schemas.validate([row])), description="; ".join(map(str, failures)) or None
        )

    return check
