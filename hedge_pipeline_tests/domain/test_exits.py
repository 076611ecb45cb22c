"""Exits follow the position: stops cover it exactly, take-profits stay within it, whatever fills in whatever parts."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.client_order_ids import Book
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.exits import ExitPlan, ExitRule, exit_order, plan_exits
from hedge_pipeline.domain.lots import UNEXPLAINED, Lot, LotFill, open_lots
from hedge_pipeline.domain.orders import KnownOrder, OrderKind, OrderStatus, closing_side
from hedge_pipeline_tests.domain.order_examples import rests, stop, take_profit
from hedge_pipeline_tests.domain.trading_examples import CENTER, LONG, SHORT, START, instrument

BOOK = Book(store_id="0123456789abcdef", strategy="hedge_grid_v1", account="main", symbol="BTCUSDT")
RULE = ExitRule(crossed_stop_bps=Decimal(5), backstop_distance=Decimal("0.01"))
ENTRY, TAKE_PROFIT, STOP_LOSS = OrderKind.ENTRY, OrderKind.TAKE_PROFIT, OrderKind.STOP_LOSS
ZERO = Decimal(0)


def fill(
    kind: OrderKind, level: int, quantity: Any, held: PositionSide = LONG, center: Decimal = CENTER
) -> LotFill:
    """Of the documented grid: entries a step apart, take-profit 3 steps away and stop 5."""
    return LotFill(
        kind=kind,
        level=level,
        quantity=Decimal(quantity),
        take_profit_price=center - held.sign * 500 * (level - 3),
        stop_loss_price=center - held.sign * 500 * (level + 5),
    )


def rest(held: PositionSide = LONG) -> Lot:
    return Lot(
        level=UNEXPLAINED,
        quantity=Decimal(1),
        take_profit_price=CENTER + held.sign * 1500,
        stop_loss_price=CENTER - held.sign * 2500,
    )


@dataclass
class Venue:
    """One position side and the orders that rest for it; carries out plans as the executor does."""

    held: PositionSide = LONG
    position: Decimal = ZERO
    fills: list[LotFill] = field(default_factory=list)
    resting: list[KnownOrder] = field(default_factory=list)
    mark: Decimal | None = CENTER
    minimum: Decimal = Decimal(5)
    sent: int = 0

    def enters(self, level: int, quantity: Any, center: Decimal = CENTER) -> None:
        self.position += Decimal(quantity)
        self.fills.append(fill(ENTRY, level, quantity, self.held, center))

    def exits(self, order: KnownOrder, quantity: Decimal, kind: OrderKind, level: int) -> None:
        """Part of a resting exit fills."""
        self.position -= quantity
        self.fills.append(fill(kind, level, quantity, self.held))
        left = replace(
            order,
            filled_quantity=order.filled_quantity + quantity,
            status=OrderStatus.PARTIALLY_FILLED,
        )
        self.resting.remove(order)
        if left.remaining_quantity > 0:
            self.resting.append(left)

    def plan(self, **changes: Any) -> ExitPlan:
        facts: dict[str, Any] = {
            "position_side": self.held,
            "position_quantity": self.position,
            "lots": open_lots(self.fills),
            "rest": rest(self.held),
            "resting": self.resting,
            "book": BOOK,
            "instrument": instrument(minimum_notional_usd=self.minimum),
            "mark_price": self.mark,
            "rule": RULE,
        }
        return plan_exits(**{**facts, **changes})

    def carries_out(self, plan: ExitPlan) -> None:
        covered = self.position - self.position % Decimal("0.001")
        for wanted in plan.place_first:
            self._place(wanted)
        if plan.place_first or plan.keep:
            assert self.stops >= covered, "covered while others are replaced"
        for order in plan.cancel:
            self.resting.remove(order)
        for wanted in plan.place_last:
            if wanted.quantity is None:
                assert not self.backstops, "the venue holds one closing stop per side"
            self._place(wanted)
            assert self.take_profits <= self.position

    def settles(self) -> ExitPlan:
        plan = self.plan()
        self.carries_out(plan)
        return plan

    def _place(self, wanted: Any) -> None:
        self.sent += 1
        named = exit_order(wanted, BOOK, cycle=START + timedelta(minutes=self.sent), attempt=0)
        self.resting.append(rests(named))

    @property
    def stops(self) -> Decimal:
        return sum((each.remaining_quantity for each in self.resting if each.stop_price is not None), ZERO)

    @property
    def take_profits(self) -> Decimal:
        return sum((each.remaining_quantity for each in self.resting if each.stop_price is None), ZERO)

    @property
    def backstops(self) -> list[KnownOrder]:
        return [each for each in self.resting if each.stop_price is not None and each.quantity == 0]

    def holds(self) -> None:
        assert self.stops == self.position
        assert self.take_profits <= self.position
        assert len(self.backstops) == (1 if self.position else 0)
        assert all(each.side is closing_side(self.held) for each in self.resting)


def resting_prices(venue: Venue) -> list[tuple[str, Decimal, Decimal | None]]:
    return sorted(
        (each.order_type, each.quantity, each.limit_price or each.stop_price) for each in venue.resting
    )


@pytest.mark.parametrize(
    ("held", "take_profit_at", "stop_at", "backstop_at"),
    [(LONG, "101000", "97000", "96030"), (SHORT, "99000", "103000", "104030")],
)
def test_a_filled_rung_gets_its_exits_and_the_side_its_backstop(
    held: PositionSide, take_profit_at: str, stop_at: str, backstop_at: str
):
    venue = Venue(held=held)
    venue.enters(1, "0.002")
    venue.settles()

    assert resting_prices(venue) == [
        ("LIMIT", Decimal("0.002"), Decimal(take_profit_at)),
        ("STOP_MARKET", ZERO, Decimal(backstop_at)),
        ("STOP_MARKET", Decimal("0.002"), Decimal(stop_at)),
    ]


@pytest.mark.finding("X-19")
def test_a_second_part_of_the_same_rung_is_covered_too():
    venue = Venue()
    venue.enters(1, "0.001")
    venue.settles()
    venue.enters(1, "0.001")
    venue.settles()

    venue.holds()
    assert venue.stops == Decimal("0.002")


@pytest.mark.finding("X-19")
def test_a_moved_grid_leaves_every_exit_where_it_is():
    venue = Venue()
    venue.enters(1, "0.002")
    venue.settles()
    before = list(venue.resting)
    venue.enters(1, "0.002", center=Decimal(98_000))
    venue.settles()

    venue.holds()
    assert [each for each in before if each.quantity > 0] == [
        each for each in venue.resting if each in before and each.quantity > 0
    ]


@pytest.mark.parametrize("twin", [TAKE_PROFIT, STOP_LOSS])
def test_when_one_twin_fills_the_other_is_canceled(twin: OrderKind):
    venue = Venue()
    venue.enters(1, "0.002")
    venue.enters(2, "0.003")
    venue.settles()
    filled = next(
        each
        for each in venue.resting
        if each.quantity == Decimal("0.002") and (each.stop_price is not None) is (twin is STOP_LOSS)
    )
    venue.exits(filled, Decimal("0.002"), twin, 1)
    plan = venue.settles()

    assert [each.quantity for each in plan.cancel if each.quantity] == [Decimal("0.002")]
    venue.holds()


def test_a_closed_position_leaves_no_exit_behind():
    venue = Venue()
    venue.enters(1, "0.002")
    venue.settles()
    venue.position = ZERO
    venue.settles()

    assert venue.resting == []


def test_what_a_person_bought_is_covered_and_what_a_person_sold_is_not():
    venue = Venue()
    venue.enters(1, "0.002")
    venue.position += Decimal("0.005")
    venue.settles()
    venue.holds()
    venue.position -= Decimal("0.006")
    venue.settles()
    venue.holds()


def test_orders_of_others_are_left_and_leave_less_to_our_take_profits():
    venue = Venue()
    venue.enters(1, "0.002")
    venue.enters(2, "0.003")
    theirs = [
        rests(take_profit("0.002"), client_order_id="web_1"),
        rests(stop("0.005"), client_order_id="web_2"),
    ]
    venue.resting = list(theirs)
    plan = venue.plan()

    assert plan.cancel == ()
    placed = [*plan.place_first, *plan.place_last]
    assert sum((each.quantity or ZERO for each in placed if each.kind is STOP_LOSS), ZERO) == Decimal("0.005")
    assert sum((each.quantity or ZERO for each in placed if each.kind is TAKE_PROFIT), ZERO) <= Decimal(
        "0.003"
    )


def test_exits_of_the_other_side_and_of_other_symbols_are_not_looked_at():
    short = Venue(held=SHORT)
    short.enters(1, "0.002")
    short.settles()
    elsewhere = replace(short.resting[0], symbol="ETHUSDT", position_side=LONG, side=closing_side(LONG))
    plan = Venue(resting=[*short.resting, elsewhere]).plan()

    assert plan.changes_nothing


def test_an_exit_whose_id_cannot_be_read_is_canceled():
    venue = Venue()
    venue.enters(1, "0.002")
    venue.settles()
    garbled = replace(venue.resting[0], client_order_id=venue.resting[0].client_order_id[:-1])
    venue.resting.append(garbled)

    assert venue.plan().cancel == (garbled,)


def test_an_exit_not_acknowledged_is_not_sent_again():
    venue = Venue()
    venue.enters(1, "0.002")
    venue.settles()
    venue.resting = [replace(each, status=OrderStatus.PENDING) for each in venue.resting]

    assert venue.plan().changes_nothing


@pytest.mark.parametrize(
    ("held", "mark", "price"), [(LONG, "96900", "96851.5"), (SHORT, "103100", "103151.6")]
)
def test_a_stop_that_mark_has_passed_goes_a_little_behind_it(held: PositionSide, mark: str, price: str):
    venue = Venue(held=held, mark=Decimal(mark))
    venue.enters(1, "0.002")

    assert [each.price for each in venue.plan().place_first] == [Decimal(price)]
    wider = replace(RULE, crossed_stop_bps=Decimal(50))
    (moved,) = venue.plan(rule=wider).place_first
    assert (Decimal(price) - moved.price) * held.sign > 0


def test_a_stop_behind_mark_does_not_run_away_from_it():
    venue = Venue(mark=Decimal(96_900))
    venue.enters(1, "0.002")
    venue.settles()
    venue.mark = Decimal(96_860)

    assert venue.plan().changes_nothing
    venue.mark = Decimal(96_950)
    (closer,) = venue.plan().place_first
    assert closer.price > Decimal("96851.5")


def test_without_a_mark_stops_are_placed_where_they_belong():
    venue = Venue(mark=None)
    venue.enters(1, "0.002")

    assert [each.price for each in venue.plan().place_first] == [Decimal(97_000)]


def test_a_position_too_small_for_any_order_has_its_backstop():
    venue = Venue()
    venue.enters(1, "0.0004")
    plan = venue.settles()

    assert plan.place_first == ()
    assert (len(venue.backstops), venue.take_profits) == (1, ZERO)


@pytest.mark.parametrize("quantity", ["-1", "NaN", "Infinity"])
def test_exits_are_not_planned_for_what_is_no_position(quantity: str):
    with pytest.raises(InvalidState, match="not a quantity"):
        Venue(position=Decimal(quantity)).plan()


def test_exits_are_not_planned_by_another_symbols_increments():
    with pytest.raises(InvalidState, match="planned by ETHUSDT"):
        Venue().plan(instrument=instrument(symbol="ETHUSDT"))


@pytest.mark.parametrize(
    "changes",
    [
        {"crossed_stop_bps": Decimal(0)},
        {"crossed_stop_bps": Decimal(1001)},
        {"backstop_distance": Decimal(0)},
        {"backstop_distance": Decimal(1)},
        {"backstop_distance": Decimal("NaN")},
    ],
)
def test_a_rule_out_of_range_is_refused(changes: dict[str, Any]):
    with pytest.raises(InvalidState, match="exits"):
        replace(RULE, **changes)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["enter", "recenter", "exit", "person", "mark", "restart"]),
        st.integers(1, 8),
        st.integers(1, 9),
    ),
    max_size=12,
)


def happens(venue: Venue, what: str, level: int, thousandths: int) -> None:
    quantity = Decimal(thousandths) / 1000
    if what == "enter":
        venue.enters(level, quantity)
    elif what == "recenter":
        venue.enters(level, quantity, center=CENTER + 300 * level)
    elif what == "person":
        venue.position = max(ZERO, venue.position + (quantity if level % 2 else -quantity))
    elif what == "mark":
        venue.mark = None if level == 8 else CENTER + 1000 * (thousandths - 5)
    elif what == "restart":
        venue.fills = []
    elif filling := [each for each in venue.resting if each.remaining_quantity > 0]:
        order = filling[level % len(filling)]
        kind = TAKE_PROFIT if order.stop_price is None else STOP_LOSS
        venue.exits(order, min(quantity, order.remaining_quantity, venue.position), kind, level)


@pytest.mark.finding("X-19")
@given(STEPS, st.sampled_from(PositionSide), st.sampled_from([5, 250, 600]))
def test_after_any_sequence_of_partial_fills_exits_cover_the_position_exactly(
    steps: list[tuple[str, int, int]], held: PositionSide, minimum: int
):
    venue = Venue(held=held, minimum=Decimal(minimum))
    for what, level, thousandths in steps:
        happens(venue, what, level, thousandths)
        venue.settles()

        venue.holds()
        assert venue.plan().changes_nothing


@pytest.mark.finding("X-19")
@given(STEPS, st.sampled_from(PositionSide))
def test_exits_catch_up_with_everything_that_happened_meanwhile(
    steps: list[tuple[str, int, int]], held: PositionSide
):
    venue = Venue(held=held)
    for what, level, thousandths in steps:
        happens(venue, what, level, thousandths)
    venue.settles()

    venue.holds()
