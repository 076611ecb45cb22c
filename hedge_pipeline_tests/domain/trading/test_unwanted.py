"""Which resting orders have to go, and whose they are."""

from dataclasses import replace
from functools import partial

import pytest

from hedge_pipeline.domain.client_order_ids import Book, OrderName, client_order_id
from hedge_pipeline.domain.orders import KnownOrder, OrderKind, OrderStatus
from hedge_pipeline.domain.trading.fill_origins import origin_of
from hedge_pipeline.domain.trading.readings import FillOrigin
from hedge_pipeline.domain.trading.unwanted import opening_orders, orders_of_a_second_trader, unwanted_entries
from hedge_pipeline_tests.domain.order_examples import entry, rests, stop, take_profit
from hedge_pipeline_tests.domain.trading_examples import LONG, SHORT, START

BOOK = Book(store_id="a store", strategy="hedge_grid_v1", account="main", symbol="BTCUSDT")


def book_of(symbol: str) -> Book:
    return replace(BOOK, symbol=symbol)


def named(order: KnownOrder, book: Book = BOOK) -> KnownOrder:
    name = OrderName(kind=OrderKind.ENTRY, position_side=LONG, level=1, cycle=START, attempt=0)
    return replace(order, client_order_id=client_order_id(book, name))


OURS = named(rests(entry()))
OTHER_BOOK = named(rests(entry()), replace(BOOK, strategy="the one before"))
OTHER_STORE = named(rests(entry()), replace(BOOK, store_id="another store"))
FOREIGN = rests(entry(client_order_id="web_1"))
EXITS = (named(rests(stop())), named(rests(stop(None))), named(rests(take_profit())))
EVERYTHING = (OURS, OTHER_BOOK, OTHER_STORE, FOREIGN, *EXITS)
unwanted = partial(unwanted_entries, book_of=book_of, traded=["BTCUSDT"])


def test_behind_a_closed_gate_every_opening_order_of_this_store_goes_and_nothing_else():
    assert unwanted(EVERYTHING, closed="halted") == (OURS, OTHER_BOOK)


def test_behind_an_open_gate_what_no_strategy_looks_after_goes():
    assert unwanted(EVERYTHING, closed=None) == (OTHER_BOOK,)
    assert unwanted_entries(EVERYTHING, book_of, traded=[], closed=None) == (OURS, OTHER_BOOK)


@pytest.mark.parametrize("status", OrderStatus, ids=str)
def test_an_order_that_may_still_fill_goes_acknowledged_or_not(status: OrderStatus):
    order = replace(OURS, status=status)

    assert (unwanted([order], closed="halted") == (order,)) is status.is_working
    assert (opening_orders([order], book_of) == (order,)) is status.is_working


def test_an_order_of_ours_whose_id_is_damaged_goes_too():
    damaged = replace(OURS, client_order_id=OURS.client_order_id[:-3] + "zzz")

    assert unwanted([damaged], closed="halted") == (damaged,)


def test_short_entries_open_as_long_ones_do():
    order = named(rests(entry(held=SHORT)))

    assert unwanted([order], closed="halted") == (order,)


def test_a_second_trader_is_another_store_in_our_form():
    assert orders_of_a_second_trader(EVERYTHING, book_of) == (OTHER_STORE,)


@pytest.mark.parametrize(
    ("client_order_id", "origin"),
    [
        (None, FillOrigin.UNKNOWN),
        (OURS.client_order_id, FillOrigin.OURS),
        (OTHER_BOOK.client_order_id, FillOrigin.OURS),
        (OTHER_STORE.client_order_id, FillOrigin.OTHER_STORE),
        ("web_1", FillOrigin.FOREIGN),
        ("autoclose-12345", FillOrigin.LIQUIDATION),
        ("adl_autoclose", FillOrigin.DELEVERAGING),
        ("adl_autoclose-12", FillOrigin.DELEVERAGING),
        ("settlement_autoclose-1", FillOrigin.SETTLEMENT),
        ("my-autoclose-1", FillOrigin.FOREIGN),
    ],
)
def test_a_fill_tells_by_the_id_of_its_order_whose_it_was(client_order_id: str | None, origin: FillOrigin):
    assert origin_of(client_order_id, BOOK) is origin
