"""`hedge data`: look at recorded files before anything is built on them."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from hedge_pipeline.cli import words
from hedge_pipeline.cli.inputs import instant
from hedge_pipeline.domain.market_data import KINDS, STEPS, Report, Unit


@click.group()
def data() -> None:
    """Recorded files: candles, marks, funding rates, trades, fills."""


@data.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--kind", type=click.Choice(sorted(KINDS)), required=True, help="What the file holds.")
@click.option(
    "--step",
    type=click.Choice(list(STEPS)),
    help="Interval of candles, or the longest silence of trades; without it no gap is looked for.",
)
@click.option(
    "--unit",
    type=click.Choice([unit.value for unit in Unit]),
    help="What the time column counts; never guessed. Parquet timestamps with a zone need none.",
)
@click.option("--symbol", help="Every row's, where the file has no such column.")
@click.option("--since", type=instant, help="From when on facts are expected; goes with --until.")
@click.option("--until", type=instant, help="Up to when, not included.")
@click.option(
    "--examples", type=click.IntRange(0, 100), default=5, show_default=True, help="Shown per fault."
)
@click.pass_context
def check(
    ctx: click.Context,
    *,
    file: Path,
    kind: str,
    step: str | None,
    unit: str | None,
    symbol: str | None,
    since: datetime | None,
    until: datetime | None,
    examples: int,
) -> None:
    """What is wrong with a recorded file? Every row is looked at, nothing is changed.

    Exit 1 when some fault is found more often than tolerated.
    """
    from hedge_pipeline.adapters.recorded_files import load

    if (since is None) is not (until is None):
        raise click.UsageError("--since and --until go together")
    if since is not None and until is not None and since >= until:
        raise click.BadParameter("--since is not before --until")
    _, report = load(
        file,
        KINDS[kind],
        unit=Unit(unit) if unit else None,
        step=STEPS[step] if step else None,
        symbol=symbol,
        covering=(since, until) if since is not None and until is not None else None,
        most_examples=examples,
    )
    for line in told(report):
        click.echo(line)
    if report.excess():
        ctx.exit(1)


def told(report: Report) -> Iterator[str]:
    """The report in words and one table."""
    span = (
        ""
        if report.first_at is None
        else f", {words.instant(report.first_at)} to {words.instant(report.last_at)}"
    )
    yield f"{report.kind}: {report.rows_in} rows, {report.rows_out} clean{span}"
    if report.step is None and report.kind != "funding_rates":
        yield "Gaps were not looked for: say --step."
    if report.ignored_columns:
        yield f"Columns not looked at: {', '.join(report.ignored_columns)}"
    if not report.findings:
        yield "No fault found."
        return
    excess = report.excess()
    rows: list[Any] = [("fault", "rows", "runs", "longest", "share", "they are", "")]
    for found in report.findings:
        verdict = click.style("too many", fg="red") if found in excess else "tolerated"
        share = f"{report.share(found.fault):.4%}"
        effect = found.fault.effect.value
        rows.append(
            (found.fault.value, str(found.count), str(found.runs), str(found.longest), share, effect, verdict)
        )
    yield words.table(rows, numbers=(1, 2, 3, 4))
    for found in report.findings:
        for example in found.examples:
            place = "" if example.row is None else f" row {example.row}"
            at = "" if example.at is None else f" {words.instant(example.at)}"
            yield f"  {found.fault.value}{place}{at}: {example.detail}"
