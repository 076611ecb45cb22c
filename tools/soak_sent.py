"""Propositions about an order at the instant at which it reaches the venue, before the venue has acted on it."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from hedge_pipeline import cycle
from hedge_pipeline.domain.client_order_ids import OrderName, Owner, recognize
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.permits import LIFETIME
from hedge_pipeline.domain.trading.intents import Intent
from hedge_pipeline.domain.verdicts import Incident, TradingState
from hedge_pipeline.paper.orders import opens
from hedge_pipeline.paper.requests import Request
from tools.soak_stage import LISTED, SoakStage

ZERO = Decimal(0)
UNFIT = frozenset({-1111, -4001, -4002, -4003, -4004, -4005, -4013, -4014, -4023, -4164})
"""Refusals of a price, a quantity or a notional that no order of the instrument may have."""
SLACK = Decimal("1.02")
"""Of caps in NAV: marks move between the plan and the order."""


class Found(BaseException):
    """A proposition does not hold. No handler of the code under test may swallow it."""

    def __init__(self, proposition: str, detail: str) -> None:
        super().__init__(f"{proposition}: {detail}")
        self.proposition = proposition


@dataclass(frozen=True)
class Leg:
    """One order as it is about to reach the venue."""

    params: Mapping[str, Any]

    @property
    def client_order_id(self) -> str:
        return str(self.params.get("newClientOrderId") or self.params.get("clientAlgoId"))

    @property
    def symbol(self) -> str:
        return str(self.params["symbol"])

    @property
    def side(self) -> str:
        return str(self.params["positionSide"])

    @property
    def opens(self) -> bool:
        return opens(self.params["side"], self.params["positionSide"])

    @property
    def word(self) -> str:
        return "entry" if self.opens else "stop" if "clientAlgoId" in self.params else "take-profit"

    def amount(self, name: str) -> Decimal | None:
        return Decimal(str(self.params[name])) if name in self.params else None


def legs_of(request: Request) -> list[Leg]:
    params = {**dict(parse_qsl(request.raw_query)), **dict(parse_qsl(request.body))}
    if "batchOrders" in params:
        return [Leg(leg) for leg in json.loads(params["batchOrders"])]
    return [Leg(params)]


def name_of(stage: SoakStage, text: str, symbol: str) -> OrderName | None:
    recognized = recognize(text, stage.policy.book(stage.store_id, "main", symbol))
    return recognized.name if recognized.owner is Owner.OURS else None


def check_increments(leg: Leg) -> None:
    instrument = LISTED[leg.symbol]
    quantity = leg.amount("quantity")
    for name in ("price", "triggerPrice"):
        price = leg.amount(name)
        if price is not None and price % instrument.price_increment:
            raise Found("every order fits its instrument", f"{name} {price}: {leg.params}")
    if quantity is not None and (
        quantity % instrument.size_increment or quantity < instrument.size_increment
    ):
        raise Found("every order fits its instrument", f"quantity {quantity}: {leg.params}")
    if leg.opens and (quantity or ZERO) * (leg.amount("price") or ZERO) < instrument.minimum_notional:
        raise Found("every order fits its instrument", f"minimum notional: {leg.params}")


def check_permitted(stage: SoakStage, intent: Intent, leg: Leg) -> datetime:
    """Until when it may be: the gate judged now is open, and the journal knows of nothing that stops.

    What somebody else has only just written was not seen yet, and a permit holds for seconds.
    """
    now = stage.other.now()
    if incident := halting(stage):
        raise Found("no opening order is sent under a closed gate", f"{leg.params} despite {incident}")
    if intent.decided_at is None or not timedelta(0) <= now - intent.decided_at < LIFETIME:
        raise Found(
            "no opening order is sent under an expired decision",
            f"{leg.params} at {now}, of {intent.decided_at}",
        )
    decision = cycle.judge(stage.other)
    if stage.meanwhile or (decision.state is TradingState.ACTIVE and not decision.dormant):
        return decision.valid_until
    raise Found(
        "no opening order is sent under a closed gate",
        f"{leg.params} under {decision.state.name}: {[breach.message for breach in decision.breaches]}",
    )


def halting(stage: SoakStage) -> Incident | None:
    return next(
        (
            incident
            for incident in stage.other.store.open_incidents("main")
            if incident.ceiling is not None and incident.ceiling < TradingState.ACTIVE
        ),
        None,
    )


def check_caps(stage: SoakStage, leg: Leg, placed: Sequence[Leg]) -> None:
    """Position, what rests and what is proposed, whoever's."""
    limits = stage.policy.limits
    own = limits.of(leg.symbol)
    snapshot = stage.other.store.latest(NavSnapshot, "main", accepted=True)
    if own is None or snapshot is None or snapshot.trading_nav is None:
        raise Found("exposure stays below its caps", f"nothing is known of them: {leg.params}")
    nav, core = snapshot.trading_nav, stage.core
    quantity: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    notional: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)

    def count(symbol: str, side: str, amount: Decimal, price: Decimal) -> None:
        mark = core.market.quote(symbol, stage.clock.ms).mark_price
        quantity[symbol, side] += amount
        notional[symbol, side] += amount * max(mark, price)

    for (symbol, side), position in core.positions.items():
        count(symbol, side, position.quantity, ZERO)
    for order in core.order_book.working():
        if order.opens:
            count(order.symbol, order.position_side, order.remaining_quantity, order.price)
    for each in (*placed, leg):
        if each.opens:
            count(each.symbol, each.side, each.amount("quantity") or ZERO, each.amount("price") or ZERO)
    key = leg.symbol, leg.side
    order_notional = (leg.amount("quantity") or ZERO) * (leg.amount("price") or ZERO)
    of_symbol = sum((worth for (symbol, _), worth in notional.items() if symbol == leg.symbol), ZERO)
    for what, value, cap in (
        ("quantity of the side", quantity[key], own.max_side_quantity),
        ("notional of the order", order_notional, own.max_order_notional_usd),
        ("share of the order", order_notional, limits.max_order_exposure * nav * SLACK),
        ("share of the side", notional[key], own.max_side_exposure * nav * SLACK),
        ("share of the symbol", of_symbol, own.max_exposure * nav * SLACK),
        (
            "share of the account",
            sum(notional.values(), ZERO),
            limits.max_account_exposure * nav * SLACK,
        ),
    ):
        if value > cap:
            raise Found("exposure stays below its caps", f"{what}: {value} above {cap}: {leg.params}")
