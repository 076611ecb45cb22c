"""An order's name is a pure function of what it is, and tells whose it is."""

import re
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.client_order_ids import (
    MOST_ATTEMPT,
    MOST_LEVEL,
    MOST_REMEMBERED,
    Book,
    OrderName,
    Owner,
    client_order_id,
    kind_of,
    recognize,
)
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.orders import OrderKind
from hedge_pipeline_tests.domain.trading_examples import LONG, SHORT

BOOK = Book(store_id="0123456789abcdef", strategy="hedge_grid_v1", account="main", symbol="BTCUSDT")
NAME = OrderName(
    kind=OrderKind.ENTRY,
    position_side=LONG,
    level=3,
    cycle=datetime(2026, 11, 20, 13, tzinfo=UTC),
    attempt=0,
)
VENUES_RULE = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")

names = st.builds(
    OrderName,
    kind=st.sampled_from(OrderKind),
    position_side=st.sampled_from([LONG, SHORT]),
    level=st.integers(0, MOST_LEVEL),
    cycle=st.integers(0, 10**10).map(
        lambda seconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    ),
    attempt=st.integers(0, MOST_ATTEMPT),
)
words = st.text(min_size=1, max_size=40)
books = st.builds(Book, store_id=words, strategy=words, account=words, symbol=words)


def test_an_id_is_the_same_in_every_process_and_release():
    """Changing the form orphans every order that rests: this text is on the venue's books."""
    assert client_order_id(BOOK, NAME) == "hp-t6pvcepx-yuxphcm-el003-0tosxg0-00"


@given(books, names)
def test_what_an_order_is_for_is_told_without_knowing_its_book(book: Book, name: OrderName):
    text = client_order_id(book, name)

    assert kind_of(text) is name.kind
    assert kind_of(text[:-1]) is None
    assert kind_of("web_" + text) is None


@pytest.mark.finding("S3-HEDGE-3")
@given(books, names)
def test_an_id_is_read_back_as_it_was_written_and_the_venue_takes_it(book: Book, name: OrderName):
    text = client_order_id(book, name)

    assert VENUES_RULE.fullmatch(text)
    assert text == text.lower()
    recognized = recognize(text, book)
    assert (recognized.owner, recognized.name) == (Owner.OURS, name)


@given(names, names)
def test_two_orders_of_a_book_share_an_id_only_if_they_are_one(one: OrderName, other: OrderName):
    assert (client_order_id(BOOK, one) == client_order_id(BOOK, other)) is (one == other)


@given(books, books)
def test_two_books_share_an_id_only_if_they_are_one(one: Book, other: Book):
    assert (client_order_id(one, NAME) == client_order_id(other, NAME)) is (one == other)


@pytest.mark.parametrize("field", [field.name for field in fields(Book)])
def test_each_part_of_a_book_makes_another_id(field: str):
    other = replace(BOOK, **{field: getattr(BOOK, field) + "2"})
    text = client_order_id(other, NAME)

    assert text != client_order_id(BOOK, NAME)
    owner = Owner.OTHER_STORE if field == "store_id" else Owner.OTHER_BOOK
    assert (recognize(text, BOOK).owner, recognize(text, BOOK).name) == (owner, None)


def test_names_do_not_run_into_each_other():
    one, other = (
        replace(BOOK, strategy="grid", account="a_main"),
        replace(BOOK, strategy="grida", account="_main"),
    )

    assert client_order_id(one, NAME) != client_order_id(other, NAME)


@given(st.text(max_size=40))
def test_any_text_has_an_owner(text: str):
    assert recognize(text, BOOK).owner is (
        Owner.FOREIGN if not re.match(r"hp-[a-z2-7]{8}-[a-z2-7]{7}-", text) else Owner.OTHER_STORE
    )


@pytest.mark.parametrize(
    "text", ["", "web_abc", "x-cvBPrNm9aabbcc", "HG1-LONG-01-1", "hp", "hp-t6pvcepx", "autoclose-1"]
)
def test_what_is_not_in_our_form_is_foreign(text: str):
    assert recognize(text, BOOK).owner is Owner.FOREIGN


@pytest.mark.finding("S3-QUAL-4")
@pytest.mark.parametrize(
    "rest",
    [
        "",
        "el003-0tosxg0",
        "el003-0tosxg0-00-",
        "el003-0tosxg0-00\n",
        "xl003-0tosxg0-00",
        "el3-0tosxg0-00",
        "EL003-0TOSXG0-00",
        "el003-0tosxg0-0١",
        "el003-0tos_g0-00",
    ],
)
def test_an_id_of_ours_that_cannot_be_read_is_ours_without_a_name(rest: str):
    text = client_order_id(BOOK, NAME)[:-16] + rest
    recognized = recognize(text, BOOK)

    assert (recognized.owner, recognized.name) == (Owner.OURS, None)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"level": -1}, "level"),
        ({"level": 1000}, "level"),
        ({"attempt": -1}, "attempt"),
        ({"attempt": 100}, "attempt"),
        ({"cycle": datetime(1969, 12, 31, tzinfo=UTC)}, "cycle"),
        ({"cycle": datetime(2026, 11, 20)}, "cycle"),  # noqa: DTZ001 that is the point
        ({"cycle": datetime(2026, 11, 20, microsecond=1, tzinfo=UTC)}, "cycle"),
    ],
)
def test_what_an_id_cannot_hold_is_refused_and_not_cut_off(changes: dict[str, Any], told: str):
    with pytest.raises(InvalidState, match=told):
        replace(NAME, **changes)


def test_a_cycle_beyond_the_ids_digits_is_refused():
    with pytest.raises(InvalidState, match="too far in the future"):
        client_order_id(BOOK, replace(NAME, cycle=datetime(9999, 12, 31, tzinfo=UTC)))


@pytest.mark.parametrize("field", [field.name for field in fields(Book)])
def test_a_book_without_a_name_tells_nothing_apart(field: str):
    with pytest.raises(InvalidState, match=f"{field} is empty"):
        replace(BOOK, **{field: ""})


@pytest.mark.finding("S3-PERF-R")
def test_what_is_remembered_of_ids_is_bounded():
    for number in range(MOST_REMEMBERED + 500):
        recognize(f"web_{number}", BOOK)

    assert recognize.cache_info().currsize == MOST_REMEMBERED
