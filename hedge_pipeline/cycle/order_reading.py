"""Reading orders: what rests, what was executed and by whose order, how symbols are set; one attempt, one row."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hedge_pipeline.cycle.fund import Fund
from hedge_pipeline.domain.account import AccountReading
from hedge_pipeline.domain.drawdown import start_of_day
from hedge_pipeline.domain.errors import InvalidState, SourceUnavailable
from hedge_pipeline.domain.market_data import Fill
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline.domain.trading.fill_origins import origin_of
from hedge_pipeline.domain.trading.intents import Intent, OrderUpdate
from hedge_pipeline.domain.trading.readings import (
    FillOrigin,
    FillsReading,
    LedgerFill,
    OrdersReading,
    TermsReading,
)

OVERLAP = timedelta(minutes=10)
"""How far before the last complete reading a symbol is asked from that has no fill yet."""
LOOKED_BACK = timedelta(hours=1)
"""At most, for what was held since the last complete reading."""
MOST_UNKNOWN = 10
"""Fills of unknown origin asked for again in one attempt."""


def read_orders(fund: Fund) -> OrdersReading:
    """Everything that rests, anybody's, of every symbol."""
    reading = fund.orders.read_orders()
    fund.store.append(reading)
    return reading


def read_terms(fund: Fund) -> TermsReading:
    """Of every symbol that a strategy trades."""
    reading = fund.orders.read_terms(tuple(strategy.symbol for strategy in fund.trading.strategies))
    fund.store.append(reading)
    return reading


def read_fills(fund: Fund) -> FillsReading:
    """New executions of every symbol that is traded, was held or has an order, each with whose it was.

    A symbol that fails leaves the others; what it would have told is told next time.
    """
    attempted_at, began = fund.clock.now(), fund.now()
    since = _since(fund)
    names = _open_names(fund)
    sources: list[SourceHealth] = []
    rows_read = rows_new = 0
    for symbol in _symbols(fund, attempted_at):
        asked_at, error = fund.now(), None
        try:
            last = fund.store.latest(LedgerFill, fund.account, symbol=symbol)
            fills = fund.orders.read_fills(symbol, last.fill_id if last else None, since)
            rows_read += len(fills)
            rows_new += fund.store.append_new_fills([_told(fund, fill, names) for fill in fills])
            _tell_again(fund, symbol, names)
        except SourceUnavailable as failure:
            error = failure.reason
        except InvalidState as contradiction:
            error = str(contradiction)
        sources.append(
            SourceHealth(
                source=f"fills:{symbol}", ok=error is None, as_of=None if error else asked_at, error=error
            )
        )
    reading = FillsReading(
        account=fund.account,
        attempted_at=attempted_at,
        recorded_at=fund.clock.now(),
        as_of=began if all(source.ok for source in sources) else None,
        rows_read=rows_read,
        rows_new=rows_new,
        sources=tuple(sources),
    )
    fund.store.append(reading)
    return reading


def _symbols(fund: Fund, now: datetime) -> list[str]:
    """Also what was held or had an order about the last complete reading or since: what is gone may have left by a fill."""
    last = fund.last_known(FillsReading, "as_of")
    start = max(last.attempted_at - fund.trading.silence if last else now - LOOKED_BACK, now - LOOKED_BACK)
    until = now + LOOKED_BACK
    readings = fund.store.columns_between(
        AccountReading, fund.account, "positions", on="recorded_at", start=start, end=until
    )
    listed = fund.store.columns_between(
        OrdersReading, fund.account, "orders", on="recorded_at", start=start, end=until
    )
    held = fund.last_known(AccountReading, "positions")
    orders = fund.last_known(OrdersReading, "orders")
    return sorted(
        {
            *fund.symbols,
            *(strategy.symbol for strategy in fund.trading.strategies),
            *(position.symbol for (positions,) in readings for position in positions or ()),
            *(position.symbol for position in (held.positions if held else None) or ()),
            *(order.symbol for (resting,) in listed for order in resting or ()),
            *(order.symbol for order in (orders.orders if orders else None) or ()),
            *(intent.symbol for intent in fund.store.unsettled(fund.account)),
        }
    )


def _since(fund: Fund) -> datetime:
    """From when on a symbol without any stored fill is asked: nothing of ours is older."""
    last = fund.last_known(FillsReading, "as_of")
    if last is not None and last.as_of is not None:
        return last.as_of - OVERLAP
    zone = ZoneInfo(fund.limits.reset_timezone)
    begins = [start_of_day(fund.now().astimezone(zone).date(), zone)]
    begins += [intent.recorded_at for intent in fund.store.rows(Intent, fund.account, limit=1)]
    return min(begins) - OVERLAP


def _open_names(fund: Fund) -> Mapping[tuple[str, str], str]:
    """Client order ids by symbol and venue order id, of what rests. A conditional order executes under another id than its own."""
    reading = fund.last_known(OrdersReading, "orders")
    return {
        (order.symbol, order.venue_order_id): order.client_order_id
        for order in (reading.orders if reading else None) or ()
        if order.venue_order_id is not None and order.stop_price is None
    }


def _told(fund: Fund, fill: Fill, names: Mapping[tuple[str, str], str]) -> LedgerFill:
    """The fill with the name its order bears. Where nobody tells, it is kept all the same, its origin to be asked for again."""
    try:
        name = _name_of(fund, fill, names)
    except SourceUnavailable:
        name = None
    book = fund.trading.book(fund.store.store_id, fund.account, fill.symbol)
    return LedgerFill(
        account=fill.account,
        symbol=fill.symbol,
        fill_id=fill.fill_id,
        venue_order_id=fill.venue_order_id,
        side=fill.side,
        position_side=fill.position_side,
        price=fill.price,
        quantity=fill.quantity,
        realized_pnl=fill.realized_pnl,
        commission=fill.commission,
        commission_asset=fill.commission_asset,
        maker=fill.maker,
        filled_at=fill.filled_at,
        recorded_at=fill.recorded_at,
        client_order_id=name,
        origin=origin_of(name, book),
    )


def _name_of(fund: Fund, fill: Fill, names: Mapping[tuple[str, str], str]) -> str | None:
    """By our own journal, by what rests, by an earlier part of the same order, else by the venue."""
    return next(_known_names(fund, fill, names), None) or fund.orders.name_of(
        fill.venue_order_id, fill.symbol
    )


def _known_names(fund: Fund, fill: Fill, names: Mapping[tuple[str, str], str]) -> Iterator[str]:
    update = fund.store.latest(
        OrderUpdate, fund.account, symbol=fill.symbol, venue_order_id=fill.venue_order_id
    )
    if update is not None:
        intent = fund.store.latest(Intent, fund.account, client_order_id=update.client_order_id)
        if (
            intent is not None
            and intent.order.stop_price is None
            and (intent.order.side, intent.order.position_side) == (fill.side, fill.position_side)
        ):
            yield update.client_order_id
    if name := names.get((fill.symbol, fill.venue_order_id)):
        yield name
    earlier = fund.store.latest(
        LedgerFill, fund.account, symbol=fill.symbol, venue_order_id=fill.venue_order_id
    )
    if earlier is not None and earlier.client_order_id is not None:
        yield earlier.client_order_id


def _tell_again(fund: Fund, symbol: str, names: Mapping[tuple[str, str], str]) -> None:
    """Fills whose order nobody could name are asked for until somebody can."""
    unknown = fund.store.rows(
        LedgerFill,
        fund.account,
        symbol=symbol,
        origin=FillOrigin.UNKNOWN,
        newest_first=True,
        limit=MOST_UNKNOWN,
    )
    told = [_told(fund, fill, names) for fill in unknown]
    fund.store.append_new_fills([fill for fill in told if fill.origin is not FillOrigin.UNKNOWN])
