"""`hedge status` tells the fund from the store alone, exactly, and never refuses to."""

import json
import re
import subprocess
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.cycle.protecting import protect
from hedge_pipeline.operations import halt
from hedge_pipeline_tests.cli.conftest import Hedge
from hedge_pipeline_tests.stage import Stage

PROMISED = {
    "nav_usd", "nav_per_unit", "aum_usd", "complete", "stale", "as_of", "high_water_mark",
    "drawdown", "daily_loss", "state", "breaches", "positions", "open_orders", "exits",
    "positions_as_of", "open_orders_as_of", "exits_as_of",
}  # fmt: skip
ZONE = timedelta(0)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes after the stage was played."""

    class Later(SystemClock):
        def now(self) -> datetime:
            return super().now() + timedelta(minutes=10)

    monkeypatch.setattr("hedge_pipeline.composition.SystemClock", Later)


def told(hedge: Hedge) -> dict[str, Any]:
    answer = hedge("status", "--json")
    assert answer.exit_code == 0, answer.output
    content = json.loads(answer.stdout)
    assert isinstance(content, dict)
    return content


def test_it_prints_one_object_with_everything_promised(hedge: Hedge, stage: Stage):
    content = told(hedge)

    assert content.keys() >= PROMISED
    assert content["state"] == "ACTIVE"
    assert (content["complete"], content["stale"], content["breaches"]) == (True, False, [])
    assert content["profile"] == "paper"
    assert content["env"] == "dev"
    assert {held["symbol"] for held in content["positions"]} == {"BTCUSDT", "ETHUSDT", "SOLUSDT"}


def test_money_is_told_to_the_last_digit(hedge: Hedge, stage: Stage):
    content = told(hedge)

    for name in ("nav_usd", "nav_per_unit", "aum_usd"):
        assert isinstance(content[name], str)
        assert Decimal(content[name]) == getattr(stage.nav, name)
    assert all(isinstance(held["quantity"], str) for held in content["positions"])
    assert isinstance(content["drawdown"], str)


def test_instants_have_a_zone_and_ages_are_seconds(hedge: Hedge, stage: Stage):
    content = told(hedge)

    assert datetime.fromisoformat(content["as_of"]) == stage.nav.as_of
    assert datetime.fromisoformat(content["evaluated_at"]).utcoffset() == ZONE
    assert 0 <= content["age_s"] < 60
    assert 0 <= content["peak_age_s"] < 60


def test_a_closed_gate_is_an_answer_not_a_failure(hedge: Hedge, stage: Stage):
    halt(stage.fund, actor="ada", reason="a look")

    content = told(hedge)

    assert content["state"] == "HALTED"
    (breach,) = content["breaches"]
    assert (breach["reason"], breach["source"]) == ("latched", "operator_halt")
    assert breach["remedy"]
    assert breach["age_s"] >= 0


def test_what_rests_and_what_covers_what_is_told_with_its_age(hedge: Hedge, trading: Stage):
    content = told(hedge)

    opening = [order for order in content["open_orders"] if not order["reduces_position"]]
    assert opening
    assert all(Decimal(order["remaining_quantity"]) > 0 for order in opening)
    assert {(side["symbol"], side["position_side"]) for side in content["exits"]} == {
        (held["symbol"], held["position_side"]) for held in content["positions"]
    }
    assert all(
        side["has_backstop"] and Decimal(side["unprotected_quantity"]) == 0 for side in content["exits"]
    )
    for name in ("positions", "open_orders", "exits"):
        assert 0 <= content[f"{name}_age_s"] < 60
        assert {entry["as_of"] for entry in content[name]} == {content[f"{name}_as_of"]}
        assert content[f"{name}_stale"] is False
    assert content["exits_problem"] is None


def test_orders_that_nobody_has_looked_at_lately_are_called_stale(hedge: Hedge, trading: Stage, later: None):
    content = told(hedge)

    assert content["open_orders"]
    assert (content["open_orders_stale"], content["exits_stale"]) == (True, True)
    page = hedge("status").output
    assert "that open" in page
    assert page.count("STALE") >= 4


def test_people_are_told_what_rests_and_what_is_covered(hedge: Hedge, trading: Stage):
    page = hedge("status").output

    assert re.search(r"Open orders: [1-9]\d* that open, [1-9]\d* that reduce", page)
    assert "BUY LONG" in page
    assert "Exits: 5 of 5 positions covered by stops" in page


def test_before_protection_ever_ran_orders_and_exits_are_unknown(hedge: Hedge, stage: Stage):
    content, page = told(hedge), hedge("status").output

    assert (content["open_orders"], content["exits"]) == (None, None)
    assert (content["open_orders_stale"], content["exits_stale"]) == (True, True)
    assert "Open orders: unknown" in page
    assert "Exits: unknown" in page


def test_a_position_without_its_stop_is_told_with_the_reason(hedge: Hedge, stage: Stage):
    stage.control.set_fault("/fapi/v1/algoOrder", "respond", status=500, body="down")
    protect(stage.fund)

    page = hedge("status").output

    assert "Exits: 0 of 5 positions covered by stops" in page
    assert "without a stop" in page


@pytest.mark.finding("S2-FS-6")
def test_figures_come_with_their_source_and_age_and_close_the_gate_when_stale(
    hedge: Hedge, stage: Stage, later: None
):
    content = told(hedge)

    assert content["source"] == f"sqlite:///{stage.home}/state.sqlite"
    assert content["age_s"] > 600
    assert Decimal(content["nav_usd"]) == stage.nav.nav_usd
    assert (content["stale"], content["peak_stale"], content["positions_stale"]) == (True, True, True)
    assert content["state"] == "HALTED"
    assert {"nav_stale", "peak_state_stale"} <= {breach["reason"] for breach in content["breaches"]}


def test_stale_figures_are_shown_and_called_stale(hedge: Hedge, stage: Stage):
    stage.control.set_fault("/fapi/v3/positionRisk", "drop")
    good = stage.nav
    stage.beat()

    content = told(hedge)

    assert Decimal(content["nav_usd"]) == good.nav_usd
    assert (content["stale"], content["complete"], content["state"]) == (True, False, "HALTED")
    assert content["attempt"]["accepted"] is False
    assert {source["source"] for source in content["attempt"]["sources"] if not source["ok"]} == {"positions"}


def test_without_a_store_it_still_answers(hedge: Hedge, home: Path):
    content = told(hedge)

    assert content.keys() >= PROMISED
    assert content["state"] == "HALTED"
    assert (content["nav_usd"], content["aum_usd"], content["drawdown"], content["positions"]) == (None,) * 4
    assert (content["stale"], content["complete"]) == (True, False)
    assert "there is none" in content["breaches"][0]["message"]
    assert not home.exists(), "looking makes nothing"


def test_a_damaged_store_is_a_closed_gate(hedge: Hedge, home: Path):
    home.mkdir()
    (home / "state.sqlite").write_bytes(b"not a database" * 100)

    assert told(hedge)["breaches"][0]["reason"] == "store_unavailable"


def test_an_empty_store_is_a_closed_gate(hedge: Hedge, home: Path):
    home.mkdir()
    (home / "state.sqlite").touch()

    assert told(hedge)["state"] == "HALTED"


def test_people_are_told_the_same(hedge: Hedge, stage: Stage):
    answer = hedge("status")

    assert answer.exit_code == 0
    assert "ACTIVE" in answer.output
    assert f"{stage.nav.nav_usd:,.2f} USD" in answer.output
    assert "BTCUSDT" in answer.output
    assert "paper × dev" in answer.output


def test_people_are_told_that_figures_are_stale_or_unknown(hedge: Hedge, stage: Stage):
    stage.control.set_fault("*", "drop")
    stage.beat()
    assert "STALE" in hedge("status").output


def test_people_are_told_when_nothing_is_known(hedge: Hedge, home: Path):
    answer = hedge("status")

    assert answer.exit_code == 0
    assert "unknown USD" in answer.output
    assert "0.00" not in answer.output


def test_a_password_of_the_store_is_never_printed(hedge: Hedge, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEDGE_STATE_URL", "postgresql://hedge:correct-horse-battery@127.0.0.1:1/fund")

    for arguments in (("status",), ("status", "--json"), ("explain",), ("halt", "--reason", "why")):
        assert "correct-horse" not in hedge(*arguments).output


@pytest.mark.parametrize(
    "command", [["status"], ["status", "--json"], ["explain"], ["halt", "--reason", "why"]]
)
def test_looking_and_halting_load_no_heavy_driver(stage: Stage, command: list[str]):
    program = (
        "import sys\n"
        "from hedge_pipeline.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'ccxt', 'pandas', 'pandera', 'dagster', 'alembic', 'httpx', 'aiohttp', 'google', 'stamina'}\n"
        "print(sorted(heavy & {name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command], capture_output=True, text=True, check=True
    )

    assert done.stderr.strip().splitlines()[-1] == "[]"
