"""Amounts of any origin as exact decimal text, beside floats that order them."""

import re
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from hedge_pipeline.domain.errors import SourceMalformed
from hedge_pipeline.domain.market_data.kinds import Bound

Mask = npt.NDArray[np.bool_]

PLACES, DIGITS = 18, 20
"""After the point and before it: decimal128(38, 18)."""
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_EXACT = Context(prec=200)
_LONGEST = 150
_TOO_LONG = "too long"


@dataclass(frozen=True, slots=True)
class Amounts:
    """One column. Where ``numbers`` is NaN the text is not to be used."""

    texts: npt.NDArray[np.object_]
    numbers: npt.NDArray[np.float64]
    too_long: Mask

    @property
    def missing(self) -> Mask:
        return np.isnan(self.numbers) & ~self.too_long

    def outside(self, bound: Bound) -> Mask:
        """A float is zero or negative exactly where its text is, within 18 places."""
        match bound:
            case Bound.POSITIVE:
                return self.numbers <= 0
            case Bound.NOT_NEGATIVE:
                return self.numbers < 0
            case Bound.FRACTION:
                return np.abs(self.numbers) >= 1
            case Bound.ANY:
                return np.zeros(len(self.numbers), dtype=np.bool_)

    def exceed(self, other: "Amounts") -> Mask:
        """Where these are greater, exactly: floats that are equal are looked up as decimals."""
        greater = self.numbers > other.numbers
        close = (self.numbers == other.numbers) & (self.texts != other.texts)
        for row in np.flatnonzero(close):
            greater[row] = Decimal(self.texts[row]) > Decimal(other.texts[row])
        return greater


def read_amounts(column: pd.Series) -> Amounts:
    """Raises SourceMalformed if the column holds lists or objects."""
    try:
        codes, distinct = pd.factorize(column, use_na_sentinel=True)
    except TypeError:
        raise SourceMalformed(str(column.name), "holds lists or objects, not numbers") from None
    # The shortest decimal of a narrow float is not that of the wide one it is equal to.
    narrow = column.dtype.kind == "f" and getattr(column.dtype, "itemsize", 8) < 8
    values = [str(value) for value in np.asarray(distinct)] if narrow else distinct.tolist()
    written = [_plain(value) for value in values]
    # A row without a value has the code −1, which is the last place.
    texts = np.array([*written, None], dtype=object)
    numbers = np.array([np.nan if text in {None, _TOO_LONG} else float(text) for text in texts])
    return Amounts(texts[codes], numbers[codes], (texts == _TOO_LONG)[codes])


def _plain(value: Any) -> str | None:
    """Digits and at most one point: one text per amount. ``None``: no finite number."""
    if isinstance(value, bool) or not isinstance(value, float | str | int | Decimal):
        return None
    text = repr(value) if isinstance(value, float) else str(value)
    if isinstance(value, float) and "e" not in text and "n" not in text:
        return _plain_float(text)
    if not _NUMBER.fullmatch(text):
        return None
    return _TOO_LONG if len(text) > _LONGEST else _written(Decimal(text))


def _plain_float(text: str) -> str:
    whole, _, places = text.partition(".")
    if places == "0":
        return "0" if whole == "-0" else whole
    return text if len(places) <= PLACES else _TOO_LONG


def _written(number: Decimal) -> str:
    if not number:
        return "0"
    if number.adjusted() >= DIGITS:
        return _TOO_LONG
    shortest = number.normalize(_EXACT)
    exponent = shortest.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -PLACES:
        return _TOO_LONG
    return format(shortest, "f")
