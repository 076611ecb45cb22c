"""Stressing: whether one side of a symbol may fill completely, with what is planned and without it.

What cannot be tested opens nothing, and says nothing against what rests. What fails the test is not even left to rest.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from hedge_pipeline.domain.account import AccountTotals, Position, PositionSide
from hedge_pipeline.domain.margin import Bracket
from hedge_pipeline.domain.orders import KnownOrder, OrderType
from hedge_pipeline.domain.stress import StressEntry, StressInputs, StressRule, stress
from hedge_pipeline.domain.trading.intents import Intent
from hedge_pipeline.domain.trading.plans import PlannedEntry
from hedge_pipeline.domain.vetoes import Veto

UNKNOWN = "stress_unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class StressFacts:
    """One symbol and its account, as they are. ``None`` means unknown."""

    symbol: str
    positions: tuple[Position, ...] | None
    resting: tuple[KnownOrder, ...]
    """Anybody's orders of the symbol that stay, with those not acknowledged."""
    intents: Mapping[str, Intent]
    """Of orders of ours, by client order id: where each is to be left."""
    mark_price: Decimal | None
    atr: Decimal | None
    totals: AccountTotals | None
    drawdown: Decimal | None
    brackets: tuple[Bracket, ...] | None
    price_increment: Decimal | None
    rest_stop_distance: Decimal
    """Of what no intent of ours explains: its stop, a fraction of its price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stressed:
    """One side after the test."""

    entries: tuple[Veto, ...]
    """Against sending what is planned."""
    resting: tuple[Veto, ...]
    """Against leaving what rests."""


def stressed(
    facts: StressFacts, position_side: PositionSide, entries: Iterable[PlannedEntry], rule: StressRule
) -> Stressed:
    """Test the side with everything that rests and ``entries``; if that fails, with what rests alone."""
    planned = tuple(
        StressEntry(
            limit_price=entry.rung.limit_price,
            quantity=entry.rung.quantity,
            stop_loss_price=entry.rung.stop_loss_price,
        )
        for entry in entries
    )
    there = tuple(_resting(facts, position_side))
    if not planned and not there:
        return Stressed(entries=(), resting=())
    against = stress(_inputs(facts, position_side, there + planned), rule).vetoes
    alone = against if not planned else ()
    if against and planned and there:
        alone = stress(_inputs(facts, position_side, there), rule).vetoes
    return Stressed(entries=against, resting=tuple(veto for veto in alone if veto.reason != UNKNOWN))


def _inputs(
    facts: StressFacts, position_side: PositionSide, entries: tuple[StressEntry, ...]
) -> StressInputs:
    return StressInputs(
        symbol=facts.symbol,
        position_side=position_side,
        entries=entries,
        positions=facts.positions,
        stop_prices=_stops(facts, position_side),
        mark_price=facts.mark_price,
        atr=facts.atr,
        totals=facts.totals,
        drawdown=facts.drawdown,
        brackets=facts.brackets,
        price_increment=facts.price_increment,
    )


def _resting(facts: StressFacts, position_side: PositionSide) -> Iterator[StressEntry]:
    for order in facts.resting:
        price = order.limit_price or order.stop_price or facts.mark_price
        opens = order.position_side is position_side and not order.reduces_position
        if not opens or price is None or order.remaining_quantity <= 0:
            continue
        intent = facts.intents.get(order.client_order_id)
        stop = intent.stop_loss_price if intent is not None else None
        if stop is None:
            stop = price * (1 - position_side.sign * facts.rest_stop_distance)
        yield StressEntry(limit_price=price, quantity=order.remaining_quantity, stop_loss_price=stop)


def _stops(facts: StressFacts, position_side: PositionSide) -> tuple[Decimal, ...]:
    """Triggers of the side's stops: of those with a quantity, or if there are none, of the one that closes everything."""
    stops = [
        order
        for order in facts.resting
        if order.position_side is position_side
        and order.reduces_position
        and order.order_type == OrderType.STOP_MARKET
    ]
    counted = [order for order in stops if order.quantity > 0] or stops
    return tuple(order.stop_price for order in counted if order.stop_price is not None)
