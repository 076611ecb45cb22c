"""The local servers: one per home, found or started, never started twice and never left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hedge_pipeline import local
from hedge_pipeline.domain.errors import CommandRefused, SourceUnavailable
from hedge_pipeline.local import LocalServers, PathOptions
from hedge_pipeline.paper.control import Control

pytestmark = pytest.mark.live_stack

PATIENCE_S = 20.0


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose servers end with the test."""
    place = tmp_path / "home"
    yield place
    local.end_children()
    local.down(place)
    local._venues.found.pop(place, None)


def ends(servers: LocalServers) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while servers.is_alive and time.monotonic() < deadline:
        time.sleep(0.05)
    return not servers.is_alive


def test_servers_that_are_up_are_found_by_everybody(home: Path):
    started = local.up(home, PathOptions(seed=3))

    assert local.running(home) == started
    assert local.for_this_process(home) == started
    with Control(started.base_url, started.admin_token) as control:
        assert "BTCUSDT" in control.status()["symbols"]


def test_they_are_started_once(home: Path):
    local.up(home, PathOptions())

    with pytest.raises(CommandRefused, match="run already"):
        local.up(home, PathOptions())


def test_down_ends_them_and_forgets_them(home: Path):
    started = local.up(home, PathOptions())

    told = local.down(home)

    assert told is not None
    assert f"venue stopped (pid {started.pid})" in told
    assert not started.is_alive
    assert local.running(home) is None
    assert local.down(home) is None


def test_without_a_file_they_are_children_of_the_process_that_asks(home: Path):
    child = local.for_this_process(home)

    assert local.for_this_process(home) == child
    assert not local.ready_file(home).exists()
    local.end_children()
    assert not child.is_alive


def test_children_end_with_their_process_even_if_it_is_killed(home: Path):
    program = (
        "import sys, time; from pathlib import Path; from hedge_pipeline import local\n"
        "print(local.for_this_process(Path(sys.argv[1])).pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = LocalServers("http://unused", "unused", int(parent.stdout.readline()))
        assert child.is_alive
        parent.send_signal(signal.SIGKILL)

    assert ends(child)


def test_processes_of_one_home_share_the_children_of_the_first_while_it_lives(home: Path):
    program = (
        "import sys, time; from pathlib import Path; from hedge_pipeline import local\n"
        "print(local.for_this_process(Path(sys.argv[1])).base_url, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        address = first.stdout.readline().strip()
        shared = local.for_this_process(home)
        first.kill()

    assert shared.base_url == address
    assert ends(shared)
    own = local.for_this_process(home)
    assert own.is_alive
    assert own.pid != shared.pid


def test_servers_for_the_life_of_one_process_end_with_it(home: Path):
    program = (
        "import sys; from pathlib import Path; from hedge_pipeline import local\n"
        "local.up(Path(sys.argv[1]), local.PathOptions(), with_this_process=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(home)], stdin=subprocess.PIPE) as parent:
        deadline = time.monotonic() + PATIENCE_S
        while local.running(home) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        found = local.running(home)
        assert found is not None
        parent.kill()

    assert ends(found)
    assert local.running(home) is None


def test_servers_that_died_are_a_failed_source_not_a_reason_to_start_others(home: Path):
    started = local.up(home, PathOptions())
    os.kill(started.pid, signal.SIGKILL)
    assert ends(started)

    assert local.for_this_process(home) == started


def test_a_process_that_used_servers_starts_none_when_they_are_taken_down(home: Path):
    started = local.up(home, PathOptions())
    local.for_this_process(home)
    local.down(home)

    assert local.for_this_process(home) == started

    moved = local.up(home, PathOptions())
    assert local.for_this_process(home) == moved


def test_a_pid_that_somebody_else_has_now_is_left_alone(home: Path):
    home.mkdir()
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        content = {"base_url": "http://127.0.0.1:9", "admin_token": "t", "pid": bystander.pid}
        local.ready_file(home).write_text(json.dumps(content))

        assert local.down(home) == f"venue had ended already (pid {bystander.pid})"
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"base_url": "x"}', "null"])
def test_a_file_that_cannot_be_understood_is_a_failed_source_that_down_removes(home: Path, text: str):
    home.mkdir()
    local.ready_file(home).write_text(text)

    with pytest.raises(SourceUnavailable, match="hedge local down"):
        local.for_this_process(home)

    assert "removed" in (local.down(home) or "")
    assert not local.ready_file(home).exists()


def test_servers_that_do_not_start_say_why(home: Path, tmp_path: Path):
    with pytest.raises(SourceUnavailable, match="did not start: paper venue"):
        local.up(home, PathOptions(data=tmp_path))


def test_two_processes_do_not_share_one_venues_state(home: Path):
    local.up(home, PathOptions())
    local.ready_file(home).rename(home / "hidden.json")
    try:
        with pytest.raises(SourceUnavailable, match="another paper venue runs"):
            local.for_this_process(home)
    finally:
        (home / "hidden.json").rename(local.ready_file(home))


def test_a_new_fund_is_given_its_holdings_and_an_old_one_keeps_its_own(home: Path):
    home.mkdir()
    (home / "treasury.toml").write_text("")
    local.up(home, PathOptions())

    assert (home / "treasury.toml").read_text() == ""
    assert "[holdings]" in (home / "reserves.toml").read_text()


def test_the_file_with_the_token_is_its_owners_alone(home: Path):
    local.up(home, PathOptions())

    assert local.ready_file(home).stat().st_mode & 0o077 == 0


def test_the_token_is_shown_to_nobody(home: Path):
    started = local.up(home, PathOptions())

    assert started.admin_token not in repr(started)
