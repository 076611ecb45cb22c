"""The venue as it is asked: a core, a clock, who may sign, what each request weighs, and what was made to go wrong.

Answers are composed here without any server, one at a time, so that everything in one answer is of one instant and the same
requests at the same instants get the same answers.
"""

import contextlib
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from hedge_pipeline.paper import futures, history, keys, market_data, prices
from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.faults import (
    EVERYWHERE,
    Delay,
    Drop,
    Effect,
    Faults,
    HideIncome,
    IncomeLag,
    InvalidFault,
    RateLimit,
    Replay,
    Respond,
    Standing,
    WalletLag,
    altered,
)
from hedge_pipeline.paper.requests import Answer, Keyring, Refusal, Request, written
from hedge_pipeline.paper.seed import PAPER_KEYS
from hedge_pipeline.paper.weights import Weights

Params = Mapping[str, str]
Handler = Callable[..., Any]

INCOME = "/fapi/v1/income"
ACCOUNT = "/fapi/v3/account"
KEY_PERMISSIONS = "/sapi/v1/account/apiRestrictions"

PUBLIC: dict[str, Handler] = {
    "/fapi/v1/time": market_data.server_time,
    "/fapi/v1/exchangeInfo": market_data.exchange_info,
    "/fapi/v1/premiumIndex": market_data.premium_index,
    "/fapi/v1/fundingInfo": market_data.funding_info,
    "/fapi/v1/assetIndex": market_data.asset_index,
    "/fapi/v1/fundingRate": history.funding_rates,
    "/fapi/v1/klines": market_data.price_klines,
    "/fapi/v1/markPriceKlines": market_data.mark_price_klines,
    "/api/v3/time": market_data.server_time,
    "/api/v3/ticker/price": prices.spot_ticker,
    "/api/v3/simple/price": prices.simple_price,
}
SIGNED: dict[str, Handler] = {
    ACCOUNT: futures.account,
    "/fapi/v3/positionRisk": futures.position_risk,
    INCOME: futures.income,
    "/fapi/v1/userTrades": history.user_trades,
    "/fapi/v1/accountConfig": futures.account_config,
    "/fapi/v1/symbolConfig": futures.symbol_config,
    "/fapi/v1/positionSide/dual": futures.position_mode,
    "/fapi/v1/multiAssetsMargin": futures.multi_assets_mode,
    KEY_PERMISSIONS: keys.api_restrictions,
}
ENDPOINTS = {**PUBLIC, **SIGNED}

_NOT_BUSINESS = ("timestamp", "signature", "recvWindow")


class Memory(Protocol):
    """Where the state is kept across restarts."""

    def save(self, core: Core, now_ms: int) -> None:
        """Durable when it returns."""


@dataclass
class PaperVenue:
    """A venue in this process. `clock` gives integer milliseconds; accelerated tests share one with everything they drive."""

    core: Core
    clock: Callable[[], int]
    keyring: Keyring = field(default_factory=lambda: Keyring(PAPER_KEYS))
    weight_limit: int | None = 2400
    """Request weight per minute of the venue's clock; None: no limit, for clocks that stand still."""
    memory: Memory | None = None
    admin_token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    stopping: threading.Event = field(default_factory=threading.Event, init=False)
    faults: Faults = field(default_factory=Faults, init=False)
    clock_offset_ms: int = field(default=0, init=False)
    """The venue's own clock is wrong by this much. Not kept across restarts."""

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._weights = Weights(self.weight_limit)
        self._saved_revision = -1

    def now_ms(self) -> int:
        return self.clock() + self.clock_offset_ms

    def act(self, action: Callable[[Core, int], Any]) -> Any:
        """Do something to the core now, alone, and keep it before anybody can see it."""
        with self._now() as now_ms:
            return action(self.core, now_ms)

    def set_fault(self, endpoint: str, effect: Effect, *, times: int | None = None) -> Standing:
        """Let something go wrong at an endpoint from now on.

        Raises:
            InvalidFault: the endpoint is not served, or `times` is no number of answers.
        """
        if endpoint != EVERYWHERE and endpoint not in ENDPOINTS:
            raise InvalidFault(f"endpoint: {endpoint!r} is not served; one of {', '.join(ENDPOINTS)}, or *")
        with self._now() as now_ms:
            standing = self.faults.set(endpoint, effect, times=times)
            if isinstance(effect, Replay) and endpoint in ENDPOINTS:
                # What needs parameters is refused here, and captured when first asked.
                with contextlib.suppress(Refusal, prices.ProviderRefusal):
                    standing.bodies[""] = ENDPOINTS[endpoint](self.core, now_ms, {})
            return standing

    def clear_faults(self, *, endpoint: str | None = None, fault_id: int | None = None) -> int:
        with self._lock:
            return self.faults.clear(endpoint=endpoint, fault_id=fault_id)

    def checkpoint(self) -> None:
        """Keep where the path stands."""
        with self._now() as now_ms:
            if self.memory is not None:
                self.memory.save(self.core, now_ms)
                self._saved_revision = self.core.revision

    def answer(self, request: Request) -> Answer:
        with self._now() as now_ms:
            acting = self.faults.take(request.path)
            delay_s = sum(s.effect.seconds for s in acting if isinstance(s.effect, Delay))
            answer = self._faulty(acting) or self._composed(request, acting, now_ms)
            return replace(answer, delay_s=delay_s)

    @contextlib.contextmanager
    def _now(self) -> Iterator[int]:
        """This instant, for one caller at a time: what is due has happened, and what changes is kept."""
        with self._lock:
            now_ms = self.now_ms()
            booked = len(self.core.ledger.rows)
            self.core.advance(now_ms)
            self._hide(booked)
            try:
                yield now_ms
            finally:
                self._hide(booked)
                if self.memory is not None and self.core.revision != self._saved_revision:
                    self.memory.save(self.core, now_ms)
                    self._saved_revision = self.core.revision

    def _faulty(self, acting: list[Standing]) -> Answer | None:
        for standing in acting:
            match standing.effect:
                case Drop():
                    return Answer(body="", drop=True)
                case Respond() as respond:
                    return Answer(
                        body=respond.text,
                        status=respond.status,
                        content_type=respond.content_type,
                        headers=respond.headers,
                    )
                case RateLimit(retry_after_s=seconds):
                    return _refused(
                        Refusal(429, -1003, "Too many requests; current limit is 2400 requests per minute."),
                        {"Retry-After": str(seconds)},
                    )
                case _:
                    pass
        return None

    def _composed(self, request: Request, acting: list[Standing], now_ms: int) -> Answer:
        handler = ENDPOINTS.get(request.path)
        if handler is None or request.method != "GET":
            return _refused(Refusal(404, -5000, f"Path {request.path}, Method {request.method} is invalid"))
        params = request.params
        headers, wait_s = self._weights.spend(request.path, params, now_ms)
        if wait_s:
            refusal = Refusal(
                429,
                -1003,
                f"Too many requests; current limit is {self.weight_limit} request weight per minute.",
            )
            return _refused(refusal, {**headers, "Retry-After": str(wait_s)})
        try:
            if request.path in SIGNED:
                self.keyring.check(request, now_ms=now_ms)
            body = handler(self.core, now_ms, params, **_view(request, acting))
        except Refusal as refusal:
            return _refused(refusal, headers)
        except prices.ProviderRefusal as refusal:
            return Answer(status=refusal.status, body=written(refusal.body), headers=headers)
        asked = "&".join(sorted(f"{k}={v}" for k, v in params.items() if k not in _NOT_BUSINESS))
        return Answer(body=written(altered(body, acting, asked)), headers=headers)

    def _hide(self, booked_before: int) -> None:
        """Let the rows booked just now disappear behind the faults that hide rows."""
        for standing in self.faults:
            if isinstance(standing.effect, HideIncome):
                standing.hidden |= {
                    row.key
                    for row in self.core.ledger.rows[booked_before:]
                    if standing.effect.income_type in {None, row.income_type}
                }


def _view(request: Request, acting: list[Standing]) -> dict[str, Any]:
    """Who asks, where that matters, and what the faults that change the view of an endpoint make it leave out."""
    if request.path == KEY_PERMISSIONS:
        return {"api_key": request.headers["x-mbx-apikey"]}
    if request.path == INCOME:
        lags = [s.effect.seconds for s in acting if isinstance(s.effect, IncomeLag)]
        hidden = frozenset(key for s in acting for key in s.hidden)
        return {"lag_ms": int(max(lags, default=0) * 1000), "hidden": hidden}
    if request.path == ACCOUNT:
        lags = [s.effect.seconds for s in acting if isinstance(s.effect, WalletLag)]
        return {"wallet_lag_ms": int(max(lags, default=0) * 1000)}
    return {}


def _refused(refusal: Refusal, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status=refusal.status, body=written(refusal.body), headers=headers or {})
