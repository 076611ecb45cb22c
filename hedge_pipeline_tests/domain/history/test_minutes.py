"""Minutes of a day, from whatever a day's valuations said."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.history.minutes import Minute, Valued, minutes_of_day

DAY = date(2026, 11, 20)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
prices = st.decimals("-10", "1000", places=12, allow_nan=False, allow_infinity=False)


def valued(ordinal: int, second: float, per_unit: Decimal | None, nav: Decimal = Decimal(100)) -> Valued:
    return Valued(
        ordinal=ordinal,
        as_of=MIDNIGHT + timedelta(seconds=second),
        nav_per_unit=per_unit,
        account_units=Decimal(100),
        trading_nav=nav,
        nav_usd=nav,
        aum_usd=nav,
        aum_complete=True,
    )


def minutes(*snapshots: Valued, failed: tuple[float, ...] = (), standings=None) -> list[Minute]:
    stamps = [MIDNIGHT + timedelta(seconds=second) for second in failed]
    return minutes_of_day("main", DAY, snapshots, stamps, standings or {})


days = st.lists(st.tuples(st.integers(0, 86_399), st.none() | prices), max_size=40).map(
    lambda entries: [valued(number, second, price) for number, (second, price) in enumerate(entries, 1)]
)


@given(days)
def test_open_and_close_lie_between_low_and_high(snapshots: list[Valued]):
    for minute in minutes(*snapshots):
        known = (minute.open, minute.high, minute.low, minute.close)
        prices = [price for price in known if price is not None]
        assert len(prices) in {0, 4}
        if prices:
            assert minute.low == min(prices)
            assert minute.high == max(prices)


@given(days, st.lists(st.integers(0, 86_399), max_size=20))
def test_every_attempt_is_counted_once(snapshots: list[Valued], failures: list[int]):
    rows = minutes(*snapshots, failed=tuple(failures))

    assert sum(row.accepted for row in rows) == len(snapshots)
    assert sum(row.attempts for row in rows) == len(snapshots) + len(failures)
    assert [row.minute for row in rows] == sorted({row.minute for row in rows})
    assert all(row.attempts for row in rows), "a minute in which nothing was attempted has no row"


@given(days, st.randoms(use_true_random=False))
def test_the_order_in_which_rows_are_read_changes_nothing(snapshots: list[Valued], chance):
    shuffled = snapshots.copy()
    chance.shuffle(shuffled)

    assert minutes(*shuffled) == minutes(*snapshots)


def test_a_minute_is_closed_by_its_last_snapshot():
    (minute,) = minutes(
        valued(1, 5, Decimal("1.00")),
        valued(2, 35, Decimal("1.02")),
        standings={2: (Decimal("1.02"), Decimal(0))},
    )

    assert [minute.open, minute.high, minute.low, minute.close] == [1, Decimal("1.02"), 1, Decimal("1.02")]
    assert (minute.nav_ordinal, minute.closed_at) == (2, MIDNIGHT + timedelta(seconds=35))
    assert [minute.high_water_mark, minute.drawdown] == [Decimal("1.02"), 0]


def test_a_minute_of_failures_says_nothing_and_counts_them():
    (minute,) = minutes(failed=(3, 33))

    assert (minute.attempts, minute.accepted) == (2, 0)
    assert minute.trading_nav is None
    assert minute.close is None
    assert minute.nav_ordinal is None


def test_a_nav_without_units_is_known_and_has_no_price():
    (minute,) = minutes(valued(1, 0, None, nav=Decimal("12.3456789012345")))

    assert minute.close is None
    assert minute.trading_nav == Decimal("12.345678901234"), "half to even"
    assert minute.accepted == 1
