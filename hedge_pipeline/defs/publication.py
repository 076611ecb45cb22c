"""Publications: what leaves for Firestore, one asset per document, and whether it arrived.

An asset is materialized when its document is in place, and only then: what fails to arrive goes overdue by itself. Nothing that
values or judges depends on these.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg

from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.account import accounts
from hedge_pipeline.defs.nav import nav_snapshots
from hedge_pipeline.defs.presentation import instants, listed, present, table, words
from hedge_pipeline.defs.risk import gate_decisions, peak_states
from hedge_pipeline.domain.publication.publications import Publication, PublishedDocument
from hedge_pipeline.domain.publication.trips import foreign, tripped

IN_PLACE = "the_document_is_in_place"
PREFIX = "publications"
POINTS, HEALTH = "nav_points", "health"
DEPENDENCIES: dict[str, list[dg.AssetsDefinition]] = {
    "nav": [nav_snapshots],
    POINTS: [nav_snapshots],
    "positions": [accounts],
    "leaderboard": [accounts],
    "peak_state": [peak_states],
    "gate": [gate_decisions],
    HEALTH: [nav_snapshots, gate_decisions],
}
"""Each document's asset, and what it is made from."""
DESCRIPTIONS = {
    "nav": "What the fund is worth, for readers outside: `hedge/{env}/state/nav`. Marked stale rather than withheld.",
    POINTS: "One document per minute with an accepted NAV: `hedge/{env}/nav_points/…`. The curve, never rewritten.",
    "positions": "What the account holds: `hedge/{env}/state/positions`. Withheld until the venue has told it once.",
    "leaderboard": "Symbols by exposure: `hedge/{env}/state/leaderboard`.",
    "peak_state": "High-water mark and drawdown: `hedge/{env}/risk/peak_state`. `hedge rebuild-peak` reads it back.",
    "gate": "Whether anything may trade: `hedge/{env}/risk/gate`. After `expires_at` the answer is no.",
    HEALTH: "Heartbeats of valuation, gate and publisher: `hedge/{env}/health/…`: ok, degraded or down.",
}
REMEDY = "`hedge preflight` looks at the target; what failed is published again by itself."


def key_of(name: str) -> dg.AssetKey:
    return dg.AssetKey([PREFIX, name])


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What one publication did for one asset."""

    key: dg.AssetKey
    in_place: bool
    metadata: dict[str, Any]
    reason: str | None


def arrivals(publication: Publication) -> Iterator[Arrival]:
    """One per asset. A document that is rightly withheld is neither materialized nor wrong."""
    for name in DEPENDENCIES:
        rows = [row for row in publication.documents if _asset_of(row.path) == name]
        if name == POINTS:
            yield _points(publication)
            continue
        wrong = [row for row in rows if row.outcome.failure]
        yield Arrival(
            key=key_of(name),
            in_place=bool(rows) and all(row.outcome.in_place for row in rows),
            metadata=_metadata(rows, publication),
            reason=listed(
                f"**{row.path}** {row.outcome}: {words(row.error or '')}. {REMEDY}" for row in wrong
            ),
        )


def _asset_of(path: str) -> str:
    *_, collection, document = path.split("/")
    return HEALTH if collection == HEALTH else document


def _points(publication: Publication) -> Arrival:
    return Arrival(
        key=key_of(POINTS),
        in_place=publication.points_written > 0,
        metadata=present(
            {
                "points_written": publication.points_written,
                **instants(publication.attempted_at, points_through=publication.points_through),
            }
        ),
        reason=words(publication.error) if publication.error else None,
    )


def _metadata(rows: list[PublishedDocument], publication: Publication) -> dict[str, Any]:
    oldest = min((row.as_of for row in rows if row.as_of), default=None)
    return present(
        {
            "target": publication.target,
            "documents": table(
                rows, "path", "outcome", "seq", "stale", "attempts", "failures_in_a_row", "error"
            ),
            "run_id": publication.run_id,
            **instants(publication.attempted_at, as_of=oldest),
        }
    )


ARRIVING, ONE_WRITER = "documents_are_published", "each_document_has_one_writer"
OVERALL = {
    ARRIVING: f"No document has failed five times in a row, or gone five minutes without arriving. {REMEDY}",
    ONE_WRITER: (
        "Nobody else writes what this store writes. Stop the other deployment, or take over what it wrote: "
        "`hedge take-over`."
    ),
}
"""What the health of publishing as a whole is judged by."""


def overall(publication: Publication) -> Iterator[tuple[str, list[str]]]:
    """Each proposition, and what breaks it."""
    failing = tripped(publication)
    yield (
        ARRIVING,
        [f"**{row.path}**: {row.failures_in_a_row} failures, {words(row.error or '')}" for row in failing],
    )
    yield ONE_WRITER, [f"**{row.path}** is written by {row.found_writer}" for row in foreign(publication)]


@dg.multi_asset(
    name="publish",
    specs=[
        dg.AssetSpec(
            key_of(name),
            deps=[asset.key for asset in deps],
            group_name="publication",
            owners=["team:risk"],
            kinds={"firestore"},
            skippable=True,
            description=DESCRIPTIONS[name],
        )
        for name, deps in DEPENDENCIES.items()
    ],
    check_specs=[
        *(
            dg.AssetCheckSpec(
                IN_PLACE,
                asset=key_of(name),
                blocking=True,
                description=f"The newest version arrived, or nothing newer was known. {REMEDY}",
            )
            for name in DEPENDENCIES
        ),
        *(
            dg.AssetCheckSpec(name, asset=key_of(HEALTH), blocking=True, description=description)
            for name, description in OVERALL.items()
        ),
    ],
)
def publications(fund: dg.ResourceParam[Fund]) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Publish everything once; the same step publishes all of it."""
    from hedge_pipeline.publishing import publish  # pydantic's models: loading definitions need not pay

    publication = publish(fund)
    for arrival in arrivals(publication):
        if arrival.in_place:
            yield dg.MaterializeResult(asset_key=arrival.key, metadata=arrival.metadata)
    yield from evaluations(publication)


def evaluations(publication: Publication) -> Iterator[dg.AssetCheckResult]:
    """Every check's verdict on one publication."""
    for arrival in arrivals(publication):
        yield _judged(arrival.key, IN_PLACE, arrival.reason)
    for name, broken in overall(publication):
        yield _judged(key_of(HEALTH), name, listed(broken))


def _judged(key: dg.AssetKey, name: str, reason: str | None) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=reason is None,
        severity=dg.AssetCheckSeverity.ERROR,
        description=reason,
    )


def events(publication: Publication) -> Iterator[dg.AssetMaterialization | dg.AssetCheckEvaluation]:
    """The same for a heartbeat to report without a run."""
    for arrival in arrivals(publication):
        if arrival.in_place:
            yield dg.AssetMaterialization(asset_key=arrival.key, metadata=arrival.metadata)
    for verdict in evaluations(publication):
        yield dg.AssetCheckEvaluation(
            asset_key=verdict.asset_key or key_of(HEALTH),
            check_name=verdict.check_name or IN_PLACE,
            passed=verdict.passed,
            severity=verdict.severity,
            description=verdict.description,
            metadata={},
            blocking=True,
        )
