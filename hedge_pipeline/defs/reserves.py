"""What the fund keeps off the venue: its prices and what it is worth."""

import dagster as dg

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.checks import passed, schema_check
from hedge_pipeline.defs.presentation import instants, present, table
from hedge_pipeline.domain.prices import PricesReading
from hedge_pipeline.domain.reserves import ReservesValuation

OFF_VENUE = {"group_name": "reserves", "owners": ["team:treasury"], "kinds": {"http"}}


@dg.asset(
    **OFF_VENUE,
    description=(
        "One price per holding of treasury and reserves, each provider asked once for everything it knows. "
        "`failures` says for each asset without a price which provider failed and why."
    ),
)
def prices(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    reading = cycle.read_prices(fund)
    return dg.MaterializeResult(
        metadata=present({
            "sources": table(reading.sources),
            "quotes": table(reading.quotes),
            "failures": table(reading.failures),
            **instants(as_of=reading.as_of),
        })
    )


@dg.asset_check(asset=prices)
def every_provider_answered(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Every provider that was asked answered; what a failure means for the value is the valuation's to say."""
    reading = fund.latest(PricesReading)
    failed = [source for source in reading.sources if not source.ok] if reading else []
    return passed(reading is not None and not failed, failed=table(failed))


@dg.asset(
    **OFF_VENUE,
    deps=[prices],
    description=(
        "Treasury and reserves in USD. A holding without a price is named and the total is a lower bound: "
        "reporting NAV is then incomplete, trading NAV is not touched."
    ),
)
def reserves_valuations(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    valuation = cycle.value_reserves(fund)
    return dg.MaterializeResult(
        metadata=present({
            "holdings": table(valuation.values),
            "treasury_usd": valuation.treasury_usd,
            "reserves_usd": valuation.reserves_usd,
            "complete": valuation.complete,
            "error": valuation.error,
            **instants(as_of=valuation.as_of, valid_until=valuation.valid_until),
        })
    )


@dg.asset_check(asset=reserves_valuations, blocking=True)
def every_holding_is_priced(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Otherwise the total is a lower bound. Correct the holding's route, or wait for its provider."""
    valuation = fund.latest(ReservesValuation)
    missing = [entry for entry in valuation.values if entry.value_usd is None] if valuation else []
    return passed(
        valuation is not None and valuation.complete,
        error=valuation.error if valuation else "never valued",
        missing=table(missing),
    )


@dg.asset_check(asset=reserves_valuations, blocking=True)
def every_price_is_recent(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """No price used is older than its asset class allows, by the provider's stamp."""
    valuation = fund.latest(ReservesValuation)
    until = valuation.valid_until if valuation else None
    return passed(
        valuation is not None and (until is None or fund.now() < until),
        **instants(valid_until=until, as_of=valuation.as_of if valuation else None),
    )


reserves_valuations_match_their_schema = schema_check(reserves_valuations, ReservesValuation)
