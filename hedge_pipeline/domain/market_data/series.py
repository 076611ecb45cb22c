"""What a clean series says of itself: gaps, stamps off the grid, bars without volume, switches of the interval."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from hedge_pipeline.domain.market_data import gaps
from hedge_pipeline.domain.market_data.gaps import HOUR, Missing, Span
from hedge_pipeline.domain.market_data.kinds import FUNDING_RATES, Kind
from hedge_pipeline.domain.market_data.report import Example, Fault, Finding


def series_findings(
    clean: pd.DataFrame, kind: Kind, *, step_us: int | None, covering: Span | None, most_examples: int
) -> list[Finding]:
    """``clean`` holds what was accepted, sorted; its rows are told by their stamps, not by their number."""
    found = [*_empty(clean, kind)]
    parts = [part for _, part in clean.groupby("symbol")] if kind.by_symbol and len(clean) else [clean]
    missing: list[Missing] = []
    for part in parts:
        stamps = part[kind.time].astype("int64").to_numpy()
        if kind is FUNDING_RATES:
            missing.append(gaps.missing_settlements(stamps, covering))
        elif step_us is not None:
            look = gaps.missing_steps if kind.on_grid else gaps.silences
            missing.append(look(stamps, step_us, covering))
    found += _gap(missing, kind, most_examples)
    grid = HOUR if kind is FUNDING_RATES else step_us if kind.on_grid else None
    if grid is not None:
        off = (clean[kind.time].astype("int64") % grid != 0).to_numpy()
        found += _told(Fault.OFF_GRID, off, clean[kind.time], most_examples)
    if "volume" in kind.amounts:
        silent = (clean["volume"] == "0").to_numpy()
        found += _told(Fault.ZERO_VOLUME, silent, clean[kind.time], most_examples)
    if kind is FUNDING_RATES:
        found += _switches(parts, most_examples)
    return found


def with_derived(clean: pd.DataFrame, kind: Kind) -> pd.DataFrame:
    """Funding: the hours since the settlement before, unknown for the first and after a gap."""
    if kind is not FUNDING_RATES:
        return clean
    hours = pd.Series(np.nan, index=clean.index)
    for _, part in clean.groupby("symbol"):
        hours[part.index] = gaps.funding_hours(part[kind.time].astype("int64").to_numpy())
    return clean.assign(interval_hours=hours)


def _empty(clean: pd.DataFrame, kind: Kind) -> Iterator[Finding]:
    if clean.empty and not kind.may_be_empty:
        example = Example(row=None, at=None, detail=f"no row of {kind.name} is left")
        yield Finding(fault=Fault.EMPTY, count=1, runs=1, longest=1, examples=(example,))


def _gap(missing: list[Missing], kind: Kind, most: int) -> Iterator[Finding]:
    rows = np.concatenate([m.rows for m in missing]) if missing else np.array([], dtype=np.int64)
    if len(rows):
        noun = "settlements" if kind is FUNDING_RATES else "bars" if kind.on_grid else "steps"
        every = Missing(np.concatenate([m.since for m in missing]), rows)
        yield Finding(
            fault=Fault.GAP,
            count=int(rows.sum()),
            runs=len(rows),
            longest=int(rows.max()),
            examples=every.examples(most, noun),
        )


def _told(fault: Fault, mask: npt.NDArray[np.bool_], instants: pd.Series, most: int) -> Iterator[Finding]:
    rows = np.flatnonzero(mask)
    if not len(rows):
        return
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    longest_first = sorted(runs, key=len, reverse=True)[:most]
    yield Finding(
        fault=fault,
        count=len(rows),
        runs=len(runs),
        longest=len(longest_first[0]),
        examples=tuple(
            Example(
                row=None,
                at=instants.iloc[run[0]].to_pydatetime(),
                detail=f"{len(run)} in a row from here on",
            )
            for run in longest_first
        ),
    )


def _switches(parts: list[pd.DataFrame], most: int) -> Iterator[Finding]:
    """Rows whose interval differs from the last one known."""
    examples: list[Example] = []
    count = 0
    for part in parts:
        hours = gaps.funding_hours(part[FUNDING_RATES.time].astype("int64").to_numpy())
        known = np.flatnonzero(np.isfinite(hours))
        switched = np.flatnonzero(np.diff(hours[known]) != 0)
        count += len(switched)
        for i in switched[:most]:
            before, after = hours[known[i]], hours[known[i + 1]]
            at = part[FUNDING_RATES.time].iloc[known[i + 1]].to_pydatetime()
            examples.append(Example(row=None, at=at, detail=f"from {before:g} h to {after:g} h"))
    if count:
        yield Finding(
            fault=Fault.INTERVAL_SWITCH, count=count, runs=count, longest=1, examples=tuple(examples[:most])
        )
