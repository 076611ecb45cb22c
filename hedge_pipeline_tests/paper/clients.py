"""Three clients of the venue, asked alike: ccxt, ccxt in an event loop, and the venue's own SDK."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ccxt.async_support
from binance_common.configuration import ConfigurationRestAPI
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import (
    DerivativesTradingUsdsFutures,
)

from hedge_pipeline_tests.paper.conftest import ManualClock, aim, pointed


@dataclass(frozen=True)
class Call:
    """One request of the project's: as it goes over the wire, and the SDK's name for it."""

    endpoint: str
    sdk: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.endpoint, *self.params])


class Waiting:
    """ccxt, by its raw requests."""

    def __init__(self, clock: ManualClock) -> None:
        self.client = pointed("http://nowhere", clock)

    def point(self, base_url: str) -> None:
        aim(self.client, base_url)

    def __call__(self, call: Call) -> Any:
        return self.client.request(*_in_ccxt(call))

    def close(self) -> None:
        self.client.session.close()


class Awaited:
    """The same, in an event loop of its own."""

    def __init__(self, clock: ManualClock) -> None:
        self.loop = asyncio.Runner()
        self.client = pointed("http://nowhere", clock, of=ccxt.async_support.binanceusdm)

    def point(self, base_url: str) -> None:
        aim(self.client, base_url)

    def __call__(self, call: Call) -> Any:
        return self.loop.run(self.client.request(*_in_ccxt(call)))

    def close(self) -> None:
        self.loop.run(self.client.close())
        self.loop.close()


class Official:
    """The venue's own SDK, whose models check names and types of fields; its clock is patched."""

    def __init__(self, clock: ManualClock) -> None:
        self.configuration = ConfigurationRestAPI(
            api_key="paper", api_secret="paper-secret", timeout=3000, retries=0
        )
        self.client = DerivativesTradingUsdsFutures(config_rest_api=self.configuration).rest_api

    def point(self, base_url: str) -> None:
        self.configuration.base_path = base_url

    def __call__(self, call: Call) -> Any:
        asked = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(): v for name, v in call.params.items()}
        return _plain(getattr(self.client, call.sdk)(**asked).data())

    def close(self) -> None:
        self.client._session.close()


def _in_ccxt(call: Call) -> tuple[str, list[str], str, dict[str, Any]]:
    """Path, section, method and parameters. It writes the lists of identifiers to cancel in lower case."""
    method, path = call.endpoint.split(" /fapi/")
    version, _, rest = path.partition("/")
    public = rest in {"time", "exchangeInfo", "premiumIndex", "fundingInfo", "fundingRate", "assetIndex"}
    section = "fapiPublic" if public or "lines" in rest else "fapiPrivate"
    params = {name.lower() if name.endswith("List") else name: v for name, v in call.params.items()}
    return rest, [section + version.upper().replace("V1", "")], method, params


def _plain(read: Any) -> Any:
    """Models as what they were read from."""
    if hasattr(read, "to_dict"):
        read = read.to_dict()
    if isinstance(read, list):
        return [_plain(item) for item in read]
    if isinstance(read, dict):
        return {name: _plain(value) for name, value in read.items() if name != "additional_properties"}
    return read
