"""Whatever comes in, what goes out is sorted, unique, within bounds, and accounted for row by row."""

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedge_pipeline.domain.errors import SourceMalformed
from hedge_pipeline.domain.market_data import (
    CANDLES,
    FILLS,
    FUNDING_RATES,
    KINDS,
    TRADES,
    Candle,
    Fault,
    Fill,
    FundingRate,
    Kind,
    Unit,
)
from hedge_pipeline.domain.market_data.kinds import Bound
from hedge_pipeline.domain.market_data.normalization import frame_of, normalized
from hedge_pipeline_tests.domain.market_data.candles import (
    MINUTE,
    START,
    START_MS,
    checked,
    clean_candles,
    counts,
)

PRICES = st.one_of(
    st.decimals("0.00000001", "99999", places=8),
    st.floats(0.0001, 1e6),
    st.sampled_from(["1.50", "1.5", "1e2", "0", "-1", "NaN", "", "inf", "twelve", None, True, 0.0, 5]),
)
STAMPS = st.one_of(
    st.integers(0, 12).map(lambda n: START_MS + 60_000 * n),
    st.sampled_from([START_MS // 1000, START_MS * 1000, 0, -1, 10**19, "soon", None, START_MS + 0.5, START]),
)


@st.composite
def candle_rows(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.lists(st.tuples(STAMPS, *[PRICES] * 5), max_size=12))
    columns = list(zip(*rows, strict=True)) or [()] * 6
    return pd.DataFrame(
        {
            name: pd.Series(list(values), dtype=object)
            for name, values in zip(CANDLES.columns, columns, strict=True)
        }
    )


@st.composite
def trade_rows(draw: st.DrawFn) -> pd.DataFrame:
    row = st.tuples(
        STAMPS,
        st.sampled_from(["BTCUSDT", "ETHUSDT", ""]),
        st.sampled_from(["9", "10", "11", 11, ""]),
        st.sampled_from(["BUY", "SELL", "HOLD"]),
        PRICES,
        PRICES,
    )
    rows = draw(st.lists(row, max_size=12))
    columns = list(zip(*rows, strict=True)) or [()] * 6
    return pd.DataFrame(
        {
            name: pd.Series(list(values), dtype=object)
            for name, values in zip(TRADES.columns, columns, strict=True)
        }
    )


@st.composite
def funding_rows(draw: st.DrawFn) -> pd.DataFrame:
    stamps = st.one_of(STAMPS, st.integers(0, 40_000_000).map(lambda n: START_MS + n))
    row = st.tuples(stamps, st.sampled_from(["BTCUSDT", "ETHUSDT"]), PRICES)
    rows = draw(st.lists(row, max_size=12))
    columns = list(zip(*rows, strict=True)) or [()] * 3
    return pd.DataFrame(
        {
            name: pd.Series(list(values), dtype=object)
            for name, values in zip(FUNDING_RATES.columns, columns, strict=True)
        }
    )


few = settings(max_examples=40)
"""Each makes frames, which are slow."""

CASES = st.one_of(
    st.tuples(st.just(CANDLES), candle_rows()),
    st.tuples(st.just(TRADES), trade_rows()),
    st.tuples(st.just(FUNDING_RATES), funding_rows()),
)


def clean(case: tuple[Kind, pd.DataFrame], **how: Any) -> tuple[pd.DataFrame, Any]:
    kind, frame = case
    return normalized(frame, kind, **{"unit": Unit.MILLISECONDS, "step": MINUTE, **how})


@pytest.mark.finding("S3-DATA-R")
@few
@given(CASES)
def test_normalizing_what_is_normal_changes_nothing(case: tuple[Kind, pd.DataFrame]):
    once, _ = clean(case)
    again, report = normalized(once, case[0], unit=Unit.AWARE, step=MINUTE)

    pd.testing.assert_frame_equal(once, again)
    assert (report.refused, report.dropped) == (0, 0)
    assert report.count(Fault.UNSORTED) == report.count(Fault.ROUNDED) == 0


@pytest.mark.finding("S3-DATA-R")
@few
@given(CASES)
def test_the_output_is_sorted_and_holds_each_key_once(case: tuple[Kind, pd.DataFrame]):
    rows, _ = clean(case)

    assert rows[case[0].time].is_monotonic_increasing
    assert not rows.duplicated(list(case[0].key)).any()


@pytest.mark.finding("S3-DATA-R")
@few
@given(CASES)
def test_every_row_is_kept_refused_or_dropped_and_counted(case: tuple[Kind, pd.DataFrame]):
    rows, report = clean(case)

    assert report.rows_in == len(case[1])
    assert report.rows_out == len(rows) == report.rows_in - report.refused - report.dropped


@pytest.mark.finding("S3-DATA-R")
@few
@given(CASES)
def test_no_row_is_kept_that_its_kind_does_not_allow(case: tuple[Kind, pd.DataFrame]):
    rows, _ = clean(case)
    kind = case[0]

    for name, bound in kind.amounts.items():
        amounts = [Decimal(text) for text in rows[name]]
        assert all(amount.is_finite() for amount in amounts)
        assert all(amount > 0 for amount in amounts) or bound is not Bound.POSITIVE
        assert all(amount >= 0 for amount in amounts) or bound is not Bound.NOT_NEGATIVE
        assert all(abs(amount) < 1 for amount in amounts) or bound is not Bound.FRACTION
    if kind is CANDLES:
        for row in rows.itertuples():
            opening, high, low, close = (Decimal(x) for x in (row.open, row.high, row.low, row.close))
            assert low <= min(opening, close) <= max(opening, close) <= high
    assert all(rows[name].str.len().gt(0).all() for name in kind.names)


@pytest.mark.finding("S3-DATA-R")
@few
@given(
    st.lists(
        st.tuples(st.decimals("1", "99999", places=8), *[st.decimals("0", "99", places=8)] * 4),
        min_size=1,
        max_size=20,
    ),
    st.randoms(use_true_random=False),
)
def test_no_clean_row_is_refused_in_whatever_order_they_come(rows: list[tuple[Decimal, ...]], random: Any):
    bars = [(low, low + a, low + b, low + max(a, b) + c, d) for low, a, b, c, d in rows]
    frame = pd.DataFrame(
        {
            "open_at": [START_MS + 60_000 * n for n in range(len(bars))],
            "open": [str(bar[1]) for bar in bars],
            "high": [str(bar[3]) for bar in bars],
            "low": [str(bar[0]) for bar in bars],
            "close": [str(bar[2]) for bar in bars],
            "volume": [str(bar[4]) for bar in bars],
        }
    )
    order = list(range(len(bars)))
    random.shuffle(order)
    kept, report = checked(frame.iloc[order])

    assert (report.rows_out, report.refused, report.dropped) == (len(bars), 0, 0)
    assert report.count(Fault.GAP) == 0
    for column, place in (("open", 1), ("high", 3), ("low", 0), ("close", 2), ("volume", 4)):
        assert [Decimal(text) for text in kept[column]] == [bar[place] for bar in bars]


@pytest.mark.finding("S3-DATA-1")
@pytest.mark.finding("S3-DATA-R")
def test_one_bad_row_among_a_million_is_caught_wherever_it_is():
    """A stamp of another unit in the midst, and a negative price in the last row."""
    rows = 10**6
    frame = pd.DataFrame(
        {
            "open_at": START_MS - 60_000 * rows + 60_000 * np.arange(rows, dtype=np.int64),
            **dict.fromkeys(("open", "high", "low", "close"), np.full(rows, 100.5)),
            "volume": np.full(rows, 1.0),
        }
    )
    frame.loc[654_321, "open_at"] //= 1000
    frame.loc[rows - 1, "low"] = -100.5
    kept, report = checked(frame)

    assert counts(report) == {Fault.UNIT_MIX: 1, Fault.OUT_OF_BOUNDS: 1, Fault.GAP: 1}
    assert [report.findings[n].examples[0].row for n in (0, 1)] == [654_321, rows - 1]
    assert len(kept) == rows - 2


@pytest.mark.finding("S3-DATA-1")
@pytest.mark.parametrize("unit", [Unit.SECONDS, Unit.MILLISECONDS, Unit.MICROSECONDS, Unit.NANOSECONDS])
@given(data=st.data())
@settings(max_examples=10)
def test_a_stamp_counts_only_in_the_unit_declared(unit: Unit, data: st.DataObject):
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
    instants = data.draw(st.lists(st.integers(1_262_304_000, 2_051_222_399), min_size=1, unique=True))
    written = data.draw(st.lists(st.sampled_from(sorted(per_second)), min_size=1))
    units = [written[n % len(written)] for n in range(len(instants))]
    frame = clean_candles(len(instants))
    frame["open_at"] = [at * per_second[name] for at, name in zip(instants, units, strict=True)]
    kept, report = checked(frame, unit=unit, step=None)

    mixed = sum(name != unit.value for name in units)
    assert report.count(Fault.UNIT_MIX) == mixed
    assert report.refused == mixed
    expected = sorted(at for at, name in zip(instants, units, strict=True) if name == unit.value)
    assert [int(at.timestamp()) for at in kept["open_at"]] == expected


def test_money_is_exact_and_fits_the_columns_it_is_kept_in():
    frame = clean_candles(4)
    frame["volume"] = [0.1, "0.100000000000000001", Decimal("99999999999999999999.5"), 1e-07]
    kept, report = checked(frame)

    assert report.refused == 0
    assert kept["volume"].tolist() == [
        "0.1",
        "0.100000000000000001",
        "99999999999999999999.5",
        "0.0000001",
    ]
    assert pa.array(kept["volume"].tolist()).cast(pa.decimal128(38, 18)).to_pylist() == [
        Decimal(text) for text in kept["volume"]
    ]


@few
@given(st.floats(0, 1e15))
def test_a_float_is_the_decimal_it_prints_as(number: float):
    frame = clean_candles(1)
    frame["volume"] = [number]
    kept, report = checked(frame)

    if -int(Decimal(repr(number)).normalize().as_tuple().exponent) > 18:
        assert counts(report)[Fault.TOO_LONG] == 1
    else:
        assert Decimal(kept["volume"][0]) == Decimal(repr(number))


def test_a_narrow_float_is_the_decimal_it_prints_as():
    frame = clean_candles(1)
    frame["volume"] = np.array([0.1], dtype=np.float32)

    assert checked(frame)[0]["volume"].tolist() == ["0.1"]


@pytest.mark.finding("X-13")
@pytest.mark.parametrize(("kind", "row"), [(CANDLES, Candle), (FUNDING_RATES, FundingRate), (FILLS, Fill)])
def test_the_columns_of_a_frame_are_the_fields_of_its_rows(kind: Kind, row: type[Any]):
    """What the venue's adapter makes and what a recorded file becomes have one schema."""
    assert set(kind.columns) <= set(row.__dataclass_fields__)


def test_rows_become_a_frame_and_keep_their_values():
    row = Candle(
        symbol="BTCUSDT",
        interval=MINUTE,
        open_at=START,
        open=Decimal("1.10"),
        high=Decimal(2),
        low=Decimal(1),
        close=Decimal("1.5"),
        volume=Decimal(0),
    )
    kept, report = normalized(frame_of(CANDLES, [row]), CANDLES, unit=Unit.AWARE, step=MINUTE)

    assert counts(report) == {Fault.ZERO_VOLUME: 1}
    assert kept.iloc[0].tolist() == [pd.Timestamp(START), "1.1", "2", "1", "1.5", "0"]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_nothing_is_normal_too_and_says_so_where_there_must_be_something(kind: Kind):
    kept, report = normalized(frame_of(kind, []), kind, unit=Unit.AWARE)

    assert kept.empty
    assert list(kept.columns) == [*kind.columns, *kind.derived]
    assert report.count(Fault.EMPTY) == (0 if kind.may_be_empty else 1)
    assert bool(report.excess()) is not kind.may_be_empty


def test_a_missing_column_is_named():
    with pytest.raises(SourceMalformed, match=r"low: no such column, which candles need; there are open_at"):
        checked(clean_candles().drop(columns="low"))


@pytest.mark.parametrize(
    ("stamps", "unit", "told"),
    [
        (pd.Series([START]), Unit.MILLISECONDS, "open_at: holds datetimes"),
        (pd.Series([START_MS]), Unit.AWARE, "open_at: holds numbers"),
    ],
)
def test_a_column_that_as_a_whole_contradicts_its_unit_is_an_error(stamps: Any, unit: Unit, told: str):
    with pytest.raises(SourceMalformed, match=told):
        checked(clean_candles(1).assign(open_at=stamps), unit=unit)
