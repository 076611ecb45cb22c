"""What must hold between the settings before anything starts: one function, run by every load.

Each profile has exactly the servers it may talk to, so no combination of settings turns paper into live.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from hedge_pipeline.settings.environment import Environment, Profile
from hedge_pipeline.settings.faults import Fault, shown
from hedge_pipeline.settings.masking import MASK
from hedge_pipeline.settings.model import Settings
from hedge_pipeline.settings.secrets import VenueKey
from hedge_pipeline.settings.values import duration_text

ENVIRONMENTS = {
    Profile.PAPER: (Environment.DEV, Environment.STAGING),
    Profile.DEMO: (Environment.DEV, Environment.STAGING),
    Profile.LIVE: (Environment.PROD,),
}
VENUE_HOSTS = {Profile.DEMO: ("demo-fapi.binance.com",), Profile.LIVE: ("fapi.binance.com",)}
SPOT_HOSTS = {
    Profile.DEMO: ("demo-api.binance.com", "api.binance.com", "data-api.binance.vision"),
    Profile.LIVE: ("api.binance.com", "data-api.binance.vision"),
}
SHORTEST_KEY = 16
SENTINELS = frozenset(
    {
        "backtest",
        "change",
        "changeme",
        "demo",
        "dummy",
        "example",
        "key",
        "none",
        "null",
        "paper",
        "sample",
        "secret",
        "test",
        "testnet",
        "todo",
        "xxx",
    }
)
"""Stand-ins that people and templates put where a key belongs, alone or joined by _ or -."""


def startup_invariants(settings: Settings) -> tuple[Fault, ...]:
    """Everything that forbids a start; empty when nothing does."""
    return tuple(fault for invariant in INVARIANTS for fault in invariant(settings))


def _profile_runs_in_its_environment(settings: Settings) -> Iterator[Fault]:
    allowed = ENVIRONMENTS[settings.profile]
    if settings.env not in allowed:
        yield Fault(
            key="HEDGE_PROFILE × HEDGE_ENV",
            value=f"{settings.profile} × {settings.env}",
            problem=f"profile {settings.profile} does not run in environment {settings.env}",
            remedy=f"set HEDGE_ENV={' or '.join(allowed)}, or another HEDGE_PROFILE",
        )


def _production_is_allowed_by_hand(settings: Settings) -> Iterator[Fault]:
    if settings.env is Environment.PROD and not settings.allow_prod:
        yield Fault(
            key="HEDGE_ALLOW_PROD",
            value=None,
            problem="is not set, and prod needs it beside HEDGE_ENV=prod",
            remedy="export HEDGE_ALLOW_PROD=1 if production is what you mean",
        )


def _servers_belong_to_the_profile(settings: Settings) -> Iterator[Fault]:
    for key, url, hosts in (
        ("venue.base_url", settings.venue.base_url, VENUE_HOSTS),
        ("venue.spot_url", settings.venue.spot_url, SPOT_HOSTS),
    ):
        problem = _wrong_server(url, settings.profile, hosts.get(settings.profile, ()))
        if problem is not None:
            allowed = " or ".join(f"https://{host}" for host in hosts.get(settings.profile, ()))
            yield Fault(
                key=key,
                value=shown(url),
                problem=f"{problem} in profile {settings.profile}",
                remedy=f"write {allowed}" if allowed else "remove it, or name a server on 127.0.0.1",
            )


def _wrong_server(url: str | None, profile: Profile, hosts: tuple[str, ...]) -> str | None:
    if profile is Profile.PAPER:
        return None if url is None or is_loopback(url) else "is not on this machine, as every server is"
    if url is None:
        return "is missing"
    parts = urlsplit(url)
    allowed = parts.scheme == "https" and parts.hostname in hosts and parts.port in {None, 443}
    return None if allowed else "is not a server this profile may talk to"


def is_loopback(url: str) -> bool:
    """Whether an address names this machine itself."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _prices_have_a_provider(settings: Settings) -> Iterator[Fault]:
    url = settings.prices.coingecko_url
    if settings.profile is Profile.PAPER:
        return
    if url is None or is_loopback(url) or urlsplit(url).scheme != "https":
        yield Fault(
            key="prices.coingecko_url",
            value=shown(url),
            problem=f"is no provider of real prices in profile {settings.profile}",
            remedy="write https://api.coingecko.com",
        )


def _venue_keys_are_real(settings: Settings) -> Iterator[Fault]:
    if settings.profile is Profile.PAPER:
        return
    read, trade = settings.secrets.venue_read, settings.secrets.venue_trade
    if read is None:
        yield Fault(
            key="HEDGE_VENUE_READ_KEY",
            value=None,
            problem=f"is missing in profile {settings.profile}",
            remedy="set it and HEDGE_VENUE_READ_SECRET to the read-only key of the account",
        )
    for name, pair in (("HEDGE_VENUE_READ", read), ("HEDGE_VENUE_TRADE", trade)):
        yield from _stand_ins(name, pair)
    if read is not None and trade is not None and read.key == trade.key:
        yield Fault(
            key="HEDGE_VENUE_TRADE_KEY",
            value=MASK,
            problem="is the read-only key again",
            remedy="make two keys at the venue, so that only execution holds one that trades",
        )


def _stand_ins(name: str, pair: VenueKey | None) -> Iterator[Fault]:
    for part, secret in () if pair is None else (("KEY", pair.key), ("SECRET", pair.secret)):
        value = secret.get_secret_value()
        words = re.split(r"[_-]", value.lower())
        if not SENTINELS.isdisjoint(words) or len(value) < SHORTEST_KEY or len(set(value)) < 4:
            yield Fault(
                key=f"{name}_{part}",
                value=MASK,
                problem="is a stand-in or too short, not a key of the venue",
                remedy="set the real one",
            )


def _hedge_mode_is_on(settings: Settings) -> Iterator[Fault]:
    if not settings.venue.hedge_mode:
        yield Fault(
            key="venue.hedge_mode",
            value="false",
            problem="nets both sides into one position, which this strategy cannot run on",
            remedy="write true, and switch the account to hedge mode",
        )


def _protection_is_on_in_live(settings: Settings) -> Iterator[Fault]:
    if settings.profile is not Profile.LIVE:
        return
    breakers = settings.strategy.risk_management
    for key, enabled in (
        ("kill_switch.enabled", settings.kill_switch.enabled),
        ("strategy.risk_management.enable_position_validation", breakers.enable_position_validation),
        ("strategy.risk_management.enable_circuit_breaker", breakers.enable_circuit_breaker),
        ("strategy.risk_management.enable_drawdown_protection", breakers.enable_drawdown_protection),
    ):
        if not enabled:
            yield Fault(key=key, value="false", problem="is off in profile live", remedy="write true")


def _limits_fit_together(settings: Settings) -> Iterator[Fault]:
    limits, cadence = settings.limits(), settings.cadence
    half_window = timedelta(milliseconds=settings.venue.recv_window_ms) / 2
    if limits.freshness.clock_offset_reduce >= half_window:
        yield Fault(
            key="freshness.clock_offset_reduce",
            value=f'"{duration_text(limits.freshness.clock_offset_reduce)}"',
            problem="is not below half of venue.recv_window_ms, where the clock's offset halts",
            remedy=f"write less than {duration_text(half_window)}, or a longer venue.recv_window_ms",
            beside="venue",
        )
    for key, limit in (("freshness.nav", limits.freshness.nav), ("freshness.peak", limits.freshness.peak)):
        if limit <= cadence.valuation:
            yield Fault(
                key=key,
                value=f'"{duration_text(limit)}"',
                problem=f"is not longer than cadence.valuation, {duration_text(cadence.valuation)}: always stale",
                remedy="write a longer limit or a shorter cadence",
                beside="cadence",
            )
    if settings.strategy.symbol not in settings.venue.symbols:
        yield Fault(
            key="strategy.symbol",
            value=shown(settings.strategy.symbol),
            problem="is not among venue.symbols",
            remedy=f"write one of {', '.join(settings.venue.symbols)}, or add it there",
            beside="venue",
        )


def _what_is_enabled_can_trade(settings: Settings) -> Iterator[Fault]:
    """Told when trading is switched on, not by a grid that never trades."""
    strategy, trading = settings.strategy, settings.trading
    if trading.countdown < 3 * settings.cadence.protection:
        yield Fault(
            key="trading.countdown",
            value=f'"{duration_text(trading.countdown)}"',
            problem=f"is shorter than three protection cycles of {duration_text(settings.cadence.protection)}",
            remedy=f"write at least {duration_text(3 * settings.cadence.protection)}",
            beside="cadence",
        )
    if not trading.enabled:
        return
    if settings.profile is Profile.LIVE and not trading.live:
        yield Fault(
            key="trading.live",
            value="false",
            problem="is not said beside trading.enabled in profile live",
            remedy="write true once the demo has shown what you expect, or trading.enabled = false",
        )
    if settings.profile is not Profile.PAPER and settings.secrets.venue_trade is None:
        yield Fault(
            key="HEDGE_VENUE_TRADE_KEY",
            value=None,
            problem="is missing, and trading.enabled is true",
            remedy="set it and HEDGE_VENUE_TRADE_SECRET, or write trading.enabled = false",
            beside="trading",
        )
    if timedelta(seconds=strategy.execution.max_bar_staleness_seconds) < strategy.bar:
        yield Fault(
            key="strategy.bar",
            value=f'"{duration_text(strategy.bar)}"',
            problem="is longer than strategy.execution.max_bar_staleness_seconds: every candle is stale",
            remedy="write a shorter bar, or allow more staleness",
        )
    most = strategy.exit.sl_steps + 1
    for side in ("long", "short"):
        levels = getattr(strategy.grid, f"grid_levels_{side}")
        if levels > most:
            yield Fault(
                key=f"strategy.grid.grid_levels_{side}",
                value=str(levels),
                problem=f"is more than sl_steps + 1, {most}: the first stop lies before the last rung, so no entry may be sent",
                remedy=f"write at most {most}, or sl_steps = {levels - 1}",
            )


INVARIANTS: tuple[Callable[[Settings], Iterator[Fault]], ...] = (
    _profile_runs_in_its_environment,
    _production_is_allowed_by_hand,
    _servers_belong_to_the_profile,
    _prices_have_a_provider,
    _venue_keys_are_real,
    _hedge_mode_is_on,
    _protection_is_on_in_live,
    _limits_fit_together,
    _what_is_enabled_can_trade,
)
