"""Importing: what a predecessor left behind is looked at, shown, and taken over by a person's order.

A plan changes nothing. Applied, it appends the predecessor's NAVs with their own stamps, writes the holdings files, and
archives the predecessor's documents before our publisher may own their paths. A second time it changes nothing.
"""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hedge_pipeline.adapters import predecessor_files
from hedge_pipeline.adapters.predecessor_files import PredecessorFile
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.errors import CommandRefused, InvalidSettings, SourceMalformed
from hedge_pipeline.domain.predecessor import documents, holdings, limits, navs
from hedge_pipeline.domain.predecessor.documents import DocumentFound, Found
from hedge_pipeline.domain.predecessor.holdings import HoldingsPlan
from hedge_pipeline.domain.predecessor.limits import LimitFound
from hedge_pipeline.domain.predecessor.navs import ImportedNav, Told
from hedge_pipeline.domain.reserves import Place
from hedge_pipeline.operations.signing import signed
from hedge_pipeline.operations.taking_over import refuse_a_copy
from hedge_pipeline.settings import load_settings
from hedge_pipeline.settings.faults import lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class NavImport:
    """NAVs of one file or document."""

    source: str
    told: Told
    new: tuple[ImportedNav, ...]
    """Those not imported before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingsImport:
    """One holdings file."""

    plan: HoldingsPlan
    file: Path
    there: str | None
    """What the file says now; ``None``: there is none."""

    @property
    def changes(self) -> bool:
        return self.there != self.plan.text


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsImport:
    """What of the predecessor's limits our settings file does not say yet."""

    file: Path
    is_there: bool
    """Then a person adds the lines: nothing writes into a file that somebody wrote."""
    missing: Mapping[str, str]
    """Values as TOML by dotted key."""

    @property
    def changes(self) -> bool:
        return bool(self.missing) and not self.is_there


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """What an import would do."""

    navs: tuple[NavImport, ...] = ()
    holdings: tuple[HoldingsImport, ...] = ()
    limits: tuple[LimitFound, ...] = ()
    settings: SettingsImport
    documents: tuple[DocumentFound, ...] = ()
    notes: tuple[str, ...] = ()
    """What cannot be taken over, and why."""

    @property
    def unversioned(self) -> tuple[str, ...]:
        return tuple(entry.path for entry in self.documents if entry.found is Found.UNVERSIONED)

    @property
    def undecided(self) -> tuple[LimitFound, ...]:
        """Limits of which a person must say whether they are percent or fractions."""
        return tuple(limit for limit in self.limits if limit.ambiguous is not None)

    @property
    def changes(self) -> bool:
        """Whether it would change the store, a file or a document."""
        files = self.settings.changes or any(found.changes for found in self.holdings)
        return files or bool(self.unversioned) or any(found.new for found in self.navs)


def plan_import(
    fund: Fund,
    files: Sequence[PredecessorFile],
    *,
    folder: Path,
    settings_file: Path,
    symbols: Sequence[str] | None = None,
    percent: Collection[str] = (),
    fraction: Collection[str] = (),
) -> ImportPlan:
    """Read everything, write nothing. ``folder`` holds our holdings files; with ``symbols`` the documents are read too.

    Raises:
        SourceMalformed: a file is not as the predecessor wrote it; names field and remedy.
        SourceUnavailable: the documents cannot be read.
    """
    by_name = {file.name: file.content for file in files}
    now = fund.now()
    told = [(name, read(name, by_name[name], now)) for name, read in navs.READERS.items() if name in by_name]
    published = _published(fund, symbols) if symbols is not None else {}
    notes: list[str] = []
    for path, fields in published.items():
        reader = _DOCUMENT_READERS.get(path.removeprefix(f"hedge/{fund.env}/"))
        if reader is not None and documents.standing(path, fields).found is Found.UNVERSIONED:
            try:
                told.append((path, reader(path, documents.as_written(fields), now)))
            except SourceMalformed as fault:
                notes.append(f"{fault}: nothing is taken over from it but its archived copy")
    stated = limits.risk_limits(
        "risk_limits.json", by_name.get("risk_limits.json", {}), percent=percent, fraction=fraction
    )
    return ImportPlan(
        navs=tuple(_nav_import(fund, source, what) for source, what in told),
        holdings=tuple(_holdings(by_name, folder)),
        limits=stated,
        settings=_settings(settings_file, stated),
        documents=tuple(documents.standing(path, fields) for path, fields in published.items()),
        notes=tuple(notes),
    )


def _published(fund: Fund, symbols: Sequence[str]) -> Mapping[str, Mapping[str, Any] | None]:
    wanted = documents.paths(fund.env, symbols)
    read = fund.publisher.read(wanted)
    return {path: read.get(path) for path in wanted}


def _settings(file: Path, stated: Collection[LimitFound]) -> SettingsImport:
    there = predecessor_files.stored(file)
    tree = tomllib.loads(there, parse_float=Decimal) if there else {}
    lines = limits.settings_lines(stated)
    return SettingsImport(
        file=file,
        is_there=there is not None,
        missing={key: value for key, value in lines.items() if not _says(tree, key, value)},
    )


def _says(tree: Mapping[str, object], key: str, value: str) -> bool:
    wanted: object = tomllib.loads(f"value = {value}", parse_float=Decimal)["value"]
    return lookup(tree, tuple(key.split("."))) == wanted


_DOCUMENT_READERS = {documents.NAV: navs.nav_document, documents.PEAK: navs.peak_state}


def _nav_import(fund: Fund, source: str, told: Told) -> NavImport:
    rows = fund.store.columns(ImportedNav, fund.account, "source", "as_of", "nav", "peak")
    known = frozenset((as_of, nav, peak) for of, as_of, nav, peak in rows if of == source)
    new = navs.new_rows(fund.account, source, told, known, fund.clock.now())
    return NavImport(source=source, told=told, new=tuple(new))


def _holdings(by_name: dict[str, object], folder: Path) -> list[HoldingsImport]:
    plans = []
    routed: set[str] = set()
    for name, place, read in (
        ("treasury.json", Place.TREASURY, holdings.treasury),
        ("reserves.json", Place.RESERVES, holdings.reserves),
    ):
        if name in by_name:
            plan = holdings.plan(place, name, read(name, by_name[name]), routed)
            routed |= set(plan.routed)
            file = folder / plan.name
            plans.append(HoldingsImport(plan=plan, file=file, there=predecessor_files.stored(file)))
    return plans


def apply_import(
    fund: Fund, plan: ImportPlan, *, actor: str, reason: str, replace: bool = False
) -> tuple[str, ...]:
    """Do what the plan says, and tell what was done; a plan that changes nothing leaves no trace.

    With ``replace`` a holdings file that says something else gives way and is kept beside.

    Raises:
        CommandRefused: this store is a copy, a file would be replaced, or a limit is undecided.
        SourceUnavailable: the documents could not all be archived; ordered again, it goes on where it stopped.
    """
    refuse_a_copy(fund, "imports nothing")
    if plan.undecided:
        keys = ", ".join(limit.key for limit in plan.undecided)
        raise CommandRefused(
            f"{keys}: percent or a fraction? Say it of each: --percent KEY or --fraction KEY"
        )
    standing = [str(found.file) for found in plan.holdings if found.there is not None and found.changes]
    if standing and not replace:
        raise CommandRefused(
            f"{', '.join(standing)}: says something else already; --replace keeps it beside and writes the predecessor's"
        )
    if plan.settings.changes:
        _refuse_wrong_settings(plan.settings)
    if not plan.changes:
        return ()
    rows = [row for found in plan.navs for row in found.new]
    command = signed(fund, kind="import", actor=actor, reason=reason, detail=_detail(plan))
    fund.store.append(*rows, command)
    done = [f"{len(found.new)} NAVs of {found.source}" for found in plan.navs if found.new]
    for found in plan.holdings:
        if found.changes:
            kept = predecessor_files.write(found.file, found.plan.text)
            done.append(f"{found.file}" + (f", what was there is {kept}" if kept else ""))
    if plan.settings.changes:
        predecessor_files.write(plan.settings.file, limits.settings_text(plan.settings.missing))
        done.append(f"{plan.settings.file}: {', '.join(plan.settings.missing)}")
    if plan.unversioned:
        archived = fund.publisher.archive(
            plan.unversioned,
            under=f"hedge/{fund.env}/archive",
            writer_id=fund.store.store_id,
            at=fund.clock.now(),
        )
        done += [f"{path} is archived as {place}" for path, place in archived.items()]
    return tuple(done)


def _refuse_wrong_settings(settings: SettingsImport) -> None:
    """Load them as the next start would."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / settings.file.name
        file.write_text(limits.settings_text(settings.missing), encoding="utf-8")
        try:
            load_settings(config_file=file)
        except InvalidSettings as faults:
            told = str(faults).replace(str(file), "risk_limits.json")
            raise CommandRefused(f"the predecessor's limits make no settings of ours: {told}") from None


def _detail(plan: ImportPlan) -> str:
    parts = [f"{len(found.new)} NAVs of {found.source}" for found in plan.navs if found.new]
    parts += [f"{found.plan.name} of {found.plan.source}" for found in plan.holdings if found.changes]
    parts += [f"{key} = {value}" for key, value in plan.settings.missing.items() if plan.settings.changes]
    parts += [f"archived {path}" for path in plan.unversioned]
    return "; ".join(parts)
