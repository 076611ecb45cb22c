"""The Firestore server as a process: `python -m hedge_pipeline.firestore_server --port 0 --ready-file FILE`.

It serves loopback alone, keeps everything in memory, and ends on SIGTERM, SIGINT or, if asked, with its parent. When it is
serving it writes its address and its pid to the ready file.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

from hedge_pipeline.firestore_server.service import HOST, start
from hedge_pipeline.firestore_server.store import Store

_WATCH_S = 0.25


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hedge_pipeline.firestore_server", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, default=0, help="0: any free one")
    add("--ready-file", type=Path, required=True, help="where to write host and pid once serving")
    add("--parent-pid", type=int, help="end when this process, which must be the parent, does")
    return parser.parse_args(argv)


def _wall_clock_micros() -> int:
    return time.time_ns() // 1000  # noqa: TID251 - this process is Firestore: its clock is the wall clock


async def _serve(options: argparse.Namespace) -> None:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stopping.set)
    server, port = await start(Store(_wall_clock_micros), options.port)
    _write_whole(
        options.ready_file, json.dumps({"host": f"{HOST}:{port}", "pid": os.getpid(), "kind": "own"})
    )
    while options.parent_pid in {None, os.getppid()}:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _WATCH_S)
            break
    options.ready_file.unlink(missing_ok=True)
    await server.stop(grace=None)


def _write_whole(file: Path, text: str) -> None:
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(text)
    fresh.replace(file)


def main(argv: list[str] | None = None) -> int:
    options = _arguments(argv)
    options.ready_file.parent.mkdir(parents=True, exist_ok=True)
    options.ready_file.unlink(missing_ok=True)
    try:
        asyncio.run(_serve(options))
    except RuntimeError as error:
        sys.stderr.write(f"firestore server: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
