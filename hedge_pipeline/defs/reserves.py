"""What the fund keeps off the venue: its prices and what it is worth."""

import dagster as dg

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.checks import all_answered, judged, schema_check
from hedge_pipeline.defs.presentation import instants, listed, present, table, words
from hedge_pipeline.domain.prices import PricesReading
from hedge_pipeline.domain.reserves import ReservesValuation


@dg.asset(
    group_name="reserves",
    owners=["team:treasury"],
    kinds={"http"},
    description=(
        "One price per holding of treasury and reserves, each provider asked once for everything it knows. `failures` "
        "says for each asset without a price which provider failed, why, and what a person can do about it."
    ),
)
def prices(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    reading, now = cycle.read_prices(fund), fund.now()
    return dg.MaterializeResult(
        metadata=present(
            {
                "sources": table(reading.sources, "source", "ok", "age_s", "error", now=now),
                "failures": table(reading.failures, "asset", "source", "reason"),
                "quotes": table(reading.quotes, "asset", "usd", "source", "age_s", "valid_until", now=now),
                "closed": table(reading.closed),
                **instants(now, oldest_price=reading.as_of),
            }
        )
    )


@dg.asset_check(asset=prices)
def every_provider_answered(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Every provider that was asked answered. Prices carried over are used until they are too old, so this alone changes no value."""
    reading = fund.latest(PricesReading)
    return all_answered(reading.sources if reading else None)


@dg.asset(
    group_name="reserves",
    owners=["team:treasury"],
    kinds={"http"},
    deps=[prices],
    description=(
        "Treasury and reserves in USD. A holding without a price is named and the total is a lower bound: reporting NAV "
        "is then incomplete, trading NAV is not touched. Correct its route in the holdings files, or wait for its provider."
    ),
)
def reserves_valuations(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    valuation, now = cycle.value_reserves(fund), fund.now()
    return dg.MaterializeResult(
        metadata=present(
            {
                "complete": valuation.complete,
                "error": valuation.error,
                "treasury_usd": valuation.treasury_usd,
                "reserves_usd": valuation.reserves_usd,
                "holdings": table(
                    valuation.values,
                    "place",
                    "asset",
                    "quantity",
                    "price_usd",
                    "value_usd",
                    "price_source",
                    "age_s",
                    "reason",
                    now=now,
                ),
                **instants(now, oldest_price=valuation.as_of, valid_until=valuation.valid_until),
            }
        )
    )


@dg.asset_check(asset=reserves_valuations, blocking=True)
def every_holding_is_priced(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Otherwise the total is a lower bound. Correct the holding's route in the holdings files, or wait for its provider; trading goes on."""
    valuation = fund.latest(ReservesValuation)
    if valuation is None:
        return judged(holds=False, description="treasury and reserves have never been valued")
    missing = [entry for entry in valuation.values if entry.value_usd is None]
    unpriced = [f"**{v.asset}** {v.quantity}: {words(v.reason or 'no reason given')}" for v in missing]
    told = [words(valuation.error)] if valuation.error else []
    return judged(holds=valuation.complete, description=listed([*told, *unpriced]))


@dg.asset_check(asset=reserves_valuations, blocking=True)
def every_price_is_recent(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """No price used is older than its asset class allows, by the provider's stamp. If nothing is being written: is the daemon running?"""
    valuation, now = fund.latest(ReservesValuation), fund.now()
    until = valuation.valid_until if valuation else None
    return judged(
        holds=valuation is not None and (until is None or now < until), **instants(now, valid_until=until)
    )


reserves_valuations_match_their_schema = schema_check(reserves_valuations, ReservesValuation)
