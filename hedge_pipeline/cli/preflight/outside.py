"""What others answer: the venue and its clock, price providers, and the holdings to be priced."""

from collections.abc import Iterator
from datetime import timedelta

from hedge_pipeline.cli.preflight.lines import Line
from hedge_pipeline.composition import holdings_of
from hedge_pipeline.domain.account import AccountReading
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.limits import RiskLimits
from hedge_pipeline.domain.reserves import HoldingsReading
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline.outside import Outside
from hedge_pipeline.ports import Clock
from hedge_pipeline.settings import Settings

NETWORK = "look whether this machine reaches the address in [venue]; in paper: `hedge local down`, then `hedge local up`"
KEYS = "look whether HEDGE_VENUE_READ_KEY and _SECRET are this account's, may read futures, and are allowed from this address"
REMEDIES = {
    "clock": NETWORK,
    "balances": KEYS,
    "positions": KEYS,
    "modes": KEYS,
    "marks": NETWORK,
    "asset_rates": NETWORK,
    "instruments": NETWORK,
    "income": KEYS,
}
PROVIDER = "look whether this machine reaches the provider's address in [prices] and the asset's route in the holdings files"


def lines(settings: Settings, clock: Clock) -> Iterator[Line]:
    outside = Outside(settings, clock)
    yield from _account(outside.read_account(), settings.limits())
    marks = outside.read_marks((), (settings.venue.numeraire,))
    told = f"{len(marks.marks or ())} symbols, {len(marks.asset_rates or ())} assets"
    yield from (_source(source, told) for source in marks.sources)
    instruments = outside.read_instruments(())
    symbols = ", ".join(entry.symbol for entry in instruments.instruments or ())
    yield from (_source(source, symbols) for source in instruments.sources)
    yield _income(outside, clock)
    yield from _holdings(settings, outside, clock)


def _account(reading: AccountReading, limits: RiskLimits) -> Iterator[Line]:
    told = {
        "balances": f"{len(reading.balances or ())} assets",
        "positions": f"{len(reading.positions or ())} positions",
        "modes": f"multi-assets mode {'on' if reading.multi_assets_mode else 'off'}",
    }
    for source in reading.sources:
        if source.source != "clock" or not source.ok:
            yield _source(source, told.get(source.source, ""))
    if reading.clock is not None:
        offset = reading.clock.offset.total_seconds()
        side = "behind" if offset > 0 else "ahead of"
        round_trip = reading.clock.round_trip.total_seconds()
        told_clock = f"ours is {abs(offset):.3f} s {side} the venue's, round trip {round_trip:.3f} s"
        within = abs(reading.clock.offset) <= limits.freshness.clock_offset_reduce
        yield Line(
            name="clock", told=told_clock, remedy=None if within else "synchronize this machine's clock (NTP)"
        )
    if reading.hedge_mode is not None:
        remedy = None if reading.hedge_mode else "switch the account to hedge mode at the venue"
        yield Line(
            name="hedge mode", told="on" if reading.hedge_mode else "off: positions are netted", remedy=remedy
        )


def _income(outside: Outside, clock: Clock) -> Line:
    try:
        rows, _ = outside.read_income(clock.now() - timedelta(hours=1))
    except SourceUnavailable as failure:
        return Line(name="income", told=failure.reason, remedy=REMEDIES["income"])
    return Line(name="income", told=f"{len(rows)} rows in the last hour")


def _holdings(settings: Settings, outside: Outside, clock: Clock) -> Iterator[Line]:
    try:
        reading = holdings_of(settings, clock).read()
    except SourceUnavailable as failure:
        yield Line(
            name="holdings", told=str(failure), remedy=f"correct the file in {settings.holdings_folder}"
        )
        return
    places = {"treasury": reading.treasury_configured, "reserves": reading.reserves_configured}
    told = ", ".join(f"{place}.toml {'read' if there else 'absent'}" for place, there in places.items())
    yield Line(name="holdings", told=f"{told}, {len(reading.holdings)} holdings")
    yield from _prices(reading, outside, clock)


def _prices(holdings: HoldingsReading, outside: Outside, clock: Clock) -> Iterator[Line]:
    reading = outside.price(holdings, None, clock.now)
    for source in reading.sources:
        yield _source(source, "answers", remedy=PROVIDER)
    for failure in reading.failures:
        yield Line(name=f"price {failure.asset}", told=failure.reason, remedy=PROVIDER)


def _source(source: SourceHealth, told: str, *, remedy: str | None = None) -> Line:
    if source.ok:
        return Line(name=source.source, told=told)
    return Line(
        name=source.source,
        told=source.error or "failed",
        remedy=remedy or REMEDIES.get(source.source, NETWORK),
    )
