"""`hedge publish` says where it publishes, shows what it would write, and never calls a refusal a success."""

import json
import os
from pathlib import Path

import pytest

from hedge_pipeline_tests.cli.conftest import Hedge
from hedge_pipeline_tests.stage import Stage

pytestmark = pytest.mark.live_stack


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that nobody runs."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")


@pytest.mark.finding("S1-FS-7")
def test_the_target_is_named_before_anything_is_sent_and_defaults_to_dev(hedge: Hedge, stage: Stage):
    done = hedge("publish")

    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0].startswith("paper × dev")
    assert lines[1] == "to hedge-dev/(default) at the local server"
    assert "hedge/dev/state/nav" in done.output
    assert "hedge/prod" not in done.output


@pytest.mark.finding("S1-FS-7", "S1-FS-3")
def test_production_without_its_second_word_is_refused(hedge: Hedge, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEDGE_PROFILE", "live")
    monkeypatch.setenv("HEDGE_ENV", "prod")

    done = hedge("publish")

    assert done.exit_code == 1
    assert "HEDGE_ALLOW_PROD" in done.output


@pytest.mark.finding("S2-FS-2", "S1-FS-4")
def test_a_dry_run_prints_the_difference_and_leaves_the_documents(hedge: Hedge, stage: Stage):
    first = hedge("publish", "--dry-run")
    again = hedge("publish", "--dry-run")

    assert first.exit_code == 0, first.output
    for told in (first, again):
        assert "hedge/dev/state/nav  as_of\n  - absent   stored\n" in told.output, "nothing was written"
    assert "would be written" in first.output
    assert json.loads(hedge("status", "--json").output)["published"] == []


@pytest.mark.finding("S2-FS-4", "S2-FS-3")
def test_nobody_answering_is_a_failure(hedge: Hedge, stage: Stage, nowhere: None):
    done = hedge("publish")

    assert done.exit_code == 1
    assert "not every document is in place" in done.output
    assert "failed" in done.output
    told = json.loads(hedge("status", "--json").output)
    assert {row["outcome"] for row in told["published"]} == {"failed"}
    assert {row["failures"] for row in told["published"]} == {1}


def test_status_tells_one_entry_per_document(hedge: Hedge, stage: Stage):
    hedge("publish")
    told = json.loads(hedge("status", "--json").output)

    assert {(row["path"], row["outcome"]) for row in told["published"]} >= {
        ("hedge/dev/state/nav", "written"),
        ("hedge/dev/risk/peak_state", "written"),
        ("hedge/dev/health/publisher", "written"),
    }
    assert all(row["as_of"] for row in told["published"])
    assert told["published_age_s"] >= 0


@pytest.mark.finding("S1-FS-3")
def test_an_emulator_variable_in_a_staging_fund_is_followed_and_named(
    hedge: Hedge, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HEDGE_ENV", "staging")
    monkeypatch.setenv("HEDGE_HOME", os.environ["HEDGE_HOME"] + "-staging")
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")

    done = hedge("publish")

    assert done.exit_code == 1
    assert "to hedge-staging/(default) at 127.0.0.1:9" in done.output
