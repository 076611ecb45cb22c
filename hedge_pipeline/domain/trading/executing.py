"""Executing: whether a plan may still be carried out, how much it may open, and what came of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.increments import directed_price, sendable_quantity
from hedge_pipeline.domain.instruments import Instrument
from hedge_pipeline.domain.orders import NewOrder
from hedge_pipeline.domain.trading.intents import Answer, OrderUpdate
from hedge_pipeline.domain.trading.plans import PlannedEntry, PlanRow

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolExecution:
    """What was done about one symbol's plan."""

    symbol: str
    sent: int
    """Opening orders that left for the venue, retries too."""
    accepted: int
    rejected: int
    denied: int
    """Kept back by our own client."""
    unknown: int
    """Sent, and nobody knows yet what became of them."""
    canceled: int
    """Confirmed."""
    why: str | None
    """Why nothing was opened, in one line; ``None``: the plan was carried out."""

    def __str__(self) -> str:
        told = (
            f"{self.symbol}: {self.sent} sent, {self.accepted} accepted, {self.rejected} rejected, "
            f"{self.denied} denied, {self.unknown} unknown, {self.canceled} canceled"
        )
        return told if self.why is None else f"{told}; {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """What one call did."""

    refused: str | None
    """Why it touched nothing at all, in one line."""
    symbols: tuple[SymbolExecution, ...]

    def __str__(self) -> str:
        if self.refused is not None:
            return f"nothing is sent: {self.refused}"
        return "\n".join(map(str, self.symbols)) or "there is nothing to trade"


def plan_refusal(
    plan: PlanRow | None,
    *,
    cycle: datetime,
    bar: timedelta,
    instrument: Instrument | None,
    recorded_now: datetime,
) -> str | None:
    """Why nothing of this plan is opened any more, in one line; ``None``: it may be.

    Args:
        cycle: of the bar that is the newest now.
        instrument: as last read.
        recorded_now: our wall clock.
    """
    if plan is None:
        return "there is no plan: plan first"
    if plan.cycle != cycle:
        return f"the plan is of the bar of {plan.cycle.isoformat()}, and that of {cycle.isoformat()} is over: plan again"
    age = recorded_now - plan.recorded_at
    if not timedelta(0) <= age <= bar:
        return f"the plan is {age.total_seconds():g} s old, allowed are {bar.total_seconds():g}: plan again"
    if any(not _fits(entry.order, instrument) for entry in plan.entries):
        return f"the increments of {plan.symbol} changed since it was planned: plan again"
    return None if plan.entries else _nothing_to_open(plan)


def _nothing_to_open(plan: PlanRow) -> str:
    reasons = sorted({veto.reason for vetoed in plan.vetoed for veto in vetoed.vetoes})
    vetoed = f"{len(plan.vetoed)} entries vetoed: {', '.join(reasons)}"
    return plan.withheld or (vetoed if reasons else "no entry is missing")


def permit_size(
    entries: Iterable[PlannedEntry], mark_prices: Mapping[str, Decimal], retries: int
) -> tuple[Decimal | None, int]:
    """USD and count that a permit must cover, every retry counted as an order of its own; ``None``: a mark is not known."""
    notional, count = ZERO, 0
    for entry in entries:
        mark, quantity = mark_prices.get(entry.order.symbol), entry.order.quantity
        if mark is None or quantity is None:
            return None, 0
        notional += quantity * max(entry.order.limit_price or mark, mark) * (1 + retries)
        count += 1 + retries
    return notional, count


def symbol_execution(
    symbol: str, opened: Iterable[OrderUpdate], canceled: Iterable[OrderUpdate], why: str | None
) -> SymbolExecution:
    """Count what was answered. An order that made way for its successor is among ``opened`` and counts as canceled."""
    answers = Counter(update.answer for update in opened)
    gone = answers.pop(Answer.CANCELED, 0) + sum(1 for update in canceled if update.answer is Answer.CANCELED)
    unknown = answers[Answer.UNKNOWN] + answers[Answer.ABSENT]
    return SymbolExecution(
        symbol=symbol,
        sent=answers[Answer.ACCEPTED] + answers[Answer.REJECTED] + unknown,
        accepted=answers[Answer.ACCEPTED],
        rejected=answers[Answer.REJECTED],
        denied=answers[Answer.DENIED],
        unknown=unknown,
        canceled=gone,
        why=why,
    )


def _fits(order: NewOrder, instrument: Instrument | None) -> bool:
    if instrument is None or order.quantity is None or order.limit_price is None:
        return False
    try:
        return (
            sendable_quantity(order.quantity, instrument) == order.quantity
            and directed_price(order.limit_price, order.side, instrument) == order.limit_price
        )
    except InvalidState:
        return False
