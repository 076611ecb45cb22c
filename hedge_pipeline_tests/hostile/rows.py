"""A valid row of every table with nothing left empty, so that each field and each nested value can be spoiled."""

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from hedge_pipeline.adapters.state_store.json_codec import without_none
from hedge_pipeline.domain.account import AccountReading, IncomeReading, MarksReading
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.orders import NewOrder
from hedge_pipeline.domain.prices import PriceFailure, PricesReading
from hedge_pipeline.domain.publication.publications import Publication, PublishedDocument
from hedge_pipeline.domain.reserves import ReservesValuation
from hedge_pipeline.domain.schemas import validate
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline.domain.trading.readings import CandlesReading, FillsReading, OrdersReading, TermsReading
from hedge_pipeline_tests.adapters.state_store.examples import entry
from hedge_pipeline_tests.domain.test_schemas import SOUND
from hedge_pipeline_tests.hostile.counting import CANARY

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
ONE = Decimal(1)

_FULL: dict[Any, Any] = {
    str: f"seen {CANARY}", int: 1, bool: True, Decimal: ONE, datetime: NOON, date: NOON.date(), float: 1.5,
    timedelta: timedelta(seconds=1.5), NewOrder: entry(client_order_id=f"seen {CANARY}", symbol=f"seen {CANARY}"),
}  # fmt: skip

HEALTHY = (SourceHealth(source="balances", ok=True, as_of=NOON, error=None),)
FAILED = SourceHealth(source="marks", ok=False, as_of=None, error=f"HTTP 500 {CANARY}")


def full(hint: Any) -> Any:
    """A value of a type with every optional known and one item in every tuple."""
    inner, _ = without_none(hint)
    if inner in _FULL:
        return _FULL[inner]
    if get_origin(inner) is tuple:
        parts = get_args(inner)
        return (full(parts[0]),) if parts[-1] is Ellipsis else tuple(map(full, parts))
    if isinstance(inner, type) and issubclass(inner, Enum):
        return next(iter(inner))
    if isinstance(inner, type) and is_dataclass(inner):
        hints = get_type_hints(inner)
        return inner(**{field.name: full(hints[field.name]) for field in fields(inner)})
    raise TypeError(f"no value of {hint} is known")


@cache
def sound_row(row_class: type[Any]) -> Any:
    """A row that keeps every promise, with what is empty in the plain one filled where the promises let it."""
    sound = SOUND.get(row_class) or replace(full(row_class), **_SPARE.get(row_class, {}))
    hints = get_type_hints(row_class)
    candidates = [field.name for field in fields(row_class) if _is_empty(getattr(sound, field.name))]
    for name in candidates:
        filled = replace(sound, **{name: _FILLED.get((row_class, name), full(hints[name]))})
        if _keeps_promises(filled):
            sound = filled
    return sound


def _is_empty(value: Any) -> bool:
    return value is None or value == ()


def _keeps_promises(row: Any) -> bool:
    return not validate([row])


_SPARE: dict[type[Any], dict[str, Any]] = {
    Publication: {"documents": (replace(full(PublishedDocument), error=None),)}
}
_SOURCES = (*HEALTHY, FAILED)
_FILLED: dict[tuple[type[Any], str], Any] = {
    (row_class, "sources"): _SOURCES
    for row_class in (
        AccountReading, MarksReading, InstrumentsReading, IncomeReading, PricesReading, NavSnapshot,
        OrdersReading, FillsReading, TermsReading, CandlesReading,
    )
} | {
    (PricesReading, "failures"): (replace(full(PriceFailure), asset="ETH"),),
    (PeakState, "pending_high"): Decimal(2),
    (ReservesValuation, "valid_until"): NOON + timedelta(hours=1),
}  # fmt: skip
