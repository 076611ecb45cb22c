"""`hedge publish`: the public projection, by hand: written, shown before it is written, or written again."""

from datetime import UTC, datetime
from typing import Any

import click

from hedge_pipeline.cli import words
from hedge_pipeline.cli.progress import progress
from hedge_pipeline.cli.target import announced_settings
from hedge_pipeline.composition import open_fund
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.publication.deliveries import Outcome
from hedge_pipeline.domain.publication.publications import Health, Publication
from hedge_pipeline.publishing import POINTS_AT_ONCE, Difference, differences, verify
from hedge_pipeline.publishing import publish as publish_once
from hedge_pipeline.settings.target import publication_target

COLORS = {
    Outcome.WRITTEN: "green",
    Outcome.ALREADY_THERE: "green",
    Outcome.REFUSED: "red",
    Outcome.FAILED: "red",
}


@click.command()
@click.option("--dry-run", is_flag=True, help="Print the difference it would write, and write nothing.")
@click.option(
    "--points-since",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    help="Publish every NAV point from this day on (UTC) again, as for a server that has lost them.",
)
def publish(dry_run: bool, points_since: datetime | None) -> None:  # noqa: FBT001 - click passes flags by name
    """Publish what the store holds; exit 1 unless every document is in place.

    Development publishes to this machine alone. Production takes HEDGE_ENV=prod, HEDGE_ALLOW_PROD=1 and a project named in
    the settings; a target that is refused is a failure, never a no-op.
    """
    settings = announced_settings()
    click.echo(f"to {publication_target(settings)}")
    fund = open_fund(settings, read_only=dry_run)
    if dry_run:
        show_differences(differences(fund), "would be written")
        return
    publication = _all_points(fund, points_since)
    show_publication(publication)
    if publication.health is not Health.OK:
        raise click.ClickException("not every document is in place; `hedge preflight` looks at the target")


def _all_points(fund: Fund, since: datetime | None) -> Publication:
    """Once, or as often as it takes for the points to reach the present."""
    publication = publish_once(fund, points_since=since.replace(tzinfo=UTC) if since else None)
    while since is not None and publication.points_written == POINTS_AT_ONCE:
        click.echo(f"NAV points through {words.instant(publication.points_through)}")
        publication = publish_once(fund, points_since=publication.points_through)
    return publication


def publish_and_verify(fund: Fund) -> str | None:
    """Publish, read every document back and compare; what is wrong, in a line."""
    with progress("publish") as told:
        publication = publish_once(fund)
        in_place = sum(row.outcome.in_place for row in publication.documents)
        told(
            f"{in_place} of {len(publication.documents)} documents in place, {publication.points_written} NAV points"
        )
    show_publication(publication)
    if publication.health is not Health.OK:
        failed = [row for row in publication.documents if not row.outcome.in_place]
        return f"{failed[0].path} {failed[0].outcome}: {failed[0].error}"
    with progress("read back") as told:
        found = verify(fund, publication)
        told("differs from the store" if found else "every document equals the store")
    show_differences(found, "in the store")
    return f"{found[0].path} was read back and differs from the store in {found[0].field}" if found else None


def show_publication(publication: Publication) -> None:
    rows = [
        [
            row.path,
            click.style(str(row.outcome), fg=COLORS.get(row.outcome, "yellow")),
            words.instant(row.as_of) if row.as_of else words.UNKNOWN,
            row.error or ("stale" if row.stale else ""),
        ]
        for row in publication.documents
    ]
    click.echo(words.table(rows))


def show_differences(found: tuple[Difference, ...], ours: str) -> None:
    for difference in found:
        click.echo(f"{difference.path}  {difference.field}")
        click.echo(f"  - {_shown(difference.stored)}   stored")
        click.echo(f"  + {_shown(difference.ours)}   {ours}")


def _shown(value: Any) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
