"""Two unit ledgers over any life of an account: what flows changes units, what is earned or lost changes their worth."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.flows import Flow, FlowClassification, FlowPurpose, flow_key
from hedge_pipeline.domain.ledgers import Declared, Instant, Ledgers, price_fund_flows
from hedge_pipeline.domain.nav import OpenFlow
from hedge_pipeline.domain.treasury_legs import absorb_treasury
from hedge_pipeline.domain.venue_flows import Residual, absorb_venue_flows
from hedge_pipeline_tests.examples import NOON, SECOND, classification, income_row, instruction

START = Decimal(1000)


def ledgers(**changes: object) -> Ledgers:
    return replace(
        Ledgers(
            account_units=START,
            last_nav_per_unit=Decimal(1),
            fund_units=START,
            last_fund_nav_per_unit=Decimal(1),
        ),
        **changes,  # type: ignore[arg-type]  # whatever the test says
    )


def instant(nav: Decimal | int, ordinal: int = 2) -> Instant:
    return Instant(
        account="main",
        nav_ordinal=ordinal,
        at=NOON + ordinal * SECOND,
        recorded_at=NOON,
        trading_nav=Decimal(nav),
        rates={"USDT": Decimal(1), "BNB": Decimal(500)},
    )


@dataclass
class Life:
    """A ledger driven step by step, beside exact arithmetic."""

    ledgers: Ledgers = field(default_factory=ledgers)
    nav: Decimal = START
    flows: list[Flow] = field(default_factory=list)
    said: dict[str, FlowClassification] = field(default_factory=dict)
    performance: Fraction = Fraction(1)
    ordinal: int = 1

    def step(self, pnl: Decimal, rows: Sequence[IncomeRow], announced: Sequence[Decimal] = ()) -> None:
        """One accepted snapshot: something was earned or lost, then something flowed."""
        self.ordinal += 1
        earned = self.nav + pnl
        self.performance *= Fraction(earned) / Fraction(self.nav)
        self.nav = earned + sum((row.amount for row in rows), Decimal(0))
        declared = Declared(
            instructions=tuple(
                instruction(amount, instruction_id=f"{self.ordinal} {i}")
                for i, amount in enumerate(announced)
            ),
            classifications=self.said,
            flows=tuple(self.flows),
        )
        absorbed = absorb_venue_flows(self.ledgers, rows, [], declared, instant(self.nav, self.ordinal))
        self.ledgers = absorbed.ledgers
        self.flows += absorbed.flows

    def classify_all(self) -> None:
        for flow in self.ledgers.unclassified:
            self.said[flow.flow_key] = classification(flow.flow_key, FlowPurpose.REDEMPTION)


steps = st.lists(
    st.tuples(
        st.decimals(min_value="-0.3", max_value="0.5", places=3),
        st.lists(st.decimals(min_value="-0.4", max_value="0.8", places=3).filter(bool), max_size=3),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


def transfers(life: Life, nav: Decimal, shares: list[Decimal]) -> list[IncomeRow]:
    rows: list[IncomeRow] = []
    for share in shares:
        amount = (nav * share).quantize(Decimal("1e-8"))
        nav += amount
        number = 10 * life.ordinal + len(rows)
        rows.append(income_row(number, amount, "TRANSFER"))
    return rows


@given(steps)
def test_nav_per_unit_is_performance_alone(history: list[tuple[Decimal, list[Decimal], bool]]):
    life = Life()
    for gain, shares, _ in history:
        pnl = (life.nav * gain).quantize(Decimal("1e-8"))
        rows = transfers(life, life.nav + pnl, shares)
        assume(life.nav + pnl + sum((row.amount for row in rows), Decimal(0)) > 1)
        life.step(pnl, rows, [row.amount for row in rows])

        per_unit = life.ledgers.nav_per_unit(life.nav)
        assert per_unit is not None
        assert abs(Fraction(per_unit) - life.performance) <= life.performance * Fraction(1, 10**9)
        issued = sum((flow.units for flow in life.flows), Decimal(0))
        assert life.ledgers.account_units == START + issued, "the rows tell where every unit came from"


@given(steps, st.integers(0, 3))
def test_an_outflow_classified_late_leaves_the_figures_of_one_that_was_announced(
    history: list[tuple[Decimal, list[Decimal], bool]], patience: int
):
    """Whatever else flowed and was earned while nobody knew what it was."""
    life = Life()
    for gain, shares, announced in history:
        pnl = (life.nav * gain).quantize(Decimal("1e-8"))
        rows = transfers(life, life.nav + pnl, shares)
        assume(life.nav + pnl + sum((row.amount for row in rows), Decimal(0)) > 1)
        if life.ordinal % (patience + 1) == 0:
            life.classify_all()
        life.step(pnl, rows, [row.amount for row in rows] if announced else [])
        if life.ledgers.unclassified:
            assert life.ledgers.nav_per_unit(life.nav) is None
    life.classify_all()
    life.step(Decimal(0), [])

    per_unit = life.ledgers.nav_per_unit(life.nav)
    assert per_unit is not None
    assert abs(Fraction(per_unit) - life.performance) <= life.performance * Fraction(1, 10**9)


def test_an_outflow_said_to_be_a_loss_moves_no_unit():
    life = Life()
    life.step(Decimal(0), [income_row(1, -400, "TRANSFER")])
    (key,) = [flow.flow_key for flow in life.ledgers.unclassified]
    life.said[key] = classification(key, FlowPurpose.LOSS)
    life.step(Decimal(0), [])

    assert life.ledgers.account_units == START
    assert life.ledgers.nav_per_unit(life.nav) == Decimal("0.6")
    assert life.ledgers.unpriced_fund_flows == ()


def test_nobody_is_asked_twice_about_one_flow():
    life = Life()
    life.step(Decimal(0), [income_row(1, -400, "TRANSFER")])
    life.classify_all()
    for _ in range(3):
        life.step(Decimal(0), [])

    assert [flow.purpose for flow in life.flows] == [None, FlowPurpose.REDEMPTION]


def test_before_inception_nothing_has_units():
    absorbed = absorb_venue_flows(
        ledgers(account_units=None), [income_row(1, -400, "TRANSFER")], [], Declared(), instant(600)
    )
    (open_flow,) = absorbed.ledgers.unclassified
    assert open_flow.price_per_unit is None
    assert absorbed.ledgers.nav_per_unit(Decimal(600)) is None

    begun = replace(absorbed.ledgers, account_units=Decimal(600))
    said = {open_flow.flow_key: classification(open_flow.flow_key, FlowPurpose.REDEMPTION)}
    after = absorb_venue_flows(begun, [], [], Declared(classifications=said), instant(600, 3)).ledgers
    assert after.account_units == 600, "units begun after the outflow know nothing of it"


def test_performance_rows_and_conversions_move_no_unit():
    rows = [
        income_row(1, -10, "COMMISSION"),
        income_row(2, -5, "COIN_SWAP_WITHDRAW", tran_id="1"),
        income_row(3, 2, "COIN_SWAP_DEPOSIT", tran_id="1", asset="BNB"),
    ]
    absorbed = absorb_venue_flows(ledgers(), rows, [], Declared(), instant(1900))

    assert absorbed.ledgers == ledgers()
    assert absorbed.flows == ()


def test_a_flow_in_another_asset_counts_at_its_rate():
    row = income_row(1, 2, "TRANSFER", asset="BNB")
    absorbed = absorb_venue_flows(ledgers(), [row], [], Declared(), instant(2000))

    assert absorbed.ledgers.account_units == 2000
    assert [(flow.value, flow.units, flow.price_per_unit) for flow in absorbed.flows] == [
        (Decimal(1000), Decimal(1000), Decimal(1))
    ]


def test_a_classified_residual_is_a_flow_like_any_other():
    residual = Residual(flow_key="residual:USDT:-400:t", asset="USDT", amount=Decimal(-400))
    said = {residual.flow_key: classification(residual.flow_key, FlowPurpose.REDEMPTION)}
    absorbed = absorb_venue_flows(ledgers(), [], [residual], Declared(classifications=said), instant(600))

    assert absorbed.ledgers.account_units == 600
    assert absorbed.ledgers.unclassified == ()


def test_an_instruction_announces_one_flow_only():
    rows = [income_row(1, -100, "TRANSFER"), income_row(2, -100, "TRANSFER")]
    declared = Declared(instructions=(instruction(-100),))
    absorbed = absorb_venue_flows(ledgers(), rows, [], declared, instant(800))

    assert [flow.instruction_id for flow in absorbed.flows] == ["redemption--100", None]
    assert [flow.flow_key for flow in absorbed.ledgers.unclassified] == [flow_key(rows[1])]


class TestFundUnits:
    def waiting(self, *amounts: int, asset: str = "USDT") -> tuple[OpenFlow, ...]:
        return tuple(
            OpenFlow(
                flow_key=str(i),
                asset=asset,
                amount=Decimal(amount),
                value=Decimal(amount),
                price_per_unit=Decimal(1),
                nav_before=Decimal(1),
                nav_ordinal=1,
                since=NOON,
            )
            for i, amount in enumerate(amounts)
        )

    def priced(self, aum: int, *amounts: int, **changes: object) -> Ledgers:
        before = ledgers(unpriced_fund_flows=self.waiting(*amounts), **changes)
        return price_fund_flows(before, aum_usd=Decimal(aum), usd={"USDT": Decimal(1)})

    def test_begin_at_one_dollar_apiece(self):
        begun = self.priced(1234, 500, fund_units=None)

        assert begun.fund_units == 1234
        assert begun.unpriced_fund_flows == ()
        assert begun.fund_nav_per_unit(Decimal(1234)) == 1

    def test_do_not_begin_with_nothing(self):
        assert self.priced(0, fund_units=None).fund_units is None

    def test_move_with_subscriptions_and_redemptions(self):
        after = self.priced(2400, 800, -400)

        assert after.fund_units == 1200
        assert after.fund_nav_per_unit(Decimal(2400)) == 2
        assert after.unpriced_fund_flows == ()

    def test_stay_where_they_are_without_flows(self):
        assert self.priced(2000) == ledgers()

    def test_wait_for_a_price(self):
        before = ledgers(unpriced_fund_flows=self.waiting(20, asset="BNB"))

        assert price_fund_flows(before, aum_usd=Decimal(2000), usd={"USDT": Decimal(1)}) == before

    def test_are_not_issued_where_they_are_worth_nothing(self):
        assert self.priced(500, 500).unpriced_fund_flows != ()

    def test_restart_where_they_ended(self):
        gone = self.priced(0, -900)
        assert gone.fund_units == 0
        assert gone.fund_nav_per_unit(Decimal(0)) == Decimal("0.9")

        again = replace(gone, unpriced_fund_flows=self.waiting(450))
        after = price_fund_flows(again, aum_usd=Decimal(450), usd={"USDT": Decimal(1)})
        assert after.fund_units == 500


class TestTreasury:
    transfer = instruction(-300, FlowPurpose.TREASURY_TRANSFER, instruction_id="t")

    def absorb(self, before: Ledgers, *quantities: int, declared: Declared | None = None) -> Ledgers:
        for i, quantity in enumerate(quantities):
            said = declared or Declared(instructions=(self.transfer,))
            absorbed = absorb_treasury(before, {"USDT": Decimal(quantity)}, said, instant(1000, i + 2))
            before = absorbed.ledgers
        return before

    def test_the_first_holdings_ever_seen_are_no_change(self):
        absorbed = absorb_treasury(ledgers(), {"USDT": Decimal(300)}, Declared(), instant(1000))

        assert absorbed.labels == ()
        assert absorbed.ledgers.treasury_quantities == (("USDT", Decimal(300)),)

    def test_unknown_holdings_are_no_change_either(self):
        before = ledgers(treasury_quantities=(("USDT", Decimal(300)),))

        assert absorb_treasury(before, None, Declared(), instant(1000)).ledgers == before

    def test_what_arrives_before_it_left_is_owed(self):
        after = self.absorb(ledgers(), 0, 300)

        assert [(t.instruction_id, t.amount) for t in after.in_transit] == [("t", Decimal(-300))]

    def test_an_unwindowed_change_is_told(self):
        late = replace(self.transfer, window_until=NOON)
        before = ledgers(treasury_quantities=())
        absorbed = absorb_treasury(
            before, {"USDT": Decimal(300)}, Declared(instructions=(late,)), instant(1000)
        )

        assert [label.code for label in absorbed.labels] == ["treasury_changed"]
        assert absorbed.ledgers.in_transit == ()

    def test_a_leg_without_a_rate_has_no_value(self):
        gold = replace(self.transfer, asset="XAUT", amount=Decimal(-1))
        before = ledgers(treasury_quantities=())
        absorbed = absorb_treasury(
            before, {"XAUT": Decimal(1)}, Declared(instructions=(gold,)), instant(1000)
        )

        assert [flow.value for flow in absorbed.flows] == [None]

    @pytest.mark.parametrize(
        ("holdings", "left"),
        [((300, 600), []), ((100, 300, 600), []), ((250,), [350]), ((600,), []), ((700,), [])],
    )
    def test_transfers_arrive_alone_in_parts_or_together(self, holdings: tuple[int, ...], left: list[int]):
        before = ledgers(treasury_quantities=())
        for i, amount in enumerate((300, 300)):
            before = before.with_leg(f"t{i}", "USDT", Decimal(amount), NOON + i * SECOND)
        after = self.absorb(before, *holdings, declared=Declared())

        assert sum((t.amount for t in after.in_transit), Decimal(0)) == sum(left)

    def test_money_that_leaves_the_treasury_is_not_taken_for_money_that_arrives(self):
        before = self.absorb(ledgers(), 500).with_leg("t0", "USDT", Decimal(300), NOON)
        absorbed = absorb_treasury(before, {"USDT": Decimal(200)}, Declared(), instant(1000))

        assert [t.amount for t in absorbed.ledgers.in_transit] == [300]
        assert [label.code for label in absorbed.labels] == ["treasury_changed"]
