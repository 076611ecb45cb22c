"""The venue as a process: how it starts, who it serves, and that nothing of it is left behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hedge_pipeline.paper.control import Control
from hedge_pipeline_tests.paper.conftest import HTTP, pointed

PATIENCE_S = 60.0

Start = Callable[..., "subprocess.Popen[str]"]


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {PATIENCE_S} s")


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


def command(folder: Path, *more: str) -> list[str]:
    kept = ["--state-dir", str(folder / "state"), "--ready-file", str(folder / "ready.json")]
    return [sys.executable, "-m", "hedge_pipeline.paper", *kept, *more]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(*more: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(command(tmp_path, *more), stderr=subprocess.PIPE, text=True)
        started.append(process)
        until(lambda: (tmp_path / "ready.json").exists() or process.poll() is not None, "serving")
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def ready(tmp_path: Path) -> Callable[[], dict[str, Any]]:
    def read() -> dict[str, Any]:
        answer: dict[str, Any] = json.loads((tmp_path / "ready.json").read_text())
        return answer

    return read


def test_it_says_where_it_serves_once_it_does(start: Start, ready: Any, tmp_path: Path):
    process = start("--seed", "7")
    said = ready()

    assert said.keys() == {"base_url", "admin_token", "pid"}
    assert said["pid"] == process.pid
    assert (tmp_path / "ready.json").stat().st_mode & 0o777 == 0o600
    assert said["base_url"].startswith("http://127.0.0.1:")
    server_time = pointed(said["base_url"], wall_clock_ms).fapiPublicGetTime()["serverTime"]
    assert abs(server_time - wall_clock_ms()) < 5000
    assert pointed(said["base_url"], wall_clock_ms).fapiPrivateV3GetAccount()["assets"]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(start: Start, tmp_path: Path, signum: signal.Signals):
    process = start()
    process.send_signal(signum)

    assert process.wait(PATIENCE_S) == 0
    assert not (tmp_path / "ready.json").exists()
    assert json.loads((tmp_path / "state" / "state.json").read_text())["version"] == 1


def test_its_administrator_ends_it(start: Start, tmp_path: Path):
    process = start()
    with Control.from_ready_file(tmp_path / "ready.json") as control:
        control.stop()

    assert process.wait(PATIENCE_S) == 0


def test_a_kill_leaves_a_state_it_goes_on_from(start: Start, tmp_path: Path):
    process = start("--seed", "5")
    with Control.from_ready_file(tmp_path / "ready.json") as control:
        control.deposit("USDT", "123.45")
        control.move_price("BTCUSDT", "0.8")
        walked = until(lambda: (p := control.status()["path_ms"]) > 50 and p, "the path")
    process.kill()
    process.wait()
    (tmp_path / "ready.json").unlink()
    start("--seed", "5")
    with Control.from_ready_file(tmp_path / "ready.json") as control:
        status = control.status()

    assert status["balances"]["USDT"] == "100123.45000000"
    assert status["income_rows"] == 1
    assert status["path_ms"] < walked + 20_000


def test_it_keeps_where_the_path_stands_every_few_seconds(start: Start, tmp_path: Path):
    start()
    state = tmp_path / "state" / "state.json"

    def checkpoint() -> int:
        kept: int = json.loads(state.read_text())["checkpoint_ms"]
        return kept

    first = checkpoint()
    until(lambda: checkpoint() > first, "a checkpoint")


def test_it_ends_with_its_parent(tmp_path: Path):
    starter = f"""
import os, subprocess, time
venue = subprocess.Popen(
    {command(tmp_path)!r} + ["--parent-pid", str(os.getpid())], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
)
while not os.path.exists({str(tmp_path / "ready.json")!r}):
    time.sleep(0.02)
print(venue.pid, flush=True)
os._exit(0)
"""
    parent = subprocess.run(
        [sys.executable, "-c", starter], capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )

    venue = int(parent.stdout)
    try:
        until(lambda: not _runs(venue), "the end of the venue")
    finally:
        if _runs(venue):
            os.kill(venue, signal.SIGKILL)
    assert not (tmp_path / "ready.json").exists()


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    return False


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "0.0.0.0"], "loopback"),
        (["--host", "192.168.1.10"], "loopback"),
        (["--pace", "11"], "11"),
        (["--pace", "0"], "0"),
        (["--start", "2025-10-10"], "--data"),
        (["--data", "/nowhere"], "SYMBOL_ohlcv_STEP"),
        (["--api-key-file", "/nowhere"], "API keys"),
    ],
)
def test_what_it_cannot_do_it_refuses_at_start(tmp_path: Path, arguments: list[str], told: str):
    ended = subprocess.run(
        command(tmp_path, *arguments), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )

    assert ended.returncode != 0
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "ready.json").exists()


def test_a_second_venue_on_the_same_state_is_refused(start: Start, tmp_path: Path):
    start()
    second = subprocess.run(
        command(tmp_path, "--ready-file", str(tmp_path / "second.json")),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert second.returncode == 1
    assert "another paper venue" in second.stderr


def test_options_reach_the_venue(start: Start, ready: Any, tmp_path: Path):
    (tmp_path / "keys.json").write_text('{"mine": "my-secret"}')
    start(
        "--multi-assets",
        "--pace",
        "10",
        "--api-key-file",
        str(tmp_path / "keys.json"),
        "--parent-pid",
        str(os.getpid()),
    )
    url = ready()["base_url"]
    mine = pointed(url, wall_clock_ms, apiKey="mine", secret="my-secret")

    assert mine.fapiPrivateGetMultiAssetsMargin() == {"multiAssetsMargin": True}
    assert (
        HTTP.get(f"{url}/fapi/v1/multiAssetsMargin", headers={"X-MBX-APIKEY": "paper"}).json()["code"]
        == -2015
    )
