"""A lost ledger goes on exactly as it would have, as far as an income list can tell."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.drawdown import path_from_income
from hedge_pipeline.domain.resumption import LedgerRecord, Step, path_back, resumed
from hedge_pipeline.domain.units import ratio, settle

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def record(units: int = 100_000, per_unit: str = "1.1") -> LedgerRecord:
    return LedgerRecord(
        same_ledger=False,
        as_of=NOON,
        account_units=Decimal(units),
        fund_units=None,
        nav_per_unit=Decimal(per_unit),
        high_water_mark=Decimal("1.2"),
        day=NOON.date(),
        opened=None,
    )


def steps(*booked: tuple[int, bool]) -> list[Step]:
    """Oldest first."""
    return [
        Step(at=NOON + timedelta(seconds=place + 1), value=Decimal(value), is_flow=is_flow)
        for place, (value, is_flow) in enumerate(booked)
    ]


bookings = st.lists(st.tuples(st.integers(-9_000, 9_000), st.booleans()), max_size=10)


@given(bookings)
def test_without_flows_units_stay_whatever_was_booked(booked: list[tuple[int, bool]]):
    ledger = resumed(record(), steps(*((value, False) for value, _ in booked)))

    assert ledger is not None
    assert (ledger.account_units, ledger.flowed) == (Decimal(100_000), False)


@given(bookings)
def test_units_are_those_of_a_ledger_that_was_never_lost(booked: list[tuple[int, bool]]):
    units, worth = Decimal(100_000), Decimal(110_000)
    for value, is_flow in booked:
        worth += value
        if is_flow:
            settled = settle(units, [Decimal(value)], nav_after=worth, last_price=Decimal("1.1"))
            assert settled is not None
            units = settled.units

    ledger = resumed(record(), steps(*booked))

    assert ledger is not None
    assert ledger.account_units == units


@given(st.integers(-50_000, 50_000), st.integers(1, 50_000))
def test_what_unrealized_pnl_hides_is_the_price_of_the_flow_and_no_more(hidden: int, flow: int):
    """Money that the record did not show and the flow met: units differ by the flow at the two prices."""
    worth = Decimal(110_000)
    truth = settle(Decimal(100_000), [Decimal(flow)], nav_after=worth + hidden + flow, last_price=Decimal(1))
    ledger = resumed(record(), steps((flow, True)))

    assert truth is not None
    assert ledger is not None
    expected = 100_000 * flow / worth - 100_000 * flow / (worth + hidden)
    assert abs(ledger.account_units - truth.units - expected) < Decimal("1e-6")


def test_units_that_were_worth_nothing_do_not_go_on():
    assert resumed(record(), steps((-110_000, False), (5_000, True))) is None


@given(bookings)
def test_the_path_back_agrees_with_the_highest_along_it(booked: list[tuple[int, bool]]):
    undone = list(reversed(steps(*booked)))
    nav = Decimal(110_000) + sum(value for value, _ in booked)

    highest = max([Decimal(1), *(point.nav_per_unit for point in path_back(nav, undone))])

    assert highest == path_from_income(nav, [(step.value, step.is_flow) for step in undone])


def test_worth_is_units_times_nav_per_unit_all_the_way_back():
    nav = Decimal(120_000)
    for point in path_back(nav, list(reversed(steps((5_000, False), (10_000, True), (-3_000, False))))):
        assert abs(ratio(point.worth, nav) - point.units * point.nav_per_unit) < Decimal("1e-11")
