"""Who may have orders sent: a fresh run of the trading job, and nobody else."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import hedge_pipeline
from hedge_pipeline.domain.trading.authority import RunAuthority, authority_refusal
from hedge_pipeline_tests.domain.order_examples import NOW


def authority(**changes: Any) -> RunAuthority:
    fields: dict[str, Any] = {"run_id": "7f", "job_name": "trading_job", "launched_at": NOW, "repeats": None}
    return RunAuthority(**{**fields, **changes})


@pytest.mark.parametrize("seconds", [0, 5, 60])
def test_a_fresh_run_of_the_trading_job_may(seconds: int):
    assert authority_refusal(authority(), NOW + timedelta(seconds=seconds)) is None


@pytest.mark.parametrize(
    ("who", "told"),
    [
        (None, "nobody said that this is one"),
        (authority(job_name="__ASSET_JOB"), "this is run 7f of __ASSET_JOB"),
        (authority(job_name="a part of trading_job"), "run 7f of a part of trading_job"),
        (authority(repeats="6e"), "run 7f executes run 6e again"),
        (authority(launched_at=NOW - timedelta(seconds=61)), "launched 61 s ago, allowed are 60"),
        (authority(launched_at=NOW + timedelta(seconds=1)), "launched -1 s ago"),
    ],
)
def test_everybody_else_is_refused_by_name(who: RunAuthority | None, told: str):
    refusal = authority_refusal(who, NOW)

    assert refusal is not None
    assert told in refusal


def test_the_command_counts_as_the_trading_job_where_the_policy_says_so_and_nowhere_else():
    by_hand = authority(job_name="hedge run")

    assert authority_refusal(by_hand, NOW, by_hand=True) is None
    assert authority_refusal(by_hand, NOW) is not None
    assert authority_refusal(authority(job_name="nav_job"), NOW, by_hand=True) is not None
    assert authority_refusal(authority(job_name="hedge run", repeats="6e"), NOW, by_hand=True) is not None


def test_the_word_is_given_where_a_run_begins_and_nowhere_else():
    package = Path(hedge_pipeline.__file__).parent
    given = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if "RunAuthority(" in file.read_text()
    }

    assert given == {"cli/run.py", "defs/launching.py"}
