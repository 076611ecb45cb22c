"""The paper venue as a process: `python -m hedge_pipeline.paper --state-dir DIR --ready-file FILE`.

It runs on the wall clock, serves loopback alone, and ends on SIGTERM, SIGINT, its administrator's `stop` or, if asked, with
its parent. When it is serving it writes its address, its administrator's token and its pid to the ready file.
"""

import argparse
import asyncio
import ipaddress
import json
import os
import signal
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from hedge_pipeline.paper.recording import RecordingUnusable
from hedge_pipeline.paper.requests import Keyring
from hedge_pipeline.paper.seed import DEFAULT_ACCOUNT, PAPER_KEYS
from hedge_pipeline.paper.state import StateDirectory, StateUnusable, write_durably
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline.paper.world import World, open_core

_WATCH_S = 0.25
_FASTEST = 10  # a faster path outruns the strategies of a running daemon


def _loopback(text: str) -> str:
    try:
        address = ipaddress.ip_address("127.0.0.1" if text == "localhost" else text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not an address") from None
    if not address.is_loopback:
        raise argparse.ArgumentTypeError(
            f"{text} is not a loopback address; the paper venue serves this machine alone"
        )
    return str(address)


def _pace(text: str) -> Decimal:
    try:
        pace = Decimal(text)
        if 0 < pace <= _FASTEST:
            return pace
    except InvalidOperation:
        pass
    raise argparse.ArgumentTypeError(f"{text} is not a number above 0 and up to {_FASTEST}")


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not an ISO 8601 instant") from None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _keyring(text: str) -> Keyring:
    try:
        secrets = json.loads(Path(text).read_text())
    except (OSError, ValueError):
        secrets = None
    if not isinstance(secrets, dict) or not secrets or not all(isinstance(s, str) for s in secrets.values()):
        raise argparse.ArgumentTypeError(f"{text} is not a JSON object of API keys and their secrets")
    return Keyring(secrets)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hedge_pipeline.paper", description=__doc__)
    add = parser.add_argument
    add("--host", type=_loopback, default="127.0.0.1")
    add("--port", type=int, default=0, help="0: any free one")
    add("--state-dir", type=Path, required=True, help="kept across restarts; one venue at a time")
    add(
        "--ready-file",
        type=Path,
        required=True,
        help="where to write base_url, admin_token and pid once serving",
    )
    add("--seed", type=int, help="of the synthetic path; by default that of the kept state, or 1")
    add(
        "--pace",
        type=_pace,
        default=Decimal(1),
        help="how much faster than the wall clock the path is walked",
    )
    add("--data", type=Path, help="folder of recorded candles to play instead")
    add("--start", type=_instant, help="instant of the recording to begin at, UTC unless it says otherwise")
    add("--multi-assets", action="store_true", help="put the account in multi-assets mode")
    add(
        "--api-key-file",
        type=_keyring,
        default=Keyring(PAPER_KEYS),
        help="JSON object of API keys and their secrets; without it the published paper keys",
    )
    add("--parent-pid", type=int, help="end when this process, which must be the parent, does")
    options = parser.parse_args(argv)
    if options.start and not options.data:
        parser.error("--start: says where in a recording to begin; give --data too")
    return options


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000  # noqa: TID251 - this process is the venue: its clock is the wall clock


async def _serve(venue: PaperVenue, options: argparse.Namespace) -> None:
    from hedge_pipeline.paper.server import listening

    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, venue.stopping.set)
    async with listening(venue, options.host, options.port) as base_url:
        ready = {"base_url": base_url, "admin_token": venue.admin_token, "pid": os.getpid()}
        write_durably(options.ready_file, json.dumps(ready))
        while not venue.stopping.is_set():
            await asyncio.sleep(_WATCH_S)
            if options.parent_pid is not None and os.getppid() != options.parent_pid:
                break
    options.ready_file.unlink(missing_ok=True)


def main(argv: list[str] | None = None) -> int:
    options = _arguments(argv)
    recording = options.data.resolve() if options.data else None
    options.ready_file.parent.mkdir(parents=True, exist_ok=True)
    options.ready_file.unlink(missing_ok=True)
    try:
        with StateDirectory(options.state_dir) as kept:
            world = World.chosen(
                seed=options.seed, recording=recording, start=options.start, kept=kept.world()
            )
            core = open_core(
                world,
                now_ms=_wall_clock_ms(),
                pace=options.pace,
                account=replace(DEFAULT_ACCOUNT, multi_assets=options.multi_assets),
                kept=kept,
            )
            if options.multi_assets:
                core.set_mode(multi_assets=True)
            venue = PaperVenue(core, _wall_clock_ms, keyring=options.api_key_file, memory=kept)
            venue.checkpoint()
            asyncio.run(_serve(venue, options))
    except (StateUnusable, RecordingUnusable) as error:
        sys.stderr.write(f"paper venue: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"paper venue: {error} (its state is kept in {options.state_dir})\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
