"""Rows to store: plain ones by hand, and any at all, by the types of their fields."""

import itertools
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from hedge_pipeline.adapters.state_store.json_codec import without_none
from hedge_pipeline.domain.account import IncomeRow, PositionSide
from hedge_pipeline.domain.grid import Ladders, Rung
from hedge_pipeline.domain.market_data import Side
from hedge_pipeline.domain.orders import (
    NewOrder,
    OrderKind,
    OrderType,
    TimeInForce,
    closing_side,
    opening_side,
)
from hedge_pipeline.domain.trading.intents import Intent, OrderUpdate
from hedge_pipeline.domain.trading.readings import LedgerFill
from hedge_pipeline.domain.verdicts import Incident

Row = TypeVar("Row")

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)

_PLAIN: dict[Any, Any] = {
    str: "x", int: 1, bool: False, Decimal: Decimal("1.5"), datetime: NOON, date: NOON.date(), float: 1.5,
    timedelta: timedelta(seconds=1.5),
}  # fmt: skip


def plain(row_class: type[Row], **given: Any) -> Row:
    """A row that is unknown where it may be, empty where it may be, and otherwise dull."""
    hints = get_type_hints(row_class)
    values = {
        field.name: _plain(hints[field.name])
        for field in fields(row_class)  # type: ignore[arg-type]  # rows are dataclasses
        if field.name not in given
    }
    return row_class(**values, **given)


def _plain(hint: Any) -> Any:
    if without_none(hint)[1]:
        return None
    if get_origin(hint) is tuple:
        return ()
    if hint is NewOrder:
        return entry()
    if is_dataclass(hint) and isinstance(hint, type):
        return plain(hint)
    return next(iter(hint)) if isinstance(hint, type) and issubclass(hint, Enum) else _PLAIN[hint]


def income(number: int, **given: Any) -> IncomeRow:
    """Rows with different numbers are different rows, a minute apart."""
    return plain(
        IncomeRow,
        **{
            "account": "main",
            "tran_id": str(number),
            "occurred_at": NOON + timedelta(minutes=number),
            **given,
        },
    )


def incident(key: str, **given: Any) -> Incident:
    return plain(Incident, **{"account": "main", "key": key, **given})


def entry(**given: Any) -> NewOrder:
    """A limit order that opens LONG."""
    return plain(
        NewOrder,
        **{
            "kind": OrderKind.ENTRY,
            "side": Side.BUY,
            "position_side": PositionSide.LONG,
            "order_type": OrderType.LIMIT,
            "time_in_force": TimeInForce.GTX,
            "quantity": Decimal("0.01"),
            "limit_price": Decimal("65000.1"),
            **given,
        },
    )


def fill(number: int, **given: Any) -> LedgerFill:
    """Fills with different numbers are different fills of one symbol, a minute apart."""
    return plain(
        LedgerFill,
        **{
            "account": "main",
            "symbol": "BTCUSDT",
            "fill_id": str(number),
            "filled_at": NOON + timedelta(minutes=number),
            **given,
        },
    )


def intent(number: int, **given: Any) -> Intent:
    return plain(Intent, **{"account": "main", "client_order_id": f"order-{number}", **given})


def update(of: Intent, **given: Any) -> OrderUpdate:
    return plain(OrderUpdate, **{"account": of.account, "client_order_id": of.client_order_id, **given})


money = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent),
    st.integers(min_value=-(10**27), max_value=10**27),
    st.integers(min_value=-40, max_value=20),
) | st.sampled_from([Decimal("-0.00"), Decimal("1E+3"), Decimal("0E-8"), Decimal("1.10"), Decimal(10) ** 27])

_ANY: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    int: st.integers(min_value=-(2**63), max_value=2**63 - 1),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    Decimal: money,
    datetime: st.datetimes(timezones=st.just(UTC)),
    date: st.dates(),
    timedelta: st.timedeltas(),
}


def anything(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type as it stands in a dataclass."""
    inner, optional = without_none(hint)
    if optional:
        return st.none() | anything(inner)
    if get_origin(hint) is tuple:
        parts = get_args(hint)
        if parts[-1] is Ellipsis:
            return st.lists(anything(parts[0]), max_size=3).map(tuple)
        return st.tuples(*map(anything, parts))
    if hint in _SOUND:
        return _SOUND[hint]()
    if isinstance(hint, type) and is_dataclass(hint):
        hints = get_type_hints(hint)
        return st.builds(hint, **{field.name: anything(hints[field.name]) for field in fields(hint)})
    return st.sampled_from(hint) if isinstance(hint, type) and issubclass(hint, Enum) else _ANY[hint]


_above_zero = money.filter(lambda amount: amount > 0)


@st.composite
def _new_order(draw: st.DrawFn) -> NewOrder:
    kind, position_side = draw(st.sampled_from(OrderKind)), draw(st.sampled_from(PositionSide))
    order_type = draw(st.sampled_from(OrderType))
    is_limit, is_stop = order_type is OrderType.LIMIT, order_type is OrderType.STOP_MARKET
    return NewOrder(
        client_order_id=draw(_ANY[str]),
        symbol=draw(_ANY[str]),
        kind=kind,
        side=(opening_side if kind is OrderKind.ENTRY else closing_side)(position_side),
        position_side=position_side,
        order_type=order_type,
        time_in_force=draw(st.sampled_from(TimeInForce)) if is_limit else None,
        quantity=draw(st.none() | _above_zero if is_stop else _above_zero),
        limit_price=draw(_above_zero) if is_limit else None,
        stop_price=draw(_above_zero) if is_stop else None,
    )


@st.composite
def _ladders(draw: st.DrawFn) -> Ladders:
    steps = st.lists(st.decimals("0.001", "9", places=3), max_size=3)
    center = draw(st.decimals("100", "900", places=3))

    def rungs(position_side: PositionSide) -> tuple[Rung, ...]:
        any_rung = anything(Rung)
        return tuple(
            replace(
                draw(any_rung),
                position_side=position_side,
                level=level,
                limit_price=center - position_side.sign * away,
            )
            for level, away in enumerate(itertools.accumulate(draw(steps)), start=draw(st.integers(1, 9)))
        )

    return Ladders(
        symbol=draw(_ANY[str]), center=center, long=rungs(PositionSide.LONG), short=rungs(PositionSide.SHORT)
    )


_SOUND: dict[Any, Callable[[], st.SearchStrategy[Any]]] = {NewOrder: _new_order, Ladders: _ladders}
"""Values that must go together, which drawing each by itself hardly ever finds."""
