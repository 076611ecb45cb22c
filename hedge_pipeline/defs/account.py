"""The account and the market around it: what the venue said, attempt by attempt."""

import dagster as dg

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.checks import passed, schema_check
from hedge_pipeline.defs.presentation import instants, present, table
from hedge_pipeline.domain.account import AccountReading, IncomeReading, IncomeRow, MarksReading
from hedge_pipeline.domain.instruments import InstrumentsReading

VENUE = {"group_name": "venue", "owners": ["team:treasury"], "kinds": {"ccxt", "binance"}}


@dg.asset(
    **VENUE,
    description=(
        "Clock, balances, positions and modes of the venue account: one row per attempt, successful or not. "
        "A failed source says why in `sources`; `hedge preflight` tells what to do about it."
    ),
)
def accounts(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    reading = cycle.read_account(fund)
    offset = reading.clock.offset.total_seconds() if reading.clock else None
    return dg.MaterializeResult(
        metadata=present({
            "sources": table(reading.sources),
            "balances": table(reading.balances or ()),
            "positions": table(reading.positions or ()),
            "hedge_mode": reading.hedge_mode,
            "multi_assets_mode": reading.multi_assets_mode,
            "clock_offset_s": offset,
            **instants(as_of=reading.as_of),
        })
    )


@dg.asset_check(asset=accounts)
def every_account_source_answered(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Clock, balances, positions and modes all answered in the latest attempt; the NAV says what a failure means."""
    reading = fund.latest(AccountReading)
    failed = [source for source in reading.sources if not source.ok] if reading else []
    return passed(reading is not None and not failed, failed=table(failed))


@dg.asset(
    **VENUE,
    deps=[accounts],
    description=(
        "Mark and index prices of what is held or configured, and the venue's USD rate of every asset owned, "
        "each with the venue's own stamp."
    ),
)
def marks(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    reading = cycle.read_marks(fund)
    return dg.MaterializeResult(
        metadata=present({
            "sources": table(reading.sources),
            "marks": table(reading.marks or ()),
            "asset_rates": table(reading.asset_rates or ()),
            **instants(as_of=reading.as_of),
        })
    )


@dg.asset_check(asset=marks)
def every_mark_was_read(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Marks and asset rates were all there in the latest attempt."""
    reading = fund.latest(MarksReading)
    failed = [source for source in reading.sources if not source.ok] if reading else []
    return passed(reading is not None and not failed, failed=table(failed))


@dg.asset(
    **VENUE,
    deps=[accounts],
    description="Increments, minimum notional and status of what is held or configured. A row an hour, or when it changes.",
)
def instruments(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    reading = cycle.read_instruments(fund)
    return dg.MaterializeResult(
        metadata=present({
            "sources": table(reading.sources),
            "instruments": table(reading.instruments or ()),
            **instants(as_of=reading.as_of),
        })
    )


@dg.asset_check(asset=instruments)
def instruments_are_known(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """The latest attempt told what the venue trades; older than a day halts, whatever this says."""
    reading = fund.latest(InstrumentsReading)
    return passed(reading is not None and reading.instruments is not None)


@dg.asset(
    **VENUE,
    deps=[accounts],
    description=(
        "Every line of the venue's income list, read again with an overlap because it lags the balance. "
        "A change of the wallet that these rows do not explain leaves the NAV unreconciled."
    ),
)
def income(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    reading = cycle.read_income(fund)
    newest = fund.recent(IncomeRow, 10)
    return dg.MaterializeResult(
        metadata=present({
            "sources": table(reading.sources),
            "rows_read": reading.rows_read,
            "rows_new": reading.rows_new,
            "newest": table(newest),
            **instants(as_of=reading.as_of, since=reading.since),
        })
    )


@dg.asset_check(asset=income)
def the_income_list_answered(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """The list was read in full in the latest attempt."""
    reading = fund.latest(IncomeReading)
    failed = [source for source in reading.sources if not source.ok] if reading else []
    return passed(reading is not None and not failed, failed=table(failed))


accounts_match_their_schema = schema_check(accounts, AccountReading, blocking=False)
marks_match_their_schema = schema_check(marks, MarksReading, blocking=False)
