"""The order book as it is kept across restarts: money as text, everything else as it is."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any

from hedge_pipeline.paper.orders import Conditional, Order, OrderBook


def kept_book(book: OrderBook) -> dict[str, Any]:
    """For JSON."""
    return {
        **{f.name: _text(getattr(book, f.name)) for f in fields(book)},
        "distance": {symbol: str(distance) for symbol, distance in book.distance.items()},
        "orders": [_row(order) for order in book.orders.values()],
        "conditionals": [_row(conditional) for conditional in book.conditionals.values()],
        "countdowns": dict(book.countdowns),
    }


def restored_book(kept: Mapping[str, Any]) -> OrderBook:
    """Raises KeyError, TypeError or ArithmeticError for what no book was kept as."""
    orders = [Order(**_values(Order, row)) for row in kept["orders"]]
    conditionals = [Conditional(**_values(Conditional, row)) for row in kept["conditionals"]]
    return OrderBook(
        **{
            **_values(OrderBook, kept),
            "distance": {symbol: Decimal(distance) for symbol, distance in kept["distance"].items()},
            "orders": {order.order_id: order for order in orders},
            "conditionals": {conditional.algo_id: conditional for conditional in conditionals},
            "countdowns": dict(kept["countdowns"]),
        }
    )


def _row(kept: Order | Conditional) -> dict[str, Any]:
    return {name: _text(value) for name, value in asdict(kept).items()}


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _values(kind: type[Order | Conditional | OrderBook], row: Mapping[str, Any]) -> dict[str, Any]:
    money = {f.name for f in fields(kind) if f.type is Decimal}
    return {name: Decimal(value) if name in money else value for name, value in row.items()}
