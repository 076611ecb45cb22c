"""Put thousands of spoiled documents before every model and print what became of them, as a table."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hedge_pipeline_tests.hostile.counting import FIGURES

TESTS = "hedge_pipeline_tests/hostile"
COLUMNS = ("mutants", "refused", "named")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="hundreds of each instead of thousands")
    wanted = parser.parse_args()
    marks = "not long" if wanted.quick else "long"
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures"
        tests = [sys.executable, "-m", "pytest", TESTS, "-q", "-n", "2", "--dist", "worksteal", "-m", marks]
        run = subprocess.run(tests, env={**os.environ, FIGURES: str(figures)}, check=False)
        lines = figures.read_text(encoding="utf-8").splitlines() if figures.exists() else []
    found = sorted(map(json.loads, lines), key=lambda line: line["model"])
    width = max([len(line["model"]) for line in found], default=5)
    print(f"\n{'model':{width}} {'deeds':>6} {'mutants':>8} {'refused':>8} {'named':>8} {'CPU s':>7}")
    for line in found:
        cells = " ".join(f"{line[name]:>8,}" for name in COLUMNS)
        print(f"{line['model']:{width}} {line['deeds']:>6} {cells} {line['seconds']:>7.2f}")
    totals = " ".join(f"{sum(line[name] for line in found):>8,}" for name in COLUMNS)
    seconds = sum(line["seconds"] for line in found)
    print(f"{f'{len(found)} models':{width}} {'':>6} {totals} {seconds:>7.2f}")
    print(f"in {time.monotonic() - began:.0f} s by the clock, two at a time")
    sys.exit(run.returncode)


if __name__ == "__main__":
    main()
