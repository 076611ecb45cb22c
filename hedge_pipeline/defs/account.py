"""The account and the market around it: what the venue said, attempt by attempt."""

import dagster as dg

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.checks import all_answered, judged, schema_check
from hedge_pipeline.defs.presentation import instants, present, table
from hedge_pipeline.domain.account import AccountReading, IncomeReading, IncomeRow, MarksReading
from hedge_pipeline.domain.instruments import InstrumentsReading

HEALTH = ("source", "ok", "age_s", "error")


@dg.asset(
    group_name="venue",
    owners=["team:treasury"],
    kinds={"ccxt", "binance"},
    description=(
        "Clock, balances, positions and modes of the venue account: one row per attempt, successful or not. "
        "A failed source says why in `sources`; `hedge preflight` looks at each and says what to do."
    ),
)
def accounts(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    reading, now = cycle.read_account(fund), fund.now()
    return dg.MaterializeResult(
        metadata=present(
            {
                "sources": table(reading.sources, *HEALTH, now=now),
                "balances": table(
                    reading.balances, "asset", "wallet_balance", "unrealized_pnl", "maintenance_margin"
                ),
                "positions": table(
                    reading.positions,
                    "symbol",
                    "position_side",
                    "quantity",
                    "entry_price",
                    "mark_price",
                    "unrealized_pnl",
                ),
                "hedge_mode": reading.hedge_mode,
                "multi_assets_mode": reading.multi_assets_mode,
                "clock_offset_s": reading.clock.offset if reading.clock else None,
                **instants(now, as_of=reading.as_of),
            }
        )
    )


@dg.asset_check(asset=accounts)
def every_account_source_answered(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Clock, balances, positions and modes all answered in the latest attempt. Clears with the next good one; `hedge preflight` tells network, key and clock faults apart."""
    reading = fund.latest(AccountReading)
    return all_answered(reading.sources if reading else None)


@dg.asset(
    group_name="venue",
    owners=["team:treasury"],
    kinds={"ccxt", "binance"},
    deps=[accounts],
    description=(
        "Mark and index prices of what is held or configured, and the venue's USD rate of every asset owned, each with "
        "the venue's own stamp. Without them positions cannot be valued: `hedge preflight` looks at both endpoints."
    ),
)
def marks(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    reading, now = cycle.read_marks(fund), fund.now()
    return dg.MaterializeResult(
        metadata=present(
            {
                "sources": table(reading.sources, *HEALTH, now=now),
                "marks": table(
                    reading.marks, "symbol", "mark_price", "index_price", "funding_rate", "age_s", now=now
                ),
                "asset_rates": table(reading.asset_rates, "asset", "usd", "age_s", now=now),
                **instants(now, as_of=reading.as_of),
            }
        )
    )


@dg.asset_check(asset=marks)
def every_mark_was_read(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Marks and asset rates were all there in the latest attempt. Clears with the next good one."""
    reading = fund.latest(MarksReading)
    return all_answered(reading.sources if reading else None)


@dg.asset(
    group_name="venue",
    owners=["team:treasury"],
    kinds={"ccxt", "binance"},
    deps=[accounts],
    description=(
        "Increments, minimum notional and status of what is held or configured: a row an hour, or when it changes. "
        "Known for a day; after that the gate closes until the venue's list can be read again."
    ),
)
def instruments(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    reading, now = cycle.read_instruments(fund), fund.now()
    return dg.MaterializeResult(
        metadata=present(
            {
                "sources": table(reading.sources, *HEALTH, now=now),
                "instruments": table(
                    reading.instruments,
                    "symbol",
                    "status",
                    "price_increment",
                    "size_increment",
                    "minimum_quantity",
                    "minimum_notional_usd",
                ),
                **instants(now, as_of=reading.as_of),
            }
        )
    )


@dg.asset_check(asset=instruments)
def instruments_are_known(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """The latest attempt told what the venue trades. A failure halts only once the last good list is a day old."""
    reading = fund.latest(InstrumentsReading)
    if reading is not None and reading.instruments is not None:
        return judged(holds=True)
    return all_answered(reading.sources if reading else None)


@dg.asset(
    group_name="venue",
    owners=["team:treasury"],
    kinds={"ccxt", "binance"},
    deps=[accounts],
    description=(
        "Every line of the venue's income list, read again with an overlap because it lags the balance. A change of the "
        "wallet that these rows do not explain leaves the NAV unreconciled: compare `newest` with the venue's own page."
    ),
)
def income(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    reading, now = cycle.read_income(fund), fund.now()
    return dg.MaterializeResult(
        metadata=present(
            {
                "sources": table(reading.sources, *HEALTH, now=now),
                "rows_read": reading.rows_read,
                "rows_new": reading.rows_new,
                "newest": table(
                    fund.recent(IncomeRow, 5), "occurred_at", "income_type", "symbol", "asset", "amount"
                ),
                **instants(now, as_of=reading.as_of, since=reading.since),
            }
        )
    )


@dg.asset_check(asset=income)
def the_income_list_answered(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """The list was read in full in the latest attempt. Clears with the next good one; meanwhile no wallet can be reconciled."""
    reading = fund.latest(IncomeReading)
    return all_answered(reading.sources if reading else None)


accounts_match_their_schema = schema_check(accounts, AccountReading, blocking=False)
marks_match_their_schema = schema_check(marks, MarksReading, blocking=False)
