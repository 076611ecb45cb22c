"""Our own Firestore server as a child process, on whatever port it takes, ended with the tests."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hedge_pipeline_tests.adapters.firestore.google_emulator import PATIENCE_S, end

ROOT = Path(__file__).parents[3]


def absent() -> str | None:
    """It needs nothing but what the project needs."""
    return None


@contextmanager
def own_server(log: Path) -> Iterator[str]:
    """``host:port`` of one that runs until it is left."""
    ready = log.with_suffix(".ready")
    arguments = ["--port", "0", "--ready-file", str(ready), "--parent-pid", str(os.getpid())]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "hedge_pipeline.firestore_server", *arguments],
            stdout=output,
            stderr=output,
            cwd=ROOT,
        )
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start: {log.read_text()}")
            time.sleep(0.02)
        yield str(json.loads(ready.read_text())["host"])
    finally:
        end(process)
