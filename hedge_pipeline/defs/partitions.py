"""Partitions: which closed days a run is asked for, and what became of each of them."""

import warnings
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg

from hedge_pipeline.cycle import Fund, closing
from hedge_pipeline.defs.presentation import listed, present, words
from hedge_pipeline.domain.errors import InvalidState, SourceUnavailable
from hedge_pipeline.domain.history.partitions import Restatement, Written

GROUP = "history"
"""Assets of this group have a partition per closed day."""
warnings.filterwarnings(
    "ignore", message="Parameter `backfill_policy`", category=dg.BetaWarning
)  # it has no stable twin
SINGLE_RUN = dg.BackfillPolicy.single_run()
"""A backfill of a year is one run: starting one for each of its days would cost twenty minutes."""
PATIENCE = 3
"""Unanswered days in a row."""
LINES = 60
"""How many days a run tells of one by one; a longer one tells of some."""


class Restating(dg.Config):
    """What a run may be told besides its days."""

    reason: str = ""
    """Why stored days are written again where they differ; without one they are refused and stay as they are."""


def partitions(*, start: date, timezone: str) -> dg.DailyPartitionsDefinition:
    """Every closed local day from ``start`` on."""
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone=timezone)


def days_asked(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> list[date]:
    """Days of the run's partitions; none when it has none, as when a check is run alone."""
    try:
        asked = context.partition_key_range
    except (dg.DagsterInvariantViolationError, ValueError):
        return []
    first, last = date.fromisoformat(asked.start), date.fromisoformat(asked.end)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def keep_days(
    context: dg.AssetExecutionContext,
    fund: Fund,
    keep: Callable[..., Written],
    *,
    reason: str,
    first: date | None = None,
) -> dict[str, Any]:
    """Keep every day asked for, in order, and tell what became of each; a day that is refused keeps no other from being kept.

    Days before ``first``, the fund's first one unless given, are passed over. Once the venue has not answered a few times
    in a row, it is not asked any more.

    Raises:
        dg.Failure: some days were refused; the others are kept.
    """
    first, days = first or closing.first_day(fund), days_asked(context)
    unanswered = 0
    outcomes: dict[date, Written] = {}
    refused: dict[date, str] = {}
    every = -(-len(days) // LINES)
    for number, day in enumerate(days, 1):
        if first is None or day < first:
            continue
        if unanswered >= PATIENCE:
            refused[day] = "not asked any more"
            continue
        try:
            outcomes[day] = keep(fund, day, reason=reason or None)
            unanswered = 0
        except (InvalidState, SourceUnavailable) as refusal:
            unanswered += isinstance(refusal, SourceUnavailable)
            refused[day] = str(refusal)
            context.log.warning("%s: %s", day, refusal)
            continue
        if number % every == 0 or number == len(days) or outcomes[day] is Written.RESTATED:
            context.log.info("%s: %s (day %s of %s)", day, outcomes[day].value, number, len(days))
    if refused:
        told = listed(f"**{day}**: {words(why)}" for day, why in [*refused.items()][:20])
        raise dg.Failure(
            description=f"{len(refused)} of {len(days)} days were refused; the others are kept.\n{told}",
            allow_retries=False,
        )
    counted = {written.value: sum(o is written for o in outcomes.values()) for written in Written}
    return present({**counted, "passed_over": len(days) - len(outcomes), "days": len(days)})


def told_restatements(restatements: Sequence[Restatement]) -> str | None:
    """Each restatement with its reason, newest first."""
    return listed(
        f"**{entry.table} {entry.day}** version {entry.version}, {entry.restated_at:%Y-%m-%d %H:%M}: {words(entry.reason)}"
        for entry in sorted(restatements, key=lambda entry: entry.restated_at, reverse=True)[:20]
    )


def with_days(spec: dg.AssetSpec, *, days: dg.DailyPartitionsDefinition) -> dg.AssetSpec:
    """History's assets have these partitions; others none."""
    return spec.replace_attributes(partitions_def=days) if spec.group_name == GROUP else spec
