"""Exits follow the position: whatever filled, by whoever's order, each open side has its stops, to the last unit."""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.client_order_ids import recognize
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.market_data import Fill
from hedge_pipeline.domain.trading.exit_cover import Adoption
from hedge_pipeline.domain.trading.intents import Answer, Intent, OrderUpdate
from hedge_pipeline.domain.trading.readings import FillOrigin, LedgerFill
from hedge_pipeline.domain.verdicts import Incident, TradingState
from hedge_pipeline_tests.cycle.guarded import BTC, LONG, SHORT, ZERO, Guarded, guarded
from hedge_pipeline_tests.fakes_orders import Fault

T = TypeVar("T")
SIDES = (LONG, SHORT)


@pytest.fixture
def fund(tmp_path: Path) -> Guarded:
    return guarded(tmp_path / "fund")


@pytest.mark.finding("X-19")
@pytest.mark.parametrize("held", SIDES)
def test_a_partial_fill_is_covered_and_so_is_the_rest_of_it(fund: Guarded, held: PositionSide):
    name = fund.enters(1, "0.005", held)
    fund.book.fill(name, Decimal("0.002"))
    fund.stage.clock.pass_by(1)
    fund.tick()
    fund.is_covered(held)
    assert fund.stops(held) == Decimal("0.002")


@pytest.mark.finding("X-19")
def test_a_second_fill_of_the_same_level_is_covered_at_its_own_prices(fund: Guarded):
    fund.takes(1, "0.002")
    fund.tick()
    fund.takes(1, "0.003")
    fund.tick()

    fund.is_covered()
    assert fund.stops() == Decimal("0.005")


def test_the_lot_of_a_rung_is_left_where_its_intent_says(fund: Guarded):
    name = fund.takes(2)
    fund.tick()
    intent = fund.fund.store.latest(Intent, "main", client_order_id=name)

    assert intent is not None
    assert intent.stop_loss_price is not None
    (stop,) = [each for each in fund.ours() if each.quantity and each.stop_price]
    (target,) = [each for each in fund.ours() if each.stop_price is None]
    assert stop.stop_price is not None
    assert 0 <= stop.stop_price - intent.stop_loss_price < 1
    assert target.limit_price is not None
    assert intent.take_profit_price is not None
    assert 0 <= target.limit_price - intent.take_profit_price < 1


@pytest.mark.parametrize("is_stop", [True, False])
def test_when_one_twin_fills_the_other_goes_within_one_cycle(fund: Guarded, *, is_stop: bool):
    fund.takes(1, "0.002")
    fund.takes(2, "0.003")
    fund.tick()
    twin = next(
        each for each in fund.ours()
        if each.quantity == Decimal("0.002") and (each.stop_price is not None) is is_stop
    )  # fmt: skip
    fund.book.fill(twin.client_order_id)
    fund.tick()

    fund.is_covered()
    assert [each.quantity for each in fund.ours() if each.quantity] == [Decimal("0.003")] * 2


def test_a_closed_position_leaves_nothing_behind_and_the_next_one_starts_anew(fund: Guarded):
    fund.takes(1, "0.002")
    fund.takes(3, "0.003")
    fund.tick()
    fund.somebody("-0.005")
    fund.tick()
    assert fund.ours() == []

    fund.takes(2, "0.004")
    fund.tick()
    fund.is_covered()
    levels = {recognize(each.client_order_id, fund.own_book).name.level for each in fund.ours()}  # type: ignore[union-attr]
    assert levels == {0, 2}


def test_positions_that_are_not_known_leave_what_rests(fund: Guarded):
    fund.takes(1)
    fund.tick()
    before = fund.changes()
    fund.stage.venue.failing["positions"] = "no answer"
    cover = fund.tick()

    assert fund.changes() == before
    assert cover.as_of is None
    assert "positions are not known" in str(cover.problem)


def test_balances_are_not_needed_for_a_stop(fund: Guarded):
    fund.stage.venue.failing["balances"] = "no answer"
    fund.stage.venue.failing["modes"] = "no answer"
    fund.takes(1)
    fund.tick()

    fund.is_covered()


def test_fills_are_not_needed_for_a_stop(fund: Guarded):
    def silent(symbol: str, after: str | None, since: datetime) -> tuple[Fill, ...]:
        raise SourceUnavailable("fills", "no answer")

    fund.fund = replace(fund.fund, trading=replace(fund.fund.trading, adopt_all=False))
    fund.book.read_fills = silent  # type: ignore[method-assign]
    fund.takes(1)
    cover = fund.tick()

    assert cover.problem is None
    assert cover.sides[0].stop_quantity == Decimal("0.002")
    assert cover.sides[0].has_backstop


def test_a_position_nobody_adopted_is_told_and_left_alone(fund: Guarded):
    fund.fund = replace(fund.fund, trading=replace(fund.fund.trading, adopt_all=False))
    fund.somebody("0.01")
    cover = fund.tick()

    assert fund.changes() == []
    (side,) = cover.sides
    assert side.position_quantity == Decimal("0.01")
    assert str(side.problem).startswith("position_not_adopted")
    assert fund.fund.store.rows(Adoption, "main") == []


def test_paper_adopts_what_it_finds_and_says_so(fund: Guarded):
    fund.somebody("0.01")
    fund.somebody("0.02", SHORT)
    fund.tick()

    rows = fund.fund.store.rows(Adoption, "main")
    assert [(row.actor, row.adopted, row.long_quantity, row.short_quantity) for row in rows] == [
        ("paper", True, Decimal("0.01"), 0),
        ("paper", True, 0, Decimal("0.02")),
    ]
    for held in SIDES:
        fund.is_covered(held)
    fund.tick()
    assert len(fund.fund.store.rows(Adoption, "main")) == 2


def adoption(fund: Guarded, *, adopted: bool, quantity: str) -> Adoption:
    return Adoption(
        account="main", symbol=BTC, recorded_at=fund.fund.clock.now(), adopted=adopted,
        long_quantity=Decimal(quantity), short_quantity=ZERO, fills_before=fund.fund.now(),
        actor="ana", reason="a test",
    )  # fmt: skip


def test_what_a_person_adopted_gets_exits_at_the_rest_distance(fund: Guarded):
    fund.fund = replace(fund.fund, trading=replace(fund.fund.trading, adopt_all=False))
    fund.somebody("0.01")
    fund.fund.store.append(adoption(fund, adopted=True, quantity="0.01"))
    fund.tick()

    fund.is_covered()
    stop = next(each for each in fund.ours() if each.quantity and each.stop_price)
    assert stop.stop_price == 50_000 * (1 - fund.fund.trading.rest_stop_distance)


def test_what_a_person_refused_is_counted_and_left_and_ours_beside_it_is_covered(fund: Guarded):
    fund.fund = replace(fund.fund, trading=replace(fund.fund.trading, adopt_all=False))
    fund.somebody("0.01")
    fund.fund.store.append(adoption(fund, adopted=False, quantity="0.01"))
    fund.stage.clock.pass_by(1)
    fund.takes(1, "0.002")
    cover = fund.tick()

    assert cover.sides[0].position_quantity == Decimal("0.012")
    assert fund.stops() == Decimal("0.002")
    assert fund.backstops() == 0, "it would close what is to be left alone"
    before = fund.changes()
    fund.tick()
    assert fund.changes() == before


def test_a_liquidation_latches_once_and_not_again_after_rearming(fund: Guarded):
    fund.beats()
    fund.takes(1, "0.004")
    entry = fund.enters(2)
    fund.tick()
    fund.somebody("-0.003", name="autoclose-")
    cover = fund.tick()

    (latch,) = fund.fund.store.rows(Incident, "main", reason="liquidated")
    assert (latch.latched, latch.ceiling, latch.closed_at) == (True, TradingState.HALTED, None)
    assert cover.canceled_entries == (entry,)
    fund.is_covered()
    fund.stage.rearm()
    fund.tick()
    assert len(fund.fund.store.rows(Incident, "main", reason="liquidated")) == 1
    fund.somebody("-0.001", name="autoclose-")
    fund.tick()
    assert len(fund.fund.store.rows(Incident, "main", reason="liquidated")) == 2


def test_deleveraging_reduces_for_a_while(fund: Guarded):
    fund.beats()
    fund.takes(1, "0.004")
    fund.tick()
    fund.somebody("-0.001", name="adl_autoclose-")
    fund.tick()

    (incident,) = fund.fund.store.open_incidents("main")
    assert (incident.reason, incident.ceiling, incident.latched) == (
        "deleveraged", TradingState.REDUCING, False,
    )  # fmt: skip
    fund.is_covered()
    fund.tick(seconds=3601)
    assert "deleveraged" not in {each.reason for each in fund.fund.store.open_incidents("main")}


def test_a_settlement_is_told_and_closes_nothing_else(fund: Guarded):
    fund.takes(1, "0.004")
    fund.tick()
    fund.somebody("-0.004", name="settlement_autoclose-")
    fund.tick()

    (incident,) = fund.fund.store.open_incidents("main")
    assert (incident.reason, incident.ceiling) == ("settled", None)


def test_every_fill_tells_whose_it_was(fund: Guarded):
    ours = fund.takes(1)
    fund.somebody("0.001")
    fund.somebody("-0.001", name="autoclose-")
    fund.tick()

    rows = fund.fund.store.rows(LedgerFill, "main")
    assert [row.origin for row in rows] == [FillOrigin.OURS, FillOrigin.FOREIGN, FillOrigin.LIQUIDATION]
    assert rows[0].client_order_id == ours


def test_a_fill_whose_order_nobody_could_name_is_named_later(fund: Guarded):
    real = fund.book.name_of

    def silent(venue_order_id: str, symbol: str) -> str | None:
        raise SourceUnavailable("order", "no answer")

    fund.book.name_of = silent  # type: ignore[method-assign]
    fund.somebody("0.001")
    fund.tick()
    assert [row.origin for row in fund.fund.store.rows(LedgerFill, "main")] == [FillOrigin.UNKNOWN]
    fund.book.name_of = real  # type: ignore[method-assign]
    fund.tick()
    assert [row.origin for row in fund.fund.store.rows(LedgerFill, "main")] == [FillOrigin.FOREIGN]


def test_hedge_mode_that_is_switched_off_latches(fund: Guarded):
    fund.tick()
    fund.stage.venue.hedge_mode = False
    fund.tick()

    (incident,) = fund.fund.store.open_incidents("main")
    assert (incident.reason, incident.ceiling) == ("mode_flipped", TradingState.HALTED)
    assert "hedge mode was on and is off" in incident.message


def test_a_stop_that_is_refused_keeps_the_one_it_would_replace(fund: Guarded):
    fund.takes(1, "0.002")
    fund.tick()
    fund.takes(1, "0.002")
    fund.book.fault = lambda request, _: Fault.REFUSED if request == "place" else None
    cover = fund.tick()

    assert fund.stops() == Decimal("0.002")
    assert "rejected" in str(cover.sides[0].problem)
    fund.book.fault = lambda request, _: None
    fund.tick()
    fund.is_covered()


@pytest.mark.finding("S3-HEDGE-3")
def test_every_exit_bears_its_book_its_side_and_a_name_of_its_own(fund: Guarded):
    fund.takes(1)
    fund.takes(1, held=SHORT)
    fund.tick()
    fund.takes(1)
    fund.tick()

    exits = [order for order in fund.book.submitted if order.reduces_position]
    assert max(Counter(order.client_order_id for order in fund.book.submitted).values()) == 1
    for order in exits:
        name = recognize(order.client_order_id, fund.own_book).name
        assert name is not None
        assert (name.kind, name.position_side) == (order.kind, order.position_side)


def test_an_exit_that_is_still_on_its_way_is_not_sent_twice(fund: Guarded):
    fund.takes(1)
    fund.book.fault = lambda request, _: Fault.LATE if request == "place" else None
    fund.tick()
    fund.book.fault = lambda request, _: None
    sent = len(fund.book.submitted)
    cover = fund.tick(seconds=1)

    assert len(fund.book.submitted) == sent
    assert cover.sides[0].stop_quantity == 0, "what the venue has not acknowledged covers nothing"
    fund.tick(seconds=3)
    fund.is_covered()
    assert len(fund.book.submitted) == sent


@pytest.mark.finding("S3-HEDGE-3")
def test_exits_that_are_placed_anew_within_a_second_have_names_of_their_own(fund: Guarded):
    fund.takes(1, "0.002")
    fund.tick()
    fund.takes(1, "0.003")
    fund.tick(seconds=0)
    fund.takes(1, "0.001")
    fund.tick(seconds=0)

    fund.is_covered()
    assert fund.stops() == Decimal("0.006")


def test_a_take_profit_waits_until_the_one_it_replaces_is_gone(fund: Guarded):
    fund.takes(1, "0.002")
    fund.tick()
    fund.takes(1, "0.003")
    fund.book.fault = lambda request, _: Fault.REQUEST_LOST if request == "cancel" else None
    cover = fund.tick()

    assert fund.take_profits() == Decimal("0.002")
    assert "not confirmed as canceled" in str(cover.sides[0].problem)
    assert not [row for row in fund.fund.store.rows(OrderUpdate, "main") if row.answer is Answer.DENIED]
    fund.book.fault = lambda request, _: None
    fund.tick()
    fund.is_covered()
    assert fund.take_profits() == Decimal("0.005")
