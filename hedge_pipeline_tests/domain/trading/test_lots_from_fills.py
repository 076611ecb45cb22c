"""What the ledger says a position was entered by, whoever executed."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.client_order_ids import Book, OrderName, client_order_id
from hedge_pipeline.domain.lots import UNEXPLAINED
from hedge_pipeline.domain.orders import OrderKind, closing_side, opening_side
from hedge_pipeline.domain.trading.exit_cover import Adoption
from hedge_pipeline.domain.trading.intents import Intent
from hedge_pipeline.domain.trading.lots_from_fills import Explained, explained, since_flat
from hedge_pipeline.domain.trading.readings import FillOrigin, LedgerFill
from hedge_pipeline_tests.domain.order_examples import entry
from hedge_pipeline_tests.domain.trading_examples import CENTER, LONG, SHORT, START

BOOK = Book(store_id="a store", strategy="hedge_grid_v1", account="main", symbol="BTCUSDT")
SECOND = timedelta(seconds=1)
ENTRY, TAKE_PROFIT, STOP_LOSS = OrderKind.ENTRY, OrderKind.TAKE_PROFIT, OrderKind.STOP_LOSS


class Ledger:
    """Fills of one symbol, and the intents behind them."""

    def __init__(self, held: PositionSide = LONG) -> None:
        self.held = held
        self.fills: list[LedgerFill] = []
        self.intents: dict[str, Intent] = {}

    def ours(self, kind: OrderKind, level: int, quantity: Any, *, journaled: bool = True) -> None:
        cycle = START + len(self.fills) * SECOND
        name = OrderName(kind=kind, position_side=self.held, level=level, cycle=cycle, attempt=0)
        order_id = client_order_id(BOOK, name)
        if kind is ENTRY and journaled:
            self.intents[order_id] = self._intent(order_id, level)
        self._add(Decimal(quantity), order_id, FillOrigin.OURS, opens=kind is ENTRY)

    def others(self, quantity: Any, origin: FillOrigin = FillOrigin.FOREIGN) -> None:
        """Above 0 opens, below 0 closes."""
        change = Decimal(quantity)
        self._add(abs(change), None if origin is FillOrigin.UNKNOWN else "web_1", origin, opens=change > 0)

    def told(self, **facts: Any) -> Explained:
        given: dict[str, Any] = {
            "position_side": self.held,
            "book": BOOK,
            "intent_of": self.intents.get,
            "adoption": None,
            "sent_here": True,
        }
        return explained(self.fills, **{**given, **facts})

    def lots(self, **facts: Any) -> list[tuple[int, Decimal]]:
        return [(lot.level, lot.quantity) for lot in self.told(**facts).lots]

    def _intent(self, order_id: str, level: int) -> Intent:
        return Intent(
            account="main",
            client_order_id=order_id,
            symbol="BTCUSDT",
            strategy="hedge_grid_v1",
            recorded_at=START,
            cycle=START,
            decided_at=START,
            order=entry(held=self.held),
            take_profit_price=CENTER - self.held.sign * 500 * (level - 3),
            stop_loss_price=CENTER - self.held.sign * 500 * (level + 5),
        )

    def _add(self, quantity: Decimal, order_id: str | None, origin: FillOrigin, *, opens: bool) -> None:
        number = len(self.fills) + 1
        self.fills.append(
            LedgerFill(
                account="main",
                symbol="BTCUSDT",
                fill_id=str(number),
                venue_order_id=str(number),
                side=opening_side(self.held) if opens else closing_side(self.held),
                position_side=self.held,
                price=CENTER,
                quantity=quantity,
                realized_pnl=Decimal(0),
                commission=Decimal(0),
                commission_asset="USDT",
                maker=True,
                filled_at=START + number * SECOND,
                recorded_at=START + number * SECOND,
                client_order_id=order_id,
                origin=origin,
            )
        )


def adoption(*, adopted: bool, long_quantity: Any = 1, short_quantity: Any = 0, after: int = 0) -> Adoption:
    return Adoption(
        account="main",
        symbol="BTCUSDT",
        recorded_at=START,
        adopted=adopted,
        long_quantity=Decimal(long_quantity),
        short_quantity=Decimal(short_quantity),
        fills_before=START + after * SECOND,
        actor="ana",
        reason="a test",
    )


@pytest.mark.finding("X-19")
@pytest.mark.parametrize("held", [LONG, SHORT])
def test_parts_of_a_rung_are_one_lot_at_its_own_prices(held: PositionSide):
    ledger = Ledger(held)
    ledger.ours(ENTRY, 1, "0.001")
    ledger.ours(ENTRY, 2, "0.003")
    ledger.ours(ENTRY, 1, "0.002")
    told = ledger.told()

    assert [(lot.level, lot.quantity) for lot in told.lots] == [(1, Decimal("0.003")), (2, Decimal("0.003"))]
    assert told.lots[0].stop_loss_price == CENTER - held.sign * 3000
    assert told.is_ours


@pytest.mark.parametrize("kind", [TAKE_PROFIT, STOP_LOSS])
def test_an_exit_takes_its_own_lot(kind: OrderKind):
    ledger = Ledger()
    ledger.ours(ENTRY, 1, "0.002")
    ledger.ours(ENTRY, 2, "0.003")
    ledger.ours(kind, 2, "0.001")

    assert ledger.lots() == [(1, Decimal("0.002")), (2, Decimal("0.002"))]


def test_an_exit_of_two_lots_that_were_joined_takes_both():
    ledger = Ledger()
    ledger.ours(ENTRY, 1, "0.002")
    ledger.ours(ENTRY, 2, "0.001")
    ledger.ours(TAKE_PROFIT, 1, "0.003")

    assert ledger.lots() == []


def test_somebody_elses_close_takes_what_is_theirs_then_the_furthest_stops():
    ledger = Ledger()
    ledger.ours(ENTRY, 1, "0.002")
    ledger.ours(ENTRY, 3, "0.003")
    ledger.others("0.001")
    ledger.others("-0.002")

    assert ledger.lots() == [(1, Decimal("0.002")), (3, Decimal("0.002"))]
    assert ledger.told().quantity == Decimal("0.004")


@pytest.mark.parametrize("origin", [FillOrigin.FOREIGN, FillOrigin.LIQUIDATION, FillOrigin.DELEVERAGING])
def test_a_position_that_was_flat_owes_nothing_to_what_was_before(origin: FillOrigin):
    ledger = Ledger()
    ledger.ours(ENTRY, 1, "0.002")
    ledger.others("-0.002", origin)
    assert ledger.told() == Explained(lots=(), quantity=Decimal(0), left_alone=Decimal(0), is_ours=False)

    ledger.ours(ENTRY, 2, "0.003")
    assert ledger.lots() == [(2, Decimal("0.003"))]


def test_the_stop_that_closes_everything_takes_every_lot():
    ledger = Ledger()
    ledger.ours(ENTRY, 1, "0.002")
    ledger.ours(ENTRY, 2, "0.003")
    ledger.ours(STOP_LOSS, 0, "0.005")

    assert ledger.told().quantity == 0
    assert ledger.lots() == []


def test_what_somebody_else_entered_is_ours_to_close_only_beside_fills_of_ours():
    ledger = Ledger()
    ledger.others("0.002")
    assert not ledger.told().is_ours
    ledger.ours(ENTRY, 1, "0.001")

    assert ledger.told().is_ours
    assert ledger.lots() == [(1, Decimal("0.001"))]


def test_a_fill_of_unknown_origin_is_ours_where_we_have_sent():
    ledger = Ledger()
    ledger.others("0.002", FillOrigin.UNKNOWN)

    assert ledger.told(sent_here=True).is_ours
    assert not ledger.told(sent_here=False).is_ours


def test_an_entry_whose_intent_is_lost_is_ours_and_explains_no_rung():
    ledger = Ledger()
    ledger.ours(ENTRY, 1, "0.002", journaled=False)
    told = ledger.told()

    assert (told.lots, told.quantity, told.is_ours) == ((), Decimal("0.002"), True)


def test_what_was_adopted_is_ours_and_explained_by_nobody():
    told = Ledger().told(adoption=adoption(adopted=True))

    assert (told.lots, told.quantity, told.left_alone, told.is_ours) == ((), Decimal(1), Decimal(0), True)


def test_what_was_refused_is_left_alone_until_it_is_closed():
    ledger = Ledger()
    ledger.ours(ENTRY, 1, "0.002")
    assert ledger.told(adoption=adoption(adopted=False)).left_alone == Decimal(1)

    ledger.others("-0.4")
    assert ledger.told(adoption=adoption(adopted=False)).left_alone == Decimal("0.6")
    ledger.ours(TAKE_PROFIT, 1, "0.002")
    told = ledger.told(adoption=adoption(adopted=False))
    assert (told.lots, told.left_alone) == ((), Decimal("0.6"))


def test_fills_up_to_an_adoption_are_part_of_what_was_found():
    ledger = Ledger()
    ledger.ours(ENTRY, 1, "0.002")
    ledger.ours(ENTRY, 2, "0.003")

    assert ledger.lots(adoption=adoption(adopted=True, after=1)) == [(2, Decimal("0.003"))]


def test_an_adoption_says_nothing_of_the_side_on_which_it_found_nothing():
    ledger = Ledger(SHORT)
    ledger.ours(ENTRY, 1, "0.002")

    assert ledger.lots(adoption=adoption(adopted=False, after=9)) == [(1, Decimal("0.002"))]


def test_while_fills_cannot_be_read_what_they_do_not_tell_is_not_left_uncovered():
    ledger = Ledger()
    ledger.others("0.002")
    told = ledger.told()

    assert told.with_unread_fills(Decimal("0.002")) == told
    more = told.with_unread_fills(Decimal("0.005"))
    assert (more.is_ours, more.left_alone) == (True, Decimal("0.002"))


def test_fills_of_the_other_side_are_not_looked_at():
    ledger = Ledger(SHORT)
    ledger.ours(ENTRY, 1, "0.002")

    assert ledger.told(position_side=LONG).quantity == 0


quantities = st.integers(1, 5).map(lambda n: Decimal(n) / 1000)
steps = st.lists(
    st.one_of(
        st.tuples(st.just(ENTRY), st.integers(1, 4), quantities),
        st.tuples(
            st.sampled_from([TAKE_PROFIT, STOP_LOSS]), st.sampled_from([0, 1, 2, 3, UNEXPLAINED]), quantities
        ),
        st.tuples(st.just("others"), st.sampled_from([1, -1]), quantities),
    ),
    max_size=25,
)


@given(story=steps, held=st.sampled_from([LONG, SHORT]))
def test_the_parts_add_up_to_what_the_fills_add_up_to(story: Sequence[Any], held: PositionSide):
    ledger, total, flat_at = Ledger(held), Decimal(0), 0
    for what, number, quantity in story:
        if what == "others":
            change = max(number * quantity, -total)
            if change:
                ledger.others(change)
        elif what is ENTRY:
            change = quantity
            ledger.ours(ENTRY, number, change)
        else:
            change = -min(quantity, total)
            if change:
                ledger.ours(what, number, -change)
        total += change
        if total == 0:
            flat_at = len(ledger.fills)
    told = ledger.told()

    assert told.quantity == total
    assert sum((lot.quantity for lot in told.lots), Decimal(0)) <= total
    recent = since_flat(ledger.fills[::-1], held, total)
    assert recent is not None
    assert list(recent) == ledger.fills[flat_at:]
    ledger.fills = list(recent)
    assert ledger.told() == told


def test_without_an_instant_at_which_it_was_flat_there_is_no_short_cut():
    ledger = Ledger()
    ledger.ours(ENTRY, 1, "0.002")

    assert since_flat(ledger.fills, LONG, Decimal("0.005")) is None
