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

from hedge_pipeline.paper import keys, prices, walk
from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.effects import (
    Delay,
    Drop,
    Effect,
    HideIncome,
    IncomeLag,
    InvalidFault,
    LoseAnswer,
    RateLimit,
    RejectLeg,
    Replay,
    Respond,
    WalletLag,
)
from hedge_pipeline.paper.endpoints import (
    ACCOUNT,
    ENDPOINTS,
    INCOME,
    KEY_PERMISSIONS,
    NEW_ORDERS,
    PATHS,
    PUBLIC,
    TRADING,
)
from hedge_pipeline.paper.faults import EVERYWHERE, Faults, Standing, altered
from hedge_pipeline.paper.order_counts import OrderCounts
from hedge_pipeline.paper.requests import Answer, Keyring, Refusal, Request, written
from hedge_pipeline.paper.seed import PAPER_KEYS
from hedge_pipeline.paper.weights import Weights

Params = Mapping[str, str]

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
    """Request weight per minute of the venue's clock; None: no limit, nor one of orders, for clocks that stand still."""
    memory: Memory | None = None
    admin_token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    stopping: threading.Event = field(default_factory=threading.Event, init=False)
    faults: Faults = field(default_factory=Faults, init=False)
    clock_offset_ms: int = field(default=0, init=False)
    """The venue's own clock is wrong by this much. Not kept across restarts."""

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._weights = Weights(self.weight_limit)
        self._order_counts = OrderCounts(limited=self.weight_limit is not None)
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
        if endpoint not in {EVERYWHERE, *PATHS, *ENDPOINTS}:
            raise InvalidFault(
                f"endpoint: {endpoint!r} is not served; one of {', '.join(ENDPOINTS)}, "
                "one of these without its method, or *"
            )
        with self._now() as now_ms:
            standing = self.faults.set(endpoint, effect, times=times)
            asked = endpoint if endpoint in ENDPOINTS else f"GET {endpoint}"
            if isinstance(effect, Replay) and asked in ENDPOINTS and asked not in TRADING:
                # What needs parameters is refused here, and captured when first asked.
                with contextlib.suppress(Refusal, prices.ProviderRefusal):
                    standing.bodies[""] = ENDPOINTS[asked](self.core, now_ms, {})
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
            acting = self.faults.take(request.endpoint)
            delay_s = sum(s.effect.seconds for s in acting if isinstance(s.effect, Delay))
            answer = self._faulty(acting) or self._composed(request, acting, now_ms)
            lost = any(isinstance(s.effect, LoseAnswer) for s in acting)
            return replace(answer, delay_s=delay_s, drop=answer.drop or lost)

    @contextlib.contextmanager
    def _now(self) -> Iterator[int]:
        """This instant, for one caller at a time: what is due has happened, and what changes is kept."""
        with self._lock:
            now_ms = self.now_ms()
            booked = len(self.core.ledger.rows)
            walk.advance(self.core, now_ms)
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
        handler = ENDPOINTS.get(request.endpoint)
        if handler is None:
            return _refused(Refusal(404, -5000, f"Path {request.path}, Method {request.method} is invalid"))
        params = request.params
        headers, wait_s = self._weights.spend(request.endpoint, params, now_ms)
        if wait_s:
            refusal = Refusal(
                429,
                -1003,
                f"Too many requests; current limit is {self.weight_limit} request weight per minute.",
            )
            return _refused(refusal, {**headers, "Retry-After": str(wait_s)})
        try:
            if request.endpoint not in PUBLIC:
                self.keyring.check(request, now_ms=now_ms)
            if request.endpoint in TRADING:
                keys.require_trading(request.headers["x-mbx-apikey"])
                headers |= self._order_counts.send(request.endpoint, now_ms)
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
    if request.endpoint == KEY_PERMISSIONS:
        return {"api_key": request.headers["x-mbx-apikey"]}
    if request.endpoint == INCOME:
        lags = [s.effect.seconds for s in acting if isinstance(s.effect, IncomeLag)]
        hidden = frozenset(key for s in acting for key in s.hidden)
        return {"lag_ms": int(max(lags, default=0) * 1000), "hidden": hidden}
    if request.endpoint == ACCOUNT:
        lags = [s.effect.seconds for s in acting if isinstance(s.effect, WalletLag)]
        return {"wallet_lag_ms": int(max(lags, default=0) * 1000)}
    if request.endpoint == NEW_ORDERS:
        legs = [s.effect for s in acting if isinstance(s.effect, RejectLeg)]
        return {"refusals": {e.leg: Refusal(400, e.code, e.message) for e in legs}}
    return {}


def _refused(refusal: Refusal, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status=refusal.status, body=written(refusal.body), headers=headers or {})
