"""Backing up, restoring and taking over, as a person types it."""

import os
from pathlib import Path

from hedge_pipeline import cycle
from hedge_pipeline.adapters.state_store import open_state_store
from hedge_pipeline.cli import main
from hedge_pipeline.domain.verdicts import Command, TradingState
from hedge_pipeline_tests.cli.conftest import Hedge
from hedge_pipeline_tests.stage import Stage


def test_a_backup_is_made_while_the_fund_is_at_work(hedge: Hedge, stage: Stage, tmp_path: Path):
    answer = hedge("backup", str(tmp_path / "copy.db"))

    assert answer.exit_code == 0, answer.output
    assert stage.fund.store.store_id in answer.stdout
    assert "nav_snapshots" in answer.stdout
    assert cycle.judge(stage.fund).state is TradingState.ACTIVE
    again = hedge("backup", str(tmp_path / "copy.db"))
    assert again.exit_code == 1
    assert "exists already" in again.stderr


def test_without_a_store_there_is_nothing_to_back_up(hedge: Hedge, home: Path, tmp_path: Path):
    answer = hedge("backup", str(tmp_path / "copy.db"))

    assert answer.exit_code == 1
    assert not (tmp_path / "copy.db").exists()


def test_from_a_backup_to_a_store_that_acts(hedge: Hedge, stage: Stage, tmp_path: Path):
    old = stage.fund.store.store_id
    assert hedge("backup", str(tmp_path / "copy.db")).exit_code == 0
    stage.fund.store.close()  # type: ignore[attr-defined]
    in_place = Path(os.environ["HEDGE_HOME"]) / "state.sqlite"
    assert hedge("restore", str(tmp_path / "copy.db")).exit_code == 1, "a store is there"

    restored = hedge("restore", str(tmp_path / "copy.db"), "--replace")
    assert restored.exit_code == 0, restored.output
    assert "hedge take-over" in restored.stdout
    assert "replaced-" in restored.stdout

    status = hedge("status")
    assert "HALTED" in status.stdout
    assert "is a copy of store" in status.stdout
    refused = hedge("rearm", "--reason", "looks fine")
    assert refused.exit_code == 1
    assert "hedge take-over" in refused.stderr

    taken = hedge("take-over", "--reason", "the first disk died")
    assert taken.exit_code == 0, taken.output
    assert f"takes over what store {old} wrote" in taken.stdout
    assert "HALTED" in hedge("status").stdout
    rearmed = hedge("rearm", "--reason", "reviewed")
    assert rearmed.exit_code == 0, rearmed.output
    store = open_state_store(f"sqlite:///{in_place}", create=False, read_only=True)
    assert [row.kind for row in store.rows(Command, "main")][-2:] == ["take_over", "rearm"]
    store.close()


def test_a_lost_writer_is_named_by_its_id(hedge: Hedge, stage: Stage):
    refused = hedge("take-over", "--writer", "main", "--reason", "its disk died")
    assert refused.exit_code == 1
    assert "no store's id" in refused.stderr

    assert hedge("take-over", "--writer", "0123456789abcdef", "--reason", "its disk died").exit_code == 0


def test_the_commands_are_there(hedge: Hedge):
    assert {"backup", "restore", "take-over", "import"} <= set(main.commands)
