"""`hedge data`: look at recorded files before anything is built on them, and load what is clean."""

import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from hedge_pipeline.adapters.history import HistoryFiles
from hedge_pipeline.adapters.recorded_files import load as load_file
from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.cli import words
from hedge_pipeline.cli.inputs import instant
from hedge_pipeline.cli.target import announced_settings
from hedge_pipeline.domain.errors import CommandRefused
from hedge_pipeline.domain.history.partitions import Written
from hedge_pipeline.domain.market_data import KINDS, STEPS, RecordedCandle, Report, Unit
from hedge_pipeline.operations.loading import load_days, recorded_candles, recorded_funding_rates
from hedge_pipeline.settings import Settings


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
    if (since is None) is not (until is None):
        raise click.UsageError("--since and --until go together")
    if since is not None and until is not None and since >= until:
        raise click.BadParameter("--since is not before --until")
    _, report = load_file(
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


@data.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--kind", type=click.Choice(["candles", "funding_rates"]), required=True, help="What the file holds."
)
@click.option("--step", type=click.Choice(list(STEPS)), help="Interval of candles.")
@click.option(
    "--unit",
    type=click.Choice([unit.value for unit in Unit]),
    help="What the time column counts; never guessed.",
)
@click.option("--symbol", help="Every row's, where the file has no such column.")
@click.option("--tolerate", is_flag=True, help="Load the clean rows although a fault is over its threshold.")
@click.option("--reason", help="Why stored days are to say something else than they do.")
def load(
    *,
    file: Path,
    kind: str,
    step: str | None,
    unit: str | None,
    symbol: str | None,
    tolerate: bool,
    reason: str | None,
) -> None:
    """Load a recorded file's clean rows into history, as days of `recorded_candles` or `recorded_funding_rates`.

    What is missing stays missing. The same file again changes nothing.
    """
    if kind == "candles" and not (step and symbol):
        raise click.UsageError("candles need --step and --symbol: a file of them says neither")
    settings = announced_settings()
    frame, report = load_file(
        file,
        KINDS[kind],
        unit=Unit(unit) if unit else None,
        step=STEPS[step] if step else None,
        symbol=symbol,
    )
    for line in told(report):
        click.echo(line)
    if report.excess() and not tolerate:
        raise CommandRefused(
            "nothing is loaded: look at the faults, then mend the file, or load the rest by --tolerate"
        )
    rows: list[Any]
    if kind == "candles":
        rows = recorded_candles(frame, symbol=str(symbol), interval=STEPS[str(step)], file=file.name)
    else:
        rows = recorded_funding_rates(frame, file=file.name)
    counts = Counter(written for _, written in _loaded(settings, rows, reason))
    click.echo(
        f"{sum(counts.values())} days: "
        + (", ".join(f"{count} {word}" for word, count in counts.items()) or "none")
    )


def _loaded(settings: Settings, rows: list[Any], reason: str | None) -> Iterator[tuple[date, Written]]:
    """Day by day, with a bar on a terminal."""
    zone = ZoneInfo(settings.fund.reset_timezone)
    kind = type(rows[0]) if rows else RecordedCandle
    now = SystemClock().now()
    done = load_days(HistoryFiles(settings.history_folder), kind, rows, zone=zone, now=now, reason=reason)
    with click.progressbar(done, label="days", file=sys.stderr, show_pos=True) as days:
        yield from days


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
