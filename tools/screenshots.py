"""Pictures of the served UI as an operator sees it: `tools/screenshots.py URL FOLDER [PAGE ...]`.

Drives a headless Chromium by its own debugging protocol; exits 3 with the reason where there is no Chromium.
"""

import argparse
import asyncio
import base64
import contextlib
import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
NO_CHROMIUM = 3
START_S, SETTLE_S = 20.0, 6.0
WIDTH, HEIGHT = 1600, 1200

PAGES = {
    "graph": "/asset-groups",
    "catalog": "/assets",
    "nav_snapshots": "/assets/nav_snapshots",
    "nav_events": "/assets/nav_snapshots?view=events",
    "nav_checks": "/assets/nav_snapshots?view=checks",
    "accounts": "/assets/accounts",
    "peak_states": "/assets/peak_states",
    "gate_decisions": "/assets/gate_decisions",
    "gate_checks": "/assets/gate_decisions?view=checks",
    "reserves_valuations": "/assets/reserves_valuations",
    "automation": "/automation",
    "runs": "/runs",
    "jobs": "/jobs",
}


def find_chromium() -> str | None:
    return next((found for name in CHROMIUMS if (found := shutil.which(name))), None)


async def take(base_url: str, pages: Mapping[str, str], port: int) -> dict[str, bytes]:
    """PNGs of these pages, by name."""
    taken = {}
    async with attached(port) as tab:
        for name, path in pages.items():
            await tab.call("Page.navigate", url=base_url.rstrip("/") + path)
            await asyncio.sleep(SETTLE_S)
            picture = await tab.call("Page.captureScreenshot", format="png")
            taken[name] = base64.b64decode(picture["data"])
    return taken


class Tab:
    """One page of the browser, driven over its socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Raises RuntimeError with the browser's words when it refuses."""
        sent = next(self._ids)
        await self._socket.send_json({"id": sent, "method": method, "params": params})
        while True:
            answer = await self._socket.receive_json(timeout=START_S)
            if answer.get("id") == sent:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])


@contextlib.asynccontextmanager
async def attached(port: int) -> AsyncIterator[Tab]:
    """The one page of the browser that listens there."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
            tabs = await answer.json()
        address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
        async with session.ws_connect(address, max_msg_size=0) as socket:
            tab = Tab(socket)
            size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
            await tab.call("Emulation.setDeviceMetricsOverride", **size)
            yield tab


@contextlib.contextmanager
def browser(chromium: str) -> Iterator[int]:
    """A browser with a profile of its own that ends with the block; the port it is driven by."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
            f"--user-data-dir={profile}", f"--window-size={WIDTH},{HEIGHT}", "--hide-scrollbars", "about:blank",
        ]  # fmt: skip
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield _port(Path(profile) / "DevToolsActivePort", process)
        finally:
            process.terminate()
            process.wait()


def _port(file: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        if file.exists() and (text := file.read_text()).count("\n"):
            return int(text.splitlines()[0])
        time.sleep(0.1)
    raise RuntimeError("the browser did not start")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="of the served UI, such as http://127.0.0.1:3000")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument(
        "pages", nargs="*", help=f"names ({', '.join(PAGES)}) or paths; all of them unless given"
    )
    options = parser.parse_args()
    chromium = find_chromium()
    if chromium is None:
        print(f"no pictures: none of {', '.join(CHROMIUMS)} is installed", file=sys.stderr)
        return NO_CHROMIUM
    options.folder.mkdir(parents=True, exist_ok=True)
    chosen = {(p.strip("/").replace("/", "_") or "home"): PAGES.get(p, p) for p in options.pages} or PAGES
    with browser(chromium) as port:
        for name, picture in asyncio.run(take(options.url, chosen, port)).items():
            file = options.folder / f"{name}.png"
            file.write_bytes(picture)
            print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
