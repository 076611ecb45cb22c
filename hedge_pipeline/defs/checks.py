"""The form every check has: a proposition that is true when it passes, its reason as the description."""

from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.presentation import instants, present


def passed(holds: bool, *, description: str | None = None, **metadata: object) -> dg.AssetCheckResult:
    """A verdict of ERROR severity: Dagster lets a blocking check of WARN severity pass."""
    return dg.AssetCheckResult(
        passed=bool(holds),
        severity=dg.AssetCheckSeverity.ERROR,
        description=description,
        metadata=present(metadata),
    )


def recent(as_of: datetime | None, now: datetime, limit: timedelta) -> dg.AssetCheckResult:
    """Age by the data's own stamp, never by when somebody wrote it."""
    age = None if as_of is None else now - as_of
    return passed(
        age is not None and age < limit,
        age_s=age,
        limit_s=limit,
        **instants(as_of=as_of),
    )


def schema_check(
    asset: dg.AssetsDefinition, row_class: type[Any], *, blocking: bool = True
) -> dg.AssetChecksDefinition:
    """The latest row against the data dictionary's model of its table.

    Not blocking for readings: a NAV row is written whatever a source said.
    """
    name = f"{asset.key.to_user_string()}_match_their_schema"

    @dg.asset_check(
        asset=asset,
        name=name,
        blocking=blocking,
        description="The latest row keeps every promise of the data dictionary (`domain/schemas.py`).",
    )
    def check(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
        from hedge_pipeline.domain import schemas  # imports pandas and pandera

        row = fund.latest(row_class)
        failures = schemas.validate([row]) if row is not None else []
        return passed(row is not None and not failures, failures="; ".join(str(f) for f in failures) or None)

    return check
