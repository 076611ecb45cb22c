"""What must hold of the venue's books, by the venue's own raw answers and plain arithmetic: each defect in words.

Nothing here goes through the fund's parsers, plans or rows; ids are taken apart by hand.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from tools import venue_truth

ORDERS, CONDITIONALS, POSITIONS, LISTED = (
    "/fapi/v1/openOrders",
    "/fapi/v1/openAlgoOrders",
    "/fapi/v3/positionRisk",
    "/fapi/v1/exchangeInfo",
)
OURS = "hp-"
RUNG = slice(20, 25)
"""Of a client order id: kind, position side and level."""
OPENING = {("BUY", "LONG"), ("SELL", "SHORT")}
Side = tuple[str, str]
"""Symbol and position side."""


@dataclass(frozen=True)
class Book:
    """One moment of the account, as the venue writes it."""

    orders: list[Mapping[str, Any]]
    conditionals: list[Mapping[str, Any]]
    positions: dict[Side, Fraction]
    filters: dict[str, dict[str, Mapping[str, Any]]]

    @property
    def openings(self) -> list[Mapping[str, Any]]:
        """Our opening orders that rest."""
        return [row for row in self.orders if _is_ours(row["clientOrderId"]) and _opens(row)]


def book_of(asked: Callable[[str], Any]) -> Book:
    """The book, from raw answers by path."""
    return Book(
        orders=asked(ORDERS),
        conditionals=asked(CONDITIONALS),
        positions={
            (row["symbol"], row["positionSide"]): abs(Fraction(row["positionAmt"]))
            for row in asked(POSITIONS)
            if Fraction(row["positionAmt"])
        },
        filters={
            row["symbol"]: {each["filterType"]: each for each in row["filters"]}
            for row in asked(LISTED)["symbols"]
        },
    )


def book_at(home: Path) -> Book:
    """Of the venue that runs in this home directory."""
    return book_of(partial(venue_truth.asked, home))


def order_defects(book: Book) -> Iterator[str]:
    """Two orders for one rung, and orders the venue's increments do not know."""
    named = [(row["clientOrderId"], row) for row in book.orders]
    named += [(row["clientAlgoId"], row) for row in book.conditionals]
    ours = [(client_id, row) for client_id, row in named if _is_ours(client_id)]
    rungs = Counter((row["symbol"], client_id[RUNG]) for client_id, row in ours)
    yield from (f"{count} live orders for {' '.join(rung)}" for rung, count in rungs.items() if count > 1)
    for client_id, row in ours:
        yield from _increment_defects(book, client_id, row)


def exit_defects(book: Book) -> Iterator[str]:
    """Stops that are not the position, take-profits beyond it, a side without the stop that closes what is left."""
    stops: dict[Side, Fraction] = defaultdict(Fraction)
    closing: Counter[Side] = Counter()
    for row in book.conditionals:
        side = (row["symbol"], row["positionSide"])
        if not _is_ours(row["clientAlgoId"]) or _opens(row):
            continue
        if row["closePosition"]:
            closing[side] += 1
        else:
            stops[side] += Fraction(row["quantity"])
        if row["workingType"] != "MARK_PRICE" or not row["priceProtect"]:
            yield f"{row['clientAlgoId']}: a stop on {row['workingType']}, price protection {row['priceProtect']}"
    profits = _profits(book)
    for side in sorted(book.positions.keys() | stops.keys() | profits.keys() | closing.keys()):
        held = book.positions.get(side, Fraction(0))
        if stops[side] != held:
            yield f"{' '.join(side)}: stops of {float(stops[side])} for a position of {float(held)}"
        if profits[side] > held:
            yield f"{' '.join(side)}: {float(profits[side])} to be taken as profit of {float(held)}"
        if closing[side] != (1 if held else 0):
            yield f"{' '.join(side)}: {closing[side]} closing stops for a position of {float(held)}"


def _profits(book: Book) -> dict[Side, Fraction]:
    """What resting closing orders, anybody's, would take of each side."""
    profits: dict[Side, Fraction] = defaultdict(Fraction)
    for row in book.orders:
        if not _opens(row):
            left = Fraction(row["origQty"]) - Fraction(row["executedQty"])
            profits[row["symbol"], row["positionSide"]] += left
    return profits


def _increment_defects(book: Book, client_id: str, row: Mapping[str, Any]) -> Iterator[str]:
    filters = book.filters[row["symbol"]]
    quantity = row.get("origQty", row.get("quantity", "0"))
    for what, value, name, step in (
        ("price", row["price"], "PRICE_FILTER", "tickSize"),
        ("trigger", row.get("triggerPrice", "0"), "PRICE_FILTER", "tickSize"),
        ("quantity", quantity, "LOT_SIZE", "stepSize"),
    ):
        if Fraction(value) % Fraction(filters[name][step]):
            yield f"{client_id}: {what} {value} is no multiple of {filters[name][step]}"


def _opens(row: Mapping[str, Any]) -> bool:
    return (row["side"], row["positionSide"]) in OPENING


def _is_ours(client_id: str) -> bool:
    return client_id.startswith(OURS)
