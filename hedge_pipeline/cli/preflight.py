"""`hedge preflight`: everything a valuation stands on, looked at one by one, each fault with its remedy."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

import click

from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.cli.run import local_servers
from hedge_pipeline.cli.target import target
from hedge_pipeline.composition import Outside, holdings_of, open_store
from hedge_pipeline.domain.account import AccountReading
from hedge_pipeline.domain.errors import HedgeError, InvalidSettings, SourceUnavailable
from hedge_pipeline.domain.limits import RiskLimits
from hedge_pipeline.domain.reserves import HoldingsReading
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline.settings import Profile, Settings, load_settings
from hedge_pipeline.settings.state import public_url

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing looked at."""

    name: str
    told: str
    remedy: str | None = None
    """What to do; ``None``: all is well."""

    def __str__(self) -> str:
        if self.remedy is None:
            return f"{click.style('ok  ', fg='green')}  {self.name:<14} {self.told}"
        return f"{click.style('FAIL', fg='red')}  {self.name:<14} {self.told}\n{'':<21}to do: {self.remedy}"


@click.command()
def preflight() -> None:
    """Look at configuration, secrets, store, venue, clock, hedge mode, prices and holdings; exit 1 if anything fails."""
    try:
        settings = load_settings()
    except InvalidSettings as fault:
        click.echo(
            Line(name="configuration", told=str(fault), remedy="correct what is named, then look again")
        )
        raise click.exceptions.Exit(1) from None
    click.echo(target(settings))
    failed = 0
    for line in chain(_here(settings), _outside(settings)):
        click.echo(line)
        failed += line.remedy is not None
    if failed:
        click.echo(f"{failed} failed")
        raise click.exceptions.Exit(1)


def _here(settings: Settings) -> Iterator[Line]:
    """What this machine holds."""
    file = settings.config_file or "no settings file: the profile's own values"
    yield Line(name="configuration", told=f"{file}, fingerprint {settings.fingerprint()}")
    yield Line(name="secrets", told=_secrets(settings))
    yield _store(settings)


def _secrets(settings: Settings) -> str:
    """Which are set; never what they are."""
    if settings.profile is Profile.PAPER:
        return "none needed: the paper venue's keys are public"
    held = {
        "venue read key": settings.secrets.venue_read,
        "venue trade key": settings.secrets.venue_trade,
        "CoinGecko key": settings.secrets.coingecko_key,
    }
    return ", ".join(f"{name} {'absent' if secret is None else 'set'}" for name, secret in held.items())


def _store(settings: Settings) -> Line:
    place = public_url(settings.state_url)
    try:
        store = open_store(settings, create=False, read_only=True)
    except HedgeError as fault:
        if "there is none" in str(fault):
            return Line(name="state store", told=f"{place}: none yet; the first `hedge run` makes it")
        return Line(
            name="state store", told=str(fault), remedy="do what it says, or restore a copy of the store"
        )
    told = f"{place}, level {store.level}, id {store.store_id}"
    store.close()
    return Line(name="state store", told=told)


def _outside(settings: Settings) -> Iterator[Line]:
    """What others answer."""
    clock = SystemClock()
    outside = Outside(settings, clock)
    with local_servers(settings):
        account = outside.read_account()
        yield from _account(account, settings.limits())
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
        told_clock = f"ours is {offset:+.3f} s from the venue's, round trip {reading.clock.round_trip.total_seconds():.3f} s"
        within = abs(reading.clock.offset) <= limits.freshness.clock_offset_reduce
        yield Line(
            name="clock", told=told_clock, remedy=None if within else "synchronize this machine's clock (NTP)"
        )
    if reading.hedge_mode is not None:
        remedy = None if reading.hedge_mode else "switch the account to hedge mode at the venue"
        yield Line(
            name="hedge mode", told="on" if reading.hedge_mode else "off: positions are netted", remedy=remedy
        )


def _income(outside: Outside, clock: SystemClock) -> Line:
    try:
        rows, _ = outside.read_income(clock.now() - timedelta(hours=1))
    except SourceUnavailable as failure:
        return Line(name="income", told=failure.reason, remedy=REMEDIES["income"])
    return Line(name="income", told=f"{len(rows)} rows in the last hour")


def _holdings(settings: Settings, outside: Outside, clock: SystemClock) -> Iterator[Line]:
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


def _prices(holdings: HoldingsReading, outside: Outside, clock: SystemClock) -> Iterator[Line]:
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
