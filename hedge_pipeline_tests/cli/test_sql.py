"""`hedge sql`, as a person asks and as a program does."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from hedge_pipeline.cycle import closing
from hedge_pipeline_tests.cli.conftest import Hedge
from hedge_pipeline_tests.stage import Stage

ZERO = Decimal(0)


def as_of(stage: Stage) -> datetime:
    stamp = stage.nav.as_of
    assert stamp is not None
    return stamp


def test_a_live_row_is_shown_to_a_person(stage: Stage, hedge: Hedge):
    done = hedge("sql", "SELECT ordinal, nav_per_unit, as_of FROM nav_snapshots")

    assert done.exit_code == 0, done.output
    assert "paper × dev   account main" in done.output
    assert "1 rows" in done.output
    assert f"{as_of(stage):%Y-%m-%d %H:%M:%S}" in done.output


def test_as_json_no_digit_is_lost(stage: Stage, hedge: Hedge):
    done = hedge(
        "sql", "--json", "SELECT trading_nav, as_of, accepted, ordinal, unreconciled_since FROM nav_snapshots"
    )

    (row,) = json.loads(done.output)
    assert row == {
        "trading_nav": f"{(stage.nav.trading_nav or ZERO).normalize():f}",
        "as_of": as_of(stage).isoformat(),
        "accepted": True,
        "ordinal": 1,
        "unreconciled_since": None,
    }


def test_as_csv_it_has_a_line_of_names(stage: Stage, hedge: Hedge):
    done = hedge("sql", "--csv", "SELECT ordinal, unreconciled_since, labels FROM nav_snapshots")
    assert done.output == "ordinal,unreconciled_since,labels\n1,,[]\n"


def test_closed_days_are_asked_with_everything_stopped(home: Path, hedge: Hedge):
    done = hedge("sql", "SELECT day, drawdown FROM nav_daily")
    assert done.exit_code == 0, done.output
    assert "0 rows" in done.output


def test_tables_are_named(home: Path, hedge: Hedge):
    names = hedge("sql", "--tables").output.splitlines()
    assert {
        "nav_snapshots",
        "nav_minutes",
        "drawdown_history",
        "history.income",
        "archive.nav_snapshots",
    } <= set(names)


def test_live_rows_need_a_store(home: Path, hedge: Hedge):
    done = hedge("sql", "SELECT * FROM incidents")
    assert done.exit_code == 1
    assert "there is none; start `hedge run`" in done.output


@pytest.mark.parametrize(
    "query",
    ["DELETE FROM nav_snapshots", "SELECT * FROM read_text('/etc/passwd')", "SELEC 1", "SELECT 1; SELECT 2"],
)
def test_what_it_will_not_do_is_told_in_a_line(home: Path, hedge: Hedge, query: str):
    done = hedge("sql", query)
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert len(done.output.splitlines()) == 1


def test_without_a_question_it_shows_one(home: Path, hedge: Hedge):
    done = hedge("sql")
    assert done.exit_code == 2
    assert "SELECT day, close, drawdown FROM nav_daily" in done.output


def test_a_day_is_asked_once_it_is_kept(stage: Stage, hedge: Hedge):
    day = as_of(stage).date()
    stage.clock.pass_by(closing.ONE_DAY)
    stage.beat()
    closing.keep_minutes(stage.fund, day)

    done = hedge("sql", "--csv", "SELECT day, accepted FROM nav_minutes")

    assert done.output == f"day,accepted\n{day},1\n"
