"""What trading reads of the venue: orders, fills, terms of symbols and candles."""

from itertools import pairwise
from typing import Any

from hedge_pipeline.domain.schemas.columns import (
    Count,
    Duration,
    Flag,
    Instant,
    Member,
    Money,
    Nested,
    Table,
    Text,
    are_explained,
    column,
    maybe,
    promise,
)
from hedge_pipeline.domain.trading.readings import FillOrigin

SAID = {"min_value": 1}
"""Length of a name."""


class OpenOrders(Table):
    """Attempts to list what rests, anybody's, of every symbol."""

    account: Text = column("For which account, by our name.")
    attempted_at: Instant = column("When the attempt began, by our wall clock.")
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    as_of: Instant = maybe(
        "When the first list was asked for, by the venue's clock; unknown if any part failed."
    )
    orders: Nested = maybe("Ordinary and conditional orders; quantities unsigned, base units.")
    sources: Nested = column("How each source fared.")

    @promise
    def a_failed_source_says_why(cls, row: Any) -> bool:
        return are_explained(row.sources)

    @promise
    def half_a_list_is_none(cls, row: Any) -> bool:
        return (row.as_of is None) == (row.orders is None)

    @promise
    def quantities_are_unsigned(cls, row: Any) -> bool:
        return all(order.quantity >= 0 <= order.filled_quantity for order in row.orders or ())


class FillReads(Table):
    """Attempts to read new fills."""

    account: Text = column("Of which account, by our name.")
    attempted_at: Instant = column("When the attempt began, by our wall clock.")
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    as_of: Instant = maybe(
        "When the first symbol was asked for, by the venue's clock; unknown if any symbol failed."
    )
    rows_read: Count = column("Fills in the answers.", ge=0)
    rows_new: Count = column("Fills not seen before.", ge=0)
    sources: Nested = column("How each symbol fared.")

    @promise
    def a_failed_source_says_why(cls, row: Any) -> bool:
        return are_explained(row.sources)

    @promise
    def new_rows_were_read(cls, row: Any) -> bool:
        return bool(row.rows_new <= row.rows_read)


class Fills(Table):
    """Executions on the account, each once, with whose they were."""

    account: Text = column("Of which account, by our name.")
    symbol: Text = column("Of which contract.", str_length=SAID)
    fill_id: Text = column("The venue's trade id: unique within its symbol, and growing.", str_length=SAID)
    venue_order_id: Text = column("The venue's id of the order that was executed.", str_length=SAID)
    side: Member = column("Bought or sold.")
    position_side: Member = maybe("Which position it moved; unknown when filled in one-way mode.")
    price: Money = column("In the quote asset.", gt=0)
    quantity: Money = column("Base units, unsigned.", gt=0)
    realized_pnl: Money = column("Before commission, in the margin asset.")
    commission: Money = column("In its asset: paid positive, a rebate negative.")
    commission_asset: Text = column("In what it was paid.", str_length=SAID)
    maker: Flag = column("Whether it rested before.")
    filled_at: Instant = column("When it happened, by the venue's clock.")
    recorded_at: Instant = column("When we first saw it, by our wall clock.")
    client_order_id: Text = maybe("As the order carries it; unknown until it has been looked up.")
    origin: Member = column("Whose order it was; while unknown it is told once, later.")

    @promise
    def an_order_of_this_project_has_an_id(cls, row: Any) -> bool:
        return row.origin not in {FillOrigin.OURS, FillOrigin.OTHER_STORE} or bool(row.client_order_id)


class SymbolTerms(Table):
    """Attempts to read how symbols are set and what they cost."""

    account: Text = column("For which account, by our name.")
    attempted_at: Instant = column("When the attempt began, by our wall clock.")
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    as_of: Instant = maybe("When it was asked for, by the venue's clock; unknown if it failed.")
    configs: Nested = maybe("Leverage and margin type per symbol, as set at the venue.")
    terms: Nested = maybe(
        "Brackets per symbol, caps in USD and rates as fractions; interval at which funding settles."
    )
    sources: Nested = column("How each source fared.")

    @promise
    def a_failed_source_says_why(cls, row: Any) -> bool:
        return are_explained(row.sources)

    @promise
    def only_a_whole_answer_is_dated(cls, row: Any) -> bool:
        return row.as_of is None or (row.configs is not None and row.terms is not None)

    @promise
    def leverage_is_positive(cls, row: Any) -> bool:
        return all(config.leverage > 0 for config in row.configs or ())

    @promise
    def brackets_ascend(cls, row: Any) -> bool:
        return all(
            lower.notional_cap_usd < higher.notional_cap_usd
            for each in row.terms or ()
            for lower, higher in pairwise(each.brackets)
        )


class Candles(Table):
    """Attempts to read the finished candles of one symbol."""

    account: Text = column("For which account, by our name.")
    symbol: Text = column("Of which contract.", str_length=SAID)
    interval: Duration = column("From one open to the next.")
    attempted_at: Instant = column("When the attempt began, by our wall clock.")
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    as_of: Instant = maybe("When the newest candle closed, by the venue's clock; unknown without any.")
    candles: Nested = maybe("Oldest first; prices in the quote asset, volume in base units.")
    sources: Nested = column("How the source fared.")

    @promise
    def a_failed_source_says_why(cls, row: Any) -> bool:
        return are_explained(row.sources)

    @promise
    def it_is_dated_by_its_newest_candle(cls, row: Any) -> bool:
        return bool(row.as_of == (row.candles[-1].open_at + row.interval if row.candles else None))

    @promise
    def candles_are_of_this_symbol_and_interval(cls, row: Any) -> bool:
        return all(
            (candle.symbol, candle.interval) == (row.symbol, row.interval) for candle in row.candles or ()
        )

    @promise
    def candles_come_oldest_first(cls, row: Any) -> bool:
        return all(one.open_at < next_.open_at for one, next_ in pairwise(row.candles or ()))
