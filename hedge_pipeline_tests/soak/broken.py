"""Funds broken on purpose, one part each: what the soak has to find, or it proves nothing."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

from hedge_pipeline.adapters.ccxt_venue import order_params
from hedge_pipeline.cycle import desks, executing, protecting, trading_facts
from hedge_pipeline.cycle.covering import Coverer
from hedge_pipeline.cycle.judging import judge
from hedge_pipeline.domain.reconciliation import sort_orders
from hedge_pipeline.domain.trading import planning
from hedge_pipeline.domain.trading.intents import Intent
from hedge_pipeline.domain.trading.policy import TradingPolicy
from hedge_pipeline.domain.verdicts import GateDecision, TradingState
from tools import soak_stage
from tools.soak_points import Written

Break = Callable[[ExitStack], object]


def _patched(target: object, name: str, value: object) -> Break:
    return lambda stack: stack.enter_context(mock.patch.object(target, name, value))


def _gate_ignored(stack: ExitStack) -> None:
    """Whatever is judged, the strategy takes it for ACTIVE and reads no journal."""

    def always(fund: Any, *rest: Any, **named: Any) -> GateDecision:
        decision = judge(fund, *rest, **named)
        later = decision.decided_at + timedelta(hours=1)
        return replace(decision, state=TradingState.ACTIVE, breaches=(), valid_until=later)

    for module in (executing, trading_facts):
        stack.enter_context(mock.patch.object(module, "judge", always))
    stack.enter_context(mock.patch.object(desks, "_open_incidents", return_value=()))


def _writes(changed: Callable[[str, tuple[Any, ...]], tuple[Any, ...]]) -> Break:
    """A state store to which other rows are given than were meant."""
    reach = Written.__getattr__

    def found(store: Written, name: str) -> Any:
        write = reach(store, name)
        if not name.startswith("append"):
            return write
        return lambda *rows, **named: write(*changed(name, rows), **named)

    return _patched(Written, "__getattr__", found)


def _no_intents(name: str, rows: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(row for row in rows if not isinstance(row, Intent))


def _half_the_fills(name: str, rows: tuple[Any, ...]) -> tuple[Any, ...]:
    return ([fill for fill in rows[0] if int(fill.fill_id) % 2],) if name == "append_new_fills" else rows


def _told_of_no_caps(policy: TradingPolicy) -> TradingPolicy:
    (strategy,), (symbol,) = policy.strategies, policy.limits.symbols
    shape = replace(strategy.shape, base_quantity=Decimal("0.010"))
    limits = replace(policy.limits, symbols=(replace(symbol, max_side_quantity=Decimal(1)),))
    return replace(policy, strategies=(replace(strategy, shape=shape),), limits=limits)


def _off_the_grid(stack: ExitStack) -> None:
    written = order_params._plain
    stack.enter_context(
        mock.patch.object(order_params, "_plain", lambda amount: written(amount + Decimal("0.0005")))
    )


BROKEN: dict[str, tuple[str, Break]] = {
    "stops are never placed": (
        "stops cover the position exactly",
        _patched(Coverer, "_place", lambda *_: []),
    ),
    "entries stay behind a closed gate": (
        "no opening order rests behind a closed gate",
        _patched(protecting._Cycle, "_cancel_entries", lambda *_: False),
    ),
    "the countdown is never armed": (
        "the countdown runs where an opening order rests",
        _patched(protecting, "arm", lambda *_: None),
    ),
    "anybody's orders are canceled": (
        "no foreign order is touched",
        _patched(
            protecting,
            "unwanted_entries",
            lambda orders, *_, **__: tuple(order for order in orders if not order.reduces_position),
        ),
    ),
    "the gate is not asked": ("no opening order is sent under a closed gate", _gate_ignored),
    "what rests is not seen": (
        "one live order per side and level",
        _patched(planning, "sort_orders", lambda orders, book, sort=sort_orders: sort((), book)),
    ),
    "caps are not told": (
        "exposure stays below its caps",
        _patched(soak_stage, "as_told", _told_of_no_caps),
    ),
    "nobody looks for lost orders": (
        "what became of every order is learned",
        _patched(protecting._Cycle, "_look_up", lambda *_: None),
    ),
    "intents are not stored": ("every order is stored before it is sent", _writes(_no_intents)),
    "half of the fills are not stored": ("the ledger has every fill", _writes(_half_the_fills)),
    "prices and quantities lie between the increments": ("every order fits its instrument", _off_the_grid),
}


@contextmanager
def broken(name: str) -> Iterator[None]:
    with ExitStack() as stack:
        BROKEN[name][1](stack)
        yield
