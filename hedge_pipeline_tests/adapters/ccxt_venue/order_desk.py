"""The trading side over real HTTP against a paper venue that trades BTCUSDT on a stated path, and that remembers what it was asked."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hedge_pipeline.adapters.ccxt_venue import CcxtOrderVenue, Credentials, VenueLimits
from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.market_data import Side
from hedge_pipeline.domain.orders import (
    NewOrder,
    OrderKind,
    OrderType,
    TimeInForce,
    closing_side,
    opening_side,
)
from hedge_pipeline.domain.trading.intents import Answered
from hedge_pipeline.paper.effects import effect
from hedge_pipeline.paper.requests import Answer, Request
from hedge_pipeline.paper.seed import PAPER_KEYS
from hedge_pipeline.paper.server import serve
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline.ports import Clock
from hedge_pipeline_tests.adapters.ccxt_venue.conftest import FAST
from hedge_pipeline_tests.paper.conftest import NOON_MS
from hedge_pipeline_tests.paper.price_path import BTC, Desk

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
KEYS = next(iter(PAPER_KEYS.items()))
PLACE, PLACE_MANY, PLACE_CONDITIONAL = (
    "POST /fapi/v1/order",
    "POST /fapi/v1/batchOrders",
    "POST /fapi/v1/algoOrder",
)
PLACING = (PLACE, PLACE_MANY, PLACE_CONDITIONAL)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

PATIENT = replace(FAST, request=timedelta(seconds=10), round_trip=timedelta(seconds=10))
"""A busy machine may keep an answer for seconds; who waits for silence gives limits of its own."""


@dataclass(eq=False)
class DeskClock:
    """The desk's time on every clock; ``ahead`` is what ours alone has passed."""

    desk: Desk
    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return _EPOCH + timedelta(milliseconds=self.desk.now_ms) + self.ahead

    def monotonic(self) -> float:
        return 10_000.0 + (self.desk.now_ms - NOON_MS) / 1000 + self.ahead.total_seconds()

    def boot_id(self) -> str:
        return "one boot"


@dataclass
class ListeningVenue(PaperVenue):
    heard: list[Request] = field(default_factory=list, init=False)
    meanwhile: dict[str, Callable[[], object]] = field(default_factory=dict, init=False)
    """What happens right after an endpoint has been answered, once."""

    def answer(self, request: Request) -> Answer:
        self.heard.append(request)
        answer = super().answer(request)
        if happens := self.meanwhile.pop(request.endpoint, None):
            happens()
        return answer


@dataclass(kw_only=True)
class Trading:
    """What a test drives."""

    desk: Desk
    venue: ListeningVenue
    clock: DeskClock
    base_url: str
    orders: CcxtOrderVenue

    def start_over(self) -> None:
        """A new account at a later hour: no order, no fault, no ban of before."""
        self.venue.clear_faults()
        self.venue.clock_offset_ms = 0
        self.desk = Desk(now_ms=self.desk.now_ms + 3_600_000)
        self.clock.desk, self.venue.core = self.desk, self.desk.core
        self.venue.heard.clear()
        self.venue.meanwhile.clear()

    def connected(
        self,
        *,
        limits: VenueLimits = PATIENT,
        keys: tuple[str | None, str | None] = KEYS,
        clock: Clock | None = None,
    ) -> CcxtOrderVenue:
        """Another client of the same venue."""
        return CcxtOrderVenue(
            account="main",
            base_url=self.base_url,
            credentials=Credentials(*keys),
            clock=clock or self.clock,
            limits=limits,
        )

    def fault(self, endpoint: str, kind: str, *, times: int | None = None, **parameters: Any) -> None:
        self.venue.set_fault(endpoint, effect(kind, parameters), times=times)

    def refuse(self, endpoint: str, status: int, code: int, message: str = "No.", **more: Any) -> None:
        self.fault(endpoint, "respond", status=status, body={"code": code, "msg": message}, **more)

    def heard(self, *endpoints: str) -> list[dict[str, str]]:
        """Parameters of what was asked at these endpoints, in order."""
        return [dict(request.params) for request in self.venue.heard if request.endpoint in endpoints]

    def place(self, order: NewOrder) -> Answered:
        (answered,) = self.orders.place([order])
        return answered

    def working(self) -> set[str]:
        """Client order ids of what rests, by the venue's own books."""
        book = self.desk.core.order_book
        return {o.client_order_id for o in book.working()} | {c.client_algo_id for c in book.waiting()}


@contextmanager
def trading_desk(limits: VenueLimits = PATIENT) -> Iterator[Trading]:
    desk = Desk()
    clock = DeskClock(desk)
    venue = ListeningVenue(desk.core, lambda: clock.desk.now_ms, weight_limit=None)
    with serve(venue) as url:
        orders = CcxtOrderVenue(
            account="main",
            base_url=url,
            credentials=Credentials(*KEYS),
            clock=clock,
            limits=limits,
        )
        yield Trading(desk=desk, venue=venue, clock=clock, base_url=url, orders=orders)


def entry(
    name: str,
    price: object = "59000",
    quantity: object = "0.010",
    *,
    position_side: PositionSide = LONG,
    time_in_force: TimeInForce = TimeInForce.GTX,
    symbol: str = BTC,
) -> NewOrder:
    return _limit(
        name,
        price,
        quantity,
        OrderKind.ENTRY,
        opening_side(position_side),
        position_side,
        time_in_force,
        symbol,
    )


def take_profit(
    name: str, price: object = "65000", quantity: object = "0.010", *, position_side: PositionSide = LONG
) -> NewOrder:
    side = closing_side(position_side)
    return _limit(name, price, quantity, OrderKind.TAKE_PROFIT, side, position_side, TimeInForce.GTX, BTC)


def market(name: str, quantity: object = "0.050", *, position_side: PositionSide = LONG) -> NewOrder:
    return NewOrder(
        client_order_id=name,
        symbol=BTC,
        kind=OrderKind.ENTRY,
        side=opening_side(position_side),
        position_side=position_side,
        order_type=OrderType.MARKET,
        time_in_force=None,
        quantity=Decimal(str(quantity)),
        limit_price=None,
        stop_price=None,
    )


def stop(
    name: str,
    price: object = "50000",
    quantity: object | None = "0.010",
    *,
    position_side: PositionSide = LONG,
) -> NewOrder:
    """Without a quantity: of the whole position."""
    return NewOrder(
        client_order_id=name,
        symbol=BTC,
        kind=OrderKind.STOP_LOSS,
        side=closing_side(position_side),
        position_side=position_side,
        order_type=OrderType.STOP_MARKET,
        time_in_force=None,
        quantity=None if quantity is None else Decimal(str(quantity)),
        limit_price=None,
        stop_price=Decimal(str(price)),
    )


def legs(params: dict[str, str]) -> list[dict[str, Any]]:
    """Orders of a batch as they were sent."""
    return list(json.loads(params["batchOrders"]))


def _limit(
    name: str,
    price: object,
    quantity: object,
    kind: OrderKind,
    side: Side,
    position_side: PositionSide,
    time_in_force: TimeInForce,
    symbol: str,
) -> NewOrder:
    return NewOrder(
        client_order_id=name,
        symbol=symbol,
        kind=kind,
        side=side,
        position_side=position_side,
        order_type=OrderType.LIMIT,
        time_in_force=time_in_force,
        quantity=Decimal(str(quantity)),
        limit_price=Decimal(str(price)),
        stop_price=None,
    )
