"""Killed at any point, execution leaves nothing that it cannot find again: no order twice, none unknown for good."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, ParamSpec, TypeVar

import pytest

from hedge_pipeline.domain.orders import KnownOrder, NewOrder, OrderKind
from hedge_pipeline.domain.trading.intents import Answer, Answered
from hedge_pipeline.execution import cancel, reduce
from hedge_pipeline_tests.domain.trading_examples import LONG, SHORT
from hedge_pipeline_tests.examples import NOON
from hedge_pipeline_tests.execution.conftest import Stages
from hedge_pipeline_tests.execution.desks import STRATEGY, DeskStage
from hedge_pipeline_tests.fakes_orders import Fault, MemoryOrderVenue, no_fault

T = TypeVar("T")
Told = ParamSpec("Told")


class Killed(BaseException):
    """The process is gone; nothing catches it."""


@dataclass
class Life:
    """Ends at one of the moments that it counts."""

    ends_at: int | None
    moments: int = 0

    def moment(self) -> None:
        self.moments += 1
        if self.moments - 1 == self.ends_at:
            raise Killed


@dataclass
class MortalVenue:
    """The book, asked by a process that may die before it asks and before it hears."""

    book: MemoryOrderVenue
    life: Life

    def place(self, orders: Sequence[NewOrder], *, within: timedelta | None = None) -> tuple[Answered, ...]:
        return self._asked(self.book.place, orders, within=within)

    def cancel(self, orders: Sequence[KnownOrder]) -> tuple[Answered, ...]:
        return self._asked(self.book.cancel, orders)

    def look_up(self, client_order_id: str, symbol: str, *, conditional: bool) -> Answered:
        return self._asked(self.book.look_up, client_order_id, symbol, conditional=conditional)

    def set_countdown(self, symbol: str, countdown: timedelta) -> str | None:
        return self._asked(self.book.set_countdown, symbol, countdown)

    def _asked(self, request: Callable[Told, T], *told: Told.args, **named: Told.kwargs) -> T:
        self.life.moment()
        answer = request(*told, **named)
        self.life.moment()
        return answer


class MortalStore:
    """The store, written to by a process that may die before and after."""

    def __init__(self, store: Any, life: Life) -> None:
        self._store, self._life = store, life

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def append(self, *rows: object) -> None:
        self._life.moment()
        self._store.append(*rows)
        self._life.moment()


def lived(stage: DeskStage, life: Life, act: Callable[[DeskStage], object]) -> bool:
    """Whether it came to its end."""
    venue: Any = MortalVenue(stage.venue, life)
    store: Any = MortalStore(stage.store, life)
    mortal = replace(stage, desk=replace(stage.desk, venue=venue, store=store))
    try:
        act(mortal)
    except Killed:
        return False
    return True


def open_all(stage: DeskStage) -> None:
    stage.open([stage.entry(level, side) for side in (LONG, SHORT) for level in (1, 2, 3, 4, 5, 6)])


def open_with_retries_and_losses(stage: DeskStage) -> None:
    stage.venue.marks["BTCUSDT"] = Decimal("99499.8")
    lost = stage.entry(3, SHORT).order.client_order_id
    stage.venue.fault = lambda request, id_: Fault.ANSWER_LOST if (request, id_) == ("place", lost) else None
    stage.open([stage.entry(level, side) for side in (LONG, SHORT) for level in (1, 2, 3, 4)])


def replace_one(stage: DeskStage) -> None:
    first = stage.entry(1, attempt=7, price=Decimal(99_000))
    stage.open([first])
    stage.open([stage.entry(1, replaces=first.order.client_order_id), stage.entry(2)])


def exit_and_cancel(stage: DeskStage) -> None:
    stage.venue.held["BTCUSDT", LONG] = Decimal("0.01")
    orders = [
        stage.exit(OrderKind.STOP_LOSS, "0.01", 97_000),
        stage.exit(OrderKind.STOP_LOSS, None, 95_000, level=0),
        stage.exit(OrderKind.TAKE_PROFIT, "0.01", 101_000),
    ]
    reduce(
        stage.desk,
        orders,
        positions=stage.venue.positions,
        resting=stage.venue.working,
        strategy=STRATEGY,
        cycle=NOON,
    )
    cancel(stage.desk, stage.venue.working[1:])


ACTS = [open_all, open_with_retries_and_losses, replace_one, exit_and_cancel]


@pytest.mark.finding("S3-ERR-3")
@pytest.mark.parametrize("act", ACTS)
def test_killed_at_any_moment_it_leaves_no_duplicate_and_nothing_unknown(stages: Stages, act):
    whole = Life(ends_at=None)
    assert lived(stages(), whole, act)
    assert whole.moments > 6

    for ends_at in range(whole.moments):
        stage = stages()
        assert not lived(stage, Life(ends_at=ends_at), act)
        stage.venue.fault = no_fault
        _has_its_intents(stage)

        stage.clock.pass_by(60)
        stage.settle_what_is_unknown()

        listed = {order.client_order_id for order in stage.venue.working}
        assert set(stage.unsettled) == listed, "settled, or on the venue's list"
        _has_its_intents(stage)


@pytest.mark.finding("S3-ERR-3")
@pytest.mark.finding("X-18")
@pytest.mark.parametrize("act", ACTS[:3])
def test_the_same_run_again_after_a_kill_sends_no_id_twice(stages: Stages, act):
    """With nothing settled in between, and again once everything is."""
    whole = Life(ends_at=None)
    lived(stages(), whole, act)

    for ends_at in range(whole.moments):
        stage = stages()
        lived(stage, Life(ends_at=ends_at), act)
        act(stage)
        stage.venue.fault = no_fault
        stage.clock.pass_by(60)
        stage.settle_what_is_unknown()
        act(stage)

        _has_its_intents(stage)


def _has_its_intents(stage: DeskStage) -> None:
    """Each order that was ever sent was on record, and was sent once."""
    sent = [order.client_order_id for order in stage.venue.submitted]
    assert len(set(sent)) == len(sent)
    assert len(set(stage.venue.accepted)) == len(stage.venue.accepted)
    assert set(sent) <= {intent.client_order_id for intent in stage.intents}
    settled = {
        update.client_order_id
        for update in stage.updates
        if update.answer is Answer.ABSENT and update.settled
    }
    assert not settled & set(stage.venue.accepted)
