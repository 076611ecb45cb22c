"""History in Dagster: a range of days as one run, its checks, and the schedules that keep up."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from hedge_pipeline.definitions import build_definitions
from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.history.days import Day
from hedge_pipeline.domain.history.minutes import Minute
from hedge_pipeline.domain.history.paths import DrawdownPoint
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline_tests.defs.driving import failed_checks
from hedge_pipeline_tests.fakes import MemoryPast, MemoryStage, memory_stage
from hedge_pipeline_tests.generated import fill

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 4)
BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
KEPT = {"nav_minutes", "nav_daily", "drawdown_history"}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[MemoryStage]:
    """Three whole days, and the morning after."""
    built = memory_stage(tmp_path, at=BEGAN + timedelta(days=3, hours=1))
    fill(built.store, built.fund.limits, start=BEGAN, minutes=3 * 1440)
    yield built
    built.close()


@pytest.fixture
def definitions(stage: MemoryStage) -> dg.Definitions:
    return build_definitions(stage.fund, environment={})


def backfill(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    first: date,
    last: date,
    *,
    job: str = "history_job",
    reason: str | None = None,
) -> dg.ExecuteInProcessResult:
    """One run over a range of days, with the tags a single-run backfill of the UI gives it."""
    config = {"ops": {name: {"config": {"reason": reason}} for name in sorted(KEPT)}} if reason else None
    return definitions.resolve_job_def(job).execute_in_process(
        instance=instance,
        run_config=config,
        raise_on_error=False,
        tags={
            "dagster/asset_partition_range_start": first.isoformat(),
            "dagster/asset_partition_range_end": last.isoformat(),
        },
    )


def test_a_range_of_days_is_one_run(
    stage: MemoryStage, definitions: dg.Definitions, instance: dg.DagsterInstance
):
    done = backfill(definitions, instance, FIRST, LAST)

    assert done.success
    assert len(instance.get_runs()) == 1
    for name in KEPT:
        assert instance.get_materialized_partitions(dg.AssetKey(name)) == {
            day.isoformat() for day in stage.fund.history.days(Minute)
        }
    assert len(stage.fund.history.days(Day)) == 3
    assert failed_checks(done) == set()


def test_progress_is_told_day_by_day(definitions: dg.Definitions, instance: dg.DagsterInstance):
    done = backfill(definitions, instance, FIRST, LAST)

    told = [
        entry.user_message for entry in instance.all_logs(done.run_id) if ": written" in entry.user_message
    ]
    assert "2026-03-03: written (day 2 of 3)" in told
    assert len(told) == 9


def test_a_second_run_changes_nothing(
    tmp_path: Path, stage: MemoryStage, definitions: dg.Definitions, instance: dg.DagsterInstance
):
    backfill(definitions, instance, FIRST, LAST)
    before = {path: path.read_bytes() for path in (tmp_path / "history").rglob("*.parquet")}

    done = backfill(definitions, instance, FIRST, LAST)

    assert done.success
    (event,) = [
        m for m in done.asset_materializations_for_node("nav_minutes") if m.partition == LAST.isoformat()
    ]
    assert event.metadata["unchanged"].value == 3
    assert {path: path.read_bytes() for path in (tmp_path / "history").rglob("*.parquet")} == before


def test_days_before_the_fund_are_passed_over(
    stage: MemoryStage, definitions: dg.Definitions, instance: dg.DagsterInstance
):
    done = backfill(definitions, instance, FIRST - timedelta(days=5), FIRST)

    assert done.success
    assert stage.fund.history.days(Minute) == [FIRST]
    assert done.asset_materializations_for_node("nav_daily")[0].metadata["passed_over"].value == 5


def test_a_refused_day_is_named_and_keeps_no_other_from_being_kept(
    stage: MemoryStage, definitions: dg.Definitions, instance: dg.DagsterInstance
):
    backfill(definitions, instance, FIRST, FIRST)
    rows = stage.fund.history.rows(Minute, FIRST) or []
    stage.fund.history.write_day(Minute, FIRST, rows[:-1], at=stage.clock.now(), reason="a mistake")

    done = backfill(definitions, instance, FIRST, LAST)

    assert not done.success
    failure = next(event for event in done.all_events if event.is_step_failure)
    assert "1 of 3 days were refused" in str(failure.event_specific_data)
    assert "restated only with a reason" in str(failure.event_specific_data)
    assert len(stage.fund.history.days(Minute)) == 3


def test_a_reason_restates_and_the_check_lists_it(
    stage: MemoryStage, definitions: dg.Definitions, instance: dg.DagsterInstance
):
    backfill(definitions, instance, FIRST, LAST)
    rows = stage.fund.history.rows(Minute, LAST) or []
    stage.fund.history.write_day(Minute, LAST, rows[:-1], at=stage.clock.now(), reason="a mistake")

    done = backfill(definitions, instance, LAST, LAST, reason="put right again")

    assert done.success
    assert "nav_daily:no_day_was_restated" in failed_checks(done)
    (verdict,) = [v for v in done.get_asset_check_evaluations() if v.check_name == "no_day_was_restated"]
    assert "put right again" in (verdict.description or "")
    assert stage.fund.history.rows(Minute, LAST) == rows


@pytest.mark.finding("S1-DD-4")
def test_a_path_that_is_not_the_live_one_fails_its_check(
    stage: MemoryStage, definitions: dg.Definitions, instance: dg.DagsterInstance
):
    backfill(definitions, instance, FIRST, LAST)
    minutes = stage.fund.history.rows(Minute, LAST) or []
    edited = [*minutes[:-1], minutes[-1]._replace(high_water_mark=minutes[-1].high_water_mark * 2)]
    stage.fund.history.write_day(Minute, LAST, edited, at=stage.clock.now(), reason="an edited peak state")

    key = dg.AssetCheckKey(dg.AssetKey("drawdown_history"), "drawdown_agrees_with_the_live_peak_state")
    job = dg.define_asset_job("checks", selection=dg.AssetSelection.checks(key))
    alone = dg.Definitions(
        assets=definitions.assets,
        asset_checks=definitions.asset_checks,
        resources=definitions.resources,
        jobs=[job],
    )
    done = alone.resolve_job_def("checks").execute_in_process(instance=instance, raise_on_error=False)

    (verdict,) = done.get_asset_check_evaluations()
    assert not verdict.passed
    assert "2026-03-04 23:59" in (verdict.description or "")


def test_a_gap_shows_and_does_not_block(tmp_path: Path, instance: dg.DagsterInstance):
    built = memory_stage(tmp_path / "gap", at=BEGAN + timedelta(days=1, hours=1))
    fill(built.store, built.fund.limits, start=BEGAN, minutes=1000)

    done = backfill(build_definitions(built.fund, environment={}), instance, FIRST, FIRST)

    assert done.success
    assert failed_checks(done) == {"nav_daily:every_minute_is_known"}
    built.close()


def tick(definitions: dg.Definitions, instance: dg.DagsterInstance, name: str) -> dg.RunRequest | str:
    repository = definitions.get_repository_def()
    with dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=datetime(2026, 3, 5, 0, 10, tzinfo=UTC),
        repository_def=repository,
        resources=dict(definitions.resources or {}),
    ) as context:
        outcome = repository.get_schedule_def(name).evaluate_tick(context)
    return outcome.run_requests[0] if outcome.run_requests else outcome.skip_message or ""


@pytest.mark.parametrize(
    ("name", "job"), [("closing_days", "history_job"), ("venue_days", "venue_history_job")]
)
def test_what_is_over_and_not_kept_is_asked_for_in_one_run(
    definitions: dg.Definitions, instance: dg.DagsterInstance, name: str, job: str
):
    request = tick(definitions, instance, name)

    assert isinstance(request, dg.RunRequest)
    assert request.tags["dagster/asset_partition_range_start"] == "2026-03-02"
    assert request.tags["dagster/asset_partition_range_end"] == "2026-03-04"
    assert backfill(definitions, instance, FIRST, LAST, job=job).success
    assert tick(definitions, instance, name) == "every day that is over is kept"


def test_the_schedules_run_by_themselves(definitions: dg.Definitions):
    repository = definitions.get_repository_def()
    for name in ("closing_days", "venue_days"):
        assert repository.get_schedule_def(name).default_status is dg.DefaultScheduleStatus.RUNNING


def test_partitions_are_closed_days_of_the_reset_time_zone(stage: MemoryStage, tmp_path: Path):
    definitions = build_definitions(stage.fund, environment={"HEDGE_CONFIG": str(_config(tmp_path))})
    for asset in (*KEPT, "history/income"):
        days = definitions.resolve_asset_graph().get(dg.AssetKey(asset.split("/"))).partitions_def
        assert isinstance(days, dg.DailyPartitionsDefinition)
        assert (days.timezone, days.start.date()) == ("Europe/Zurich", date(2026, 2, 1))
        short = days.time_window_for_partition_key("2026-03-29")
        assert short.end.timestamp() - short.start.timestamp() == 23 * 3600


def _config(folder: Path) -> Path:
    path = folder / "hedge.toml"
    path.write_text('[fund]\nreset_timezone = "Europe/Zurich"\n[history]\nstart = 2026-02-01\n')
    return path


def test_a_venue_that_does_not_answer_is_not_asked_for_every_day(
    stage: MemoryStage, definitions: dg.Definitions, instance: dg.DagsterInstance
):
    past = stage.fund.venue_history
    assert isinstance(past, MemoryPast)
    past.failing = "nobody answers"

    done = backfill(definitions, instance, FIRST - timedelta(days=9), LAST, job="venue_history_job")

    assert not done.success
    failures = [str(event.event_specific_data) for event in done.all_events if event.is_step_failure]
    assert len(failures) == 2, "without symbols there is nothing to ask of rates and candles"
    assert all(
        "12 of 12 days were refused" in failure and "not asked any more" in failure for failure in failures
    )
    assert stage.fund.history.days(IncomeRow) == []
    assert len(stage.fund.history.days(DrawdownPoint)) == 0


def test_old_rows_leave_by_a_job_of_their_own(
    stage: MemoryStage, definitions: dg.Definitions, instance: dg.DagsterInstance
):
    backfill(definitions, instance, FIRST, LAST)
    stage.clock.pass_by(timedelta(days=13).total_seconds())
    before = len(stage.store.columns(NavSnapshot, "main", "ordinal"))

    done = definitions.resolve_job_def("letting_go_job").execute_in_process(instance=instance)

    told = [
        entry.user_message for entry in instance.all_logs(done.run_id) if "rows kept" in entry.user_message
    ]
    assert (
        told
        == [
            "2026-03-02: 2880 rows kept, 2639 left",  # all that are not among the newest 3,000, but the first snapshot
            "2026-03-03: 2880 rows kept, 0 left",
        ]
    )
    assert len(stage.store.columns(NavSnapshot, "main", "ordinal")) < before
