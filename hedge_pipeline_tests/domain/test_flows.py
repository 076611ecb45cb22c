"""Which change of a balance is a flow, what it is called, and who announced it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.adapters.ccxt_venue.income import KNOWN_TYPES
from hedge_pipeline.domain.flows import (
    INCOME_KINDS,
    IncomeKind,
    flow_key,
    matching_instruction,
    residual_key,
)
from hedge_pipeline_tests.examples import NOON, SECOND, income_row, instruction

MILLISECOND = timedelta(milliseconds=1)


@given(st.integers(min_value=0, max_value=4 * 10**12))
def test_a_flow_key_carries_the_venues_own_milliseconds(stamp: int):
    """Through a float, one stamp in a few would come out a millisecond early and meet its neighbor."""
    row = income_row(
        occurred_at=NOON - (NOON - NOON.replace(year=1970, month=1, day=1, hour=0)) + stamp * MILLISECOND
    )

    assert flow_key(row).rsplit(":", 1)[1] == str(stamp)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("income_type", "TRANSFER"),
        ("tran_id", "2"),
        ("trade_id", "3"),
        ("asset", "BNB"),
        ("symbol", "BTCUSDT"),
        ("occurred_at", NOON + MILLISECOND),
    ],
)
def test_rows_that_differ_in_one_part_of_their_key_are_two(field: str, value: Any):
    row = income_row(occurred_at=NOON)
    changed: dict[str, Any] = {"occurred_at": NOON, field: value}

    assert flow_key(row) != flow_key(income_row(**changed))


def test_what_is_not_part_of_the_key_makes_no_second_row():
    assert flow_key(income_row(info="a", recorded_at=NOON)) == flow_key(income_row(info="b"))


def test_a_residual_is_named_by_asset_amount_and_beginning():
    key = residual_key("USDT", NOON, Decimal("-50.00000000"))

    assert key == residual_key("USDT", NOON, Decimal("-5E+1"))
    assert key != residual_key("USDT", NOON, Decimal("-50.00000001"))
    assert key != residual_key("USDT", NOON + SECOND, Decimal(-50))
    assert key != residual_key("BNB", NOON, Decimal(-50))


def test_every_type_the_venue_reader_knows_has_a_meaning_or_fails_visibly():
    """Options settle in this wallet too; what they mean for performance is undecided, so they halt."""
    assert set(KNOWN_TYPES) - set(INCOME_KINDS) == {"OPTIONS_PREMIUM_FEE", "OPTIONS_SETTLE_PROFIT"}


@pytest.mark.parametrize(
    ("income_type", "kind"),
    [
        ("TRANSFER", IncomeKind.FLOW),
        ("INTERNAL_TRANSFER", IncomeKind.FLOW),
        ("INSURANCE_CLEAR", IncomeKind.PERFORMANCE),
        ("REALIZED_PNL", IncomeKind.PERFORMANCE),
        ("COIN_SWAP_DEPOSIT", IncomeKind.CONVERSION),
        ("AUTO_EXCHANGE", IncomeKind.CONVERSION),
    ],
)
def test_transfers_are_flows_and_conversions_are_not(income_type: str, kind: IncomeKind):
    assert INCOME_KINDS[income_type] is kind


class TestAnInstruction:
    def match(self, *registered: Any, spent: frozenset[str] = frozenset(), **flow: Any) -> str | None:
        asked: dict[str, Any] = {"asset": "USDT", "amount": Decimal(-100), "at": NOON} | flow
        found = matching_instruction(registered, spent, **asked)
        return found.instruction_id if found else None

    def test_announces_exactly_one_flow(self):
        first, second = instruction(-100, instruction_id="a"), instruction(-100, instruction_id="b")

        assert self.match(first, second) == "a"
        assert self.match(first, second, spent=frozenset("a")) == "b"
        assert self.match(first, second, spent=frozenset("ab")) is None

    @pytest.mark.parametrize(
        ("other", "matches"),
        [
            ({}, True),
            ({"amount": Decimal("-100.00000001")}, True),
            ({"amount": Decimal("-100.00000002")}, False),
            ({"amount": Decimal(100)}, False),
            ({"asset": "USDC"}, False),
            ({"at": NOON - 3600 * SECOND}, True),
            ({"at": NOON - 3601 * SECOND}, False),
            ({"at": NOON + timedelta(days=1)}, True),
            ({"at": NOON + timedelta(days=1) + SECOND}, False),
        ],
    )
    def test_matches_by_amount_asset_and_window(self, other: dict[str, Any], *, matches: bool):
        assert self.match(instruction(-100, instruction_id="a"), **other) == ("a" if matches else None)
