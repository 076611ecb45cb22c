"""Client order ids: our name for an order, a pure function of what the order is.

The same order has the same id in every process and after every crash, so that a submission whose answer was lost is looked up,
never guessed or repeated. The id tells whose an order is: an order in our form that another store made shows a second
deployment on the account, and one of another book (strategy, account, symbol) is not ours to touch.

``hp-ssssssss-bbbbbbb-el012-ttttttt-nn``, 36 characters: 8 of a digest of the store id, 7 of a digest of the book, kind and
position side, level, cycle in seconds since 1970 in base 36, attempt. Kind, side, level, cycle and attempt are told apart
always; store and book as far as 40 and 35 bits of SHA-256 go. Lower case only: no venue's folding of case can join two.
"""

import hashlib
import re
from base64 import b32encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.orders import OrderKind

MOST_LEVEL = 999
MOST_ATTEMPT = 99
MOST_REMEMBERED = 1000
_CYCLE_DIGITS = 7
_BASE_36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_KINDS = {OrderKind.ENTRY: "e", OrderKind.TAKE_PROFIT: "t", OrderKind.STOP_LOSS: "s"}
_SIDES = {PositionSide.LONG: "l", PositionSide.SHORT: "s"}
_KIND_OF = {letter: kind for kind, letter in _KINDS.items()}
_SIDE_OF = {letter: side for side, letter in _SIDES.items()}
_FORM = re.compile(r"hp-([a-z2-7]{8})-([a-z2-7]{7})-(.*)", re.DOTALL)
_REST = re.compile(r"([ets])([ls])([0-9]{3})-([0-9a-z]{7})-([0-9]{2})")


class Owner(Enum):
    """Whose an order is, by its id."""

    OURS = "ours"
    """Of this store and this book."""
    OTHER_BOOK = "other book"
    """Of this store, for another strategy, account or symbol."""
    OTHER_STORE = "other store"
    """Of another deployment of this project: a second trader."""
    FOREIGN = "foreign"
    """A person's or another program's, or the venue's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Whose orders are told apart from all others: one strategy of one store on one symbol of one account."""

    store_id: str
    strategy: str
    account: str
    symbol: str

    def __post_init__(self) -> None:
        for name in ("store_id", "strategy", "account", "symbol"):
            if not getattr(self, name):
                raise InvalidState(f"client order id: {name} is empty, so orders could not be told apart")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderName:
    """What one order of a book is."""

    kind: OrderKind
    position_side: PositionSide
    level: int
    """Of the rung; 0 is the whole position."""
    cycle: datetime
    """When the candle closed that caused it, in whole seconds."""
    attempt: int
    """From 0: how often it was named anew within one cycle."""

    def __post_init__(self) -> None:
        if not 0 <= self.level <= MOST_LEVEL:
            raise InvalidState(f"client order id: level {self.level} is not within 0 and {MOST_LEVEL}")
        if not 0 <= self.attempt <= MOST_ATTEMPT:
            raise InvalidState(f"client order id: attempt {self.attempt} is not within 0 and {MOST_ATTEMPT}")
        if self.cycle.tzinfo is None or self.cycle.microsecond or self.cycle < _EPOCH:
            raise InvalidState(f"client order id: cycle {self.cycle} is no whole second with a zone")


class Recognized(NamedTuple):
    """Whose an order is, and which one if it is ours."""

    owner: Owner
    name: OrderName | None
    """``None`` unless OURS; also ``None`` if ours in its first part and unreadable in the rest."""


def client_order_id(book: Book, name: OrderName) -> str:
    """The id under which this order is sent, looked up and recognized."""
    letters = _KINDS[name.kind] + _SIDES[name.position_side]
    return f"{_prefix(book)}{letters}{name.level:03}-{_in_base_36(name.cycle)}-{name.attempt:02}"


@lru_cache(maxsize=MOST_REMEMBERED)
def recognize(text: str, book: Book) -> Recognized:
    """Whose order this id belongs to, and which one it is. Total: any text has an owner.

    What rests is listed again every few seconds, so the last answers are remembered.
    """
    form = _FORM.fullmatch(text)
    if form is None:
        return Recognized(owner=Owner.FOREIGN, name=None)
    store, of_book = _tags(book)
    if form[1] != store:
        return Recognized(owner=Owner.OTHER_STORE, name=None)
    if form[2] != of_book:
        return Recognized(owner=Owner.OTHER_BOOK, name=None)
    return Recognized(owner=Owner.OURS, name=_named(form[3]))


def kind_of(text: str) -> OrderKind | None:
    """What an order in our form is for, of whichever store and book; ``None``: the id is not in it."""
    form = _FORM.fullmatch(text)
    parts = _REST.fullmatch(form[3]) if form else None
    return _KIND_OF[parts[1]] if parts else None


def _named(rest: str) -> OrderName | None:
    parts = _REST.fullmatch(rest)
    if parts is None:
        return None
    return OrderName(
        kind=_KIND_OF[parts[1]],
        position_side=_SIDE_OF[parts[2]],
        level=int(parts[3]),
        cycle=_EPOCH + timedelta(seconds=int(parts[4], 36)),
        attempt=int(parts[5]),
    )


def _prefix(book: Book) -> str:
    store, of_book = _tags(book)
    return f"hp-{store}-{of_book}-"


@lru_cache(maxsize=64)
def _tags(book: Book) -> tuple[str, str]:
    """Digests of the store, and of the three names; ``repr`` keeps where each of them ends."""
    return _digest(book.store_id, 8), _digest(repr((book.strategy, book.account, book.symbol)), 7)


def _digest(text: str, characters: int) -> str:
    return b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:characters]


def _in_base_36(cycle: datetime) -> str:
    seconds, digits = (cycle - _EPOCH) // _SECOND, ""
    for _ in range(_CYCLE_DIGITS):
        seconds, digit = divmod(seconds, 36)
        digits = _BASE_36[digit] + digits
    if seconds:
        raise InvalidState(f"client order id: cycle {cycle} is too far in the future to be named")
    return digits
