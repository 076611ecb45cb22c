"""`hedge sql`: any question to closed days and live rows, with everything stopped or a cycle writing."""

import csv
import json
import sys
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import click

from hedge_pipeline.cli import words
from hedge_pipeline.cli.target import target
from hedge_pipeline.composition import open_sql
from hedge_pipeline.settings import load_settings


@click.command()
@click.argument("query", required=False)
@click.option("--csv", "form", flag_value="csv", help="Comma-separated values, with a line of names.")
@click.option("--json", "form", flag_value="json", help="One JSON array of objects; money as strings.")
@click.option("--tables", is_flag=True, help="Name every table that can be asked, and stop.")
def sql(query: str | None, form: str | None, tables: bool) -> None:  # noqa: FBT001 - click passes flags by name
    """Answer one SELECT over history (Parquet) and live tables (the state store, read-only).

    Live tables have the names of the assets; closed days are nav_minutes, nav_daily, drawdown_history and history.income,
    history.fills and so on; archive.nav_snapshots and its like are rows that may have left the store. Money is DECIMAL,
    instants are TIMESTAMPTZ in UTC, what is nested is JSON. Nothing is locked and nothing can be written.
    """
    settings = load_settings()
    asked = open_sql(settings)
    if tables:
        click.echo("\n".join(asked.names()))
        return
    if query is None:
        raise click.UsageError(
            "give a query, such as: hedge sql 'SELECT day, close, drawdown FROM nav_daily'"
        )
    answer = asked.ask(query)
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(answer.names)
        writer.writerows([_text(value) for value in row] for row in answer.rows())
    elif form == "json":
        rows = [dict(zip(answer.names, map(_plain, row), strict=True)) for row in answer.rows()]
        click.echo(json.dumps(rows, ensure_ascii=False))
    else:
        click.echo(target(settings))
        cells = [[_shown(value) for value in row] for row in answer.rows()]
        numbers = [
            place
            for place, values in enumerate(answer.columns)
            if any(isinstance(v, int | Decimal) for v in values)
        ]
        click.echo(words.table([list(answer.names), *cells], numbers=numbers))
        click.echo(f"{len(cells)} rows")


def _plain(value: Any) -> Any:
    """As JSON has it: money as a string, instants as ISO 8601."""
    if value is None or isinstance(value, bool | int | str | float):
        return value
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    return _text(value)


def _text(value: Any) -> str:
    """Every digit, and nothing for what is unknown."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return _without_zeros(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g} s"
    if isinstance(value, list | dict):
        return json.dumps(_plain(value), ensure_ascii=False)
    return str(value)


def _shown(value: Any) -> str:
    """The same for people, in one line and of bounded length."""
    text = value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else _text(value)
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _without_zeros(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


LONGEST = 60
"""Characters of a cell for people; ``--csv`` and ``--json`` cut nothing."""
