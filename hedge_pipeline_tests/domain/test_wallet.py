"""No income row counts twice and none is lost, whatever order wallet and income list tell of it in."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.flows import NATIVE_TOLERANCE
from hedge_pipeline.domain.nav import IncomeBaseline
from hedge_pipeline.domain.wallet import WalletCheck, check_wallet
from hedge_pipeline_tests.examples import NOON, SECOND, baseline, income_row

FINAL = timedelta(seconds=60)
ASSETS = ("USDT", "USDC", "BNB")
ZERO = Decimal(0)


def check(
    wallet: dict[str, Decimal | int],
    *pending: IncomeRow,
    at: datetime = NOON + 100 * SECOND,
    since: IncomeBaseline | None = None,
) -> WalletCheck:
    """Rows are numbered in the order given."""
    return check_wallet(
        since or baseline(),
        {asset: Decimal(amount) for asset, amount in wallet.items()},
        list(enumerate(pending, start=1)),
        seen_until=at,
        final_before=at - FINAL,
    )


@dataclass(frozen=True)
class Event:
    """A booking: how long after the one before, and how late each side tells of it."""

    gap: int
    asset: str
    amount: Decimal
    listed_after: int
    in_wallet_after: int
    income_type: str = "FUNDING_FEE"
    leg: int | None = None
    """Which of the two rows of a conversion it is."""


@dataclass
class Books:
    """The venue's books and what our store has of them, watched every thirty seconds."""

    events: list[Event]
    stored: dict[int, IncomeRow] = field(default_factory=dict)
    absorbed: list[int] = field(default_factory=list)
    since: IncomeBaseline = field(
        default_factory=lambda: baseline(dict.fromkeys(ASSETS, 1000), origin_at=NOON)
    )
    last: WalletCheck | None = None

    def __post_init__(self) -> None:
        self.bookings: list[tuple[IncomeRow, Event]] = []
        at, conversion = NOON, ""
        for number, event in enumerate(self.events, start=1):
            at += event.gap * SECOND
            conversion = str(number) if event.leg == 0 else conversion
            row = income_row(
                number,
                event.amount,
                event.income_type,
                asset=event.asset,
                occurred_at=at,
                tran_id=str(number) if event.leg is None else conversion,
            )
            self.bookings.append((row, event))
        self.end = at + 400 * SECOND

    def watch(self, at: datetime) -> None:
        wallet = dict.fromkeys(ASSETS, Decimal(1000))
        for row, event in self.bookings:
            if row.occurred_at + event.in_wallet_after * SECOND <= at:
                wallet[row.asset] += row.amount
            # The list is read again and again: what is stored is not stored twice.
            if row.occurred_at + event.listed_after * SECOND <= at and row not in self.stored.values():
                self.stored[len(self.stored) + 1] = row
        pending = [
            (seq, row)
            for seq, row in self.stored.items()
            if row.occurred_at > self.since.through_at or seq > self.since.through_seq
        ]
        self.last = check_wallet(self.since, wallet, pending, seen_until=at, final_before=at - FINAL)
        if self.last.holds:
            self.absorbed += [seq for seq, _ in self.last.inside]
            self.since = IncomeBaseline(
                origin_at=self.since.origin_at,
                wallet=tuple(sorted(wallet.items())),
                through_at=self.last.through_at,
                through_seq=max(self.stored, default=0),
            )
            self.check_what_was_absorbed(wallet)

    def check_what_was_absorbed(self, wallet: dict[str, Decimal]) -> None:
        assert len(self.absorbed) == len(set(self.absorbed)), "a row counts once"
        totals = dict.fromkeys(ASSETS, Decimal(1000))
        for seq in self.absorbed:
            totals[self.stored[seq].asset] += self.stored[seq].amount
        for asset, held in wallet.items():
            assert abs(totals[asset] - held) <= len(self.stored) * NATIVE_TOLERANCE, (
                "absorbed is what is held"
            )

    def watch_to_the_end(self) -> WalletCheck:
        at = NOON
        while at < self.end:
            at += 30 * SECOND
            self.watch(at)
        assert self.last is not None
        return self.last


amounts = st.sampled_from([Decimal(n) for n in (-7, -5, -2, 2, 5, 7)]) | st.decimals(
    min_value=-100, max_value=100, places=8
).filter(bool)
lone = st.builds(
    Event,
    gap=st.integers(0, 40),
    asset=st.sampled_from(ASSETS),
    amount=amounts,
    listed_after=st.just(0) | st.integers(0, 300),
    in_wallet_after=st.just(0) | st.integers(0, 300),
    income_type=st.sampled_from(["FUNDING_FEE", "REALIZED_PNL", "COMMISSION", "TRANSFER"]),
)


@st.composite
def conversions(draw: st.DrawFn) -> list[Event]:
    """Two rows of one transaction, told of at different times."""
    kinds = draw(st.sampled_from([("COIN_SWAP_WITHDRAW", "COIN_SWAP_DEPOSIT"), ("AUTO_EXCHANGE",) * 2]))
    assets = draw(st.permutations(ASSETS))
    size = draw(st.decimals(min_value="0.01", max_value=50, places=8))
    late = st.just(0) | st.integers(0, 300)
    return [
        Event(
            gap=draw(st.integers(0, 2)), asset=assets[leg], amount=sign * size, listed_after=draw(late),
            in_wallet_after=draw(late), income_type=kinds[leg], leg=leg,
        )
        for leg, sign in ((0, -1), (1, 1))
    ]  # fmt: skip


histories = st.lists(lone.map(lambda event: [event]) | conversions(), max_size=10).map(
    lambda parts: [event for part in parts for event in part]
)


@settings(max_examples=400)
@given(histories)
def test_every_row_is_absorbed_once_and_none_is_lost(events: list[Event]):
    books = Books(events)
    last = books.watch_to_the_end()

    assert last.holds, last
    assert sorted(books.absorbed) == sorted(books.stored)
    assert len(books.stored) == len(events)


@given(histories, st.integers(0, 9), st.sampled_from(ASSETS))
def test_a_change_whose_row_never_comes_is_left_unexplained(events: list[Event], place: int, asset: str):
    hidden = Event(
        gap=1,
        asset=asset,
        amount=Decimal("-13.57"),
        listed_after=10**6,
        in_wallet_after=0,
        income_type="TRANSFER",
    )
    books = Books([*events[:place], hidden, *events[place:]])
    last = books.watch_to_the_end()

    assert not last.holds
    assert [entry.asset for entry in last.unexplained] == [asset]
    assert abs(last.unexplained[0].residual + Decimal("13.57")) <= len(events) * NATIVE_TOLERANCE


@given(histories, st.integers(0, 9))
def test_a_type_nobody_knows_fails_visibly(events: list[Event], place: int):
    unknown = Event(
        gap=1,
        asset="USDT",
        amount=Decimal("3.21"),
        listed_after=0,
        in_wallet_after=0,
        income_type="AIRDROP_2027",
    )
    last = Books([*events[:place], unknown, *events[place:]]).watch_to_the_end()

    assert not last.holds
    assert last.unexplained == ()
    assert any("AIRDROP_2027" in fault for fault in last.faults)


@given(st.permutations(range(6)), st.lists(amounts, min_size=6, max_size=6))
def test_the_order_in_which_rows_arrive_does_not_matter(order: list[int], sizes: list[Decimal]):
    rows = [income_row(number, amount) for number, amount in enumerate(sizes, start=1)]
    found = check({"USDT": 100_000 + sum(sizes, ZERO)}, *(rows[i] for i in order))

    assert found.holds
    assert {row for _, row in found.inside} == set(rows)
    assert found.through_at == max(row.occurred_at for row in rows)


def test_a_young_row_the_wallet_does_not_show_yet_is_left_outside():
    old, young = income_row(10, 5), income_row(90, 7)
    found = check({"USDT": 100_005}, old, young)

    assert found.holds
    assert [row for _, row in found.inside] == [old]
    assert found.through_at == old.occurred_at


def test_a_row_past_its_minute_must_be_in_the_wallet():
    found = check({"USDT": 100_000}, income_row(39, 7))

    assert not found.holds
    assert [entry.change for entry in found.residuals] == [0]
    assert [entry.residual for entry in found.residuals] == [-7]


def test_a_row_inside_the_baselines_own_span_must_be_in_the_wallet_however_young():
    since = baseline(through_at=NOON + 95 * SECOND, through_seq=0)

    assert not check({"USDT": 100_000}, income_row(90, 7), since=since).holds
    assert check({"USDT": 100_007}, income_row(90, 7), since=since).holds


def test_rows_of_one_stamp_stay_together():
    first, second = (
        income_row(1, 5, occurred_at=NOON + 90 * SECOND),
        income_row(2, 7, occurred_at=NOON + 90 * SECOND),
    )

    assert not check({"USDT": 100_005}, first, second).holds
    assert check({"USDT": 100_012}, first, second).holds


def test_what_the_first_wallet_held_already_is_not_counted():
    assert check({"USDT": 100_000}, income_row(1, 7, occurred_at=NOON - timedelta(hours=2))).inside == ()


def test_rows_later_than_the_wallet_are_outside():
    assert check({"USDT": 100_000}, income_row(101, 7)).inside == ()


@pytest.mark.parametrize(("off", "holds"), [("1e-8", True), ("-1e-8", True), ("1.1e-8", False)])
def test_the_identity_holds_to_eight_decimals(off: str, *, holds: bool):
    assert check({"USDT": 100_010 + Decimal(off)}, income_row(1, 10)).holds is holds


def test_an_asset_that_appears_or_is_gone_is_compared_like_any_other():
    found = check({"USDC": 5}, income_row(1, 5, asset="USDC"))

    assert [(entry.asset, str(entry.residual)) for entry in found.unexplained] == [("USDT", "-100000")]


def test_one_leg_of_a_conversion_is_no_conversion():
    out = income_row(1, -10, "COIN_SWAP_WITHDRAW", tran_id="9")
    back = income_row(2, 8, "COIN_SWAP_DEPOSIT", tran_id="9", asset="USDC")
    alone = check({"USDT": 99_990}, out)

    assert not alone.holds
    assert alone.unexplained == ()
    assert "conversion 9" in alone.faults[0]
    assert check({"USDT": 99_990, "USDC": 8}, out, back).holds


def test_two_legs_of_different_conversions_make_none():
    out = income_row(1, -10, "COIN_SWAP_WITHDRAW", tran_id="9")
    other = income_row(2, 8, "COIN_SWAP_DEPOSIT", tran_id="10", asset="USDC")

    assert len(check({"USDT": 99_990, "USDC": 8}, out, other).faults) == 2


def test_what_cannot_be_explained_still_says_which_rows_it_was_compared_with():
    found = check({"USDT": 99_000}, income_row(1, 10), income_row(90, 7))

    assert not found.holds
    assert len(found.inside) == 2
    assert found.through_at == NOON + 90 * SECOND, "whoever classifies the rest has absorbed these"
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    for entry in found.residuals:
        totals[entry.asset] += entry.income + entry.residual
    assert totals == {"USDT": -1000}
