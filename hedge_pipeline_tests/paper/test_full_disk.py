"""A venue whose disk is full: what it could not keep nobody sees, and it goes on once there is room."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hedge_pipeline.paper.control import Control, ControlRefused
from hedge_pipeline_tests.paper.conftest import HTTP
from hedge_pipeline_tests.paper.test_process import until
from hedge_pipeline_tests.small_disk import SmallDisk, small_disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", megabytes=1) as made:
        yield made


def start(disk: SmallDisk, ready: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "hedge_pipeline.paper", "--state-dir", str(disk.path / "venue")]
    return subprocess.Popen([*command, "--ready-file", str(ready)], stderr=subprocess.PIPE, text=True)


def test_what_it_cannot_keep_it_answers_to_nobody_and_it_recovers(disk: SmallDisk, tmp_path: Path):
    ready = tmp_path / "ready.json"
    process = start(disk, ready)
    try:
        until(ready.exists, "serving")
        with Control.from_ready_file(ready) as control:
            control.deposit("USDT", "1")
            disk.fill()
            with pytest.raises(
                ControlRefused, match=r"not kept: .*state\.json: cannot be written: No space left"
            ):
                control.deposit("USDT", "2")
            refused = HTTP.get(f"{control.base_url}/fapi/v1/time")
            assert refused.status_code == 503
            assert refused.json()["code"] == -1001
            checkpointed = (disk.path / "venue" / "state.json").read_text()
            time.sleep(2.5)  # a checkpoint fails, and must not be the last
            disk.empty()

            until(lambda: HTTP.get(f"{control.base_url}/fapi/v1/time").status_code == 200, "an answer")
            rows = control.status()["income_rows"]
            until(lambda: (disk.path / "venue" / "state.json").read_text() != checkpointed, "a checkpoint")
        first = (disk.path / "venue" / "state.json").read_text()
        until(lambda: (disk.path / "venue" / "state.json").read_text() != first, "another checkpoint")
    finally:
        process.kill()
        _, told = process.communicate()
    assert "Traceback" not in told
    ready.unlink()

    again = start(disk, ready)
    try:
        until(ready.exists, "serving")
        with Control.from_ready_file(ready) as control:
            assert control.status()["income_rows"] == rows == 2
    finally:
        again.kill()
        again.communicate()


def test_it_says_so_in_a_line_when_it_cannot_start(disk: SmallDisk, tmp_path: Path):
    disk.fill()
    process = start(disk, tmp_path / "ready.json")
    _, told = process.communicate(timeout=60)

    assert process.returncode == 1
    assert told.startswith("paper venue: ")
    assert told.count("\n") == 1
    assert "venue" in told
    assert "No space left" in told
