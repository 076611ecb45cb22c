"""Planning: from what is wanted, what rests and what is known to the orders of one bar, of every symbol of the account.

Wanted rungs are compared with resting orders; what is missing is proposed, screened by the pre-trade rules and stressed side by
side. Whatever speaks against an entry stays in the row with its reason. Nothing that is unknown keeps an unwanted order from
being canceled, and an order to be canceled counts toward every cap until it is gone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.client_order_ids import MOST_ATTEMPT, Book, OrderName, client_order_id
from hedge_pipeline.domain.grid import Ladders, Rung
from hedge_pipeline.domain.margin import Bracket
from hedge_pipeline.domain.orders import (
    KnownOrder,
    NewOrder,
    OrderKind,
    OrderType,
    TimeInForce,
    opening_side,
)
from hedge_pipeline.domain.pretrade import screen
from hedge_pipeline.domain.pretrade_inputs import PretradeInputs
from hedge_pipeline.domain.reconciliation import Key, OrderPlan, reconcile, sort_orders
from hedge_pipeline.domain.trading.intents import Intent, pending_order
from hedge_pipeline.domain.trading.plans import LadderRow, PlannedEntry, PlanRow, VetoedEntry
from hedge_pipeline.domain.trading.policy import StrategyPolicy, TradingPolicy
from hedge_pipeline.domain.trading.stressing import StressFacts, stressed
from hedge_pipeline.domain.trading_risk_state import breaker_is_open
from hedge_pipeline.domain.verdicts import TradingState
from hedge_pipeline.domain.vetoes import Veto


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolFacts:
    """One strategy's symbol at one bar. ``None`` means unknown."""

    strategy: StrategyPolicy
    book: Book
    cycle: datetime
    ladder: LadderRow | None
    """The newest of the symbol."""
    atr: Decimal | None
    brackets: tuple[Bracket, ...] | None
    attempts: Mapping[Key, int]
    """The highest attempt that was named in this cycle, by rung."""
    obstacle: str | None
    """What keeps the symbol from opening anything, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """The account that all symbols share."""

    account: str
    as_of: datetime | None
    """Oldest stamp among what is known."""
    inputs: PretradeInputs
    """``resting`` as ``working_orders`` makes it."""
    intents: Mapping[str, Intent]
    """By client order id: those that count as resting."""
    drawdown: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """One symbol before its entries are judged."""

    facts: SymbolFacts
    changes: OrderPlan
    proposed: tuple[PlannedEntry, ...]
    withheld: str | None


NO_CHANGES = OrderPlan(keep=(), replace=(), create=(), cancel=(), waiting=())


def working_orders(
    stated: Iterable[KnownOrder] | None, unsettled: Iterable[Intent]
) -> tuple[KnownOrder, ...] | None:
    """What may still fill: what the venue lists, and what of ours it does not list and has not been settled.

    An order that has left the list since counts until it was looked up: it may have filled.
    """
    if stated is None:
        return None
    listed = tuple(order for order in stated if order.status.is_working)
    ids = {order.client_order_id for order in listed}
    return listed + tuple(pending_order(intent) for intent in unsettled if intent.client_order_id not in ids)


def plan_rows(
    symbols: Sequence[SymbolFacts],
    account: AccountFacts,
    policy: TradingPolicy,
    *,
    now: datetime,
    recorded_at: datetime,
) -> tuple[PlanRow, ...]:
    """One row per symbol, in order; entries of an earlier symbol count for those behind it. ``now`` is the venue's time."""
    drafts = [_drafted(facts, account, policy) for facts in symbols]
    proposed = [entry.order for draft in drafts for entry in draft.proposed]
    screened = screen(proposed, account.inputs, policy.limits, now=now)
    vetoes = {order.client_order_id: reasons for order, reasons in screened.vetoed}
    closed = _closed(account, now)
    return tuple(
        _row(draft, vetoes, account, policy, closed=closed, recorded_at=recorded_at) for draft in drafts
    )


def _drafted(facts: SymbolFacts, account: AccountFacts, policy: TradingPolicy) -> _Draft:
    if account.inputs.resting is None:
        return _Draft(
            facts=facts, changes=NO_CHANGES, proposed=(), withheld="what rests at the venue is not known"
        )
    unwanted = _unwanted(facts, policy)
    ladders = facts.ladder.ladders if facts.ladder else None
    if unwanted is not None or ladders is None:
        ladders = Ladders(symbol=facts.strategy.symbol, center=Decimal(1), long=(), short=())
    orders = sort_orders(account.inputs.resting, facts.book)
    changes = reconcile(ladders, orders, facts.strategy.tolerance)
    withheld = unwanted or facts.obstacle or _spent(facts, changes)
    return _Draft(
        facts=facts,
        changes=changes,
        proposed=() if withheld is not None else _proposed(facts, changes, policy),
        withheld=withheld,
    )


def _unwanted(facts: SymbolFacts, policy: TradingPolicy) -> str | None:
    """Why nothing of this symbol may rest at all."""
    if not policy.enabled:
        return "opening orders are not enabled: set trading.enabled in the settings"
    ladder = facts.ladder
    if ladder is None or ladder.cycle != facts.cycle:
        return f"no ladders were planned at {facts.cycle.isoformat()}: plan them first"
    if ladder.ladders is None:
        return ladder.withheld or "nothing is wanted"
    return None


def _spent(facts: SymbolFacts, changes: OrderPlan) -> str | None:
    wanted = [*changes.create, *(match.rung for match in changes.replace)]
    if any(facts.attempts.get(_key(rung), -1) >= MOST_ATTEMPT for rung in wanted):
        return (
            f"a rung was named {MOST_ATTEMPT + 1} times at {facts.cycle.isoformat()}: wait for the next bar"
        )
    return None


def _proposed(facts: SymbolFacts, changes: OrderPlan, policy: TradingPolicy) -> tuple[PlannedEntry, ...]:
    """Closest rungs first, those that replace last: caps and permits go to what is most likely to fill."""
    created = [_entry(facts, rung, None, policy) for rung in changes.create]
    replaced = [
        _entry(facts, match.rung, match.entry.order.client_order_id, policy) for match in changes.replace
    ]
    return tuple(
        entry
        for entries in (created, replaced)
        for entry in sorted(entries, key=lambda each: (each.rung.level, each.rung.position_side))
    )


def _entry(facts: SymbolFacts, rung: Rung, replaces: str | None, policy: TradingPolicy) -> PlannedEntry:
    name = OrderName(
        kind=OrderKind.ENTRY,
        position_side=rung.position_side,
        level=rung.level,
        cycle=facts.cycle,
        attempt=facts.attempts.get(_key(rung), -1) + 1,
    )
    order = NewOrder(
        client_order_id=client_order_id(facts.book, name),
        symbol=facts.strategy.symbol,
        kind=OrderKind.ENTRY,
        side=opening_side(rung.position_side),
        position_side=rung.position_side,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTX if policy.sending.post_only else TimeInForce.GTC,
        quantity=rung.quantity,
        limit_price=rung.limit_price,
        stop_price=None,
    )
    return PlannedEntry(order=order, rung=rung, replaces=replaces)


def _closed(account: AccountFacts, now: datetime) -> bool:
    """Whether nothing may be left to rest: the gate is not ACTIVE now, or the circuit breaker is open."""
    decision, state = account.inputs.decision, account.inputs.state
    is_active = (
        decision is not None
        and decision.state is TradingState.ACTIVE
        and not decision.dormant
        and decision.decided_at <= now < decision.valid_until
    )
    return not is_active or (state is not None and breaker_is_open(state, now))


def _row(
    draft: _Draft,
    screened: Mapping[str, tuple[Veto, ...]],
    account: AccountFacts,
    policy: TradingPolicy,
    *,
    closed: bool,
    recorded_at: datetime,
) -> PlanRow:
    changes, decision, ladder = draft.changes, account.inputs.decision, draft.facts.ladder
    resting = {match.entry.order.client_order_id: match.rung.position_side for match in changes.keep}
    replaced = [match.entry.order.client_order_id for match in changes.replace]
    unwanted = [entry.order.client_order_id for entry in changes.cancel] + (list(resting) if closed else [])
    passed = [entry for entry in draft.proposed if entry.order.client_order_id not in screened]
    facts = _stress_facts(draft.facts, account, {*unwanted, *replaced}, policy)
    vetoes = dict(screened)
    for side in PositionSide:
        of_side = [entry for entry in passed if entry.rung.position_side is side]
        result = stressed(facts, side, of_side, policy.stress)
        if result.entries:
            vetoes |= {entry.order.client_order_id: result.entries for entry in of_side}
        if result.resting and not closed:
            unwanted += [kept for kept, kept_side in resting.items() if kept_side is side]
    entries = tuple(entry for entry in draft.proposed if entry.order.client_order_id not in vetoes)
    replacing = {entry.replaces for entry in entries}
    stamps = [stamp for stamp in (account.as_of, ladder.as_of if ladder else None) if stamp is not None]
    return PlanRow(
        account=account.account,
        symbol=draft.facts.strategy.symbol,
        recorded_at=recorded_at,
        as_of=min(stamps, default=None),
        cycle=draft.facts.cycle,
        decided_at=decision.decided_at if decision else None,
        keep=tuple(kept for kept in resting if kept not in unwanted),
        cancel=(*unwanted, *(order_id for order_id in replaced if order_id not in replacing)),
        waiting=tuple(entry.order.client_order_id for entry in changes.waiting),
        entries=entries,
        vetoed=tuple(
            VetoedEntry(entry=entry, vetoes=vetoes[entry.order.client_order_id])
            for entry in draft.proposed
            if entry.order.client_order_id in vetoes
        ),
        withheld=draft.withheld,
    )


def _stress_facts(
    facts: SymbolFacts, account: AccountFacts, leaving: set[str], policy: TradingPolicy
) -> StressFacts:
    inputs, symbol = account.inputs, facts.strategy.symbol
    instrument = next((each for each in inputs.instruments or () if each.symbol == symbol), None)
    return StressFacts(
        symbol=symbol,
        positions=inputs.positions,
        resting=tuple(
            order
            for order in inputs.resting or ()
            if order.symbol == symbol and order.client_order_id not in leaving
        ),
        intents=account.intents,
        mark_price=(inputs.mark_prices or {}).get(symbol),
        atr=facts.atr,
        totals=inputs.totals,
        drawdown=account.drawdown,
        brackets=facts.brackets,
        price_increment=instrument.price_increment if instrument else None,
        rest_stop_distance=policy.rest_stop_distance,
    )


def _key(rung: Rung) -> Key:
    return rung.position_side, rung.level
