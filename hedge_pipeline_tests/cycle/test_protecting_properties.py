"""Whatever fills, vanishes or dies, one protection cycle later every side has its exits, and the next changes nothing."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedge_pipeline.cycle.protecting import protect
from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.orders import KnownOrder, NewOrder
from hedge_pipeline.domain.trading.intents import Answered
from hedge_pipeline_tests.cycle.guarded import BTC, LONG, SHORT, ZERO, Guarded, guarded
from hedge_pipeline_tests.fakes_orders import MemoryOrderVenue

T = TypeVar("T")
SIDES = (LONG, SHORT)

quantities = st.sampled_from([Decimal(n) / 1000 for n in (1, 2, 3, 5)])
sides = st.sampled_from(SIDES)
happenings = st.one_of(
    st.tuples(st.just("enters"), st.integers(1, 4), quantities, sides),
    st.tuples(st.just("takes"), st.integers(1, 4), quantities, sides),
    st.tuples(st.just("fills"), st.integers(0, 20), quantities, sides),
    st.tuples(st.just("foreign"), st.just(0), quantities, sides),
    st.tuples(st.just("sells"), st.just(0), quantities, sides),
    st.tuples(st.just("liquidates"), st.just(0), quantities, sides),
    st.tuples(st.just("deleverages"), st.just(0), quantities, sides),
    st.tuples(st.just("expire"), st.just(0), quantities, sides),
    st.tuples(st.just("tick"), st.just(0), quantities, sides),
)


def happens(fund: Guarded, what: str, number: int, quantity: Decimal, held: PositionSide) -> None:
    if what == "enters":
        fund.enters(number, quantity, held)
    elif what == "takes":
        fund.takes(number, quantity, held)
    elif what == "fills":
        working = fund.book.working
        if working:
            order = working[number % len(working)]
            left = fund.book.held.get((BTC, order.position_side), ZERO)
            if not order.reduces_position or left > 0:
                fund.book.fill(
                    order.client_order_id, min(quantity, left) if order.reduces_position else quantity
                )
    elif what == "expire":
        for key, order in list(fund.book.orders.items()):
            if order.status.is_working and order.reduces_position and order.position_side is held:
                fund.book.orders[key] = replace(order, status=order.status.EXPIRED)
    elif what == "tick":
        fund.tick()
    else:
        names = {
            "foreign": "web_",
            "sells": "web_",
            "liquidates": "autoclose-",
            "deleverages": "adl_autoclose-",
        }
        fund.somebody(quantity if what == "foreign" else -quantity, held, names[what])


@pytest.mark.long
@pytest.mark.finding("X-19")
@settings(max_examples=40)
@given(story=st.lists(happenings, min_size=1, max_size=12))
def test_whatever_happens_every_side_has_its_exits_after_one_cycle(story: Sequence[Any]):
    with TemporaryDirectory() as home:
        fund = guarded(Path(home) / "fund")
        for happening in story:
            happens(fund, *happening)
        fund.tick()
        for held in SIDES:
            fund.is_covered(held)
        before, shape = fund.changes(), fund.shape()
        protect(fund.fund)
        cover = fund.tick()

        assert fund.changes() == before, "a second cycle changes nothing"
        assert fund.shape() == shape
        assert [side.unprotected_quantity for side in cover.sides] == [0] * len(cover.sides)
        fund.stage.close()


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Crashing(MemoryOrderVenue):
    """Its client dies at one request, before it leaves or after it was done."""

    dies_at: int | None = None
    before: bool = False

    def place(self, orders: Sequence[NewOrder], *, within: timedelta | None = None) -> tuple[Answered, ...]:
        return self._dying(lambda: super(Crashing, self).place(orders, within=within))

    def cancel(self, orders: Sequence[KnownOrder]) -> tuple[Answered, ...]:
        return self._dying(lambda: super(Crashing, self).cancel(orders))

    def look_up(self, client_order_id: str, symbol: str, *, conditional: bool) -> Answered:
        return self._dying(
            lambda: super(Crashing, self).look_up(client_order_id, symbol, conditional=conditional)
        )

    def set_countdown(self, symbol: str, countdown: timedelta) -> str | None:
        return self._dying(lambda: super(Crashing, self).set_countdown(symbol, countdown))

    def _dying(self, request: Callable[[], T]) -> T:
        if self.dies_at is None:
            return request()
        self.dies_at -= 1
        if self.dies_at >= 0:
            return request()
        self.dies_at = None
        if not self.before:
            request()
        raise Crash


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.finding("S3-HEDGE-3")
@settings(max_examples=25, deadline=None)
@given(
    story=st.lists(happenings, min_size=1, max_size=6),
    dies_at=st.integers(0, 6),
    before=st.booleans(),
    is_open=st.booleans(),
)
def test_a_crash_at_any_request_changes_nothing_of_the_book_that_is_reached(
    story: Sequence[Any], dies_at: int, *, before: bool, is_open: bool
):
    shapes = []
    for crashes in (False, True):
        with TemporaryDirectory() as home:
            stage = guarded(Path(home) / "fund")
            book = Crashing(clock=stage.stage.clock, before=before)
            stage.book, stage.fund = book, replace(stage.fund, orders=book)
            book.marks = stage.stage.venue.marks
            if is_open:
                stage.beats()
            for happening in story:
                happens(stage, *happening)
            if crashes:
                book.dies_at = dies_at
            with suppress(Crash):
                stage.tick()
            book.dies_at = None
            for _ in range(5):  # an exit that was stored and perhaps sent counts until it can arrive no more
                stage.tick(seconds=11)
            shapes.append(stage.shape())
            for held in SIDES:
                stage.is_covered(held)
            stage.stage.close()

    assert shapes[0] == shapes[1]
