"""`hedge local` starts, stops and disturbs the paper servers, and nothing but those."""

import json
from pathlib import Path

import pytest

from hedge_pipeline import local
from hedge_pipeline_tests.cli.conftest import Hedge

pytestmark = pytest.mark.live_stack


def test_up_and_down(hedge: Hedge, home: Path):
    started = hedge("local", "up", "--seed", "3")
    assert started.exit_code == 0, started.output
    found = local.running(home)
    assert found is not None
    assert found.base_url in started.output
    assert found.admin_token not in started.output

    again = hedge("local", "up")
    assert again.exit_code == 1
    assert "run already" in again.stderr

    assert "stopped" in hedge("local", "down").output
    assert local.running(home) is None
    assert "none run" in hedge("local", "down").output


def test_up_starts_what_has_died_and_says_so(hedge: Hedge, home: Path):
    hedge("local", "up")
    venue, died = local.running(home), local.running_firestore(home)
    assert died is not None
    died.end()

    again = hedge("local", "up")

    assert again.exit_code == 0, again.output
    assert f"the Firestore server has died (pid {died.pid})" in again.output
    assert local.running(home) == venue
    found = local.running_firestore(home)
    assert found is not None
    assert found.is_alive
    assert f"{found.words} is started" in again.output


def test_faults_are_set_listed_and_cleared(hedge: Hedge, home: Path):
    hedge("local", "up")
    placed = hedge(
        "local",
        "fault",
        "replace_field",
        "/fapi/v3/account",
        "path=assets.0.walletBalance",
        "value=7",
        "--times",
        "2",
    )
    assert placed.exit_code == 0, placed.output

    listed = hedge("local", "fault", "list").stdout.splitlines()[-1]
    assert json.loads(listed) == {
        "id": 1, "endpoint": "/fapi/v3/account", "kind": "replace_field", "remaining": 2, "path": "assets.0.walletBalance", "value": 7,
    }  # fmt: skip

    assert "1 cleared" in hedge("local", "fault", "clear").output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("fault", "explode", "*"), 1),
        (("fault", "drop"), 2),
        (("fault", "delay", "*", "3"), 2),
        (("fault", "delay", "*", "seconds=soon"), 1),
        (("deposit", "USDT", "NaN"), 1),
        (("deposit", "USDT", "-5"), 2),
        (("withdraw", "NOSUCH", "5"), 1),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_reason(
    hedge: Hedge, home: Path, arguments: tuple[str, ...], code: int
):
    hedge("local", "up")

    answer = hedge("local", *arguments)

    assert answer.exit_code == code, answer.output
    assert answer.stderr


def test_money_comes_and_goes(hedge: Hedge, home: Path):
    hedge("local", "up")

    for command in ("deposit", "withdraw"):
        answer = hedge("local", command, "USDT", "500")
        assert answer.exit_code == 0, answer.output
        assert json.loads(answer.stdout.splitlines()[-1])["income_type"] == "TRANSFER"


@pytest.mark.parametrize(
    "arguments", [("fault", "list"), ("deposit", "USDT", "5"), ("withdraw", "USDT", "5")]
)
def test_without_servers_there_is_nothing_to_disturb(hedge: Hedge, home: Path, arguments: tuple[str, ...]):
    answer = hedge("local", *arguments)

    assert answer.exit_code == 1
    assert "hedge local up" in answer.stderr


def test_servers_that_do_not_answer_are_told_as_such(hedge: Hedge, home: Path):
    home.mkdir()
    content = {"base_url": "http://127.0.0.1:9", "admin_token": "t", "pid": 1}
    local.ready_file(home).write_text(json.dumps(content))

    answer = hedge("local", "fault", "list")

    assert answer.exit_code == 1
    assert "nobody answers at" in answer.stderr


def test_other_profiles_have_no_local_servers(hedge: Hedge, home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEDGE_PROFILE", "demo")
    monkeypatch.setenv("HEDGE_VENUE_READ_KEY", "aB3dE5fG7hJ9kL1m" * 4)
    monkeypatch.setenv("HEDGE_VENUE_READ_SECRET", "zY8xW6vU4tS2rQ1p" * 4)

    answer = hedge("local", "up")

    assert answer.exit_code == 1
    assert "belong to profile paper" in answer.stderr
    assert not home.exists()


def test_dev_outside_a_checkout_stops_what_it_had_started(
    hedge: Hedge, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)

    answer = hedge("dev", "--port", "0")

    assert answer.exit_code == 1
    assert "dagster.yaml" in answer.stderr
    assert local.running(home) is None
