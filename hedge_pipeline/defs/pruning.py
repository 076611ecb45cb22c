"""Deleting what Dagster keeps for ever: old runs, and the runless events of the heartbeats, which no interface of its deletes.

The only place that knows tables and files of Dagster's event log storage. The latest materialization of each asset and the
latest evaluation of each check survive whatever their age: sensors and the UI stand on them. Deleting does not shrink a
SQLite file; its pages are used again, so a file stays as large as it was between two prunings at most.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import RunsTable

RUNLESS = ""
"""The run id of events that no run made."""
INDEX = "index"
"""Name of the SQLite file that holds the events of all assets, beside one file per run."""
LASTING = (
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_OBSERVATION,
    dg.DagsterEventType.FRESHNESS_STATE_CHANGE,
)
RUNS_AT_ONCE = 500
"""More than an hour makes; a backlog takes several prunings."""
YOUNG = timedelta(hours=1)
"""A run's files may appear before its row; so young a file is never a left-over."""


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long each kind of record is kept."""

    successes: timedelta = timedelta(days=1)
    """A green run repeats what the state store keeps for ever."""
    failures: timedelta = timedelta(days=7)
    """A red run is what somebody looks for after a week-end."""
    events: timedelta = timedelta(days=1)
    """Of heartbeats: what the UI draws over time."""
    copies: timedelta = timedelta(minutes=10)
    """SQLite keeps each runless event a second time, in a file of its own that nothing reads later."""


RETENTION = Retention()


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What was deleted."""

    runs: int
    events: int
    check_evaluations: int
    files: int

    def counts(self) -> dict[str, int]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def prune(instance: dg.DagsterInstance, *, now: datetime, retention: Retention = RETENTION) -> Pruned:
    """Delete what is older than its retention.

    Raises:
        TypeError: the instance keeps its events in something else than SQL.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        raise TypeError(f"{type(storage).__name__} keeps no tables that could be pruned")
    runs = _prune_runs(instance, storage, now, retention)
    with storage.index_connection() as connection:
        evaluations = _prune_evaluations(connection, now - retention.events)
        events = _prune_events(connection, now - retention.events)
    files = 0
    if isinstance(storage, SqliteEventLogStorage):
        with storage.run_connection(RUNLESS) as connection:
            _delete_runless(connection, now - retention.copies, kept=None)
        files = _remove_left_overs(instance, storage, now)
    return Pruned(runs=runs, events=events, check_evaluations=evaluations, files=files)


def _prune_runs(
    instance: dg.DagsterInstance, storage: SqlEventLogStorage, now: datetime, retention: Retention
) -> int:
    """Through the instance, which also forgets a run's tags and events; its logs go first."""
    kept = _runs_still_shown(storage)
    deleted = 0
    for statuses, age in (
        ([dg.DagsterRunStatus.SUCCESS], retention.successes),
        ([dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED], retention.failures),
    ):
        older = dg.RunsFilter(statuses=statuses, updated_before=now - age)
        for record in instance.get_run_records(older, limit=RUNS_AT_ONCE, ascending=True):
            run_id = record.dagster_run.run_id
            if run_id not in kept:
                instance.compute_log_manager.delete_logs(prefix=[run_id])
                instance.delete_run(run_id)
                deleted += 1
    return deleted


def _runs_still_shown(storage: SqlEventLogStorage) -> frozenset[str]:
    """Runs that made an asset's latest materialization or a check's latest evaluation."""
    events, evaluations = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c
    with storage.index_connection() as connection:
        of_events = connection.execute(sa.select(events.run_id).where(events.id.in_(_latest_events())))
        of_checks = connection.execute(
            sa.select(evaluations.run_id).where(evaluations.id.in_(_latest_evaluations()))
        )
        return frozenset(row[0] for row in (*of_events, *of_checks))


def _latest_events() -> sa.Select[tuple[int]]:
    """Ids of each asset's latest event of each kind that tells what became of it; plans of runs do not."""
    events = SqlEventLogStorageTable.c
    return (
        sa.select(sa.func.max(events.id))
        .where(events.asset_key.is_not(None))
        .where(events.dagster_event_type.in_([kind.value for kind in LASTING]))
        .group_by(events.asset_key, events.dagster_event_type)
    )


def _latest_evaluations() -> sa.Select[tuple[int]]:
    """Ids of each check's latest evaluation."""
    evaluations = AssetCheckExecutionsTable.c
    return sa.select(sa.func.max(evaluations.id)).group_by(
        evaluations.asset_key, evaluations.check_name, evaluations.partition
    )


def _prune_evaluations(connection: sa.Connection, before: datetime) -> int:
    evaluations = AssetCheckExecutionsTable.c
    return connection.execute(
        AssetCheckExecutionsTable.delete()
        .where(evaluations.create_timestamp < _stored(before))
        .where(evaluations.id.not_in(_latest_evaluations()))
    ).rowcount


def _prune_events(connection: sa.Connection, before: datetime) -> int:
    """Runless events; those of runs go with their runs. An evaluation that is kept keeps its event."""
    evaluations = AssetCheckExecutionsTable.c
    evaluated = sa.select(evaluations.evaluation_event_storage_id).where(
        evaluations.evaluation_event_storage_id.is_not(None)
    )
    deleted = _delete_runless(connection, before, kept=sa.union(_latest_events(), evaluated))
    connection.execute(
        AssetEventTagsTable.delete().where(
            AssetEventTagsTable.c.event_id.not_in(sa.select(SqlEventLogStorageTable.c.id))
        )
    )
    return deleted


def _delete_runless(
    connection: sa.Connection, before: datetime, *, kept: sa.CompoundSelect[tuple[int]] | None
) -> int:
    events = SqlEventLogStorageTable.c
    delete = (
        SqlEventLogStorageTable.delete()
        .where(events.run_id == RUNLESS)
        .where(events.timestamp < _stored(before))
    )
    return connection.execute(delete if kept is None else delete.where(events.id.not_in(kept))).rowcount


def _stored(instant: datetime) -> datetime:
    """As Dagster stores it: UTC, without saying so."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def _remove_left_overs(instance: dg.DagsterInstance, storage: SqliteEventLogStorage, now: datetime) -> int:
    """Files of runs that no longer exist: SQLite keeps one per run and deletes none."""
    known = _known_runs(instance)
    if known is None:
        return 0
    removed = 0
    for path, run_id in _run_files(storage):
        try:
            age = now - datetime.fromtimestamp(path.stat().st_mtime, UTC)
            if run_id not in known and age > YOUNG:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue  # SQLite removes the files beside a database itself
    return removed


def _known_runs(instance: dg.DagsterInstance) -> frozenset[str] | None:
    """``None``: they are kept in something else than SQL."""
    storage = instance.run_storage
    if not isinstance(storage, SqlRunStorage):
        return None
    with storage.connect() as connection:
        return frozenset(row[0] for row in connection.execute(sa.select(RunsTable.c.run_id)))


def _run_files(storage: SqliteEventLogStorage) -> Iterator[tuple[Path, str]]:
    """Every file that belongs to one run, with the run's id."""
    for path in Path(storage.path_for_shard(INDEX)).parent.glob("*.db*"):
        run_id = path.name.split(".db", 1)[0]
        if run_id not in {INDEX, RUNLESS}:
            yield path, run_id
