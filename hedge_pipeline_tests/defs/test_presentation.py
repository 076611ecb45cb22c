"""What an operator sees of rows: rounded, small, and unable to act as markup."""

import base64
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.defs.presentation import (
    HOME_OF,
    MARKDOWN_IN_PLACE,
    instants,
    page,
    plain,
    plot,
    present,
    table,
)
from hedge_pipeline.defs.trading import CHAIN
from hedge_pipeline.domain.verdicts import TradingState

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    asset: str
    value_usd: Decimal | None
    price_usd: Decimal
    ok: bool
    as_of: datetime | None
    error: str | None = None


ROW = Row("BTC", Decimal("1234567.891"), Decimal("64317.9157049838"), True, NOON)


def lines(rows: list[Row], *columns: str) -> list[list[str]]:
    shown = table(rows, *columns, now=NOON + timedelta(seconds=90))
    assert isinstance(shown, dg.MarkdownMetadataValue)
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in shown.value.splitlines()]


def test_amounts_have_two_places_prices_eight_digits_and_ages_are_seconds() -> None:
    heads, _, cells = lines([ROW], "asset", "value_usd", "price_usd", "ok", "age_s")
    assert heads == ["asset", "value usd", "price usd", "ok", "age s"]
    assert cells == ["BTC", "1,234,567.89", "64,317.916", "yes", "90.0"]


def test_a_column_that_says_nothing_is_left_out() -> None:
    assert lines([ROW], "asset", "error")[0] == ["asset"]
    assert lines([ROW, replace(ROW, error="down")], "asset", "error")[0] == ["asset", "error"]


def test_nothing_to_show_is_not_shown() -> None:
    assert table([]) is None
    assert table(None) is None
    assert present({"nothing": table([]), "unknown": None, "zero": Decimal(0)}) == {"zero": 0.0}


def test_what_does_not_fit_in_place_becomes_a_table_that_does() -> None:
    shown = table([replace(ROW, error="x" * 120) for _ in range(20)], "asset", "error")
    assert isinstance(shown, dg.TableMetadataValue)
    assert len(shown.records) == 20


@pytest.mark.parametrize("error", ["![x](http://evil)", "<img src=x>", "a | b", "`code`", "two\nlines"])
def test_words_of_a_source_are_no_markup(error: str) -> None:
    shown = table([replace(ROW, error=error)], "error")
    assert isinstance(shown, dg.MarkdownMetadataValue)
    (cell,) = shown.value.splitlines()[2:]
    assert not re.search(r"[`<>*\[\]\\]", cell)
    assert cell.count("|") == 2


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**12), max_value=10**12))
def test_a_figure_is_shown_within_half_of_its_last_place(value: Decimal) -> None:
    assert abs(Decimal(str(plain(value, "nav_usd"))) - value) <= Decimal("0.005") + abs(value) / 10**15
    assert abs(Decimal(str(plain(value, "drawdown"))) - value) <= abs(value) / 10**7


def test_every_kind_of_value_becomes_one_that_dagster_takes() -> None:
    metadata = present({
        "state": TradingState.HALTED,
        "age": timedelta(seconds=1.5),
        "count": 3,
        "holds": True,
        "error": "down",
        **instants(NOON, as_of=NOON - timedelta(seconds=7), valid_until=None),
    })  # fmt: skip
    event = dg.AssetMaterialization("nav", metadata=metadata)
    assert {name: value.value for name, value in event.metadata.items()} == {
        "state": "HALTED",
        "age": 1.5,
        "count": 3,
        "holds": True,
        "error": "down",
        "age_s": 7.0,
        "as_of": (NOON - timedelta(seconds=7)).timestamp(),
    }


def test_a_source_leads_to_the_asset_that_shows_it() -> None:
    assert page("clock") == page("balances") == " See [accounts](/assets/accounts)."
    assert page("nobody") == page(None) == ""


def test_the_page_of_every_source_is_an_asset() -> None:
    names = {asset.key.to_user_string() for asset in CHAIN} | {"reserves_valuations"}
    assert set(HOME_OF.values()) <= names


@given(
    st.lists(st.decimals("-1000", "1000", allow_nan=False, places=12), min_size=2, max_size=700),
    st.integers(1, 600),
)
def test_a_plot_fits_in_place_and_goes_forward(values: list[Decimal], seconds: int) -> None:
    shown = plot("NAV per unit", [(NOON + timedelta(seconds=i * seconds), v) for i, v in enumerate(values)])
    assert shown is not None
    assert len(shown.value) < MARKDOWN_IN_PLACE
    encoded = shown.value.partition("base64,")[2].rstrip(")")
    svg = base64.b64decode(encoded).decode()
    points = [
        tuple(map(float, point.split(",")))
        for point in svg.partition('points="')[2].partition('"')[0].split()
    ]
    assert all(before[0] <= after[0] for before, after in pairwise(points))
    assert all(0 <= x <= 200 and 0 <= y <= 44 for x, y in points)


def test_one_point_is_no_plot() -> None:
    assert plot("NAV per unit", [(NOON, Decimal(1))]) is None
