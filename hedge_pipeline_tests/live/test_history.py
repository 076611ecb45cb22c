"""A backfill as the UI launches it: three closed days, one run, by the real webserver and daemon."""

import json
import socket
import time
import urllib.request
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hedge_pipeline.domain.history.days import Day
from hedge_pipeline_tests.generated import fill
from tools.stack import stack

pytestmark = [pytest.mark.long, pytest.mark.live_stack, pytest.mark.timeout(500)]

LAUNCH = """
mutation Launch($days: [String!], $assets: [AssetKeyInput!]) {
  launchPartitionBackfill(backfillParams: {partitionNames: $days, assetSelection: $assets, title: "three days"}) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
ASSETS = ("nav_minutes", "nav_daily", "drawdown_history")
DAYS = 3


def asked(port: int, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return dict(json.loads(answer.read())["data"])


def until(seconds: float, what: str, found: Any) -> Any:
    last = None
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if (value := found()) is not None:
                return value
        except (OSError, KeyError) as error:
            last = error
        time.sleep(1)
    pytest.fail(f"waited {seconds} s in vain for {what}: {last}")


def test_a_backfill_of_the_ui_is_one_run(tmp_path: Path) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [(today - timedelta(days=number)).date().isoformat() for number in range(DAYS, 0, -1)]
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = int(probe.getsockname()[1])
    with stack(tmp_path / "stack") as made:
        fund = made.fund
        fill(
            fund.store,  # type: ignore[arg-type]  # the store behind the port
            fund.limits,
            start=today - timedelta(days=DAYS),
            minutes=DAYS * 144,
            every=timedelta(minutes=10),
        )
        made.records.mkdir()
        with made.served(port), made.instance() as instance:
            variables = {"days": days, "assets": [{"path": [name]} for name in ASSETS]}
            launched = until(
                240, "the webserver", lambda: asked(port, LAUNCH, variables)["launchPartitionBackfill"]
            )
            assert launched["__typename"] == "LaunchBackfillSuccess", launched
            of_it = dg.RunsFilter(tags={"dagster/backfill": launched["backfillId"]})
            over = until(
                240,
                "the backfill",
                lambda: [run for run in instance.get_runs(of_it) if run.is_finished] or None,
            )
            runs = instance.get_runs(of_it)
            materialized = instance.get_materialized_partitions(dg.AssetKey("nav_daily"))

        assert [run.status.value for run in over] == ["SUCCESS"]
        assert len(runs) == 1, "three days, three assets, one run"
        assert set(days) <= materialized
        assert [day.isoformat() for day in fund.history.days(Day)] == days
