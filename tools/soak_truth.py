"""What must never be found: each proposition held against the venue's own books, never against what we believe of them.

A proposition about a protection cycle is held when nothing stood in its way: no fault, no ban, nobody else acting, no execution
while it ran. How often that was so is counted, so that nothing passes for lack of occasion.
"""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hedge_pipeline import cycle
from hedge_pipeline.cycle.judging import inputs_in_advance
from hedge_pipeline.domain.trading.intents import Intent
from hedge_pipeline.domain.trading.readings import LedgerFill
from hedge_pipeline.domain.verdicts import GateDecision, TradingState
from hedge_pipeline.paper.orders import Conditional, Order
from hedge_pipeline.paper.requests import Answer, Request
from hedge_pipeline.paper.trades import Trade
from tools.soak_books import bears, lacking, openings, origin_of, unknown
from tools.soak_sent import (
    UNFIT,
    Found,
    Leg,
    check_caps,
    check_increments,
    check_permitted,
    halting,
    legs_of,
    name_of,
)
from tools.soak_stage import Observer, SoakStage

ZERO = Decimal(0)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COUNTDOWN_MS = 1500
"""How soon after its end a countdown has canceled everything."""
PATIENCE = 3
"""Protection cycles in a row that may have an exit refused, because the price had moved on."""
PLACING = {"POST /fapi/v1/order", "POST /fapi/v1/batchOrders", "POST /fapi/v1/algoOrder"}
LATE = timedelta(minutes=1)
EVERYTHING = {"DELETE /fapi/v1/allOpenOrders", "DELETE /fapi/v1/algoOpenOrders"}


@dataclass
class Truth(Observer):
    """Follows one stage."""

    counts: Counter[str] = field(default_factory=Counter)
    """What happened, by name."""
    requests: list[str] = field(default_factory=list)
    """Of the step that runs."""
    refusals: int = 0
    """Exits refused in the protection cycle that runs."""
    foreign: set[int] = field(default_factory=set)
    """Orders of other people that rest."""
    canceled_by_people: set[int] = field(default_factory=set)
    countdowns: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """By symbol, when countdowns end or would have."""
    _trades: int = 0
    _shut_ms: int | None = None
    """When a protection cycle ended behind a closed gate that has not opened since."""
    _open_until: datetime | None = None
    """When the gate closes at the latest, as it was last seen open."""
    _refused_cycles: int = 0
    _lost: dict[str, int] = field(default_factory=dict)
    """Protection cycles in a row that left an intent unsettled that does not rest."""

    def asked(self, stage: SoakStage, request: Request) -> None:
        self.counts["requests"] += 1
        self.requests.append(request.endpoint)
        if request.endpoint in PLACING:
            stage.settle_venue()
            placed: list[Leg] = []
            for leg in legs_of(request):
                self._check_sent(stage, leg, placed)
                placed.append(leg)
        elif request.method == "DELETE":
            self._check_canceled(stage, request)

    def answered(self, stage: SoakStage, request: Request, answer: Answer) -> None:
        if request.endpoint.endswith("/countdownCancelAll"):
            for symbol, end_ms in stage.core.order_book.countdowns.items():
                self.countdowns[symbol].append(end_ms)
        if request.endpoint not in PLACING:
            return
        body = _parsed(answer)
        for leg, part in zip(legs_of(request), body if isinstance(body, list) else [body], strict=False):
            code = part.get("code") if isinstance(part, dict) else None
            if code in UNFIT:
                raise Found("every order fits its instrument", f"{part}: {leg.params}")
            if isinstance(code, int) and code < 0:
                self.counts[f"{leg.word} refused {code}"] += 1
                self.refusals += not leg.opens
            else:
                self.counts[f"{leg.word} sent"] += 1

    def check_step(self, stage: SoakStage) -> None:
        """After every step, whatever it was."""
        self._check_fills(stage)
        self._check_single(stage)
        self._check_foreign(stage)
        resting = {order.symbol for order in openings(stage)}
        if resting - set(stage.core.order_book.countdowns):
            self.counts["steps with openings and no countdown"] += 1
        self.counts["steps with openings"] += bool(resting)

    def check_gate(self, stage: SoakStage) -> TradingState:
        """Note whether the gate stands open now."""
        decision = _judged(stage)
        state = decision.state
        if state is TradingState.ACTIVE:
            self._shut_ms = None
            self._open_until = decision.valid_until
        self.counts[f"gate {state.name}"] += 1
        return state

    def check_protection(self, stage: SoakStage, began_ms: int, trades: int) -> None:
        """After a protection cycle that nothing stood in the way of."""
        self.counts["clean protection cycles"] += 1
        state = self.check_gate(stage)
        resting = openings(stage)
        wanted, armed = {order.symbol for order in resting}, set(stage.core.order_book.countdowns)
        perhaps = {
            intent.symbol
            for intent in stage.other.store.unsettled("main")
            if not intent.order.reduces_position
        }
        permitted = state is TradingState.ACTIVE and halting(stage) is None
        if armed - wanted - perhaps or (permitted and wanted - armed):
            raise Found("the countdown runs where an opening order rests", f"armed {armed}, wanted {wanted}")
        self._check_ledger(stage, began_ms)
        self._check_settled(stage)
        if len(stage.core.trades) == trades:
            self._check_exits(stage)

    def check_shut(self, stage: SoakStage, began: datetime) -> None:
        """After a protection cycle in which cancellations got through, whatever else failed."""
        if _judged(stage).state is TradingState.ACTIVE:
            return
        if resting := openings(stage):
            if _judged(stage, began).state is TradingState.ACTIVE:
                return  # it closed while the cycle ran
            raise Found("no opening order rests behind a closed gate", _told(resting))
        self.counts["closed gates with nothing open"] += 1
        self._shut_ms = self._shut_ms or stage.clock.ms

    def _check_sent(self, stage: SoakStage, leg: Leg, placed: list[Leg]) -> None:
        name = name_of(stage, leg.client_order_id, leg.symbol)
        if name is None:
            raise Found("every order bears our name", str(leg.params))
        intent = stage.other.store.latest(Intent, "main", client_order_id=leg.client_order_id)
        if intent is None:
            raise Found("every order is stored before it is sent", leg.client_order_id)
        check_increments(leg)
        if not leg.opens:
            return
        self.counts["openings sent"] += 1
        self._open_until = max(self._open_until or EPOCH, check_permitted(stage, intent, leg))
        book = stage.core.order_book
        resting: list[Order | Conditional] = [*book.working(leg.symbol), *book.waiting(leg.symbol)]
        for order in resting:
            other = bears(stage, order)
            if other and (other.kind, other.position_side, other.level) == (
                name.kind,
                name.position_side,
                name.level,
            ):
                raise Found("one live order per side and level", f"{leg.params} beside {order}")
        check_caps(stage, leg, placed)
        self._shut_ms = None

    def _check_canceled(self, stage: SoakStage, request: Request) -> None:
        self.counts["cancellations"] += 1
        params = request.params
        if request.endpoint in EVERYTHING:
            raise Found("no foreign order is touched", f"{request.endpoint} cancels anybody's: {params}")
        book = stage.core.order_book
        ids = json.loads(params.get("orderidlist", "[]")) or [params.get("orderId") or params.get("algoId")]
        for number in ids:
            order: Order | Conditional | None = None
            if number is not None and "algo" in request.path:
                order = book.conditionals.get(int(number))
            elif number is not None:
                order = book.orders.get(int(number))
            if order is not None and bears(stage, order) is None:
                raise Found("no foreign order is touched", f"{request.endpoint} {order}")

    def _check_fills(self, stage: SoakStage) -> None:
        trades = stage.core.trades
        for trade in trades[self._trades :]:
            order = stage.core.order_book.orders[trade.order_id]
            ours = bears(stage, order) is not None
            self.counts[
                f"{'our' if ours else 'foreign'} {'opening' if order.opens else 'closing'} fills"
            ] += 1
            self.counts["openings filled after the gate closed and a countdown"] += (
                ours and order.opens and self._is_long_shut(stage, trade)
            )
            if ours and order.opens and self._shut_ms is not None and trade.time_ms > self._shut_ms:
                raise Found(
                    "no opening order fills behind a closed gate",
                    f"{trade} of {order}, protected at {_instant(self._shut_ms)}",
                )
        self._trades = len(trades)

    def _is_long_shut(self, stage: SoakStage, trade: Trade) -> bool:
        """Whether the dead-man's switch, had it been set, would have taken the order away."""
        if self._open_until is None:
            return False
        at = EPOCH + timedelta(milliseconds=trade.time_ms)
        return at > self._open_until + stage.policy.sending.countdown + timedelta(milliseconds=COUNTDOWN_MS)

    def _check_single(self, stage: SoakStage) -> None:
        """Stops may be doubled while one replaces another; entries and take-profits never."""
        live: Counter[tuple[object, ...]] = Counter()
        for order in stage.core.order_book.working():
            name = bears(stage, order)
            if name is not None and order.original_type is None:
                live[order.symbol, name.kind, name.position_side, name.level] += 1
        for key, count in live.items():
            if count > 1:
                raise Found("one live order per side and level", f"{count} of {key}")

    def _check_foreign(self, stage: SoakStage) -> None:
        """Canceled by whoever made it, by the venue as it ends a countdown, or not at all."""
        for number in list(self.foreign):
            order = stage.core.order_book.orders.get(number)
            if order is None or not order.is_working:
                self.foreign.discard(number)
                if order is None or order.status != "CANCELED" or number in self.canceled_by_people:
                    continue
                ends = self.countdowns[order.symbol]
                if not any(0 <= order.updated_ms - end_ms < COUNTDOWN_MS for end_ms in ends):
                    raise Found("no foreign order is touched", str(order))

    def _check_ledger(self, stage: SoakStage, began_ms: int) -> None:
        rows = stage.other.store.columns(
            LedgerFill, "main", "symbol", "fill_id", "origin", "quantity", "price"
        )
        known = {
            (symbol, fill_id): (origin, quantity, price) for symbol, fill_id, origin, quantity, price in rows
        }
        for trade in stage.core.trades:
            if trade.time_ms > began_ms:
                continue
            row = known.get((trade.symbol, str(trade.trade_id)))
            if row is None:
                raise Found("the ledger has every fill", str(trade))
            if row != (origin_of(stage, trade), trade.quantity, trade.price):
                raise Found("the ledger tells every fill as it was", f"{trade}: {row}")

    def _check_settled(self, stage: SoakStage) -> None:
        """An intent that nobody can settle keeps its symbol closed for ever."""
        now = stage.other.clock.now()
        lost = {intent.client_order_id for intent in unknown(stage) if now - intent.recorded_at > LATE}
        self._lost = {name: self._lost.get(name, 0) + 1 for name in lost}
        if stuck := [name for name, times in self._lost.items() if times >= PATIENCE]:
            raise Found("what became of every order is learned", ", ".join(stuck))

    def _check_exits(self, stage: SoakStage) -> None:
        awaited = {
            (intent.symbol, intent.order.position_side.value)
            for intent in unknown(stage)
            if intent.order.reduces_position
        }
        missing = [text for key, text in lacking(stage) if key not in awaited]
        if not missing:
            self._refused_cycles = 0
            self.counts["exits compared"] += 1
            return
        self._refused_cycles += 1
        if not self.refusals or self._refused_cycles >= PATIENCE:
            raise Found("stops cover the position exactly", "; ".join(missing))


def _parsed(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def _judged(stage: SoakStage, at: datetime | None = None) -> GateDecision:
    """As protection judges: a NAV whose peak state is not written yet closes nothing by itself."""
    return cycle.judge(stage.other, inputs_in_advance(stage.other), at=at)


def _told(orders: list[Order]) -> str:
    return "; ".join(f"{order.symbol} {order.client_order_id} {order.status}" for order in orders)


def _instant(ms: int) -> str:
    return (EPOCH + timedelta(milliseconds=ms)).isoformat()
