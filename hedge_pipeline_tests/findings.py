"""Pytest plugin: `@pytest.mark.finding("S1-NAV-1")` ties a test to the audit row that it proves.

The rows are listed in findings.txt; a marker that names no row is an error. `--findings-to FILE` writes, as JSON, the node
ids of the test functions that carry each row: a parametrized function counts once.
"""

import json
from pathlib import Path

import pytest

FINDINGS = Path(__file__).with_name("findings.txt")


def finding_titles() -> dict[str, str]:
    """Titles of all audit rows by id, in the order of the list."""
    rows = (line.partition(" ") for line in FINDINGS.read_text(encoding="utf-8").splitlines() if line.strip())
    return {row: title.strip() for row, _, title in rows}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--findings-to", type=Path, help="write which tests prove which audit row, as JSON")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    titles = finding_titles()
    tests: dict[str, list[str]] = {}
    for item in items:
        for mark in item.iter_markers("finding"):
            for row in mark.args:
                if row not in titles:
                    raise pytest.UsageError(f"{item.nodeid}: {row!r} is no row of {FINDINGS.name}")
                tests.setdefault(row, []).append(item.nodeid.partition("[")[0])
            if not mark.args or mark.kwargs:
                raise pytest.UsageError(f"{item.nodeid}: finding takes row ids, as finding('S1-NAV-1')")
    if target := config.getoption("findings_to"):
        proofs = {row: list(dict.fromkeys(tests.get(row, []))) for row in titles}
        target.write_text(json.dumps(proofs), encoding="utf-8")
