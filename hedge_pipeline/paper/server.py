"""The wire: an HTTP server on loopback around a venue, in the foreground of a process or behind a running test."""

import asyncio
import contextlib
import ipaddress
import logging
import threading
from collections.abc import AsyncIterator, Iterator

from aiohttp import web

from hedge_pipeline.paper import admin
from hedge_pipeline.paper.requests import Answer, Request, written
from hedge_pipeline.paper.state import StateUnusable
from hedge_pipeline.paper.venue import PaperVenue

_logger = logging.getLogger(__name__)
_CHECKPOINT_S = 2.0
_START_S = 30.0


class NotLoopback(ValueError):
    """The venue serves one machine: its secrets are published and its administrator is whoever holds a token."""


def application(venue: PaperVenue) -> web.Application:
    async def answer(request: web.Request) -> web.StreamResponse:
        path, _, raw_query = request.raw_path.partition("?")
        asked = Request(
            method=request.method,
            path=path,
            raw_query=raw_query,
            body=(await request.read()).decode(errors="replace"),
            headers={name.lower(): value for name, value in request.headers.items()},
        )
        try:
            return await _sent(request, venue.answer(asked))
        except StateUnusable as error:
            return _unkept(error)

    app = web.Application()
    admin.add_routes(app, venue)
    app.router.add_route("*", "/{path:.*}", answer)
    return app


def _unkept(error: StateUnusable) -> web.Response:
    """Nobody may see what a restart would forget: until the state can be kept, everything that changed it is refused."""
    _logger.error("%s", error)
    body = written({"code": -1001, "msg": f"Internal error; {error}"})
    return web.Response(status=503, text=body, content_type="application/json")


async def _sent(request: web.Request, answer: Answer) -> web.StreamResponse:
    if answer.delay_s:
        await asyncio.sleep(answer.delay_s)
    if answer.drop and request.transport is not None:
        request.transport.abort()
    headers = {"Content-Type": answer.content_type, **answer.headers}
    return web.Response(body=answer.body.encode(), status=answer.status, headers=headers)


@contextlib.asynccontextmanager
async def listening(venue: PaperVenue, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve until the block ends; gives the base URL. Keeps the venue's state every few seconds and at the end.

    Raises:
        NotLoopback: `host` is not a loopback address.
    """
    if not ipaddress.ip_address(host).is_loopback:
        raise NotLoopback(
            f"host: {host} is not a loopback address; the paper venue serves this machine alone"
        )
    runner = web.AppRunner(application(venue), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    checkpoints = asyncio.create_task(_keep_checkpoints(venue))
    try:
        bound = runner.addresses[0]
        name = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        yield f"http://{name}:{bound[1]}"
    finally:
        checkpoints.cancel()
        await runner.cleanup()
        venue.checkpoint()


async def _keep_checkpoints(venue: PaperVenue) -> None:
    while True:
        await asyncio.sleep(_CHECKPOINT_S)
        if venue.memory is not None:
            try:
                venue.checkpoint()
            except StateUnusable as error:
                _logger.warning("%s", error)  # tried again: the disk may have room by then


@contextlib.contextmanager
def serve(venue: PaperVenue, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve a venue from a thread of this process while the block runs; gives its base URL."""
    started: threading.Event = threading.Event()
    ended: list[BaseException] = []
    urls: list[str] = []
    loop = asyncio.new_event_loop()
    finished = asyncio.Event()

    async def run() -> None:
        async with listening(venue, host, port) as url:
            urls.append(url)
            started.set()
            await finished.wait()

    def in_thread() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(run())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            ended.append(error)
        finally:
            loop.close()
            started.set()

    thread = threading.Thread(target=in_thread, name="paper-venue", daemon=True)
    thread.start()
    try:
        if not started.wait(_START_S) or not urls:
            raise ended[0] if ended else TimeoutError("the paper venue did not start")
        yield urls[0]
    finally:
        if urls and not ended:
            loop.call_soon_threadsafe(finished.set)
        thread.join(_START_S)
    if ended:
        raise ended[0]
