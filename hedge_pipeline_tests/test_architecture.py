"""What the tree promises and no linter holds: small modules, names with content, no silenced checker."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "hedge_pipeline"
MODULES = sorted(file for file in PACKAGE.rglob("*.py") if "versions" not in file.parts)
"""Without migrations: each writes a whole schema out, once."""
LONGEST = 300
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "base", "core_utils"}


@pytest.mark.finding("S3-QUAL-1")
def test_no_module_needs_scrolling() -> None:
    long = {
        str(file.relative_to(ROOT)): n
        for file in MODULES
        if (n := len(file.read_text().splitlines())) > LONGEST
    }
    assert long == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(file.relative_to(ROOT)) for file in MODULES if not file.read_text().startswith('"""')]
    assert silent == []


def test_no_module_is_a_drawer() -> None:
    assert [str(file.relative_to(ROOT)) for file in MODULES if file.stem in DRAWERS] == []


@pytest.mark.finding("S3-QUAL-4")
def test_no_type_error_is_silenced_without_its_code_and_a_reason() -> None:
    bare = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in MODULES
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if "type: ignore" in line and not re.search(r"# type: ignore\[[a-z-]+\]  # \S", line)
    ]
    assert bare == []
    strict = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    assert strict["strict"]
    assert "ignore-without-code" in strict["enable_error_code"]


@pytest.mark.finding("S3-QUAL-4")
def test_the_domain_is_clean_under_the_type_checker() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-incremental", "hedge_pipeline/domain"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_a_verdict_is_made_in_one_place() -> None:
    makers = [
        str(file.relative_to(PACKAGE))
        for file in MODULES
        if re.search(r"\bGateDecision\(", file.read_text()) and "class GateDecision" not in file.read_text()
    ]
    assert makers == ["domain/fund_view.py", "domain/risk_gate.py"], (
        "the view says HALTED of a store that is not there"
    )


def test_nothing_writes_the_environment() -> None:
    writes = re.compile(r"os\.environ\[[^\]]+\]\s*=|os\.putenv|environ\.(update|setdefault|pop)")
    assert [str(file) for file in MODULES if writes.search(file.read_text())] == []


@pytest.mark.finding("S3-ARCH-2")
@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("domain/orders.py", "import hedge_pipeline.settings", "Imports point down"),
        ("domain/grid.py", "import ccxt", "The domain is pure"),
        ("cycle/planning.py", "import hedge_pipeline.cli", "Imports point down"),
        ("paper/matching.py", "import hedge_pipeline.execution", "Imports point down"),
    ],
)
def test_an_import_that_points_up_breaks_a_contract(
    tmp_path: Path, module: str, line: str, contract: str
) -> None:
    shutil.copytree(PACKAGE, tmp_path / "hedge_pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    spoiled = tmp_path / "hedge_pipeline" / module
    spoiled.write_text(f"{spoiled.read_text()}\n{line}\n")

    found = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"],
        cwd=tmp_path, env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert found.returncode == 1, found.stderr[-500:]
    assert any(told.startswith(contract) and "BROKEN" in told for told in found.stdout.splitlines()), (
        found.stdout
    )
