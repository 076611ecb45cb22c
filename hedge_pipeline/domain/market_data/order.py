"""Order and uniqueness of a frame's rows by the key of its kind."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from hedge_pipeline.domain.market_data.kinds import Kind

Rows = npt.NDArray[np.intp]


def descents(frame: pd.DataFrame, kind: Kind) -> Rows:
    """Labels of rows stamped before the row above them, of their own symbol where there are several."""
    apart = frame.groupby("symbol")[kind.time].diff() if kind.by_symbol else frame[kind.time].diff()
    rows: Rows = frame.index.to_numpy()[(apart < 0).to_numpy()]
    return rows


def repeated(frame: pd.DataFrame, kind: Kind) -> tuple[Rows, Rows]:
    """Labels of rows identical to one above, and of those that contradict another of their key."""
    key = list(kind.key)
    several = frame[frame.duplicated(key, keep=False)]
    again = several.duplicated(list(kind.columns), keep="first")
    differing = several[~again].duplicated(key, keep=False)
    contradicting = differing.index.to_numpy()[differing.to_numpy()]
    return several.index.to_numpy()[again.to_numpy()], contradicting


def clean_order(frame: pd.DataFrame, kind: Kind) -> pd.DataFrame:
    """By time, then by the rest of the key; numbers written as text in the order of numbers."""
    rest = [name for name in kind.key if name != kind.time]
    by = frame[[kind.time]].copy()
    for name in rest:
        by[f"{name} length"] = frame[name].str.len()
        by[name] = frame[name]
    return frame.loc[by.sort_values(list(by.columns), kind="stable").index]
