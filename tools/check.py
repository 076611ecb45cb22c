"""Run every stage that decides whether a change is done, each with its name and duration, and name those that failed."""

import argparse
import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent
BUDGET_MINUTES = 15
LONG_BUDGET_MINUTES = 60

STAGES: dict[str, list[str]] = {
    "format": [f"{BIN}/ruff", "format", "--check", "--quiet"],
    "lint": [f"{BIN}/ruff", "check", "--quiet"],
    "types": [f"{BIN}/mypy"],
    "imports": [f"{BIN}/lint-imports", "--no-cache"],
    "definitions": [f"{BIN}/dagster", "definitions", "validate", "--workspace", "workspace.yaml"],
    "vulnerabilities": [sys.executable, "tools/vulnerabilities.py"],
    "tests": ["make", "--no-print-directory", "test"],
}
LONG_STAGES = {"long tests": ["make", "--no-print-directory", "test-long"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="also the tests marked long")
    is_long = parser.parse_args().long
    budget_minutes = LONG_BUDGET_MINUTES if is_long else BUDGET_MINUTES
    start = time.monotonic()
    verdicts = []
    for name, command in (STAGES | LONG_STAGES if is_long else STAGES).items():
        print(f"\n== {name}", flush=True)
        stage_start = time.monotonic()
        failure = _run(command, seconds_left=start + budget_minutes * 60 - stage_start)
        seconds = time.monotonic() - stage_start
        verdicts.append((name, seconds, failure))
        print(f"== {name}: {failure or 'ok'} in {seconds:.1f} s", flush=True)
    print(f"\ncheck took {(time.monotonic() - start) / 60:.1f} of at most {budget_minutes} minutes")
    for name, seconds, failure in verdicts:
        print(f"  {name:<16} {seconds:7.1f} s  {failure or 'ok'}")
    return 1 if any(failure for _, _, failure in verdicts) else 0


def _run(command: list[str], *, seconds_left: float) -> str:
    """How the command failed, empty if it did not."""
    with subprocess.Popen(command) as stage:
        try:
            code = stage.wait(timeout=max(seconds_left, 1))
        except subprocess.TimeoutExpired:
            stage.terminate()
            return "FAILED: the budget of minutes is used up"
    return f"FAILED with exit code {code}" if code else ""


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
