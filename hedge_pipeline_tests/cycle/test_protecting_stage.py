"""What may act on what, by the venue's own books: the real adapters over HTTP, one source of the venue silent at a time."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import pytest

from hedge_pipeline import cycle
from hedge_pipeline.cycle.desks import desk_of
from hedge_pipeline.cycle.order_reading import read_fills, read_orders, read_terms
from hedge_pipeline.cycle.protecting import protect
from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.client_order_ids import OrderName, Owner, client_order_id, recognize
from hedge_pipeline.domain.orders import (
    KnownOrder,
    NewOrder,
    OrderKind,
    OrderType,
    TimeInForce,
    opening_side,
)
from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.domain.trading.fresh_inputs import NEEDS, Action, Source
from hedge_pipeline.domain.trading.intents import Intent
from hedge_pipeline.domain.trading.readings import FillOrigin, LedgerFill
from hedge_pipeline.domain.verdicts import TradingState
from hedge_pipeline.execution.sending import send
from hedge_pipeline.operations.halting import halt
from hedge_pipeline.paper.control import ControlRefused
from hedge_pipeline.paper.seed import AccountSeed
from hedge_pipeline_tests.stage import Stage, staged

BTC = "BTCUSDT"
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
ZERO = Decimal(0)
FLAT = AccountSeed(balances={"USDT": Decimal(100_000)}, positions=())


@dataclass
class Theater:
    """A stage with a protection cycle of its own."""

    stage: Stage
    level: int = 0

    def mark(self) -> Decimal:
        reading = self.stage.fund.venue.read_marks((), ("USDT",))
        assert reading.marks is not None
        return next(mark.mark_price for mark in reading.marks if mark.symbol == BTC)

    def enters(self, distance: str, quantity: str = "0.01", held: PositionSide = LONG) -> str:
        """An entry so far behind mark; below 0 it fills at once."""
        fund = self.stage.fund
        self.level += 1
        book = fund.trading.book(fund.store.store_id, "main", BTC)
        price = self.mark() * (1 - held.sign * Decimal(distance))
        price = price.quantize(Decimal("0.1"), ROUND_DOWN)
        order = NewOrder(
            client_order_id=client_order_id(
                book,
                OrderName(
                    kind=OrderKind.ENTRY,
                    position_side=held,
                    level=self.level,
                    cycle=fund.now().replace(microsecond=0),
                    attempt=0,
                ),
            ),
            symbol=BTC,
            kind=OrderKind.ENTRY,
            side=opening_side(held),
            position_side=held,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            quantity=Decimal(quantity),
            limit_price=price,
            stop_price=None,
        )
        intent = Intent(
            account="main",
            client_order_id=order.client_order_id,
            symbol=BTC,
            strategy=book.strategy,
            recorded_at=fund.clock.now(),
            cycle=fund.now(),
            decided_at=fund.now(),
            order=order,
            take_profit_price=price * (1 + held.sign * Decimal("0.03")),
            stop_loss_price=price * (1 - held.sign * Decimal("0.05")),
        )
        fund.store.append(intent)
        (update,) = send(desk_of(fund), [intent], 1)
        assert update.status is not None, update.message
        return order.client_order_id

    def tick(self, seconds: float = 10) -> ExitCover:
        self.stage.clock.pass_by(timedelta(seconds=seconds))
        cycle.read_account(self.stage.fund)
        read_orders(self.stage.fund)
        read_fills(self.stage.fund)
        return protect(self.stage.fund)

    def rests(self) -> list[KnownOrder]:
        """By the venue's own books."""
        reading = self.stage.fund.orders.read_orders()
        assert reading.orders is not None, reading.sources
        return list(reading.orders)

    def entries(self) -> list[str]:
        return [order.client_order_id for order in self.rests() if not order.reduces_position]

    def stops(self, held: PositionSide = LONG) -> list[KnownOrder]:
        book = self.stage.fund.trading.book(self.stage.fund.store.store_id, "main", BTC)
        return [
            order
            for order in self.rests()
            if order.stop_price is not None
            and order.position_side is held
            and recognize(order.client_order_id, book).owner is Owner.OURS
        ]

    def position(self, held: PositionSide = LONG) -> Decimal:
        reading = self.stage.fund.venue.read_account()
        assert reading.positions is not None
        return sum(
            (p.quantity for p in reading.positions if (p.symbol, p.position_side) == (BTC, held)), ZERO
        )

    def is_covered(self, held: PositionSide = LONG) -> None:
        position, rests = self.position(held), self.rests()
        stops = self.stops(held)
        targets = [
            o for o in rests if o.stop_price is None and o.reduces_position and o.position_side is held
        ]
        assert sum((o.remaining_quantity for o in stops), ZERO) == position
        assert sum((o.remaining_quantity for o in targets), ZERO) <= position
        assert sum(1 for o in stops if not o.quantity) == (1 if position else 0)


@pytest.fixture
def theater(tmp_path: Path) -> Iterator[Theater]:
    with staged(tmp_path / "fund", account=FLAT) as stage:
        sending = replace(stage.fund.trading.sending, lookups=1)
        stage.fund = replace(stage.fund, trading=replace(stage.fund.trading, sending=sending))
        assert stage.beat(4).state is TradingState.ACTIVE
        yield Theater(stage)


@pytest.mark.finding("X-19", "S3-LIFE-R")
@pytest.mark.parametrize("held", [LONG, SHORT])
def test_an_entry_rests_fills_is_covered_and_leaves_by_its_stop(theater: Theater, held: PositionSide):
    theater.enters("0.10", held=held)
    name = theater.enters("-0.001", held=held)
    cover = theater.tick()

    theater.is_covered(held)
    assert len(theater.entries()) == 1
    assert cover.armed == (BTC,)
    assert cover.problem is None
    (fill,) = {row.client_order_id for row in theater.stage.fund.store.rows(LedgerFill, "main")}
    assert fill == name

    halt(theater.stage.fund, actor="ana", reason="a test")
    cover = theater.tick()
    assert theater.entries() == []
    assert cover.armed == ()
    theater.is_covered(held)

    theater.stage.control.move_price(BTC, "0.90" if held is LONG else "1.10")
    theater.tick()
    cover = theater.tick()
    assert theater.position(held) == 0
    assert theater.rests() == []
    origins = {row.origin for row in theater.stage.fund.store.rows(LedgerFill, "main")}
    assert origins == {FillOrigin.OURS}
    assert cover.sides == ()


PATHS = {
    Source.POSITIONS: ("/fapi/v3/positionRisk",),
    Source.ORDERS: ("GET /fapi/v1/openOrders",),
    Source.INSTRUMENTS: ("/fapi/v1/exchangeInfo",),
    Source.MARKS: ("/fapi/v1/premiumIndex",),
    Source.BALANCES: ("/fapi/v3/account",),
    Source.INCOME: ("/fapi/v1/income",),
    Source.PRICES: ("/fapi/v1/assetIndex", "/api/v3/ticker/price", "/api/v3/simple/price"),
}
"""Where each source is asked for. What is left of the table is made of these."""
OTHER_PATHS = {
    "conditionals": "GET /fapi/v1/openAlgoOrders",
    "fills": "/fapi/v1/userTrades",
    "modes": "/fapi/v1/accountConfig",
    "symbol configs": "/fapi/v1/symbolConfig",
    "look-ups": "GET /fapi/v1/order",
}


def silenced(theater: Theater, *paths: str) -> None:
    for path in paths:
        theater.stage.control.set_fault(path, "respond", status=500, body="")


@pytest.mark.long
@pytest.mark.parametrize("source", [*PATHS, *OTHER_PATHS], ids=str)
def test_what_each_silent_source_takes_away_is_what_the_table_says(theater: Theater, source: Source | str):
    theater.enters("-0.001")
    theater.tick()
    theater.is_covered()
    theater.enters("0.10")
    for stop in theater.stops():
        theater.stage.fund.orders.cancel([stop])
    halt(theater.stage.fund, actor="ana", reason="a test")
    silenced(theater, *(PATHS[source] if isinstance(source, Source) else (OTHER_PATHS[source],)))
    cover = theater.tick()
    theater.stage.control.clear_faults()

    assert theater.entries() == [], "nothing gates a cancellation"
    needs_it = source == "conditionals" or source in NEEDS[Action.PLACE_STOP] - {Source.INSTRUMENTS}
    assert len(theater.stops()) == (0 if needs_it else 2)
    assert (cover.problem is not None) is needs_it or source in {"fills", "look-ups"}
    theater.tick()
    theater.is_covered()


@pytest.mark.long
def test_with_every_list_silent_our_entries_go_all_the_same(theater: Theater):
    theater.enters("0.10")
    theater.enters("0.11", held=SHORT)
    theater.tick()
    silenced(theater, *(path for paths in PATHS.values() for path in paths), *OTHER_PATHS.values())
    theater.tick(seconds=100)
    theater.stage.control.clear_faults()

    assert theater.entries() == []


@pytest.mark.parametrize(
    "endpoint", ["POST /fapi/v1/order", "POST /fapi/v1/algoOrder", "DELETE /fapi/v1/order"]
)
def test_an_answer_that_is_lost_leaves_no_second_exit(theater: Theater, endpoint: str):
    theater.enters("-0.001")
    theater.tick()
    theater.enters("-0.001", "0.02")
    theater.stage.control.set_fault(endpoint, "lose_answer", times=1)
    theater.tick()
    theater.stage.control.clear_faults()
    theater.tick(seconds=11)
    theater.tick(seconds=11)

    theater.is_covered()
    before = theater.rests()
    theater.tick()
    assert theater.rests() == before


def test_a_countdown_that_fires_while_nobody_looks_is_made_good_stops_first(theater: Theater):
    theater.enters("-0.001")
    theater.enters("0.10")
    theater.tick()
    theater.stage.clock.pass_by(timedelta(seconds=61))
    assert theater.rests() == [], "the worst case: it takes everything"
    theater.tick()

    theater.is_covered()


def test_a_liquidation_at_the_venue_is_known_by_its_name(theater: Theater):
    theater.enters("-0.001")
    theater.tick()
    theater.stage.control.deleverage(BTC, "LONG", "0.004")
    theater.tick()

    theater.is_covered()
    assert theater.position() == Decimal("0.006")
    (incident,) = [i for i in theater.stage.fund.store.open_incidents("main") if i.reason == "deleveraged"]
    assert incident.ceiling is TradingState.REDUCING


def test_a_margin_type_that_somebody_changes_latches(theater: Theater):
    read_terms(theater.stage.fund)
    venue = theater.stage.fund.orders
    assert venue.set_leverage(BTC, 20) is None
    theater.stage.clock.pass_by(timedelta(seconds=1))
    read_terms(theater.stage.fund)
    theater.tick()

    (incident,) = [i for i in theater.stage.fund.store.open_incidents("main") if i.latched]
    assert incident.reason == "mode_flipped"
    assert "leverage was 10 and is 20" in incident.message


def test_somebody_elses_close_is_followed_in_the_same_cycle(theater: Theater):
    theater.enters("-0.001", "0.02")
    theater.tick()
    with suppress(ControlRefused):
        theater.stage.control.place_order(
            symbol=BTC, side="SELL", positionSide="LONG", type="MARKET", quantity="0.005"
        )
    theater.tick()

    assert theater.position() == Decimal("0.015")
    theater.is_covered()
