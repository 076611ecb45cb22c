"""Explaining: for one symbol what the last bar wanted, planned, sent and withheld, and why, from its rows alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.trading.intents import Answer, OrderUpdate
from hedge_pipeline.domain.trading.plans import LadderRow, PlannedEntry, PlanRow
from hedge_pipeline.domain.vetoes import Veto


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFate:
    """What became of one entry that was proposed."""

    client_order_id: str
    position_side: PositionSide
    level: int
    limit_price: Decimal
    quantity: Decimal
    """Base units."""
    answer: Answer | None
    """The last one; ``None``: none has come, or it was never sent."""
    outcome: str
    """In words: what it is now, or why it was not sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolAccount:
    """One symbol's last bar, told to a person."""

    symbol: str
    cycle: datetime | None
    """``None``: nothing was ever planned."""
    withheld: str | None
    """Why nothing is wanted or opened at all."""
    wanted: int
    """Rungs that may rest."""
    left_out: tuple[str, ...]
    """Rungs of the grid that may not, with the reason."""
    kept: tuple[str, ...]
    """Client order ids, as those below."""
    canceled: tuple[str, ...]
    waiting: tuple[str, ...]
    planned: tuple[EntryFate, ...]
    vetoed: tuple[EntryFate, ...]


def account_of(
    symbol: str, ladder: LadderRow | None, plan: PlanRow | None, updates: Iterable[OrderUpdate]
) -> SymbolAccount:
    """``ladder`` and ``plan`` are the symbol's newest, ``updates`` of its orders, in order of appending."""
    last = {update.client_order_id: update for update in updates}
    rungs = ladder.ladders.rungs if ladder and ladder.ladders else ()
    cycles = [row.cycle for row in (ladder, plan) if row is not None]
    return SymbolAccount(
        symbol=symbol,
        cycle=max(cycles, default=None),
        withheld=_withheld(ladder, plan),
        wanted=len(rungs),
        left_out=tuple(
            f"{each.rung.position_side} {each.rung.level} at {each.rung.limit_price:f}: {each.reason}"
            for each in (ladder.left_out if ladder else ())
        ),
        kept=plan.keep if plan else (),
        canceled=plan.cancel if plan else (),
        waiting=plan.waiting if plan else (),
        planned=tuple(_sent(entry, last.get(entry.order.client_order_id)) for entry in plan.entries)
        if plan
        else (),
        vetoed=tuple(
            _fate(each.entry, None, "; ".join(_said(veto) for veto in each.vetoes)) for each in plan.vetoed
        )
        if plan
        else (),
    )


def told(account: SymbolAccount) -> Iterator[str]:
    """The same in lines."""
    if account.cycle is None:
        yield f"{account.symbol}: nothing was planned yet"
        return
    yield (
        f"{account.symbol}, bar that closed at {account.cycle.isoformat()}: {account.wanted} rungs wanted, "
        f"{len(account.kept)} orders kept, {len(account.planned)} to open, {len(account.vetoed)} vetoed, "
        f"{len(account.canceled)} to cancel, {len(account.waiting)} not acknowledged"
    )
    if account.withheld is not None:
        yield f"  withheld: {account.withheld}"
    for fate in account.planned:
        yield f"  {_place(fate)}: {fate.outcome}"
    for fate in account.vetoed:
        yield f"  {_place(fate)} vetoed: {fate.outcome}"
    for left_out in account.left_out:
        yield f"  not placed: {left_out}"


def _withheld(ladder: LadderRow | None, plan: PlanRow | None) -> str | None:
    if plan is not None and (ladder is None or plan.cycle >= ladder.cycle):
        return plan.withheld
    if ladder is not None:
        return ladder.withheld or f"the ladders of {ladder.cycle.isoformat()} have no plan yet"
    return "nothing was planned yet"


def _sent(entry: PlannedEntry, update: OrderUpdate | None) -> EntryFate:
    if update is None:
        return _fate(entry, None, "not sent, or its answer is not known yet")
    words = [update.answer.value]
    if update.status is not None:
        words.append(update.status.value)
    if update.filled_quantity:
        words.append(f"{update.filled_quantity:f} filled")
    if update.code is not None:
        words.append(f"code {update.code}")
    if update.message:
        words.append(update.message)
    return _fate(entry, update.answer, ", ".join(words))


def _fate(entry: PlannedEntry, answer: Answer | None, outcome: str) -> EntryFate:
    return EntryFate(
        client_order_id=entry.order.client_order_id,
        position_side=entry.rung.position_side,
        level=entry.rung.level,
        limit_price=entry.rung.limit_price,
        quantity=entry.rung.quantity,
        answer=answer,
        outcome=outcome,
    )


def _place(fate: EntryFate) -> str:
    return f"{fate.position_side} {fate.level}, {fate.quantity:f} at {fate.limit_price:f}"


def _said(veto: Veto) -> str:
    return f"{veto.reason} ({veto.rule}): {veto.observation}, allowed {veto.threshold}"
