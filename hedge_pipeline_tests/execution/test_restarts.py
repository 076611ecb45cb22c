"""What the pre-trade rules remember is in the store: a process that starts judges as the one that died."""

from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from hedge_pipeline.adapters.state_store import SqlStateStore, open_state_store
from hedge_pipeline.domain.orders import OrderKind
from hedge_pipeline.domain.trading.intents import Answer, Intent, OrderUpdate
from hedge_pipeline.domain.trading.readings import FillOrigin, LedgerFill
from hedge_pipeline.domain.trading.risk_events import risk_state_of
from hedge_pipeline.domain.trading_risk_state import (
    TradingEventKind,
    TradingRiskState,
    breaker_is_open,
    last,
    submissions,
)
from hedge_pipeline.execution import reduce
from hedge_pipeline_tests.domain.trading_examples import LONG
from hedge_pipeline_tests.domain.trading_limit_examples import LIMITS
from hedge_pipeline_tests.examples import NOON
from hedge_pipeline_tests.execution.desks import STRATEGY, DeskStage, staged
from hedge_pipeline_tests.fakes_orders import Fault


def remembered(url: str, stage: DeskStage) -> TradingRiskState:
    """By a process that knows nothing but the store."""
    with closing(open_state_store(url, create=False)) as store:
        return risk_state_of(
            stage.account,
            store.rows(Intent, stage.account),
            store.rows(OrderUpdate, stage.account),
            store.rows(LedgerFill, stage.account),
            LIMITS,
        )


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/state.sqlite"


@pytest.fixture
def started(url: str):
    with closing(open_state_store(url, create=True)) as store:
        yield staged(store)


@pytest.mark.finding("X-10")
@pytest.mark.finding("S3-RISK-4")
def test_an_open_breaker_stays_open_after_a_restart(url: str, started: DeskStage):
    answers = iter([Fault.REFUSED, Fault.HELD_BACK, Fault.REFUSED])
    started.venue.fault = lambda request, _: next(answers) if request == "place" else None

    updates = started.open([started.entry(level) for level in (1, 2, 3)])

    assert [update.answer for update in updates] == [Answer.REJECTED, Answer.DENIED, Answer.REJECTED]
    state, now = remembered(url, started), started.clock.now()
    assert breaker_is_open(state, now)
    assert not breaker_is_open(state, now + LIMITS.breaker.cooldown)


@pytest.mark.finding("X-8")
@pytest.mark.finding("X-10")
def test_rates_count_what_was_submitted_once_after_a_restart(url: str, started: DeskStage):
    """Lost answers, look-ups, refusals of the venue and cancellations are no submissions of their own; denials are none."""
    rested, lost, refused, held = (started.entry(level) for level in (1, 2, 3, 4))
    faults = {
        lost.order.client_order_id: Fault.ANSWER_LOST,
        refused.order.client_order_id: Fault.REFUSED,
        held.order.client_order_id: Fault.HELD_BACK,
    }
    started.venue.fault = lambda request, id_: faults.get(id_) if request == "place" else None
    started.open([rested, lost, refused, held])
    started.open([rested, lost])
    started.settle_what_is_unknown()

    state, now = remembered(url, started), started.clock.now()
    assert submissions(state, LIMITS.symbol_rate, now, "BTCUSDT") == 3 == len(started.venue.submitted)
    assert submissions(state, LIMITS.burst, now + LIMITS.burst.window) == 0


@pytest.mark.finding("X-10")
def test_the_cooldown_after_a_stop_holds_after_a_restart(url: str, started: DeskStage):
    started.venue.held["BTCUSDT", LONG] = Decimal("0.002")
    stop = started.exit(OrderKind.STOP_LOSS, "0.002", 97_000)
    reduce(
        started.desk,
        [stop],
        positions=started.venue.positions,
        resting=[],
        strategy=STRATEGY,
        cycle=NOON,
    )
    started.clock.pass_by(timedelta(days=3).total_seconds())
    started.venue.fill(stop.client_order_id)
    _keep_fills(started, started.store)

    assert last(remembered(url, started), TradingEventKind.STOP_FILLED) == started.clock.now()


def _keep_fills(stage: DeskStage, store: SqlStateStore) -> None:
    names = {key: order.client_order_id for key, order in stage.venue.orders.items()}
    store.append_new_fills(
        [
            LedgerFill(
                account=fill.account,
                symbol=fill.symbol,
                fill_id=fill.fill_id,
                venue_order_id=fill.venue_order_id,
                side=fill.side,
                position_side=fill.position_side,
                price=fill.price,
                quantity=fill.quantity,
                realized_pnl=fill.realized_pnl,
                commission=fill.commission,
                commission_asset=fill.commission_asset,
                maker=fill.maker,
                filled_at=fill.filled_at,
                recorded_at=fill.recorded_at,
                client_order_id=names[fill.venue_order_id],
                origin=FillOrigin.OURS,
            )
            for fill in stage.venue.fills
        ]
    )
