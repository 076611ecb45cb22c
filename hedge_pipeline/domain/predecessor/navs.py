"""What the predecessor's account was worth, as its own files and documents remember it.

It counted the wallet and unrealized PnL of one asset, USDT, so its figures are in that asset, whatever it called them. And
its peaks are of money, not of units: whoever paid in raised them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from hedge_pipeline.domain.predecessor.fields import flag, instant, positive, refuse, required, table


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedNav:
    """One NAV of the predecessor: a row of ``imported_navs``."""

    account: str
    source: str
    """File or document it was found in."""
    as_of: datetime
    """The source's own stamp; never when it was imported."""
    nav: Decimal
    """Positive."""
    peak: Decimal | None
    """Highest NAV it had ever seen, deposits included; ``None``: the source states none."""
    recorded_at: datetime
    """When it was imported, by our wall clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NavSeen:
    """A NAV with its own stamp."""

    as_of: datetime
    nav: Decimal
    peak: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one file says."""

    navs: tuple[NavSeen, ...] = ()
    notes: tuple[str, ...] = ()
    """What is not taken over, and why."""


def nav_log(source: str, content: object, now: datetime) -> Told:
    """``nav_log.json``: a list of ``{"t": epoch s, "nav": USD}``."""
    return Told(navs=_points(source, "", content, now))


def _points(source: str, field: str, content: object, now: datetime) -> tuple[NavSeen, ...]:
    if not isinstance(content, list):
        refuse(source, field, "is no JSON list; take the file as the predecessor wrote it")
    found: dict[datetime, NavSeen] = {}
    for place, raw in enumerate(content):
        at = f"{field}[{place}]"
        entry = table(source, at, raw)
        seen = NavSeen(
            as_of=instant(source, f"{at}.t", required(source, f"{at}.", entry, "t"), now=now),
            nav=positive(source, f"{at}.nav", required(source, f"{at}.", entry, "nav")),
        )
        if found.setdefault(seen.as_of, seen) != seen:
            refuse(
                source,
                f"{at}.nav",
                f"{seen.nav} and {found[seen.as_of].nav} at one instant; take one of them out",
            )
    return tuple(found[as_of] for as_of in sorted(found))


def nav_confirmed(source: str, content: object, now: datetime) -> Told:
    """``nav_confirmed.json``: the last NAV whose sources were well, or one kept past a failure.

    ``stale_flags`` is the negation of ``source_health``: false means well.
    """
    entry = table(source, "", content)
    as_of = instant(source, "ts", required(source, "", entry, "ts"), now=now)
    nav = _twice(source, entry, "nav", "nav_usd")
    well = flag(source, "sources_ok", required(source, "", entry, "sources_ok"))
    health = _flags(source, "source_health", entry)
    stale = _flags(source, "stale_flags", entry)
    if health and all(health.values()) != well:
        refuse(source, "sources_ok", "contradicts source_health; take the file as the predecessor wrote it")
    if health and stale and stale != {name: not good for name, good in health.items()}:
        refuse(source, "stale_flags", "is not the negation of source_health, as the predecessor wrote it")
    if not well:
        # A failure set ``ts`` to its own instant and kept the NAV: how old that is, nobody knows.
        note = f"its NAV of {nav} is not taken over: a source had failed, and ts is then when it did, not when the NAV was true"
        return Told(notes=(note,))
    return Told(navs=(NavSeen(as_of=as_of, nav=nav),))


def peak_state(source: str, content: object, now: datetime) -> Told:
    """``peak_state.json``, and the document that mirrored it: the highest NAV of all time, whatever its name says."""
    entry = table(source, "", content)
    as_of = instant(source, "ts", required(source, "", entry, "ts"), now=now)
    if "updated_at" in entry:
        updated = instant(source, "updated_at", entry["updated_at"], now=now)
        if abs(updated - as_of) > timedelta(seconds=2):
            refuse(
                source,
                "updated_at",
                f"{updated.isoformat()} is not ts, {as_of.isoformat()}: correct one of them",
            )
    nav, peak = _twice(source, entry, "nav", "nav_usd"), _twice(source, entry, "peak", "peak_equity")
    if peak < nav:
        refuse(source, "peak", f"{peak} is below nav, {nav}; the predecessor never wrote that")
    note = "its day's PnL is not taken over: the venue's own income list tells it"
    return Told(navs=(NavSeen(as_of=as_of, nav=nav, peak=peak),), notes=(note,))


def nav_document(source: str, content: object, now: datetime) -> Told:
    """``state/nav``, of any of its four writers: a series, and maybe the peak beside it."""
    entry = table(source, "", content)
    navs = _points(source, "series", [_plain_point(raw) for raw in entry.get("series") or ()], now)
    peak = entry.get("peak_equity")
    if not peak or not navs:
        return Told(navs=navs, notes=() if navs else ("its series is empty",))
    highest = positive(source, "peak_equity", peak)
    last = navs[-1]
    return Told(navs=(*navs[:-1], NavSeen(as_of=last.as_of, nav=last.nav, peak=max(highest, last.nav))))


def _plain_point(raw: object) -> object:
    """Two writers, two spellings of one figure."""
    if not isinstance(raw, Mapping) or "nav" in raw or "equity" not in raw:
        return raw
    return {**raw, "nav": raw["equity"]}


def _twice(source: str, entry: Mapping[str, Any], name: str, other: str) -> Decimal:
    """A figure that is written under two names."""
    found = positive(source, name, required(source, "", entry, name))
    if other in entry and positive(source, other, entry[other]) != found:
        refuse(source, other, f"{entry[other]} is not {name}, {found}: correct one of them")
    return found


def _flags(source: str, name: str, entry: Mapping[str, Any]) -> dict[str, bool]:
    flags = table(source, name, entry.get(name, {}))
    return {key: flag(source, f"{name}.{key}", value) for key, value in flags.items()}


def new_rows(
    account: str,
    source: str,
    told: Told,
    known: frozenset[tuple[datetime, Decimal, Decimal | None]],
    at: datetime,
) -> Iterator[ImportedNav]:
    """Rows of what is not there yet."""
    for seen in told.navs:
        if (seen.as_of, seen.nav, seen.peak) not in known:
            yield ImportedNav(
                account=account, source=source, as_of=seen.as_of, nav=seen.nav, peak=seen.peak, recorded_at=at
            )


READERS: Mapping[str, Callable[[str, object, datetime], Told]] = MappingProxyType(
    {"nav_log.json": nav_log, "nav_confirmed.json": nav_confirmed, "peak_state.json": peak_state}
)
"""By file name."""
