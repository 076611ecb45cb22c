"""A process that backfills a range of days as one run of Dagster's, until it is done or killed.

python -m hedge_pipeline_tests.cycle.backfiller HOME NOW FIRST LAST
"""

import sys
import warnings
from datetime import datetime
from pathlib import Path

import dagster as dg

from hedge_pipeline.definitions import build_definitions
from hedge_pipeline_tests.fakes import memory_stage


def main(home: Path, now: datetime, first: str, last: str) -> None:
    warnings.simplefilter("ignore")
    stage = memory_stage(home, at=now)
    definitions = build_definitions(stage.fund, environment={"HEDGE_CONFIG": str(home / "hedge.toml")})
    records = home / "dagster"
    records.mkdir(exist_ok=True)
    with dg.DagsterInstance.local_temp(str(records), overrides={"telemetry": {"enabled": False}}) as instance:
        done = definitions.resolve_job_def("history_job").execute_in_process(
            instance=instance,
            raise_on_error=False,
            tags={
                "dagster/asset_partition_range_start": first,
                "dagster/asset_partition_range_end": last,
            },
        )
        told = sum(
            ": " in entry.user_message and "(day " in entry.user_message
            for entry in instance.all_logs(done.run_id)
        )
    stage.close()
    failed = [verdict.check_name for verdict in done.get_asset_check_evaluations() if not verdict.passed]
    print(f"{done.success} {told} {','.join(failed)}")  # noqa: T201 - what the test reads


if __name__ == "__main__":
    main(Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]), sys.argv[3], sys.argv[4])
