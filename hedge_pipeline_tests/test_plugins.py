"""The suite's own plugins: a skip says why, and a marker names an audit row that exists."""

import json
import re
from pathlib import Path

import pytest

from hedge_pipeline_tests.findings import finding_titles

pytest_plugins = ["pytester"]


def run(pytester: pytest.Pytester, test: str, *options: str) -> pytest.RunResult:
    """Run a test file under the two plugins that this suite runs under."""
    pytester.makepyfile(test)
    plugins = ("-p", "hedge_pipeline_tests.skips", "-p", "hedge_pipeline_tests.findings")
    return pytester.runpytest_inprocess(*plugins, "-rs", "-W", "ignore", *options)


@pytest.mark.finding("S3-TEST-1")
@pytest.mark.parametrize(
    "test",
    [
        "import pytest\ndef test_it(): pytest.skip()",
        "import pytest\n@pytest.mark.skip\ndef test_it(): ...",
        "import pytest\n@pytest.mark.skip(reason='')\ndef test_it(): ...",
        "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False",
        "import pytest\npytest.skip(allow_module_level=True)",
        "import unittest\nclass TestIt(unittest.TestCase):\n    @unittest.skip('')\n    def test_it(self): ...",
    ],
    ids=["call", "mark", "empty reason", "xfail", "module", "unittest"],
)
def test_a_skip_without_a_reason_fails(pytester: pytest.Pytester, test: str) -> None:
    result = run(pytester, test)

    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*skipped without a reason*"])


@pytest.mark.finding("S3-TEST-1")
@pytest.mark.parametrize(
    "test",
    [
        "import pytest\ndef test_it(): pytest.skip('no moon tonight')",
        "import pytest\n@pytest.mark.skip(reason='no moon tonight')\ndef test_it(): ...",
        "import pytest\n@pytest.mark.skipif(True, reason='no moon tonight')\ndef test_it(): ...",
        "import pytest\npytest.skip('no moon tonight', allow_module_level=True)",
    ],
    ids=["call", "mark", "condition", "module"],
)
def test_a_skip_with_a_reason_is_reported(pytester: pytest.Pytester, test: str) -> None:
    result = run(pytester, test)

    assert result.ret in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
    result.stdout.fnmatch_lines(["SKIPPED*no moon tonight"])


@pytest.mark.finding("S3-TEST-1")
def test_skips_for_absent_recorded_data_are_counted(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("hedge_pipeline_tests.skips.RECORDED_DATA", tmp_path / "absent")

    result = run(
        pytester, "def test_one(recorded_data): ...\ndef test_two(recorded_data): ...\ndef test_three(): ..."
    )

    result.stdout.fnmatch_lines(["skipped for absent recorded data: 2"])
    result.assert_outcomes(passed=1, skipped=2)


def test_a_marker_that_names_no_audit_row_is_an_error(pytester: pytest.Pytester) -> None:
    result = run(pytester, "import pytest\n@pytest.mark.finding('S9-NAV-1')\ndef test_it(): ...")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*'S9-NAV-1' is no row of findings.txt*"])


def test_a_parametrized_test_counts_once_for_its_audit_row(pytester: pytest.Pytester, tmp_path: Path) -> None:
    marks = "import pytest\n@pytest.mark.finding('S1-NAV-1', 'X-1')\n@pytest.mark.parametrize('n', [1, 2])\n"
    target = tmp_path / "findings.json"

    run(pytester, f"{marks}def test_it(n): ...", "--collect-only", f"--findings-to={target}")

    proofs = json.loads(target.read_text(encoding="utf-8"))
    assert list(proofs) == list(finding_titles())
    assert [row for row, tests in proofs.items() if tests] == ["S1-NAV-1", "X-1"]
    assert [test.rpartition("::")[2] for test in proofs["X-1"]] == ["test_it"]


def test_the_list_of_audit_rows_is_complete() -> None:
    titles = finding_titles()

    assert len(titles) == 125
    assert all(titles.values())


REQUIRED = re.compile(r"S[12]-(NAV|DD|RES|FS|ENV)-\d+|S2-RISK-[12]|S2-TEST-[12]")
"""Rows about reserves, publication and failing closed, which once nobody tested."""


@pytest.mark.finding("S2-TEST-3")
def test_reserves_publication_and_failing_closed_are_proven_row_by_row() -> None:
    sources = Path(__file__).parent.rglob("test_*.py")
    marked = {
        row
        for source in sources
        for marks in re.findall(r"mark\.finding\(([^)]*)\)", source.read_text(encoding="utf-8"))
        for row in re.findall(r'"([^"]+)"', marks)
    }
    required = [row for row in finding_titles() if REQUIRED.fullmatch(row)]

    assert len(required) > 30
    assert [row for row in required if row not in marked] == []
