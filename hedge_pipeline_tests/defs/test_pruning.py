"""Old records go, what the UI and the sensors stand on stays: on a Dagster instance in SQLite files, as in a checkout."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from hedge_pipeline.defs.maintenance import maintenance_job
from hedge_pipeline.defs.pruning import Retention, prune

NAV = dg.AssetKey("nav")
RECENT = dg.AssetCheckKey(NAV, "recent")
LATER = timedelta(days=8)
"""Beyond every retention."""


@dg.asset(key=NAV)
def nav() -> None: ...


@dg.asset_check(asset=NAV, blocking=True)
def recent() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.asset(key="broken")
def broken() -> None:
    raise RuntimeError("on purpose")


NO_TELEMETRY = {"telemetry": {"enabled": False}}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance's files before anything happened: making them takes longer than most tests."""
    folder = tmp_path_factory.mktemp("dagster")
    with dg.DagsterInstance.local_temp(str(folder), overrides=NO_TELEMETRY) as made:
        made.report_runless_asset_event(dg.AssetMaterialization("other"))
    return folder


@pytest.fixture
def instance(prepared: Path, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides=NO_TELEMETRY) as made:
        yield made


def beat(instance: dg.DagsterInstance, number: int) -> None:
    """As a heartbeat reports it."""
    instance.report_runless_asset_event(dg.AssetMaterialization(NAV, metadata={"number": number}))
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=NAV, check_name="recent", passed=True, metadata={"number": number}, blocking=True
        )
    )


def run(instance: dg.DagsterInstance, *assets: dg.AssetsDefinition) -> str:
    definitions = dg.Definitions(assets=assets, asset_checks=[recent] if nav in assets else [])
    job = definitions.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(instance=instance, raise_on_error=False).run_id


def materializations(instance: dg.DagsterInstance) -> list[object]:
    """The number of each that is left, newest first."""
    records = instance.fetch_materializations(NAV, limit=100).records
    return [
        record.asset_materialization.metadata["number"].value
        for record in records
        if record.asset_materialization
    ]


def files(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "history" / "runs").iterdir()}


def now() -> datetime:
    return datetime.now(UTC)


def test_the_latest_materialization_and_evaluation_survive_any_age(instance: dg.DagsterInstance) -> None:
    for number in range(5):
        beat(instance, number)

    pruned = prune(instance, now=now() + LATER)

    assert (pruned.events, pruned.check_evaluations) == (8, 4)
    assert materializations(instance) == [4]
    latest = instance.get_latest_materialization_event(NAV)
    assert latest is not None
    assert latest.asset_materialization is not None
    assert latest.asset_materialization.metadata["number"].value == 4
    record = instance.get_latest_asset_check_evaluation_record(RECENT)
    assert record is not None
    assert record.status.value == "SUCCEEDED"
    assert record.evaluation is not None
    assert record.evaluation.metadata["number"].value == 4
    (entry,) = instance.get_asset_records([NAV])
    assert entry.asset_entry.last_materialization is not None


def test_a_pruned_instance_goes_on_as_before(instance: dg.DagsterInstance) -> None:
    for number in range(3):
        beat(instance, number)
        prune(instance, now=now() + LATER)
    assert materializations(instance) == [2]
    assert prune(instance, now=now() + LATER).events == 0


def test_what_is_younger_than_its_retention_stays(instance: dg.DagsterInstance) -> None:
    for number in range(3):
        beat(instance, number)
    green, red = run(instance, nav), run(instance, broken)

    pruned = prune(instance, now=now() + timedelta(hours=23))

    assert not any((pruned.runs, pruned.events, pruned.check_evaluations))
    assert {record.dagster_run.run_id for record in instance.get_run_records()} == {green, red}


def test_green_runs_go_after_a_day_and_red_ones_after_a_week(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    green, red = run(instance, nav), run(instance, broken)
    beat(instance, 1)

    assert prune(instance, now=now() + timedelta(days=2)).runs == 1
    assert instance.get_run_by_id(green) is None
    assert instance.get_run_by_id(red) is not None
    assert prune(instance, now=now() + LATER).runs == 1
    assert instance.get_run_records() == []
    assert files(tmp_path) == {"index.db", ".db"}, "a run's own file goes with it"


def test_a_run_that_made_the_latest_materialization_stays(instance: dg.DagsterInstance) -> None:
    first, second = run(instance, nav), run(instance, nav)

    assert prune(instance, now=now() + LATER).runs == 1

    assert instance.get_run_by_id(first) is None
    assert instance.get_run_by_id(second) is not None
    assert instance.get_latest_materialization_event(NAV) is not None


def test_a_run_in_flight_stays(instance: dg.DagsterInstance) -> None:
    job = dg.Definitions(assets=[nav]).resolve_implicit_global_asset_job_def()
    started = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)

    prune(instance, now=now() + LATER)

    assert instance.get_run_by_id(started.run_id) is not None


def test_a_file_of_a_run_nobody_knows_goes_once_it_is_old(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    beat(instance, 1)
    left_over = tmp_path / "history" / "runs" / "0f6e2b1e-left-over.db"
    left_over.touch()

    prune(instance, now=now())
    assert left_over.exists(), "it may be that of a run about to begin"
    prune(instance, now=now() + timedelta(hours=2))
    assert not left_over.exists()


def test_the_file_does_not_grow_with_the_number_of_beats(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    keep_nothing = Retention(events=timedelta(0), copies=timedelta(0))
    sizes = []
    for _ in range(4):
        for number in range(8):
            beat(instance, number)
        prune(instance, now=now() + timedelta(seconds=1), retention=keep_nothing)
        sizes.append(
            sum((tmp_path / "history" / "runs" / name).stat().st_size for name in ("index.db", ".db"))
        )
    assert sizes[-1] == sizes[1], "pages are used again"


def test_an_instance_without_tables_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with dg.DagsterInstance.ephemeral() as made, monkeypatch.context() as patched:
        patched.setattr(made, "_event_storage", object())
        with pytest.raises(TypeError, match="object keeps no tables"):
            prune(made, now=now())


def test_the_job_prunes_the_instance_it_runs_on(instance: dg.DagsterInstance) -> None:
    for number in range(3):
        beat(instance, number)
    result = maintenance_job.execute_in_process(instance=instance)
    assert result.success
    assert len(materializations(instance)) == 3
