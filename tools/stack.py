"""A paper fund in a folder of its own, with its own Dagster: what the fault table, the soak and the live tests drive.

The folder stands for a checkout: it holds dagster.yaml, workspace.yaml and `.hedge`, and nothing outside it is touched.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import dagster as dg

from hedge_pipeline import local
from hedge_pipeline.composition import build_fund
from hedge_pipeline.cycle import Fund
from hedge_pipeline.local import PathOptions
from hedge_pipeline.paper.control import Control
from hedge_pipeline.settings import load_settings

REPOSITORY = Path(__file__).resolve().parents[1]
STOP_S = 60.0
NAV_CHAIN = ("accounts", "marks", "instruments", "income", "nav_snapshots", "peak_states")
RESERVES = ("prices", "reserves_valuations")


@dataclass
class Stack:
    """One fund and the commands that work on it."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / ".hedge"

    @property
    def records(self) -> Path:
        """Where Dagster keeps its own."""
        return self.home / "dagster"

    @property
    def environment(self) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("HEDGE_", "DAGSTER_"))
        }
        return kept | {
            "HEDGE_HOME": str(self.home),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "PYTHONPATH": str(REPOSITORY),
        }

    @cached_property
    def fund(self) -> Fund:
        """In this process, over the same store and the same servers."""
        return build_fund(load_settings({"HEDGE_HOME": str(self.home)}))

    def dagster(self, *arguments: str, timeout_s: float = 180) -> subprocess.CompletedProcess[str]:
        """One command of Dagster's, with what it wrote."""
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "dagster", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout_s,
        )

    def listed(self, select: str) -> list[str]:
        """Assets of a selection: one that matches nothing would be materialized with success."""
        answer = self.dagster("asset", "list", "-m", "hedge_pipeline.definitions", "--select", select)
        return [line.strip() for line in answer.stdout.splitlines() if line.strip().isidentifier()]

    def materialize(self, assets: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """These assets and their checks, as a run of the command line."""
        return self.dagster(
            "asset", "materialize", "-m", "hedge_pipeline.definitions", "--select", ",".join(assets)
        )

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """What Dagster recorded, opened from this process."""
        with dg.DagsterInstance.local_temp(
            str(self.records), overrides={"telemetry": {"enabled": False}}
        ) as made:
            yield made

    @contextmanager
    def control(self) -> Iterator[Control]:
        """The back door of the venue that runs."""
        with Control.from_ready_file(local.ready_file(self.home)) as control:
            yield control

    @contextmanager
    def served(self, port: int) -> Iterator[subprocess.Popen[bytes]]:
        """UI, daemon and code server, ended with the block; what they wrote is in `served.log`."""
        code = f"from pathlib import Path; from hedge_pipeline.supervisor import run_dev; run_dev(port={port}, directory=Path.cwd())"
        with (self.folder / "served.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", code], cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_S)
            process.kill()
            process.wait()


@contextmanager
def stack(
    folder: Path,
    options: PathOptions | None = None,
    *,
    files: dict[str, str] | None = None,
    servers: bool = True,
) -> Iterator[Stack]:
    """A new fund with its local servers up while the block lasts. ``files`` are texts by name, in its home.

    Without ``servers`` its processes start them for themselves.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(REPOSITORY / name, folder / name)
    made = Stack(folder)
    made.home.mkdir()
    for name, text in (files or {}).items():
        (made.home / name).write_text(text)
    if servers:
        local.up(made.home, options or PathOptions(), with_this_process=True)
    try:
        yield made
    finally:
        local.down(made.home)
