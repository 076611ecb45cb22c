"""The market's answers, believed field by field or refused by name: marks, asset rates, instruments.

Rows that were not asked for are not judged: the venue lists contracts whose rows are legitimately half empty.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from hedge_pipeline.adapters.ccxt_venue.wire import (
    Delivery,
    Name,
    NonNegative,
    Payload,
    Price,
    Rate,
    Stamp,
    named_rows,
    parse,
    rows_of,
)
from hedge_pipeline.domain.account import AssetRate, Mark
from hedge_pipeline.domain.errors import SourceMalformed
from hedge_pipeline.domain.instruments import Instrument

T = TypeVar("T")


class _Premium(Payload):
    symbol: Name
    mark_price: Price
    index_price: Price
    last_funding_rate: Rate
    next_funding_time: Stamp
    time: Stamp


class _AssetIndex(Payload):
    symbol: Name
    index: Price
    time: Stamp


class _PriceFilter(Payload):
    tick_size: Price


class _LotSize(Payload):
    step_size: Price
    min_qty: NonNegative
    """Zero where the step alone bounds it."""
    max_qty: Price


class _MinNotional(Payload):
    notional: Price


class _Contract(Payload):
    symbol: Name
    status: Name
    base_asset: Name
    quote_asset: Name
    margin_asset: Name
    delivery_date: Delivery
    filters: list[dict[str, Any]]


def marks(raw: object, symbols: Iterable[str]) -> tuple[Mark, ...]:
    """One per symbol asked for, sorted by symbol."""
    rows = rows_of("marks", raw, symbols, "mark")
    parsed = (parse("marks", _Premium.model_validate, row, symbol) for symbol, row in rows)
    return tuple(
        Mark(
            symbol=row.symbol,
            mark_price=row.mark_price,
            index_price=row.index_price,
            funding_rate=row.last_funding_rate,
            next_funding_at=row.next_funding_time,
            as_of=row.time,
        )
        for row in parsed
    )


def asset_rates(raw: object, assets: Iterable[str]) -> tuple[AssetRate, ...]:
    """USD per unit of each asset asked for, sorted by asset. USD itself is the caller's."""
    by_symbol = {f"{asset}USD": asset for asset in assets}
    rows = rows_of("asset_rates", raw, by_symbol, "index")
    parsed = (parse("asset_rates", _AssetIndex.model_validate, row, symbol) for symbol, row in rows)
    return tuple(AssetRate(asset=by_symbol[row.symbol], usd=row.index, as_of=row.time) for row in parsed)


def symbol_names(raw: object) -> frozenset[str]:
    """Every symbol a list of instruments names."""
    return frozenset(symbol for symbol, _ in named_rows("instruments", _listed(raw), "symbols."))


def instruments(raw: object, symbols: Iterable[str]) -> tuple[Instrument, ...]:
    """One per symbol asked for, sorted by symbol."""
    rows = rows_of("instruments", _listed(raw), symbols, "instrument", "symbols.")
    return tuple(_instrument(symbol, row) for symbol, row in rows)


def _listed(raw: object) -> object:
    rows = raw.get("symbols") if isinstance(raw, dict) else None
    if not isinstance(rows, list):
        raise SourceMalformed("instruments", "symbols: missing, or not a list")
    return rows


def _instrument(symbol: str, raw: object) -> Instrument:
    row = parse("instruments", _Contract.model_validate, raw, symbol)

    def limits(kind: str, model: Callable[[Any], T]) -> T:
        of_kind = [entry for entry in row.filters if entry.get("filterType") == kind]
        if len(of_kind) != 1:
            raise SourceMalformed("instruments", f"{symbol}.filters: {len(of_kind)} of type {kind}, not one")
        return parse("instruments", model, of_kind[0], f"{symbol}.filters.{kind}")

    price = limits("PRICE_FILTER", _PriceFilter.model_validate)
    lot = limits("LOT_SIZE", _LotSize.model_validate)
    notional = limits("MIN_NOTIONAL", _MinNotional.model_validate)
    return Instrument(
        symbol=row.symbol,
        status=row.status,
        base_asset=row.base_asset,
        quote_asset=row.quote_asset,
        margin_asset=row.margin_asset,
        price_increment=price.tick_size,
        size_increment=lot.step_size,
        minimum_quantity=lot.min_qty,
        maximum_quantity=lot.max_qty,
        minimum_notional_usd=notional.notional,
        delivery_at=row.delivery_date,
    )
