"""The trading side of the venue: every change is sent once, and each order has its own answer.

Openings leave a part of the venue's limits to what protects: whatever reduces a position, cancels, or looks orders up may use
all of them. What was refused for a stamp out of time was not done, so it alone is sent again, with the clock measured anew.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from typing import Any, TypeVar

from hedge_pipeline.adapters.ccxt_venue import order_answers, order_params
from hedge_pipeline.adapters.ccxt_venue.client import Deadline
from hedge_pipeline.adapters.ccxt_venue.endpoints import (
    CANCEL_CONDITIONAL,
    CANCEL_ORDER,
    CANCEL_ORDERS,
    CONDITIONAL,
    COUNTDOWN,
    LEVERAGE,
    NEW_CONDITIONAL,
    NEW_ORDER,
    NEW_ORDERS,
    ORDER,
    Endpoint,
)
from hedge_pipeline.adapters.ccxt_venue.exchange import Credentials
from hedge_pipeline.adapters.ccxt_venue.limits import VenueLimits
from hedge_pipeline.adapters.ccxt_venue.order_answers import Asked
from hedge_pipeline.adapters.ccxt_venue.order_reads import OrderReads
from hedge_pipeline.adapters.ccxt_venue.outcomes import Failure
from hedge_pipeline.adapters.ccxt_venue.registry import shared_client
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.orders import KnownOrder, NewOrder
from hedge_pipeline.domain.trading.intents import Answer, Answered
from hedge_pipeline.ports import Clock

T = TypeVar("T")

_MOST_PLACED, _MOST_CANCELED = 5, 10


class CcxtOrderVenue(OrderReads):
    """``OrderVenue`` of ports over the same client as ``CcxtVenue``, if the key is the same.

    Raises:
        InvalidSettings: without ``live``, ``base_url`` is neither loopback nor the venue's demo host.
    """

    def __init__(
        self,
        *,
        account: str,
        base_url: str,
        credentials: Credentials,
        clock: Clock,
        limits: VenueLimits | None = None,
        live: bool = False,
    ) -> None:
        limits = limits or VenueLimits()
        client = shared_client(
            base_url=base_url, credentials=credentials, clock=clock, limits=limits, live=live
        )
        super().__init__(account=account, client=client, clock=clock, limits=limits)

    def place(self, orders: Sequence[NewOrder], *, within: timedelta | None = None) -> tuple[Answered, ...]:
        """What reduces goes first, so that no opening takes its time or its part of the limits."""
        deadline = self._begin(within)
        answers: dict[int, Answered] = {}

        def lane(place: int) -> tuple[bool, bool]:
            return not orders[place].reduces_position, not order_params.is_conditional(orders[place])

        for (opens, ordinary), places in groupby(sorted(range(len(orders)), key=lane), lane):
            for some in _chunks(list(places), _MOST_PLACED if ordinary else 1):
                batch = [orders[place] for place in some]
                answers.update(zip(some, self._placed(batch, deadline, essential=not opens), strict=True))
        return tuple(answers[place] for place in range(len(orders)))

    def cancel(self, orders: Sequence[KnownOrder]) -> tuple[Answered, ...]:
        deadline = self._begin()
        together: dict[str, list[int]] = {}
        alone: list[int] = []
        for place, order in enumerate(orders):
            if order.stop_price is None and order.venue_order_id is not None:
                together.setdefault(order.symbol, []).append(place)
            else:
                alone.append(place)
        batches = [some for places in together.values() for some in _chunks(places, _MOST_CANCELED)]
        answers: dict[int, Answered] = {}
        for some in (*batches, *_chunks(alone, 1)):
            batch = [orders[place] for place in some]
            answers.update(zip(some, self._canceled(batch, deadline), strict=True))
        return tuple(answers[place] for place in range(len(orders)))

    def look_up(self, client_order_id: str, symbol: str, *, conditional: bool) -> Answered:
        """A request whose outcome is unknown may still arrive, until ``recv_window`` after its stamp: absent counts from then on."""
        asked = Asked(
            client_order_id=client_order_id, symbol=symbol, conditional=conditional, clean=self._client.clean
        )
        return self._looked_up(asked, self._begin())

    def set_countdown(self, symbol: str, countdown: timedelta) -> str | None:
        milliseconds = max(0, round(countdown.total_seconds() * 1000))
        params = {"symbol": symbol, "countdownTime": milliseconds}
        return self._set(COUNTDOWN, params, lambda body: str(body.get("countdownTime")) == str(milliseconds))

    def set_leverage(self, symbol: str, leverage: int) -> str | None:
        params = {"symbol": symbol, "leverage": leverage}
        return self._set(LEVERAGE, params, lambda body: body.get("leverage") == leverage)

    def _begin(self, within: timedelta | None = None) -> Deadline:
        """Without any clock nothing can be signed; the client says so for each order."""
        limit = self._limits.trading
        deadline = Deadline(self._clock, limit if within is None else min(within, limit))
        with suppress(SourceUnavailable):
            self._client.usable_clock(deadline)
        return deadline

    def _placed(self, batch: Sequence[NewOrder], deadline: Deadline, *, essential: bool) -> list[Answered]:
        outcomes: list[object] = [_fault(order) for order in batch]
        sent = [place for place, fault in enumerate(outcomes) if fault is None]
        orders = [batch[place] for place in sent]
        if len(orders) == 1:
            conditional = order_params.is_conditional(orders[0])
            endpoint = replace(NEW_CONDITIONAL if conditional else NEW_ORDER, essential=essential)
            params = (order_params.conditional if conditional else order_params.ordinary)(orders[0])
            outcomes[sent[0]] = self._send(endpoint, deadline, params)
        elif orders:
            endpoint = replace(NEW_ORDERS, essential=essential)
            legs = [order_params.ordinary(order) for order in orders]
            parts = _parts(self._send(endpoint, deadline, {"batchOrders": legs}), len(orders))
            for place, part in zip(sent, parts, strict=True):
                outcomes[place] = part
        return [
            self._resolved(order_answers.placed(order, self._asked(order), outcome), order, deadline)
            for order, outcome in zip(batch, outcomes, strict=True)
        ]

    def _resolved(self, answered: Answered, order: NewOrder, deadline: Deadline) -> Answered:
        """An id that is taken is our own order of an earlier attempt, if the venue says so."""
        if answered.code != order_answers.DUPLICATE:
            return answered
        found = self._looked_up(self._asked(order), deadline)
        return found if found.answer is Answer.ACCEPTED else replace(answered, answer=Answer.UNKNOWN)

    def _canceled(self, batch: Sequence[KnownOrder], deadline: Deadline) -> list[Answered]:
        """Several are ordinary, of one symbol, with the venue's ids."""
        if len(batch) == 1:
            endpoint, params = _cancellation(batch[0])
            parts: Sequence[object] = [self._send(endpoint, deadline, params)]
        else:
            numbers = [order.venue_order_id for order in batch]
            params = {"symbol": batch[0].symbol, "orderidlist": numbers}
            parts = _parts(self._send(CANCEL_ORDERS, deadline, params), len(batch))
        return [
            order_answers.canceled(order, self._asked(order), part)
            for order, part in zip(batch, parts, strict=True)
        ]

    def _looked_up(self, asked: Asked, deadline: Deadline) -> Answered:
        if asked.conditional:
            outcome = self._send(CONDITIONAL, deadline, {"clientAlgoId": asked.client_order_id})
        else:
            params = {"symbol": asked.symbol, "origClientOrderId": asked.client_order_id}
            outcome = self._send(ORDER, deadline, params)
        return order_answers.looked_up(asked, outcome)

    def _asked(self, order: NewOrder | KnownOrder) -> Asked:
        return Asked(
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            conditional=order.stop_price is not None,
            clean=self._client.clean,
        )

    def _send(self, endpoint: Endpoint, deadline: Deadline, params: dict[str, Any]) -> object:
        """The body of the answer, or a failure."""
        outcome = self._client.once(endpoint, deadline, params)
        if isinstance(outcome, Failure) and outcome.refused and outcome.code == order_answers.STALE_STAMP:
            with suppress(SourceUnavailable):
                self._client.measure_clock(deadline)
                outcome = self._client.once(endpoint, deadline, params)
        return outcome if isinstance(outcome, Failure) else outcome.payload

    def _set(
        self, endpoint: Endpoint, params: dict[str, Any], confirms: Callable[[dict[str, Any]], bool]
    ) -> str | None:
        body = self._send(endpoint, self._begin(), params)
        if isinstance(body, Failure):
            return body.reason
        if isinstance(body, dict) and body.get("symbol") == params["symbol"] and confirms(body):
            return None
        return f"{endpoint.source}: the answer does not confirm it"


def _fault(order: NewOrder) -> Failure | None:
    fault = order_params.fault(order)
    return None if fault is None else Failure(reason=fault, left=False)


def _cancellation(order: KnownOrder) -> tuple[Endpoint, dict[str, Any]]:
    """By the venue's id, which nothing else ever has; by ours where it is not known."""
    if order.stop_price is not None:
        endpoint, names, params = CANCEL_CONDITIONAL, ("algoId", "clientAlgoId"), {}
    else:
        endpoint, names, params = CANCEL_ORDER, ("orderId", "origClientOrderId"), {"symbol": order.symbol}
    name = names[0] if order.venue_order_id is not None else names[1]
    return endpoint, {**params, name: order.venue_order_id or order.client_order_id}


def _chunks(items: Sequence[T], most: int) -> list[Sequence[T]]:
    return [items[start : start + most] for start in range(0, len(items), most)]


def _parts(outcome: object, count: int) -> list[object]:
    """One part of the answer to a batch per order, by place."""
    if isinstance(outcome, list) and len(outcome) == count:
        return outcome
    failure = outcome if isinstance(outcome, Failure) else Failure(reason=f"the answer is no list of {count}")
    return [failure] * count
