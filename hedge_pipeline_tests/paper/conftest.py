"""A paper venue over HTTP, asked by the real client, with a clock the test moves."""

import json
import ssl
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ccxt
import httpx
import pytest

from hedge_pipeline.paper.control import Control
from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.server import serve
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline.paper.world import World, open_core

NOON_MS = 1_795_176_000_000  # 2026-11-20T12:00:00Z
SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS


HTTP = httpx.Client(
    trust_env=False,
    verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # loading authorities costs more than most tests
    limits=httpx.Limits(max_keepalive_connections=0),
)
"""Asks what the real client would not."""


class ManualClock:
    """Milliseconds that pass when the test says so."""

    def __init__(self, now_ms: int = NOON_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, milliseconds: int) -> None:
        self.now_ms += milliseconds


def pointed(base_url: str, clock: Callable[[], int], *, of: Any = ccxt.binanceusdm, **settings: Any) -> Any:
    """The real client, its addresses on loopback and its clock the test's."""
    client = of(
        {
            "apiKey": "paper",
            "secret": "paper-secret",
            "enableRateLimit": False,
            "timeout": 3000,
            "options": {"fetchCurrencies": False},
            **settings,
        }
    )
    aim(client, base_url)
    client.nonce = clock
    return client


def aim(client: Any, base_url: str) -> None:
    client.urls["api"] = {name: base_url + urlsplit(url).path for name, url in client.urls["api"].items()}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def core(clock: ManualClock) -> Core:
    return open_core(World(seed=1), now_ms=clock())


@pytest.fixture
def venue(core: Core, clock: ManualClock) -> PaperVenue:
    return PaperVenue(core, clock, weight_limit=None)


@pytest.fixture
def base_url(venue: PaperVenue) -> Iterator[str]:
    with serve(venue) as url:
        yield url


@pytest.fixture
def client(base_url: str, clock: ManualClock) -> Iterator[Any]:
    exchange = pointed(base_url, clock)
    yield exchange
    exchange.session.close()


@pytest.fixture
def control(base_url: str, venue: PaperVenue) -> Iterator[Control]:
    with Control(base_url, venue.admin_token) as administrator:
        yield administrator


@pytest.fixture(scope="session")
def documented(recorded_data: Path) -> dict[str, Any]:
    """Documentation samples by path: for field names, their numbers do not add up."""
    samples = json.loads((recorded_data / "binance_api" / "doc_samples_binance_net.json").read_text())
    return {
        s["path"]: s["body"] for s in samples.values() if isinstance(s, dict) and s.get("method") == "GET"
    }


def decimals(row: dict[str, Any], *names: str) -> list[Decimal]:
    return [Decimal(row[name]) for name in names]
