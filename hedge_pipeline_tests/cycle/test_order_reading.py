"""Reading fills: whoever executed, on whatever symbol, the ledger has it."""

from datetime import timedelta
from pathlib import Path

from hedge_pipeline import cycle
from hedge_pipeline.cycle.order_reading import read_fills, read_orders
from hedge_pipeline.domain.trading.readings import FillOrigin, LedgerFill
from hedge_pipeline_tests.cycle.turns import FLAT
from hedge_pipeline_tests.stage import Stage, staged

SOL = "SOLUSDT"


def seen(stage: Stage) -> None:
    """What a protection cycle reads."""
    stage.clock.pass_by(timedelta(seconds=10))
    cycle.read_account(stage.fund)
    read_orders(stage.fund)
    read_fills(stage.fund)


def test_a_position_that_came_and_went_between_two_readings_is_in_the_ledger(tmp_path: Path) -> None:
    """Of a symbol nobody trades: only the order that rested there told that something might happen."""
    with staged(tmp_path, account=FLAT) as stage:
        seen(stage)
        stage.control.place_order(
            symbol=SOL,
            side="BUY",
            positionSide="LONG",
            type="LIMIT",
            timeInForce="GTC",
            quantity="2",
            price="120",
        )
        seen(stage)
        stage.control.move_price(SOL, "0.75")
        stage.clock.pass_by(timedelta(seconds=3))
        stage.control.place_order(symbol=SOL, side="SELL", positionSide="LONG", type="MARKET", quantity="2")
        seen(stage)

        rows = stage.fund.store.rows(LedgerFill, "main", symbol=SOL)
        made = [str(trade.trade_id) for trade in stage.venue.core.trades if trade.symbol == SOL]
        assert len(made) >= 2
        assert sorted(row.fill_id for row in rows) == sorted(made)
        assert {row.origin for row in rows} == {FillOrigin.FOREIGN}
