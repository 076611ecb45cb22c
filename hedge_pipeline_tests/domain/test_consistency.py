"""Answers that contradict themselves or one another are not believed, however well they parse."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.account import AccountReading, AccountTotals, MarksReading, PositionSide
from hedge_pipeline.domain.consistency import disagreements
from hedge_pipeline_tests.examples import account_reading, balance, mark, marks_reading, position

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def found(account: AccountReading, marks: MarksReading | None = None) -> list[str]:
    return list(
        disagreements(
            account,
            marks or marks_reading(marks=[mark()]),
            numeraire="USDT",
            mark_tolerance=Decimal("0.005"),
        )
    )


def hedged() -> AccountReading:
    """Two bitcoin long and one short, marked a thousand above their entry: a thousand earned."""
    held = [position(side=LONG, quantity=2, mark=51_000), position(side=SHORT, quantity=1, mark=51_000)]
    return account_reading([balance(unrealized=1000)], held)


AT_MARK = marks_reading(marks=[mark(price=51_000)])


def totals(reading: AccountReading, **changes: Any) -> AccountReading:
    assert reading.totals is not None
    return replace(reading, totals=replace(reading.totals, **changes))


prices = st.decimals(min_value="0.01", max_value=200_000, places=2)
held = st.lists(
    st.tuples(
        st.sampled_from(["BTCUSDT", "ETHUSDT"]),
        st.sampled_from([LONG, SHORT]),
        st.decimals(min_value="0.001", max_value=50, places=3),
        prices,
    ),
    unique_by=lambda entry: entry[:2],
    max_size=4,
)


@given(
    held,
    prices,
    prices,
    st.decimals(min_value=-1000, max_value=10**7, places=8),
    st.sampled_from(["single", "multi"]),
)
def test_an_account_that_adds_up_is_believed(book: Any, btc: Decimal, eth: Decimal, cash: Decimal, mode: str):
    marks = {"BTCUSDT": btc, "ETHUSDT": eth}
    positions = [position(s, side, size, entry=entry, mark=marks[s]) for s, side, size, entry in book]
    unrealized = sum((p.unrealized_pnl for p in positions), Decimal(0))
    reading = account_reading([balance(wallet=cash, unrealized=unrealized), balance("BNB", 3)], positions)
    if mode == "multi":
        reading = replace(
            reading,
            multi_assets_mode=True,
            totals=AccountTotals(
                wallet_balance=cash + 1500, unrealized_pnl=unrealized, margin_balance=cash + 1500 + unrealized,
                maintenance_margin=Decimal(0),
            ),
        )  # fmt: skip
    rates = {"USDT": Decimal(1), "BNB": Decimal(500)}

    assert found(reading, marks_reading(rates, [mark(s, price) for s, price in marks.items()])) == []


def test_a_hedged_book_is_believed():
    assert found(hedged(), AT_MARK) == []


def test_a_margin_balance_is_wallet_and_unrealized():
    odd = replace(balance(), margin_balance=Decimal("100000.2"))

    assert "margin balance" in found(account_reading([odd]))[0]


@pytest.mark.parametrize("name", ["wallet_balance", "unrealized_pnl", "margin_balance"])
def test_a_total_is_the_sum_of_its_assets(name: str):
    off = totals(account_reading(), **{name: Decimal(200_000)})

    assert f"total {name}" in found(off)[0]


def test_a_total_may_be_off_by_a_cent():
    assert found(totals(account_reading([balance(wallet=100)]), wallet_balance=Decimal("100.01"))) == []


def test_a_total_that_is_not_stated_is_not_right():
    assert found(replace(account_reading(), totals=None)) == ["the venue states no totals"]


def test_in_multi_assets_mode_a_total_counts_every_asset():
    reading = replace(account_reading([balance(), balance("BNB", 20)]), multi_assets_mode=True)
    marks = marks_reading({"USDT": 1, "BNB": 500}, [mark()])

    assert found(reading, marks) != []
    assert (
        found(totals(reading, wallet_balance=Decimal(110_000), margin_balance=Decimal(110_000)), marks) == []
    )


@pytest.mark.parametrize(
    ("quantities", "says"),
    [(("2", "1.9"), "2 in the account, 1.9 in the positions"), (("2", "0"), "0 in the positions")],
)
def test_a_position_is_as_large_in_both_answers(quantities: tuple[str, str], says: str):
    own, listed = (position(quantity=Decimal(q)) for q in quantities)
    reading = replace(account_reading(positions=[own]), positions=(listed,))

    assert any(says in text for text in found(reading))


def test_the_unrealized_of_an_asset_is_that_of_its_positions():
    reading = hedged()
    assert reading.account_positions is not None
    first = replace(reading.account_positions[0], unrealized_pnl=Decimal(1999))
    odd = replace(reading, account_positions=(first, *reading.account_positions[1:]))

    assert any("sum of its positions" in text for text in found(odd, AT_MARK))


@pytest.mark.parametrize(
    ("price", "believed"), [(51_000, True), (51_700, True), (51_800, False), (50_200, False)]
)
def test_the_account_is_valued_near_the_marks_of_another_source(price: int, *, believed: bool):
    """Three bitcoin gross, one net: half a percent of the gross is a move of one and a half percent."""
    assert (found(hedged(), marks_reading(marks=[mark(price=price)])) == []) is believed


def test_an_old_answer_under_a_new_date_is_seen_by_the_marks():
    stale = account_reading([balance(unrealized=-2000)], [position(quantity=2, mark=49_000)])

    assert any("differs from" in text for text in found(stale, AT_MARK))
