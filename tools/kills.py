"""Kill run workers, daemons, venues and Firestore servers at random instants of live cycles, and show what was lost: nothing.

`make kills COUNT=100 SEED=n` prints each kill, then a table by phase and victim. Lanes run side by side, each with a fund, a
venue and draws of its own; the same seed draws the same instants, though not the same microseconds.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from tools import intact
from tools.kill_daemon import CADENCE_S, kill_daemons
from tools.kill_lanes import BETWEEN, PHASES, Kill, Lane
from tools.stack import REPOSITORY, Stack, stack

SETTINGS = f'[cadence]\nvaluation = "{CADENCE_S:g}s"\n'
LANES = {"workers 1": 0.36, "workers 2": 0.36, "servers": 0.18, "daemons": 0.10}
"""Share of the kills, by lane."""


def killed(lane: str, count: int, seed: int) -> Iterator[Kill]:
    """The kills of one lane, in this process, which must have no other."""
    rng = random.Random(f"{seed} {lane}")
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(Stack(Path(folder) / "checkout").environment)  # what forked processes are born with
        with stack(Path(folder) / "checkout", files={"hedge.toml": SETTINGS}) as made:
            kinds = {"workers": Lane.kill_workers, "servers": Lane.kill_servers, "daemons": kill_daemons}
            yield from kinds[lane.rstrip(" 12")](Lane(made, rng), count)
            for database in made.records.rglob("*.db"):
                for defect in intact.file_defects(database):
                    yield Kill(lane, BETWEEN, in_run=False, drawn="", event="", seconds=0, defects=(defect,))


def all_killed(count: int, seed: int) -> list[Kill]:
    """Every lane as a process of its own, side by side."""
    found: list[Kill] = []
    begun = time.monotonic()

    def follow(lane: str, share: float) -> None:
        most = max(1, round(count * share))
        command = [
            sys.executable,
            "-m",
            "tools.kills",
            "--lane",
            lane,
            "--count",
            str(most),
            "--seed",
            str(seed),
        ]
        with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                if not line.startswith("{"):
                    print(line, end="", flush=True)
                    continue
                kill = Kill(**json.loads(line))
                found.append(kill)
                verdict = "; ".join(kill.defects) or "nothing lost"
                print(
                    f"{time.monotonic() - begun:5.0f} s  {kill.victim:<10}  {kill.drawn:<32}  {kill.phase:<15}  "
                    f"{kill.event:<14}  {verdict}",
                    flush=True,
                )
        if process.returncode:
            raise RuntimeError(f"{lane}: exit code {process.returncode}")

    failed: list[str] = []

    def guarded(lane: str, share: float) -> None:
        try:
            follow(lane, share)
        except RuntimeError as error:
            failed.append(str(error))

    threads = [threading.Thread(target=guarded, args=item) for item in LANES.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError("; ".join(failed))
    return found


def table(kills: Sequence[Kill]) -> str:
    """Kills by phase and victim; the last column is those with a defect."""
    victims = list(dict.fromkeys(kill.victim for kill in kills))
    counts = Counter((kill.phase, kill.victim) for kill in kills)
    lines = [["phase", *victims, "all", "with a defect"]]
    for phase in (*PHASES, BETWEEN):
        there = [kill for kill in kills if kill.phase == phase]
        row = [str(counts[phase, victim]) for victim in victims]
        lines.append([phase, *row, str(len(there)), str(sum(bool(kill.defects) for kill in there))])
    totals = [str(sum(kill.victim == victim for kill in kills)) for victim in victims]
    lines.append(["all", *totals, str(len(kills)), str(sum(bool(kill.defects) for kill in kills))])
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], ["---"] * len(lines[0]), *lines[1:]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--lane", choices=LANES, help="one lane alone, in this process, as lines of JSON")
    options = parser.parse_args()
    if options.lane:
        for kill in killed(options.lane, options.count, options.seed):
            print(json.dumps(asdict(kill)), flush=True)
        return 0
    print(f"seed {options.seed}", flush=True)
    begun = time.monotonic()
    kills = all_killed(options.count, options.seed)
    in_run = sum(kill.in_run for kill in kills)
    print(table(kills))
    print(f"{len(kills)} kills, {in_run} inside a run, {time.monotonic() - begun:.0f} s, seed {options.seed}")
    return 1 if any(kill.defects for kill in kills) else 0


if __name__ == "__main__":
    sys.exit(main())
