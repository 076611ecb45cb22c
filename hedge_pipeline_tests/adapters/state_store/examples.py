"""Rows to store: plain ones by hand, and any at all, by the types of their fields."""

from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from hedge_pipeline.adapters.state_store.json_codec import without_none
from hedge_pipeline.domain.account import IncomeRow
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
    if isinstance(hint, type) and is_dataclass(hint):
        hints = get_type_hints(hint)
        return st.builds(hint, **{field.name: anything(hints[field.name]) for field in fields(hint)})
    return st.sampled_from(hint) if isinstance(hint, type) and issubclass(hint, Enum) else _ANY[hint]
