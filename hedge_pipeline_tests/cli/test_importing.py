"""Importing as a person types it: first shown, then done, then nothing left to do."""

import json
from pathlib import Path

import pytest

from hedge_pipeline.domain.predecessor.navs import ImportedNav
from hedge_pipeline.domain.verdicts import Command
from hedge_pipeline_tests.cli.conftest import Hedge
from hedge_pipeline_tests.stage import Stage


@pytest.fixture
def left(stage: Stage, tmp_path: Path) -> Path:
    """What a predecessor left behind."""
    folder = tmp_path / "old"
    (folder / "logs").mkdir(parents=True)
    (folder / "config").mkdir()
    now = stage.clock.at.timestamp()
    (folder / "logs/nav_log.json").write_text(json.dumps([{"t": now - 3600, "nav": 140_000.5}]))
    (folder / "config/reserves.json").write_text(json.dumps({"USDC": 1200, "XAUT": 0.5}))
    (folder / "config/risk_limits.json").write_text(
        json.dumps({"daily_loss_limit_pct": 0.10, "max_leverage": 4, "restricted_symbols": []})
    )
    (stage.home / "reserves.toml").unlink()
    return folder


def test_a_plan_shows_everything_and_changes_nothing(hedge: Hedge, stage: Stage, left: Path):
    answer = hedge("import", str(left))

    assert answer.exit_code == 0, answer.output
    for told in (
        "nav_log.json: 1 NAVs", "140,000.50", "reserves.toml: new", "daily_loss_limit_pct", "the code took it for 0.1 %",
        "never enforced", "--fraction daily_loss_limit_pct", "nothing was changed",
    ):  # fmt: skip
        assert told in answer.stdout, answer.stdout
    assert stage.fund.store.rows(ImportedNav, "main") == []
    assert not (stage.home / "reserves.toml").exists()


def test_applied_it_is_signed_and_done_once(hedge: Hedge, stage: Stage, left: Path):
    order = (
        "import",
        str(left),
        "--fraction",
        "daily_loss_limit_pct",
        "--apply",
        "--reason",
        "moved",
        "--actor",
        "ada",
    )

    done = hedge(*order)

    assert done.exit_code == 0, done.output
    assert "done: 1 NAVs of nav_log.json" in done.stdout
    assert 'XAUT = "0.5"' in (stage.home / "reserves.toml").read_text()
    assert "halt = 0.1" in (stage.home / "hedge.toml").read_text()
    assert [row.actor for row in stage.fund.store.rows(Command, "main") if row.kind == "import"] == ["ada"]
    assert "nothing to do" in hedge(*order).stdout
    assert hedge("status").exit_code == 0, "with the settings that were written"


def test_an_undecided_limit_is_refused_where_nobody_can_be_asked(hedge: Hedge, stage: Stage, left: Path):
    answer = hedge("import", str(left), "--apply", "--reason", "moved")

    assert answer.exit_code == 1
    assert "percent or a fraction" in answer.stderr
    assert stage.fund.store.rows(ImportedNav, "main") == []


@pytest.mark.parametrize("arguments", [(), ("nowhere.json",)])
def test_there_must_be_something_to_import(hedge: Hedge, stage: Stage, arguments: tuple[str, ...]):
    assert hedge("import", *arguments).exit_code == 2


def test_to_apply_takes_a_reason(hedge: Hedge, stage: Stage, left: Path):
    assert hedge("import", str(left), "--apply").exit_code == 2


def test_what_the_predecessor_never_wrote_is_refused(hedge: Hedge, stage: Stage, tmp_path: Path):
    (tmp_path / "notes.json").write_text("{}")

    answer = hedge("import", str(tmp_path / "notes.json"))

    assert answer.exit_code == 1
    assert "nav_log.json" in answer.stderr


def test_a_broken_file_names_the_field(hedge: Hedge, stage: Stage, left: Path):
    (left / "logs/nav_log.json").write_text('[{"t": 1763000000, "nav": NaN}]')

    answer = hedge("import", str(left))

    assert answer.exit_code == 1
    assert "nav_log.json: nav: NaN is not JSON" in answer.stderr
