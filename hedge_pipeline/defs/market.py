"""The market a strategy looks at: finished candles, and what the venue charges and wants to be left of a position."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import dagster as dg

from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.account import HEALTH
from hedge_pipeline.defs.checks import all_answered, judged
from hedge_pipeline.defs.gated import GATED
from hedge_pipeline.defs.presentation import instants, listed, plot, present, table, words
from hedge_pipeline.domain.regime import closes_at
from hedge_pipeline.domain.trading.readings import CandlesReading, SymbolTerms, TermsReading

SETTLEMENTS = "By the symbol's own interval, which changes."


@dg.asset(
    group_name="trading",
    owners=["team:trading"],
    kinds={"ccxt", "binance"},
    deps=GATED,
    description=(
        "The finished candles each strategy reads its regime from, as the venue states them now. Closed days are kept in "
        "`history/candles`."
    ),
)
def candles(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    from hedge_pipeline.cycle.planning import read_candles  # loading the definitions need not pay for it

    readings, now = read_candles(fund), fund.now()
    told = [
        {
            "symbol": reading.symbol,
            "interval": reading.interval,
            "candles": len(reading.candles or ()),
            "as_of": reading.as_of,
        }
        for reading in readings
    ]
    oldest = min((reading.as_of for reading in readings if reading.as_of), default=None)
    return dg.MaterializeResult(
        metadata=present(
            {
                "sources": table(
                    [health for reading in readings for health in reading.sources], *HEALTH, now=now
                ),
                "symbols": "; ".join(f"{row['symbol']} {row['candles']} of {row['interval']}" for row in told)
                or None,
                **{
                    f"{reading.symbol}_close_plot": plot(
                        f"{reading.symbol} close",
                        [(closes_at(candle), candle.close) for candle in reading.candles or ()],
                    )
                    for reading in readings
                },
                **instants(now, as_of=oldest),
            }
        )
    )


@dg.asset_check(asset=candles, blocking=True)
def candles_are_finished_and_without_gaps(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Each strategy's candles follow one another without a hole, and the newest has closed not longer ago than allowed. Clears with the next good answer; a gap that stays is the venue's own."""
    faults = [
        f"**{strategy.symbol}**: {words(fault)}"
        for strategy in fund.trading.strategies
        for fault in _faults(fund, strategy.symbol)
    ]
    return judged(holds=not faults, description=listed(faults))


def _faults(fund: Fund, symbol: str) -> Iterator[str]:
    strategy = fund.trading.of(symbol)
    reading = fund.store.latest(CandlesReading, fund.account, symbol=symbol)
    if strategy is None or reading is None:
        yield "never read"
    elif not reading.candles:
        yield "; ".join(source.error or "" for source in reading.sources if not source.ok) or "there is none"
    else:
        for before, candle in pairwise(reading.candles):
            if candle.open_at != closes_at(before):
                yield f"{closes_at(before).isoformat()} to {candle.open_at.isoformat()} is missing"
        closed_at, now = closes_at(reading.candles[-1]), fund.now()
        if closed_at > now:
            yield f"the newest closes at {closed_at.isoformat()}, which is not over"
        elif now - closed_at > strategy.candle_max_age:
            yield (
                f"the newest closed {(now - closed_at).total_seconds():.0f} s ago, "
                f"allowed are {strategy.candle_max_age.total_seconds():g} s"
            )


@dg.asset(
    group_name="trading",
    owners=["team:trading"],
    kinds={"ccxt", "binance"},
    deps=GATED,
    description=(
        "How each symbol is set and what it costs: leverage and margin type, leverage brackets, how often funding settles. "
        "Rates to come are in `marks`, what was settled in `history/funding_rates`."
    ),
)
def funding_rates(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    from hedge_pipeline.cycle.order_reading import read_terms  # loading the definitions need not pay for it

    reading, now = read_terms(fund), fund.now()
    return dg.MaterializeResult(
        metadata=present(
            {
                "sources": table(reading.sources, *HEALTH, now=now),
                "configs": table(reading.configs, "symbol", "leverage", "cross_margin"),
                "terms": table(reading.terms, "symbol", "funding_interval"),
                **instants(now, as_of=reading.as_of),
            }
        )
    )


@dg.asset_check(asset=funding_rates, blocking=True)
def terms_of_every_strategy_are_known(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Leverage, brackets and funding interval of every strategy's symbol are known. Clears with the next good answer; a symbol the venue does not list has to leave the settings."""
    reading = fund.latest(TermsReading)
    if reading is None or reading.configs is None or reading.terms is None:
        return all_answered(reading.sources if reading else None)
    set_up = {config.symbol for config in reading.configs}
    lacking = [
        f"**{strategy.symbol}**: {', '.join(what)}"
        for strategy in fund.trading.strategies
        if (what := list(_lacking(strategy.symbol, set_up, reading.terms)))
    ]
    return judged(holds=not lacking, description=listed(lacking))


def _lacking(symbol: str, set_up: set[str], terms: Sequence[SymbolTerms]) -> Iterator[str]:
    known = next((each for each in terms if each.symbol == symbol), None)
    if symbol not in set_up:
        yield "leverage and margin type unknown"
    if known is None or not known.brackets:
        yield "brackets unknown"
    if known is None or known.funding_interval is None:
        yield "funding interval unknown"
