"""A trading fund on a stage: time passes in protection cycles and valuations, and each bar that closes is traded."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund, planning
from hedge_pipeline.cycle.executing import execute_plans
from hedge_pipeline.cycle.order_reading import read_fills, read_orders, read_terms
from hedge_pipeline.cycle.protecting import protect
from hedge_pipeline.domain.client_order_ids import Owner, recognize
from hedge_pipeline.domain.orders import KnownOrder
from hedge_pipeline.domain.trading.authority import RunAuthority
from hedge_pipeline.domain.trading.bars import cycle_at
from hedge_pipeline.domain.trading.executing import Execution
from hedge_pipeline.domain.trading.plans import LadderRow, PlanRow
from hedge_pipeline.paper.seed import AccountSeed
from hedge_pipeline_tests.stage import Stage, staged

BTC = "BTCUSDT"
MINUTE = timedelta(minutes=1)
FLAT = AccountSeed(balances={"USDT": Decimal(100_000)}, positions=())


@dataclass
class Turns:
    """What a test drives."""

    stage: Stage
    fund: Fund
    executions: list[Execution] = field(default_factory=list)

    def tick(self, seconds: float = 10) -> None:
        """A while, and a protection cycle."""
        self.stage.clock.pass_by(timedelta(seconds=seconds))
        cycle.read_account(self.fund)
        read_orders(self.fund)
        read_fills(self.fund)
        protect(self.fund)

    def bar(self) -> Execution:
        """Until the next bar has closed, and trade it."""
        self.wait()
        return self.trade()

    def wait(self) -> None:
        """Until the next bar has closed, valued twice on the way."""
        end = cycle_at(self.fund.now(), MINUTE) + MINUTE
        while self.fund.now() < end:
            self.tick()
            if self.fund.now().second % 30 == 0:
                cycle.run_cycle(self.fund)

    def plan(self) -> PlanRow:
        """Everything of a trading run but the sending."""
        planning.read_candles(self.fund)
        planning.read_regimes(self.fund)
        read_terms(self.fund)
        planning.plan_ladders(self.fund)
        return planning.plan_orders(self.fund)[0]

    def trade(self) -> Execution:
        self.plan()
        return self.execute()

    def execute(self, **run: Any) -> Execution:
        self.executions.append(execute_plans(self.fund, self.authority(**run)))
        return self.executions[-1]

    def authority(self, **changes: Any) -> RunAuthority:
        fields: dict[str, Any] = {
            "run_id": "1",
            "job_name": "trading_job",
            "launched_at": self.fund.clock.now(),
            "repeats": None,
        }
        return RunAuthority(**{**fields, **changes})

    @property
    def entries(self) -> list[KnownOrder]:
        """Opening orders of ours on the venue's own books."""
        book = self.fund.trading.book(self.fund.store.store_id, "main", BTC)
        orders = self.fund.orders.read_orders().orders
        assert orders is not None
        return [
            order
            for order in orders
            if not order.reduces_position and recognize(order.client_order_id, book).owner is Owner.OURS
        ]

    @property
    def ladder(self) -> LadderRow:
        row = self.fund.store.latest(LadderRow, "main", symbol=BTC)
        assert row is not None
        return row


@contextmanager
def turns(home: Path, **how: Any) -> Iterator[Turns]:
    """A flat account whose gate is ACTIVE, a bar having just closed."""
    with staged(home, **{"account": FLAT, **how}) as stage:
        found = Turns(stage=stage, fund=stage.fund)
        stage.beat(4)
        found.tick(0)
        yield found
