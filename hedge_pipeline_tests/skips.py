"""Pytest plugin: every skip says why, and skips for absent recorded data are counted.

A skip without a reason is a failure, because nobody can tell whether it is still needed. A test that reads recorded market
data asks for `recorded_data`, which skips where the data is absent.
"""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

# Read once, before a test clears the environment.
RECORDED_DATA = Path(
    os.environ.get("HEDGE_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
).resolve()
RECORDED_DATA_IS_ABSENT = "recorded data is absent"
NO_REASON = frozenset({"", "Skipped", "unconditional skip", "<Skipped instance>"})


@pytest.fixture(scope="session")
def recorded_data() -> Path:
    """The folder of recorded market data: $HEDGE_TEST_DATA, else ../shared/data beside the checkout."""
    if not RECORDED_DATA.is_dir():
        pytest.skip(f"{RECORDED_DATA_IS_ABSENT}: set HEDGE_TEST_DATA to its folder")
    return RECORDED_DATA


def _refuse_a_skip_without_reason(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and _reason(report) in NO_REASON:
        report.outcome = "failed"
        if hasattr(report, "wasxfail"):
            del report.wasxfail  # an expected failure is not counted, whatever its outcome
        report.longrepr = f"{report.nodeid}: skipped without a reason; say why, as in pytest.skip('...')"


def _reason(report: Any) -> str:
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail).removeprefix("reason: ").strip()
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return str(text).removeprefix("Skipped: ").removesuffix(":").strip()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_a_skip_without_reason(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_a_skip_without_reason(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    absent = sum(RECORDED_DATA_IS_ABSENT in _reason(report) for report in skipped)
    terminalreporter.write_line(f"skipped for absent recorded data: {absent}")
