"""Print how many tests prove each audit row, and draw a sample of rows with the names of their tests."""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path


def collect() -> dict[str, list[str]]:
    """Node ids of the tests of each row, in the order of the list of rows."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "findings.json"
        command = [sys.executable, "-m", "pytest", "--collect-only", "-qq", f"--findings-to={target}"]
        collected = subprocess.run(command, capture_output=True, text=True, check=False)
        if collected.returncode or not target.exists():
            sys.exit(f"the tests could not be collected:\n{_errors(collected.stdout)}{collected.stderr}")
        proofs: dict[str, list[str]] = json.loads(target.read_text(encoding="utf-8"))
    return proofs


def _errors(output: str) -> str:
    """What pytest says after its list of files."""
    return output.partition(" ERRORS ")[2] or output


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=0, help="draw this many rows that have tests")
    parser.add_argument("--seed", type=int, help="draw the same rows again")
    wanted = parser.parse_args()
    proofs = collect()
    for row, tests in proofs.items():
        print(row, len(tests))
    if wanted.sample:
        seed = wanted.seed if wanted.seed is not None else random.SystemRandom().randrange(10_000)
        proved = [row for row, tests in proofs.items() if tests]
        drawn = random.Random(seed).sample(proved, min(wanted.sample, len(proved)))
        print(f"\n{len(drawn)} of the {len(proved)} rows with tests, drawn with SEED={seed}")
        for row in drawn:
            print(row, *proofs[row], sep="\n  ")


if __name__ == "__main__":
    main()
