"""What was read: one row per attempt, whether or not it succeeded."""

from typing import Any

from hedge_pipeline.domain.schemas.columns import (
    Count,
    Flag,
    Instant,
    Money,
    Nested,
    Table,
    Text,
    are_explained,
    column,
    maybe,
    promise,
)


class Accounts(Table):
    """Attempts to read the venue account. Source: the venue's clock, balances, positions and modes."""

    account: Text = column("Which account, by our name.")
    attempted_at: Instant = column("When the attempt began, by our wall clock.")
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    as_of: Instant = maybe(
        "When the balances were asked for, by the venue's clock; unknown if clock or balances failed."
    )
    answered_at: Instant = maybe("When the balances had arrived, by the venue's clock.")
    clock: Nested = maybe("The venue's clock beside ours.")
    hedge_mode: Flag = maybe("Whether a symbol can be held long and short at once.")
    multi_assets_mode: Flag = maybe("Whether all assets margin all positions.")
    balances: Nested = maybe("Per asset, in native units; negative is a liability.")
    totals: Nested = maybe("The venue's own sums, in its numeraire.")
    account_positions: Nested = maybe(
        "Positions as the balances' own answer states them; quantities unsigned."
    )
    positions: Nested = maybe(
        "Positions as the positions source states them; quantities unsigned, base units."
    )
    sources: Nested = column("How each source fared.")

    @promise
    def a_failed_source_says_why(cls, row: Any) -> bool:
        return are_explained(row.sources)

    @promise
    def dated_balances_have_a_clock(cls, row: Any) -> bool:
        return row.as_of is None or (row.balances is not None and row.clock is not None)

    @promise
    def an_answer_comes_after_its_question(cls, row: Any) -> bool:
        return row.as_of is None or row.answered_at is None or row.as_of <= row.answered_at

    @promise
    def quantities_are_unsigned(cls, row: Any) -> bool:
        return all(entry.quantity >= 0 for entry in (*(row.positions or ()), *(row.account_positions or ())))


class Marks(Table):
    """Attempts to read mark prices and the USD rates of margin assets."""

    account: Text = column("For which account, by our name.")
    attempted_at: Instant = column("When the attempt began, by our wall clock.")
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    as_of: Instant = maybe(
        "Oldest stamp among what was read, by the venue's clock; unknown if either source failed."
    )
    marks: Nested = maybe(
        "Mark and index price per symbol, in its quote asset; funding as a fraction per interval, positive when longs pay."
    )
    asset_rates: Nested = maybe("USD per unit of each margin asset, without haircut.")
    sources: Nested = column("How each source fared.")

    @promise
    def a_failed_source_says_why(cls, row: Any) -> bool:
        return are_explained(row.sources)

    @promise
    def only_a_whole_answer_is_dated(cls, row: Any) -> bool:
        return row.as_of is None or (row.marks is not None and row.asset_rates is not None)

    @promise
    def prices_are_positive(cls, row: Any) -> bool:
        return all(mark.mark_price > 0 for mark in row.marks or ()) and all(
            rate.usd > 0 for rate in row.asset_rates or ()
        )


class Instruments(Table):
    """Attempts to read what the venue trades."""

    account: Text = column("For which account, by our name.")
    attempted_at: Instant = column("When the attempt began, by our wall clock.")
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    as_of: Instant = maybe("When the list was asked for, by the venue's clock; unknown if it failed.")
    instruments: Nested = maybe("Increments in quote and base units, minimum notional in USD.")
    sources: Nested = column("How the source fared.")

    @promise
    def a_failed_source_says_why(cls, row: Any) -> bool:
        return are_explained(row.sources)

    @promise
    def increments_are_positive(cls, row: Any) -> bool:
        return all(entry.price_increment > 0 < entry.size_increment for entry in row.instruments or ())


class Income(Table):
    """Lines of the venue's income list, each once."""

    account: Text = column("Of which account, by our name.")
    income_type: Text = column(
        "The venue's word, as REALIZED_PNL, FUNDING_FEE, TRANSFER.", str_length={"min_value": 1}
    )
    tran_id: Text = column("The venue's transaction id: unique within its type only.")
    trade_id: Text = column("The venue's trade id; empty where there is none.")
    asset: Text = column("In what it was paid.", str_length={"min_value": 1})
    symbol: Text = column("For which contract; empty where there is none.")
    occurred_at: Instant = column("When it happened, by the venue's clock.")
    amount: Money = column("Native units of the asset; received positive.")
    info: Text = column("The venue's remark.")
    recorded_at: Instant = column("When we first saw it, by our wall clock.")


class IncomeReads(Table):
    """Attempts to read the venue's income list."""

    account: Text = column("Of which account, by our name.")
    attempted_at: Instant = column("When the attempt began, by our wall clock.")
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    as_of: Instant = maybe("When the list was asked for, by the venue's clock; unknown if it failed.")
    since: Instant = column(
        "Start of the window asked for, by the venue's clock; it overlaps what is stored."
    )
    rows_read: Count = column("Lines in the answer.", ge=0)
    rows_new: Count = column("Lines not seen before.", ge=0)
    sources: Nested = column("How the source fared.")

    @promise
    def a_failed_source_says_why(cls, row: Any) -> bool:
        return are_explained(row.sources)

    @promise
    def new_rows_were_read(cls, row: Any) -> bool:
        return bool(row.rows_new <= row.rows_read)


class Prices(Table):
    """Attempts to price everything the fund keeps off the venue."""

    account: Text = column("For which account, by our name.")
    attempted_at: Instant = column("When the attempt began, by our wall clock.")
    recorded_at: Instant = column("When the row was made, by our wall clock.")
    as_of: Instant = maybe("Oldest stamp among the quotes, by the providers' clocks; unknown without any.")
    quotes: Nested = column("Accepted prices, USD per unit, with the provider's stamp.")
    failures: Nested = column("Why an asset has no price in this attempt.")
    carried: Nested = column("Last accepted prices of the assets that failed, however old.")
    closed: Nested = column("Providers not to be asked before an instant.")
    sources: Nested = column("How each provider fared.")

    @promise
    def a_failed_source_says_why(cls, row: Any) -> bool:
        return are_explained(row.sources)

    @promise
    def it_is_dated_by_its_oldest_quote(cls, row: Any) -> bool:
        return bool(row.as_of == min((quote.as_of for quote in row.quotes), default=None))

    @promise
    def prices_are_positive(cls, row: Any) -> bool:
        return all(quote.usd > 0 for quote in (*row.quotes, *row.carried))

    @promise
    def an_asset_is_priced_or_failed(cls, row: Any) -> bool:
        return not {quote.asset for quote in row.quotes} & {failure.asset for failure in row.failures}
