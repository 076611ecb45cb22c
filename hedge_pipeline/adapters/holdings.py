"""What the fund keeps off the venue, from two files a person edits: ``treasury.toml`` and ``reserves.toml``.

    [holdings]                       # quantities in quotes, as whole numbers without
    BTC = "0.035"
    [routes.XAUT]                    # only for assets without a default route, or to differ from it
    class = "crypto"                 # crypto, fx, equity or manual: decides how old a price may be
    sources = ["coingecko:tether-gold"]
    cross_check = "spot:XAUTUSDT"    # optional
    [manual.NOTE_A]                  # a price a person vouches for
    price = "1200.00"
    currency = "USD"
    as_of = "2026-11-01T00:00:00Z"
    max_age_days = 30                # optional: the limit of the class otherwise

No file: the place is not configured. An empty file: the place is configured and holds nothing.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from hedge_pipeline.adapters.toml_faults import place_of_fault
from hedge_pipeline.domain.errors import InvalidState, SourceMalformed
from hedge_pipeline.domain.price_routes import DEFAULT_ROUTES, fault_of_source
from hedge_pipeline.domain.prices import AssetClass, ManualMark, PriceRoute, ProviderPrice, exact_decimal
from hedge_pipeline.domain.reserves import Holding, HoldingsReading, Place
from hedge_pipeline.ports import Clock

_ASSET = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,31}")
_SECRET = re.compile(r"(?=[^\s'\"]*[0-9])(?=[^\s'\"]*[A-Za-z])[^\s'\"\[\]]{24,}")
_LARGEST_FILE = 1_000_000
_FROM, _UNTIL = datetime(2015, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_LARGEST = Decimal("1e15")
_SMALLEST = Decimal("1e-18")


class _Float(str):
    """A TOML float, as written: money is never one."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingsFiles:
    """``HoldingsSource`` of ports over one folder. Read anew each time: an edit counts at once."""

    folder: Path
    clock: Clock

    def read(self) -> HoldingsReading:
        files = [file for place in Place if (file := self._file(place)) is not None]
        stated = _once("routes", [(file, route.asset, route) for file in files for route in file.routes()])
        marks = _once("manual", [(file, mark.name, mark) for file in files for mark in file.marks()])
        for file in files:
            file.check_marks(stated)
        present = {file.place for file in files}
        return HoldingsReading(
            as_of=self.clock.now(),
            treasury_configured=Place.TREASURY in present,
            reserves_configured=Place.RESERVES in present,
            holdings=tuple(holding for file in files for holding in file.holdings()),
            routes=(*stated, *_routes_of_marks(marks, stated)),
            marks=marks,
        )

    def _file(self, place: Place) -> "_HoldingsFile | None":
        name = f"{place}.toml"
        try:
            written = (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceMalformed(name, f"it cannot be read: {error.strerror}") from None
        if len(written) > _LARGEST_FILE:
            raise SourceMalformed(name, f"it is longer than {_LARGEST_FILE} bytes")
        try:
            text = written.decode("utf-8")
            content = tomllib.loads(text, parse_float=_Float)
        except UnicodeDecodeError as error:
            where = place_of_fault(written, error)
            raise SourceMalformed(name, _masked(f"it is not UTF-8 text: {where}")) from None
        except (ValueError, RecursionError) as error:
            where = place_of_fault(written, error)
            raise SourceMalformed(name, _masked(f"it is not TOML: {error}: {where}")) from None
        file = _HoldingsFile(place=place, name=name, text=text, content=content)
        file.check_keys()
        return file


@dataclass(frozen=True, slots=True, kw_only=True)
class _HoldingsFile:
    """One parsed file and what it says, each fault with its line."""

    place: Place
    name: str
    text: str
    content: Mapping[str, Any]

    def check_keys(self) -> None:
        """Refuse what nobody would read: a misspelled table must not silently empty the place."""
        self._known("", self.content, ("holdings", "routes", "manual"))
        for table, keys in (
            ("routes", ("class", "sources", "cross_check")),
            ("manual", ("price", "currency", "as_of", "max_age_days")),
        ):
            for asset, entry in self._table(table).items():
                self._asset(table, asset)
                if not isinstance(entry, dict):
                    self.fail(table, asset, f"write it as a table of its own, [{table}.{asset}]")
                self._known(f"{table}.{asset}", entry, keys)

    def check_marks(self, routes: Iterable[PriceRoute]) -> None:
        """Refuse a mark that looks as if it counted and does not, or whose currency has no price."""
        named = {source for route in routes for source in route.sources}
        routed = {route.asset for route in routes} | set(DEFAULT_ROUTES)
        for mark in self.marks():
            table = f"manual.{mark.name}"
            source = f"manual:{mark.name}"
            if mark.name in routed and source not in named:
                remedy = f'write [routes.{mark.name}] with "{source}" among its sources'
                self.fail(table, "", f"no route uses it; {remedy}")
            if mark.currency not in routed:
                remedy = f"take one of {', '.join(sorted(routed))}, or write [routes.{mark.currency}]"
                self.fail(table, "currency", f"{mark.currency} has no route; {remedy}")

    def holdings(self) -> Iterator[Holding]:
        for asset, stated in self._table("holdings").items():
            self._asset("holdings", asset)
            quantity = self._number("holdings", asset, stated)
            if quantity and not _SMALLEST <= abs(quantity) <= _LARGEST:
                self.fail("holdings", asset, f"{stated} lies outside {_SMALLEST} to {_LARGEST}")
            yield Holding(place=self.place, asset=asset, quantity=quantity)

    def routes(self) -> Iterator[PriceRoute]:
        for asset, entry in self._table("routes").items():
            table = f"routes.{asset}"
            stated = self._required(table, entry, "class")
            if stated not in tuple(AssetClass):
                self.fail(table, "class", f"{stated!r} is none of {', '.join(AssetClass)}")
            sources = self._required(table, entry, "sources")
            if not isinstance(sources, list) or not sources:
                self.fail(table, "sources", 'list them in order, e.g. ["spot:BTCUSDT", "coingecko:bitcoin"]')
            for source in sources:
                self._source(table, "sources", source, asset)
            if "cross_check" in entry:
                self._source(table, "cross_check", entry["cross_check"], asset)
            yield PriceRoute(
                asset=asset,
                asset_class=AssetClass(stated),
                sources=tuple(sources),
                cross_check=entry.get("cross_check"),
            )

    def marks(self) -> Iterator[ManualMark]:
        for name, entry in self._table("manual").items():
            table = f"manual.{name}"
            price = self._number(table, "price", self._required(table, entry, "price"))
            currency = self._required(table, entry, "currency")
            if not isinstance(currency, str) or not _ASSET.fullmatch(currency):
                self.fail(table, "currency", f'{currency!r} is not a currency; write e.g. "USD"')
            mark = ManualMark(
                name=name,
                price=price,
                currency=currency,
                as_of=self._instant(table, "as_of", self._required(table, entry, "as_of")),
                max_age=self._days(table, "max_age_days", entry.get("max_age_days")),
            )
            try:
                ProviderPrice(price=mark.price, currency=mark.currency, as_of=mark.as_of)
            except InvalidState as fault:
                self.fail(table, "price", str(fault))
            yield mark

    def _table(self, name: str) -> Mapping[str, Any]:
        table = self.content.get(name, {})
        if not isinstance(table, dict):
            self.fail("", name, f"write it as a table, [{name}]")
        return table

    def _asset(self, table: str, asset: str) -> None:
        if not _ASSET.fullmatch(asset):
            hint = f"; did you mean {asset.upper()}?" if _ASSET.fullmatch(asset.upper()) else ""
            self.fail(table, asset, f"assets are written in capitals and digits{hint}")

    def _known(self, table: str, entry: Mapping[str, Any], keys: tuple[str, ...]) -> None:
        for key in entry:
            if key not in keys:
                near = difflib.get_close_matches(key, keys, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(keys)}"
                self.fail(table, key, f"unknown key; {hint}")

    def _required(self, table: str, entry: Mapping[str, Any], key: str) -> Any:
        if key not in entry:
            self.fail(table, "", f"{key} is missing")
        return entry[key]

    def _number(self, table: str, key: str, stated: object) -> Decimal:
        if isinstance(stated, _Float):
            self.fail(table, key, f'{stated} is a float, which may lose digits; write "{stated}" in quotes')
        number = exact_decimal(stated)
        if number is None:
            self.fail(table, key, f'{stated!r} is not a number; write e.g. "0.035"')
        return number

    def _source(self, table: str, key: str, source: object, asset: str) -> None:
        fault = fault_of_source(source, asset) if isinstance(source, str) else f"{source!r} is not a text"
        if fault is not None:
            self.fail(table, key, fault)

    def _instant(self, table: str, key: str, stated: object) -> datetime:
        try:
            instant = stated if isinstance(stated, datetime) else datetime.fromisoformat(str(stated))
        except ValueError:
            self.fail(table, key, f"{stated!r} is no instant; write e.g. 2026-11-01T00:00:00Z")
        if instant.tzinfo is None:
            self.fail(table, key, f"{stated} has no time zone; write e.g. 2026-11-01T00:00:00Z")
        if not _FROM <= instant < _UNTIL:
            self.fail(table, key, f"{stated} lies outside {_FROM.year} to {_UNTIL.year}")
        return instant.astimezone(UTC)

    def _days(self, table: str, key: str, stated: object) -> timedelta | None:
        if stated is None:
            return None
        if type(stated) is not int or not 1 <= stated <= 3660:
            self.fail(table, key, f"{stated!r} is not a whole number of days from 1 to 3660")
        return timedelta(days=stated)

    def fail(self, table: str, key: str, fault: str) -> NoReturn:
        raise SourceMalformed(self.name, _masked(f"{_where(self.text, table, key)}: {fault}"))


def _masked(text: str) -> str:
    """Without what is long and mixes letters and digits, as keys and addresses with a password do."""
    return _SECRET.sub("***", text)


def _where(text: str, table: str, key: str) -> str:
    """The field and, where it is written plainly enough to be found, its line."""
    field = " ".join(part for part in (table and f"[{table}]", key) if part)
    inside = ""
    for number, line in enumerate(text.splitlines(), start=1):
        plain = line.replace('"', "").replace("'", "").strip()
        name = plain.partition("=")[0].strip()
        if plain.startswith("["):
            inside = plain.strip("[").partition("]")[0].strip()
            name = ""
        if (inside, name) == (table, key) or (name == "" and inside == key and not table):
            return f"line {number}, {field}"
    return field


def _once(table: str, entries: Iterable[tuple[_HoldingsFile, str, Any]]) -> tuple[Any, ...]:
    """Entries by name, in order; the same name in both files would leave it open which one counts."""
    found: dict[str, tuple[_HoldingsFile, Any]] = {}
    for file, name, entry in entries:
        if name in found:
            file.fail(f"{table}.{name}", "", f"{found[name][0].name} has it too; keep one")
        found[name] = (file, entry)
    return tuple(found[name][1] for name in sorted(found))


def _routes_of_marks(marks: Iterable[ManualMark], stated: Iterable[PriceRoute]) -> Iterator[PriceRoute]:
    """A mark of an asset that nothing else prices is its route."""
    routed = {route.asset for route in stated}
    for mark in marks:
        if mark.name not in routed and mark.name not in DEFAULT_ROUTES:
            yield PriceRoute(asset=mark.name, asset_class=AssetClass.MANUAL, sources=(f"manual:{mark.name}",))
