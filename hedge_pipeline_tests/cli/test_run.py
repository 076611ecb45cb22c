"""`hedge run` values the fund once from nothing, leaves nothing running, and says what it saw."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hedge_pipeline import local
from hedge_pipeline.cli import run as run_command
from hedge_pipeline_tests.cli.conftest import Hedge

pytestmark = pytest.mark.live_stack

HEDGE = [sys.executable, "-c", "from hedge_pipeline.cli import main; main()"]


def hedge_process(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*HEDGE, *arguments], capture_output=True, text=True, check=False, timeout=120)


def running_on(home: Path) -> list[str]:
    """Commands of living processes that name this home."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(home) in command and str(os.getpid()) not in entry.parts:
            found.append(command)
    return found


def test_from_nothing_to_a_valued_fund_that_status_tells_with_everything_stopped(home: Path):
    done = hedge_process("run")

    assert done.returncode == 0, done.stderr
    for step in ("read account", "read marks", "read instruments", "read income", "read prices", "value reserves",
                 "take nav", "advance peak", "decide", "ACTIVE", "read orders", "read fills", "protect",
                 "5 of 5 positions covered", "read candles", "read terms", "read regimes", "plan ladders", "plan orders",
                 "execute", "stand down", "no countdown runs", "publish", "every document equals the store",
                 "BTCUSDT", "local servers stopped"):  # fmt: skip
        assert step in done.stdout
    assert running_on(home) == []

    told = hedge_process("status", "--json")
    assert told.returncode == 0
    content = json.loads(told.stdout)
    assert content["state"] in {"ACTIVE", "HALTED"}
    assert float(content["nav_usd"]) > 0
    assert {row["outcome"] for row in content["published"]} == {"written"}
    assert {row["path"] for row in content["published"]} >= {
        "hedge/dev/state/nav",
        "hedge/dev/risk/peak_state",
    }
    assert content["complete"] is True
    assert content["nav_per_unit"] is not None
    assert content["high_water_mark"] is not None
    assert len(content["positions"]) == 5
    assert [order for order in content["open_orders"] if not order["reduces_position"]]
    assert len(content["exits"]) == 5


def test_what_it_started_has_ended_before_it_returns(hedge: Hedge, home: Path):
    assert hedge("run").exit_code == 0

    assert running_on(home) == []


def test_what_it_sent_still_rests_when_the_venue_comes_back_and_nothing_is_sent_twice(
    hedge: Hedge, home: Path
):
    first = hedge("run")
    assert first.exit_code == 0, first.output
    before = resting(hedge)
    assert before

    again = hedge("run")

    assert again.exit_code == 0, again.output
    assert resting(hedge) == before
    assert "no entry is missing" in again.output


def resting(hedge: Hedge) -> set[str]:
    """Client order ids of what opens, as last told by the venue."""
    orders = json.loads(hedge("status", "--json").stdout)["open_orders"]
    return {order["client_order_id"] for order in orders if not order["reduces_position"]}


def test_behind_a_closed_gate_it_covers_and_opens_nothing(hedge: Hedge, home: Path):
    hedge("local", "up")
    assert hedge("run").exit_code == 0
    assert resting(hedge)
    hedge("halt", "--reason", "a look")

    answer = hedge("run")

    assert answer.exit_code == 0, answer.output
    assert "no bar is traded: the gate is HALTED" in answer.output
    assert "5 of 5 positions covered" in answer.output
    assert resting(hedge) == set()


def test_servers_that_run_already_are_used_and_left_running(hedge: Hedge, home: Path):
    assert hedge("local", "up").exit_code == 0

    answer = hedge("run")

    assert answer.exit_code == 0, answer.output
    assert "left alone" in answer.output
    found = local.running(home)
    assert found is not None
    assert found.is_alive


def test_a_fund_that_cannot_be_valued_exits_with_the_source_and_its_error(
    hedge: Hedge, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(run_command, "BREATH_S", 0.01)
    hedge("local", "up")
    hedge("local", "fault", "respond", "/fapi/v3/account", "status=500", 'body="{}"')

    answer = hedge("run")

    assert answer.exit_code == 1
    assert "could not be valued" in answer.stderr
    assert "balances" in answer.stderr
    assert "hedge preflight" in answer.stderr
    assert "balances" in answer.stdout, "the step that failed says so while one waits"


def test_it_values_again_while_the_gate_waits_for_good_cycles(
    hedge: Hedge, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(run_command, "BREATH_S", 0.01)
    hedge("local", "up")
    assert hedge("run").exit_code == 0
    hedge("local", "fault", "respond", "/fapi/v3/account", "status=500", 'body="{}"')
    assert hedge("run").exit_code == 1
    hedge("local", "fault", "clear")

    answer = hedge("run")

    assert answer.exit_code == 0, answer.output
    assert "the gate waits for good valuations in a row" in answer.output
    assert answer.output.count("one full cycle") == 3
    assert "ACTIVE" in answer.output


def test_a_closed_gate_is_data(hedge: Hedge, home: Path):
    hedge("local", "up")
    hedge("run")
    hedge("halt", "--reason", "a look")

    answer = hedge("run")

    assert answer.exit_code == 0
    assert "HALTED" in answer.output


def test_servers_that_do_not_start_are_told_with_their_reason(hedge: Hedge, home: Path):
    (home / "paper" / "venue").mkdir(parents=True)
    (home / "paper" / "venue" / "state.json").write_text("{")

    answer = hedge("run")

    assert answer.exit_code == 1
    assert "did not start" in answer.stderr
    assert not answer.exception or isinstance(answer.exception, SystemExit)
