"""A day's roll-up: whatever happened, the causes add up to the change."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.flows import INCOME_KINDS, Flow, FlowPurpose
from hedge_pipeline.domain.history.agreement import left_over
from hedge_pipeline.domain.history.days import Closing, Day, closing, day_of, minutes_of
from hedge_pipeline.domain.history.minutes import Minute, Valued, minutes_of_day
from hedge_pipeline.domain.nav import NavPart
from hedge_pipeline_tests import examples
from hedge_pipeline_tests.adapters.state_store.examples import plain

DAY = date(2026, 11, 20)
UTC_ZONE, ZURICH = ZoneInfo("UTC"), ZoneInfo("Europe/Zurich")
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
ZERO = Decimal(0)
amounts = st.decimals("-1000", "1000", places=8, allow_nan=False, allow_infinity=False)
EVENING = MIDNIGHT + timedelta(hours=20)


def closed(ordinal: int, as_of: datetime, nav: Decimal, *, seq: int, unrealized: Decimal = ZERO) -> Closing:
    return Closing(
        ordinal=ordinal,
        as_of=as_of,
        trading_nav=nav,
        unrealized=unrealized,
        rates={"USDT": Decimal(1), "BNB": Decimal("600.123456789")},
        baseline=examples.baseline(through_at=as_of, through_seq=seq),
    )


def day(
    *, earlier: Closing | None, close: Closing | None, income=(), flows=(), minutes=(), zone=UTC_ZONE
) -> Day:
    return day_of(
        "main", DAY, zone, minutes, earlier=earlier, close=close, income=income, flows=flows, incidents=0
    )


def row(seq: int, income_type: str, amount: Decimal, *, asset: str = "USDT", at: datetime = EVENING):
    return seq, examples.income_row(income_type=income_type, amount=amount, asset=asset, occurred_at=at)


BEFORE = closed(10, MIDNIGHT - timedelta(minutes=1), Decimal(1000), seq=5)
booked = st.lists(
    st.tuples(st.sampled_from([*INCOME_KINDS, "A_NEW_TYPE"]), amounts, st.sampled_from(["USDT", "BNB"])),
    max_size=15,
)


@given(amounts, amounts, booked, st.lists(amounts, max_size=4))
def test_the_causes_add_up_to_the_change(nav, unrealized, lines, flowed):
    income = [row(seq, kind, amount, asset=asset) for seq, (kind, amount, asset) in enumerate(lines, 6)]
    flows = [
        plain(Flow, account="main", flow_key=f"TRANSFER:{n}", value=value, nav_ordinal=15)
        for n, value in enumerate(flowed)
    ]
    close = closed(20, EVENING, nav, seq=100, unrealized=unrealized)

    made = day(earlier=BEFORE, close=close, income=income, flows=flows)

    assert left_over(made) == 0
    assert made.change == nav - 1000
    assert made.flows == sum(flowed, ZERO)
    assert made.unrealized_pnl == unrealized


def test_each_cause_has_its_column():
    income = [
        row(6, "REALIZED_PNL", Decimal(50)),
        row(7, "FUNDING_FEE", Decimal(-3)),
        row(8, "COMMISSION", Decimal("-0.01"), asset="BNB"),
        row(9, "REFERRAL_KICKBACK", Decimal(1)),
        row(10, "TRANSFER", Decimal(500)),
    ]
    transfer = plain(Flow, account="main", flow_key="TRANSFER:10", value=Decimal(500), nav_ordinal=15)

    made = day(
        earlier=BEFORE, close=closed(20, EVENING, Decimal(1540), seq=100), income=income, flows=[transfer]
    )

    assert [made.realized_pnl, made.funding, made.other_income, made.flows] == [50, -3, 1, 500]
    assert made.commission == Decimal("-6.001234567890")
    assert made.revaluation == 540 - 500 - 50 + 3 - 1 - made.commission


def test_only_what_lies_between_the_two_snapshots_counts():
    inside = row(6, "FUNDING_FEE", Decimal(-3))
    contained_before = row(5, "FUNDING_FEE", Decimal(-70), at=MIDNIGHT - timedelta(hours=1))
    after_the_close = row(7, "FUNDING_FEE", Decimal(-700), at=EVENING + timedelta(seconds=1))
    late = row(8, "FUNDING_FEE", Decimal(-7), at=MIDNIGHT - timedelta(hours=1))

    made = day(
        earlier=BEFORE,
        close=closed(20, EVENING, Decimal(990), seq=100),
        income=[inside, contained_before, after_the_close, late],
    )

    assert made.funding == -10, "a row that arrived late was not in the earlier wallet"


def test_a_flow_counts_once_and_money_declared_lost_is_none():
    flow = plain(Flow, account="main", flow_key="TRANSFER:1", value=Decimal(-100), nav_ordinal=15)
    again = replace(flow, nav_ordinal=16, purpose=FlowPurpose.REDEMPTION)
    lost = plain(
        Flow,
        account="main",
        flow_key="TRANSFER:2",
        value=Decimal(-7),
        nav_ordinal=15,
        purpose=FlowPurpose.LOSS,
    )
    leg = plain(Flow, account="main", flow_key="treasury:USDT:1", value=Decimal(100), nav_ordinal=15)
    outside = [replace(flow, flow_key="TRANSFER:3", nav_ordinal=ordinal) for ordinal in (10, 21)]

    made = day(
        earlier=BEFORE,
        close=closed(20, EVENING, Decimal(893), seq=100),
        flows=[flow, again, lost, leg, *outside],
    )

    assert [made.flows, made.revaluation] == [-100, -7]


def test_an_asset_without_a_price_makes_the_causes_unknown_not_zero():
    made = day(
        earlier=BEFORE,
        close=closed(20, EVENING, Decimal(990), seq=100),
        income=[row(6, "COMMISSION", Decimal(-1), asset="DOGE")],
    )

    assert (made.unpriced, made.commission, made.revaluation, left_over(made)) == ("DOGE", None, None, None)
    assert made.change == -10


def test_a_day_without_a_valuation_says_so():
    made = day(earlier=BEFORE, close=None)

    assert [made.completeness, made.attempts, made.close, made.change, made.closed_at] == [
        0,
        0,
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("local", "minutes"), [(date(2026, 3, 29), 1380), (date(2026, 3, 30), 1440), (date(2026, 10, 25), 1500)]
)
def test_days_have_23_24_or_25_hours(local: date, minutes: int):
    assert minutes_of(local, ZURICH) == minutes


def test_completeness_is_of_the_minutes_the_day_has():
    snapshots = [
        Valued(
            n,
            MIDNIGHT + timedelta(minutes=n),
            Decimal(n),
            Decimal(1),
            Decimal(n),
            Decimal(n),
            Decimal(n),
            True,
        )
        for n in range(1, 361)
    ]
    minutes: list[Minute] = minutes_of_day("main", DAY, snapshots, [MIDNIGHT], {})

    made = day(earlier=None, close=None, minutes=minutes)

    assert made.completeness == Decimal("0.25")
    assert (made.minutes_known, made.attempts, made.accepted, made.failures) == (360, 361, 360, 1)
    assert [made.open, made.high, made.low, made.close] == [1, 360, 1, 360]


def test_a_closing_is_of_an_accepted_snapshot():
    held = NavPart(
        asset="BNB",
        wallet_balance=Decimal(1),
        unrealized_pnl=Decimal(2),
        rate=Decimal(600),
        value=Decimal(1800),
        counted=True,
    )
    voucher = replace(held, asset="BFUSD", counted=False)
    snapshot = examples.nav_snapshot(parts=(held, voucher))

    found = closing(snapshot)

    assert found is not None
    assert found.unrealized == 1200
    assert found.rates["USDT"] == 1
    assert closing(replace(snapshot, accepted=False)) is None
